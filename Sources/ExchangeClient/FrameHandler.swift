// One WebSocket connection inside SwiftNIO: frames in, notes for the runner out. It answers pings and the closing
// handshake by itself, and says its end once. It must never read what a message means.

internal import Exchange
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import NIOWebSocket
internal import Records

/// What a connection has to say, in order.
enum ConnectionNote {
    case opened
    /// A frame of whatever kind.
    case heard
    case message([UInt8])
    case ended(StreamLoss)
}

final class FrameHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let note: (ConnectionNote) -> Void
    private var assembler: MessageAssembler
    private var hasEnded = false

    init(messageBytesMax: Int, note: @escaping (ConnectionNote) -> Void) {
        assembler = MessageAssembler(messageBytesMax: messageBytesMax, fragmentsMax: Limits.streamFragmentsMax)
        self.note = note
    }

    /// The handshake is over.
    func handlerAdded(context: ChannelHandlerContext) { note(.opened) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !hasEnded else { return }
        note(.heard)
        switch assembler.take(unwrapInboundIn(data)) {
        case .nothing: return
        case .message(let bytes): note(.message(bytes))
        case .ping(let data): answer(ping: data, context)
        case .close(let text):
            end(StreamLoss(reason: .ended, text: text))
            close(.normalClosure, context)
        case .violation(let loss):
            end(loss)
            close(loss.reason == .tooLarge ? .messageTooLarge : .protocolError, context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(StreamLoss(reason: .lost, text: "the connection ended without a word"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let loss = StreamLoss(connection: error)
        end(loss)
        guard error is NIOWebSocketError else { return context.close(promise: nil) }
        close(loss.reason == .tooLarge ? .messageTooLarge : .protocolError, context)
    }

    private func answer(ping data: ByteBuffer, _ context: ChannelHandlerContext) {
        guard context.channel.isWritable else {
            end(StreamLoss(reason: .notUnderstood, text: "it sends pings and does not take their answers"))
            return context.close(promise: nil)
        }
        let frame = WebSocketFrame(fin: true, opcode: .pong, maskKey: .random(), data: data)
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    }

    private func close(_ code: WebSocketErrorCode, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(.closing(code)), promise: nil)
        context.close(promise: nil)
    }

    private func end(_ loss: StreamLoss) {
        guard !hasEnded else { return }
        hasEnded = true
        note(.ended(loss))
    }
}

extension WebSocketFrame {
    /// Masked, as every frame of a client must be.
    static func closing(_ code: WebSocketErrorCode) -> WebSocketFrame {
        var data = ByteBuffer()
        data.write(webSocketErrorCode: code)
        return WebSocketFrame(fin: true, opcode: .connectionClose, maskKey: .random(), data: data)
    }
}

extension StreamLoss {
    /// Why a connection that was reached did not become a stream, or broke. Its text is not yet scrubbed.
    init(connection error: any Error) {
        let reason: Reason =
            switch error {
            case NIOWebSocketError.invalidFrameLength: .tooLarge
            case is NIOWebSocketError, is HTTPParserError, is NIOHTTPClientUpgradeError: .notUnderstood
            case NIOSSLError.uncleanShutdown: .lost
            case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: .insecure
            default: .lost
            }
        self.init(reason: reason, text: error is ChannelError ? "the connection ended" : "\(error)")
    }

    /// Why a host could not be reached. Its text is not yet scrubbed.
    init(reaching error: any Error) {
        if case ChannelError.connectTimeout = error {
            self.init(reason: .timedOut, text: "the host does not answer")
        } else {
            self.init(reason: .noConnection, text: "\(error)")
        }
    }
}
