// The simulated exchange as a process, and its own books, which judge every test: what it was sent, what it filled,
// what it holds. Asked over its control API, which sees orders that no look-up shows.

import Events
import ExchangeSimulation
import Foundation
import Glibc

package final class Exchange {
    package static let key = "key-of-the-tests"
    package static let secret = "secret-of-the-tests"
    private static let program =
        URL(fileURLWithPath: Program.path).deletingLastPathComponent().path + "/exchange-simulator"

    package let port: UInt16
    private let process: RunningProgram
    package var url: String { "http://127.0.0.1:\(port)" }

    /// - Parameters:
    ///   - port: a free one unless told otherwise.
    ///   - folder: where its output goes.
    package init(
        _ arguments: [String] = [], port: UInt16 = 0, folder: String = FileManager.default.temporaryDirectory.path
    ) throws {
        let common = [
            "--port", "\(port)", "--move-every", "0", "--account", "\(Exchange.key):\(Exchange.secret)",
            "--balance", "10000000",
        ]
        process = try RunningProgram(
            common + arguments, folder: folder,
            environment: ["PATH": "/usr/bin:/bin"], piped: .output, program: Exchange.program)
        let line = try process.answers?.next() ?? "nothing"
        guard let text = line.split(separator: ":").last, let number = UInt16(text) else {
            throw Trouble("no port in: \(line); \(process.errors)")
        }
        self.port = number
    }

    /// kill -9: what it knew is gone.
    package func killNow() throws { _ = try process.killNow() }

    /// SIGSTOP, SIGCONT: it takes what comes and answers nothing until it goes on.
    package func send(_ number: Int32) { process.send(number) }

    // MARK: Faults

    package func clearFaults() throws { _ = try control("DELETE", "faults", "{}") }
    package func fault(_ json: String) throws { _ = try control("POST", "faults", json) }
    package func control(_ path: String, _ json: String) throws { _ = try control("POST", path, json) }

    /// How many requests met a fault of that kind.
    package func hits(_ kind: String) throws -> Int {
        try Exchange.list(try control("GET", "faults")).filter { $0.text("kind") == kind }
            .reduce(0) { $0 + max(0, $1.number("hits")) }
    }

    /// Counts requests, and changes nothing: a fault that delays by nothing. It must be set before any other.
    package func count(_ method: String, _ path: String) throws {
        try fault(#"{"kind":"delay","method":"\#(method)","path":"\#(path)","times":1000}"#)
    }
    package func counted() throws -> Int { try hits("delay") }

    // MARK: Books

    /// Every order that it accepted, of one symbol or of all, the oldest first.
    package func orders(_ symbol: String? = nil) throws -> [Row] {
        try Exchange.list(try control("GET", "orders")).filter { symbol == nil || $0.text("symbol") == symbol }
    }

    /// What is held; nothing that is flat.
    package func positions() throws -> [Row] { try state().rows("accounts").flatMap { $0.rows("positions") } }

    package func state() throws -> Row { try Row(try control("GET", "state")) }

    /// The account's trades in one symbol, as a client is told them.
    package func trades(_ symbol: String) throws -> [Row] {
        try Exchange.list(try signed("GET", "/fapi/v1/userTrades", "symbol=\(symbol)&limit=1000"))
    }

    /// An order of a stranger with the same key.
    package func order(_ query: String) throws { _ = try signed("POST", "/fapi/v1/order", query) }
    package func algo(_ query: String) throws { _ = try signed("POST", "/fapi/v1/algoOrder", query) }

    // MARK: Asking

    private func control(_ method: String, _ path: String, _ body: String = "") throws -> String {
        try answer(try HTTPCall(port).perform(method, "/sim/" + path, body: body))
    }

    private func signed(_ method: String, _ path: String, _ query: String) throws -> String {
        let text = "\(query)&timestamp=\(Int(Date().timeIntervalSince1970 * 1_000))"
        let target = "\(path)?\(text)&signature=\(Signing.signature(of: text, secret: Exchange.secret))"
        return try answer(try HTTPCall(port).perform(method, target, body: ""))
    }

    private func answer(_ answer: HTTPCall.Answer) throws -> String {
        guard answer.status == 200 else { throw Trouble("\(answer)") }
        return answer.body
    }

    private static func list(_ body: String) throws -> [Row] {
        guard let list = try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [[String: Any]] else {
            throw Trouble("no list: \(body.prefix(300))")
        }
        return list.map { Row($0) }
    }
}

/// One request on a connection of its own.
struct HTTPCall {
    struct Answer {
        let status: Int
        let body: String
    }
    private static let secondsMax = 60
    private let descriptor: Int32

    init(_ port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let done = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        var time = timeval(tv_sec: HTTPCall.secondsMax, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        guard done == 0 else {
            close(descriptor)
            throw Trouble("no connection to port \(port): \(String(cString: strerror(errno)))")
        }
    }

    func perform(_ method: String, _ target: String, body: String) throws -> Answer {
        defer { close(descriptor) }
        let text =
            "\(method) \(target) HTTP/1.1\r\nHost: tests\r\nX-MBX-APIKEY: \(Exchange.key)\r\nConnection: close\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
        let bytes = Array(text.utf8)
        guard send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Trouble("could not send \(method) \(target)")
        }
        var received: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count >= 0 else { throw Trouble("\(target): \(String(cString: strerror(errno)))") }
            if count == 0 { break }
            received += chunk[..<count]
        }
        guard let gap = received.firstRange(of: Array("\r\n\r\n".utf8)),
            let status = Int(String(decoding: received.dropFirst(9).prefix(3), as: UTF8.self))
        else { throw Trouble("\(target): no answer") }
        return Answer(status: status, body: String(decoding: received[gap.upperBound...], as: UTF8.self))
    }
}
