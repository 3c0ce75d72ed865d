// What the service manager is told: started, alive, a line of status, stopping. The protocol is sd_notify(3): datagrams
// to the socket that NOTIFY_SOCKET names. Nobody waits for it: a manager that does not listen changes nothing.

internal import Glibc
internal import Records
internal import Synchronization

package final class ServiceNotifier: Sendable {
    private let path: String?
    /// Milliseconds between two signs of life: half of what the manager waits for. Nil: it does not.
    package let aliveInterval: Int64?
    private let nextAliveAt = Mutex<Int64>(.min)
    private let lastStatus = Mutex("")

    /// - Parameter environment: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID are read.
    package init(environment: [String: String]) {
        let path = environment["NOTIFY_SOCKET"] ?? ""
        self.path = path.hasPrefix("/") || path.hasPrefix("@") ? path : nil
        let isOurs = environment["WATCHDOG_PID"].map { $0 == String(getpid()) } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        aliveInterval = isOurs && microseconds > 0 ? max(1, microseconds / 2_000) : nil
    }

    package func ready(_ status: String) { send("READY=1\nSTATUS=\(ServiceNotifier.line(status))") }

    package func stopping() { send("STOPPING=1") }

    /// Sent where it is another than before.
    package func status(_ text: String) {
        let isNew = lastStatus.withLock { last in
            defer { last = text }
            return last != text
        }
        if isNew { send("STATUS=\(ServiceNotifier.line(text))") }
    }

    /// From the loop that must not stand still, as often as it likes: what is too early is not sent.
    package func alive() {
        guard let aliveInterval else { return }
        let now = UnixSocket.now()
        let isDue = nextAliveAt.withLock { next in
            guard now >= next else { return false }
            next = now + aliveInterval
            return true
        }
        if isDue { send("WATCHDOG=1") }
    }

    private static func line(_ text: String) -> String {
        String(decoding: text.utf8.prefix(Limits.notifyMessageBytesMax / 2), as: UTF8.self)
            .split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    private func send(_ message: String) {
        guard let path else { return }
        do {
            let socket = try UnixSocket(SOCK_DGRAM)
            let bytes = Array(message.utf8)
            try UnixSocket.withAddress(of: path) { address, length in
                _ = sendto(socket.descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), address, length)
            }
        } catch {
            return  // the manager restarts whoever it does not hear of; there is nobody else to tell
        }
    }
}
