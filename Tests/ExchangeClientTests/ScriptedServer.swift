// A tiny HTTP/1.1 server on raw sockets, on loopback, that does to each request what the test says: answer,
// close, reset, cut off, or keep silent. It counts how many times each client order id arrived whole: that
// number is the truth about "sent once", whatever the client believes.

import Foundation
import Glibc

struct ReceivedRequest: Sendable {
    let method: String
    /// With its query.
    let target: String
    let body: String
    let headerText: String
    /// 1 for the first request of its connection.
    let placeInConnection: Int

    var path: String { String(target.prefix { $0 != "?" }) }

    /// From query and body; still percent-encoded.
    func parameter(_ name: String) -> String? {
        let query = target.split(separator: "?", maxSplits: 1).dropFirst().first.map(String.init) ?? ""
        for pair in (query + "&" + body).split(separator: "&") where pair.hasPrefix(name + "=") {
            return String(pair.dropFirst(name.count + 1))
        }
        return nil
    }

    var clientID: String? { parameter("newClientOrderId") }
}

enum Reaction: Sendable {
    case answer(Int, String, headers: [String] = [])
    case answerThenClose(Int, String)
    /// The whole answer with status 200, in two pieces.
    case split(String, at: Int)
    /// FIN, without a byte.
    case close
    /// RST, without a byte.
    case reset
    /// Announces the whole body and sends so many bytes of it.
    case truncate(String, after: Int)
    /// These very bytes, then close.
    case raw(String)
    /// Nothing, until the server stops.
    case silence
    /// Answers once `release` was called.
    case held(Int, String)
    /// The connection is the closure's until it returns; then it is closed.
    case handOver(@Sendable (StreamPeer) -> Void)
}

final class ScriptedServer: @unchecked Sendable {
    let port: Int
    private let listener: Int32
    private let script: @Sendable (ReceivedRequest) -> Reaction
    private let condition = NSCondition()
    private var sockets: Set<Int32> = []
    private var threads = 0
    private var isStopped = false
    private var isReleased = false
    private var requests: [ReceivedRequest] = []
    private var held = 0
    private var heldMost = 0

