// The exchange's end of a user stream, byte by byte, as a test says: the handshake, frames well and badly formed, and
// what the client sends. It lives on its connection's thread in ScriptedServer; every wait has a limit.

import Crypto
import Foundation
import Glibc

final class StreamPeer {
    private let socket: Int32
    let request: ReceivedRequest
    private var buffer: [UInt8] = []

    init(_ socket: Int32, _ request: ReceivedRequest) {
        (self.socket, self.request) = (socket, request)
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// From here on the kernel keeps little of what the client sends.
    func takeLittle() {
        var bytes: Int32 = 2_048
        setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(4))
    }

    // MARK: Out

    /// The end of the handshake, as RFC 6455 computes it.
    var handshake: [UInt8] {
        let key = header("sec-websocket-key") ?? ""
        let digest = Insecure.SHA1.hash(data: Data((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))
        let accept = Data(digest).base64EncodedString()
        let lines = [
            "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Accept: \(accept)",
        ]
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    func header(_ name: String) -> String? {
        let line = request.headerText.split(separator: "\r\n").first { $0.lowercased().hasPrefix(name + ":") }
        return line.map { $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces) }
    }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if sent <= 0 { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }

    func sendByteByByte(_ bytes: [UInt8]) { for byte in bytes { send([byte]) } }

    static func text(_ text: String) -> [UInt8] { frame(0x81, Array(text.utf8)) }

    /// - Parameter first: end mark, reserved bits, kind.
    static func frame(_ first: UInt8, _ payload: [UInt8], mask: [UInt8]? = nil) -> [UInt8] {
        var out = [first]
        let maskBit: UInt8 = mask == nil ? 0 : 0x80
        switch payload.count {
        case ...125: out.append(maskBit | UInt8(payload.count))
        case ...65_535: out += [maskBit | 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        default: out += [maskBit | 127] + (0..<8).map { UInt8(payload.count >> (56 - 8 * $0) & 255) }
        }
        guard let mask else { return out + payload }
        return out + mask + payload.enumerated().map { $1 ^ mask[$0 % 4] }
    }

    // MARK: In

    struct Frame: Equatable {
        let kind: UInt8
        let isMasked: Bool
        let payload: [UInt8]
    }

    /// The next frame of the client; nil where the connection has ended, or 30 seconds have gone by.
    func next() -> Frame? {
        while true {
            if buffer.count >= 2 {
                let isMasked = buffer[1] & 0x80 != 0
                let count = Int(buffer[1] & 0x7f)  // a client here sends nothing longer
                let start = isMasked ? 6 : 2
                if buffer.count >= start + count {
                    let payload = buffer[start..<(start + count)].enumerated().map {
                        isMasked ? $1 ^ buffer[2 + $0 % 4] : $1
                    }
                    let frame = Frame(kind: buffer[0] & 0x0f, isMasked: isMasked, payload: payload)
                    buffer.removeFirst(start + count)
                    return frame
                }
            }
            guard readMore() else { return nil }
        }
    }

    /// Until the client ends the connection.
    func waitForEnd() { while readMore() { buffer.removeAll() } }

    private func readMore() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = recv(socket, &bytes, bytes.count, 0)
        guard count > 0 else { return false }
        buffer += bytes[..<count]
        return true
    }
}
