// A server socket that says what the test wants, to whoever connects. It is not Redis.

import Foundation
import Glibc
import Programmes

final class FakeRedis: @unchecked Sendable {
    let port: Int
    private let listener: Int32
    private let lock = NSLock()
    private var sockets: [Int32] = []
    private var accepted = 0
    private var isStopped = false
    private let ended = DispatchSemaphore(value: 0)

    /// - Parameter serve: gets each connection and its number from 1; it is closed when this returns.
    init(port: Int? = nil, serve: @escaping @Sendable (FakePeer, Int) -> Void) throws {
        self.port = try port ?? DurableRedis.freePort()
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = UInt16(self.port).bigEndian
        let status = withUnsafeBytes(of: &address) { bytes in
            bind(
                listener, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                socklen_t(MemoryLayout<sockaddr_in>.size))
        }
        guard status == 0, listen(listener, 16) == 0 else { throw Trouble("cannot listen on \(self.port)") }
        Thread.detachNewThread { [self] in
            while true {
                let peer = accept(listener, nil, nil)
                guard peer >= 0 else {
                    // By whoever accepts: a closed number may be another server's already.
                    close(listener)
                    ended.signal()
                    return
                }
                let number = lock.withLock {
                    accepted += 1
                    sockets.append(peer)
                    return accepted
                }
                Thread.detachNewThread { [self] in
                    serve(FakePeer(socket: peer), number)
                    // Closed by `stop` where that came first.
                    let isOurs = lock.withLock { () -> Bool in
                        guard let place = sockets.firstIndex(of: peer) else { return false }
                        sockets.remove(at: place)
                        return true
                    }
                    if isOurs { close(peer) }
                }
            }
        }
    }

    var connections: Int { lock.withLock { accepted } }
    var url: String { "redis://127.0.0.1:\(port)" }

    /// Returns when nobody listens there any more.
    func stop() {
        let isFirst = lock.withLock {
            defer { isStopped = true }
            if !isStopped {
                shutdown(listener, Int32(SHUT_RDWR))
                for socket in sockets { shutdown(socket, Int32(SHUT_RDWR)) }
            }
            return !isStopped
        }
        if isFirst { ended.wait() }
    }

    deinit { stop() }
}

struct FakePeer: Sendable {
    let socket: Int32

    /// Waits for some bytes; false at the end.
    func hear() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        return recv(socket, &bytes, bytes.count, 0) > 0
    }

    /// False where nobody listens any more.
    @discardableResult
    func say(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(socket, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// So many bytes without an end of their own.
    func flood(_ text: String, bytes: Int) {
        let part = String(repeating: "x", count: 65_536)
        guard say(text) else { return }
        for _ in 0..<(bytes / part.utf8.count) where !say(part) { return }
    }

    func waitForTheEnd() { while hear() {} }
}