    init(_ script: @escaping @Sendable (ReceivedRequest) -> Reaction) {
        self.script = script
        signal(SIGPIPE, SIG_IGN)
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                precondition(bind(listener, raw, length) == 0 && listen(listener, 512) == 0)
                precondition(getsockname(listener, raw, &length) == 0)
            }
        }
        self.listener = listener
        port = Int(UInt16(bigEndian: address.sin_port))
        threads = 1
        Thread { self.accept() }.start()
    }

    var url: String { "http://127.0.0.1:\(port)" }

    // MARK: What the test looks at

    var received: [ReceivedRequest] { condition.withLock { requests } }

    /// Client order id → how often it arrived.
    var arrivals: [String: Int] {
        Dictionary(received.compactMap(\.clientID).map { ($0, 1) }, uniquingKeysWith: +)
    }

    var mostHeldAtOnce: Int { condition.withLock { heldMost } }

    /// Until it is so, or 30 seconds have gone by.
    func wait(until isSo: ([ReceivedRequest], _ heldNow: Int) -> Bool) -> Bool {
        condition.withLock {
            let limit = Date(timeIntervalSinceNow: 30)
            while !isSo(requests, held) { if !condition.wait(until: limit) { return isSo(requests, held) } }
            return true
        }
    }

    /// Something else that a waiting test looks at has changed.
    func notice() { condition.withLock { condition.broadcast() } }

    func release() {
        condition.withLock {
            isReleased = true
            condition.broadcast()
        }
    }

    func stop() {
        condition.withLock {
            isStopped = true
            isReleased = true
            for socket in sockets { shutdown(socket, Int32(SHUT_RDWR)) }
            condition.broadcast()
        }
        shutdown(listener, Int32(SHUT_RDWR))
        let limit = Date(timeIntervalSinceNow: 60)
        condition.withLock {
            while threads > 0 {
                if !condition.wait(until: limit) { fatalError("\(threads) threads of the server do not end") }
            }
        }
        // Not before its thread has left it: the number may be another listener's at once.
        Glibc.close(listener)
    }

    // MARK: Threads

    private func accept() {
        defer {
            condition.withLock {
                threads -= 1
                condition.broadcast()
            }
        }
        while true {
            let socket = Glibc.accept(listener, nil, nil)
            if socket < 0, condition.withLock({ !isStopped }), errno != EBADF, errno != EINVAL {
                usleep(1_000)
                continue
            }
            guard socket >= 0 else { return }
            let goesOn = condition.withLock {
                if isStopped { return false }
                sockets.insert(socket)
                threads += 1
                return true
            }
            guard goesOn else {
                Glibc.close(socket)
                return
            }
            Thread { self.serve(socket) }.start()
        }
    }

    private func serve(_ socket: Int32) {
        var one: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(4))
        var place = 0
        var rest: [UInt8] = []
        while let request = readRequest(socket, &rest, place + 1) {
            place += 1
            condition.withLock {
                requests.append(request)
                condition.broadcast()
            }
            guard react(script(request), request, socket) else { break }
        }
        condition.withLock {
            sockets.remove(socket)
            Glibc.close(socket)
            threads -= 1
            condition.broadcast()
        }
    }

    /// False where the connection is over.
    private func react(_ reaction: Reaction, _ request: ReceivedRequest, _ socket: Int32) -> Bool {
        switch reaction {
        case .answer(let status, let body, let headers): return send(socket, Self.text(status, body, headers))
        case .answerThenClose(let status, let body):
            _ = send(socket, Self.text(status, body, []))
            return false
        case .split(let body, let place):
            let whole = Self.text(200, body, [])
            return send(socket, String(whole.prefix(place))) && send(socket, String(whole.dropFirst(place)))
        case .close: return false
        case .reset:
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
            return false
        case .truncate(let body, let bytes):
            let whole = Self.text(200, body, [])
            _ = send(socket, String(whole.prefix(whole.count - body.count + bytes)))
            return false
        case .raw(let text):
            _ = send(socket, text)
            return false
        case .silence:
            condition.withLock { while !isStopped { condition.wait() } }
            return false
        case .handOver(let body):
            body(StreamPeer(socket, request))
            return false
        case .held(let status, let body):
            condition.withLock {
                held += 1
                heldMost = max(heldMost, held)
                condition.broadcast()
                while !isReleased { condition.wait() }
                held -= 1
            }
            return send(socket, Self.text(status, body, []))
        }
    }

    private static func text(_ status: Int, _ body: String, _ headers: [String]) -> String {
        let lines = ["HTTP/1.1 \(status) Said", "Content-Type: application/json", "Content-Length: \(body.utf8.count)"]
        return (lines + headers).joined(separator: "\r\n") + "\r\n\r\n" + body
    }

    private func send(_ socket: Int32, _ text: String) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let sent = bytes.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if sent <= 0 { return false }
            bytes = bytes.dropFirst(sent)
        }
        return true
    }

    private func readRequest(_ socket: Int32, _ rest: inout [UInt8], _ place: Int) -> ReceivedRequest? {
        let end = Array("\r\n\r\n".utf8)
        var headEnd = rest.firstRange(of: end)
        while headEnd == nil {
            guard readMore(socket, &rest) else { return nil }
            headEnd = rest.firstRange(of: end)
        }
        let head = String(decoding: rest[..<headEnd!.lowerBound], as: UTF8.self)
        let length =
            head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
            .flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) } ?? 0
        let bodyStart = headEnd!.upperBound
        while rest.count < bodyStart + length { guard readMore(socket, &rest) else { return nil } }
        let body = String(decoding: rest[bodyStart..<(bodyStart + length)], as: UTF8.self)
        rest.removeFirst(bodyStart + length)
        let words = head.split(separator: " ", maxSplits: 2)
        return ReceivedRequest(
            method: String(words[0]), target: String(words[1]), body: body, headerText: head, placeInConnection: place)
    }

    private func readMore(_ socket: Int32, _ rest: inout [UInt8]) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(socket, &bytes, bytes.count, 0)
        guard count > 0 else { return false }
        rest += bytes[..<count]
        return true
    }
}

/// Listens, accepts nobody, and has no room left: further connections are not answered at all.
final class FullListener {
    let port: Int
    private let sockets: [Int32]

    init() {
        func newSocket(_ flags: Int32) -> Int32 { socket(AF_INET, Int32(SOCK_STREAM.rawValue) | flags, 0) }
        let listener = newSocket(0)
        var all = [listener]
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                precondition(bind(listener, raw, length) == 0 && listen(listener, 0) == 0)
                precondition(getsockname(listener, raw, &length) == 0)
                for _ in 0..<8 {
                    let crowd = newSocket(Int32(SOCK_NONBLOCK.rawValue))
                    connect(crowd, raw, length)
                    all.append(crowd)
                }
            }
        }
        sockets = all
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    func close() { for socket in sockets { Glibc.close(socket) } }
}
