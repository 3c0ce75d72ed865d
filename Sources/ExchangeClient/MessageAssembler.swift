// From WebSocket frames to messages: fragments are put together within bounds, and what RFC 6455 forbids an exchange
// is found. Pure. It must never give out a message whose end has not come.

internal import Exchange
internal import NIOCore
internal import NIOWebSocket

struct MessageAssembler {
    enum Output: Equatable {
        /// A fragment, or a pong.
        case nothing
        case message([UInt8])
        case ping(ByteBuffer)
        /// Text for people; not yet scrubbed.
        case close(String)
        case violation(StreamLoss)
    }

    private let messageBytesMax: Int
    private let fragmentsMax: Int
    /// What has come of a message that is not yet whole.
    private var started: (bytes: [UInt8], fragments: Int)?

    init(messageBytesMax: Int, fragmentsMax: Int) {
        self.messageBytesMax = messageBytesMax
        self.fragmentsMax = fragmentsMax
    }

    mutating func take(_ frame: WebSocketFrame) -> Output {
        guard frame.maskKey == nil else { return violation("a masked frame") }
        guard !frame.rsv1, !frame.rsv2, !frame.rsv3 else { return violation("an extension that was not agreed on") }
        switch frame.opcode {
        case .text: return begin(frame)
        case .continuation: return goOn(frame)
        case .ping: return .ping(frame.data)
        case .pong: return .nothing
        case .connectionClose: return .close(MessageAssembler.closing(frame.data))
        case .binary: return violation("a binary message")
        default: return violation("an unknown kind of frame")
        }
    }

    private mutating func begin(_ frame: WebSocketFrame) -> Output {
        guard started == nil else { return violation("a message inside another") }
        started = ([], 0)
        return goOn(frame)
    }

    private mutating func goOn(_ frame: WebSocketFrame) -> Output {
        guard var (bytes, fragments) = started else { return violation("a fragment of nothing") }
        guard bytes.count + frame.data.readableBytes <= messageBytesMax else {
            return .violation(StreamLoss(reason: .tooLarge, text: "a message of more than \(messageBytesMax) bytes"))
        }
        fragments += 1
        guard fragments <= fragmentsMax else {
            return .violation(StreamLoss(reason: .tooLarge, text: "a message of more than \(fragmentsMax) fragments"))
        }
        bytes.append(contentsOf: frame.data.readableBytesView)
        started = frame.fin ? nil : (bytes, fragments)
        return frame.fin ? .message(bytes) : .nothing
    }

    private func violation(_ what: String) -> Output {
        .violation(StreamLoss(reason: .notUnderstood, text: what))
    }

    /// "1001 going away"
    private static func closing(_ given: ByteBuffer) -> String {
        var data = given
        guard let code = data.readInteger(as: UInt16.self) else { return "without a code" }
        return "\(code) " + String(buffer: data)
    }
}
