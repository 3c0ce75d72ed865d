// A client that knows nothing: bytes out, bytes in, replies cut where they end.

import Glibc
import Programmes

final class Wire {
    private let descriptor: Int32
    private var buffer: [UInt8] = []

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard status == 0 else { throw Trouble("port \(port): \(String(cString: strerror(errno)))") }
    }

    init(socket path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        guard status == 0 else { throw Trouble("\(path): \(String(cString: strerror(errno)))") }
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Trouble("the peer takes nothing: \(String(cString: strerror(errno)))") }
            sent += count
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    static func encode(_ words: [String]) -> [UInt8] {
        Array("*\(words.count)\r\n".utf8) + words.flatMap { Array("$\($0.utf8.count)\r\n\($0)\r\n".utf8) }
    }

    func command(_ words: String...) throws { try send(Wire.encode(words)) }

    func ask(_ words: String...) throws -> String { try ask(words) }

    func ask(_ words: [String]) throws -> String {
        try send(Wire.encode(words))
        return try reply()
    }

    /// What a shell's user would write: words, `"…"` for words with spaces.
    func say(_ line: String) throws -> String { try ask(Wire.words(line)) }

    static func words(_ line: String) -> [String] {
        line.split(separator: " ").map { $0 == "\"\"" ? "" : String($0).replacing("␣", with: " ") }
    }

    func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

    // MARK: Reading

    /// True: more came. False: the peer has ended.
    private func fill(_ seconds: Double) throws -> Bool {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&wanted, 1, Int32(seconds * 1_000)) > 0 else { throw Trouble("no reply within \(seconds) s") }
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count > 0 { buffer += chunk[..<count] }
        return count > 0
    }

    private func line(_ seconds: Double) throws -> [UInt8] {
        while true {
            if let end = buffer.indices.dropLast().first(where: { buffer[$0] == 0x0d && buffer[$0 + 1] == 0x0a }) {
                defer { buffer.removeFirst(end + 2) }
                return Array(buffer[..<end])
            }
            guard try fill(seconds) else { throw Trouble("the peer has ended: \(buffer)") }
        }
    }

    /// One whole reply, as it came.
    func reply(within seconds: Double = 60) throws -> String {
        let head = String(decoding: try line(seconds), as: UTF8.self)
        var all = head + "\r\n"
        let count = Int(head.dropFirst()) ?? 0
        switch head.first {
        case "$", "=":
            guard count >= 0 else { return all }
            while buffer.count < count + 2 {
                guard try fill(seconds) else { throw Trouble("the peer has ended inside a bulk") }
            }
            all += String(decoding: buffer[..<(count + 2)], as: UTF8.self)
            buffer.removeFirst(count + 2)
        case "*", "~": for _ in 0..<max(0, count) { all += try reply(within: seconds) }
        case "%": for _ in 0..<2 * count { all += try reply(within: seconds) }
        default: break
        }
        return all
    }

    /// Everything until the peer ends.
    func rest(within seconds: Double = 60) throws -> String {
        while try fill(seconds) {}
        return String(decoding: buffer, as: UTF8.self)
    }

    /// Whether nothing comes in that time.
    func isSilent(milliseconds: Int32) -> Bool {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return buffer.isEmpty && poll(&wanted, 1, milliseconds) == 0
    }
}
