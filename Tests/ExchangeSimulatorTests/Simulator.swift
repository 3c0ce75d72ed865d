// The built server as a user has it: a process, its port read from its one line, and raw sockets, because the
// tests are about bytes that come, come in part, or never come. Nothing waits for ever, nothing sleeps.

import Events
import ExchangeSimulation
import Foundation
import Glibc
import Programmes

final class Simulator {
    let port: UInt16
    private let process: RunningProgram
    /// No wait is longer.
    static let secondsMax = 60
    static let path = URL(fileURLWithPath: Program.path).deletingLastPathComponent().path + "/exchange-simulator"

    init(_ arguments: [String] = []) throws {
        process = try Simulator.start(["--port", "0", "--move-every", "0", "--account", "k1:s1"] + arguments)
        let line = try process.answers?.next(within: Double(Simulator.secondsMax)) ?? "nothing"
        guard let text = line.split(separator: ":").last, let number = UInt16(text) else {
            throw Trouble("no port in: \(line)")
        }
        port = number
    }

    static func start(_ arguments: [String]) throws -> RunningProgram {
        try RunningProgram(
            arguments, folder: FileManager.default.temporaryDirectory.path, environment: ["PATH": "/usr/bin:/bin"],
            piped: .output, program: path)
    }

    /// Its exit status after a signal.
    func end(_ number: Int32) throws -> Int32? {
        process.send(number)
        return try process.finish().status
    }

    func connect() throws -> Wiretap { try Wiretap(port) }

    /// One request on a connection of its own.
    func exchange(_ request: String) throws -> Received {
        let connection = try connect()
        try connection.send(request)
        return try connection.answer()
    }

    /// Signed in the query.
    func call(_ method: String, _ path: String, _ query: String) throws -> Received {
        try exchange(Simulator.request(method, path, query: Simulator.signed(query)))
    }

    func control(_ method: String, _ path: String, _ body: String = "") throws -> Received {
        try exchange(Simulator.request(method, "/sim/" + path, query: "", body: body))
    }

    static func signed(_ query: String) -> String {
        let text = (query.isEmpty ? "" : query + "&") + time()
        return text + "&signature=" + Signing.signature(of: text, secret: "s1")
    }

    static func time() -> String {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return "timestamp=\(now.tv_sec * 1_000 + now.tv_nsec / 1_000_000)"
    }

    static func request(_ method: String, _ path: String, query: String, body: String = "", type: String? = nil)
        -> String
    {
        let target = query.isEmpty ? path : path + "?" + query
        let kind = type.map { "Content-Type: \($0)\r\n" } ?? ""
        return "\(method) \(target) HTTP/1.1\r\nHost: sim\r\nX-MBX-APIKEY: k1\r\n\(kind)"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }
}

/// What arrived, and how it ended.
struct Received: CustomStringConvertible {
    enum Ending { case complete, closed, reset, silent }
    var status = 0
    var head = ""
    var body = ""
    var ending: Ending
    var announced: Int?

    var json: Reply {
        do {
            return Reply(try JSONText.read(body))
        } catch {
            return Reply(.null)
        }
    }
    var description: String { "\(status) \(ending) \(body.prefix(300))" }
}

final class Wiretap {
    private let descriptor: Int32
    private var buffer: [UInt8] = []

    init(_ port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let done = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(descriptor, $0, size) }
        }
        guard done == 0 else { throw Trouble("no connection: \(String(cString: strerror(errno)))") }
        limit(milliseconds: Simulator.secondsMax * 1_000)
    }

    deinit { close(descriptor) }

    /// How long a read may wait.
    func limit(milliseconds: Int) {
        var time = timeval(tv_sec: milliseconds / 1_000, tv_usec: milliseconds % 1_000 * 1_000)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Trouble("could not send")
        }
    }

    /// Nil with the reason where there is no more.
    private func more() -> Received.Ending? {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count > 0 {
            buffer += chunk[..<count]
            return nil
        }
        if count == 0 { return .closed }
        return errno == ECONNRESET ? .reset : .silent
    }

    /// The head's end, then as much body as was announced.
    func answer() throws -> Received {
        let gap = Array("\r\n\r\n".utf8)
        while true {
            if let end = buffer.firstRange(of: gap) {
                return readBody(head: String(decoding: buffer[..<end.lowerBound], as: UTF8.self), from: end.upperBound)
            }
            if let ending = more() { return Received(ending: ending) }
        }
    }

    private func readBody(head: String, from start: Int) -> Received {
        let lines = head.split(separator: "\r\n")
        let length = lines.first { $0.lowercased().hasPrefix("content-length:") }
            .flatMap { Int($0.split(separator: ":")[1].trimmingCharacters(in: .whitespaces)) }
        var received = Received(
            status: Int(lines[0].split(separator: " ")[1]) ?? 0, head: head, ending: .complete, announced: length)
        while buffer.count < start + (length ?? 0) {
            if let ending = more() {
                received.ending = ending
                break
            }
        }
        let end = min(buffer.count, start + (length ?? 0))
        received.body = String(decoding: buffer[start..<end], as: UTF8.self)
        buffer.removeFirst(end)
        return received
    }

    // MARK: WebSocket

    func upgrade(_ path: String) throws {
        try send(
            "GET \(path) HTTP/1.1\r\nHost: sim\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
        let reply = try answer()
        guard reply.status == 101 else { throw Trouble("no upgrade: \(reply)") }
    }

    /// One masked text frame.
    func say(_ text: String) throws {
        let bytes = Array(text.utf8)
        try send([0x81, 0x80 | UInt8(bytes.count), 0, 0, 0, 0] + bytes)
    }

    /// Opcode and payload of one frame; nil where the connection has ended.
    func frame() -> (opcode: UInt8, text: String)? {
        while true {
            if buffer.count >= 2 {
                let short = Int(buffer[1] & 0x7f)
                let front = short == 126 ? 4 : 2
                if buffer.count >= front {
                    let length = short == 126 ? Int(buffer[2]) << 8 | Int(buffer[3]) : short
                    if buffer.count >= front + length {
                        let frame = (buffer[0] & 0x0f, String(decoding: buffer[front..<front + length], as: UTF8.self))
                        buffer.removeFirst(front + length)
                        return frame
                    }
                }
            }
            if more() != nil { return nil }
        }
    }

    func event() throws -> Reply {
        guard let frame = frame(), frame.opcode == 1 else { throw Trouble("no event came") }
        return Reply(try JSONText.read(frame.text))
    }
}
