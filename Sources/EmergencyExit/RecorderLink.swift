// The worker's child that has the log open: started, listened to, written to, and started anew when it is gone or silent.
// The worker waits for none of it. What waits to be written is bounded; the recorder gets every run anew after it
// starts, so nothing is lost with it.

package import Domain
internal import Glibc
package import Processes
internal import Records
internal import Synchronization

package final class RecorderLink: Sendable {
    package enum Event: Sendable {
        case notice(RecorderNotice)
        /// It does not answer, for people.
        case silent(String)
    }
    package typealias Start = @Sendable (_ descriptor: Int32) throws -> ChildProcess

    private struct Outbox {
        var texts: [String] = []
        var isStopping = false
        var isOpen = false
    }
    private let start: Start
    private let hear: @Sendable (Event) -> Void
    private let outbox = Mutex(Outbox())
    private let wakeReader: Int32
    private let wakeWriter: Int32
    private let ended = Latch()

    /// - Parameter start: starts the child with the descriptor as its standard input.
    package init(start: @escaping Start, hear: @escaping @Sendable (Event) -> Void) {
        self.start = start
        self.hear = hear
        var ends: [Int32] = [0, 0]
        precondition(pipe(&ends) == 0, "pipe: \(String(cString: strerror(errno)))")
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (wakeReader, wakeWriter) = (ends[0], ends[1])
        OSThread.start("recorder-link") { [self] in
            run()
            ended.set()
        }
    }

    deinit {
        close(wakeReader)
        close(wakeWriter)
    }

    /// Lines of a run, in their order, and evidence. Where it has no room, the recorder is started anew and gets them all again.
    package func send(_ texts: [String]) {
        outbox.withLock { outbox in
            guard outbox.isOpen else { return }
            outbox.texts += texts
        }
        wake()
    }

    package func stop() {
        outbox.withLock { $0.isStopping = true }
        wake()
        ended.wait()
    }

    private func wake() {
        var byte: UInt8 = 1
        _ = write(wakeWriter, &byte, 1)
    }

    private var isStopping: Bool { outbox.withLock { $0.isStopping } }

    // MARK: Lives

    private func run() {
        var pause: Int32 = 100
        while !isStopping {
            let began = RecorderLink.now()
            do { hear(.silent(try live())) } catch { hear(.silent("it cannot be started: \(error)")) }
            if isStopping { return }
            pause = RecorderLink.now() - began > 10_000 ? 100 : min(pause * 2, 5_000)
            wait(milliseconds: pause)
        }
    }

    /// One life of the recorder; why it ended.
    private func live() throws -> String {
        var ends: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            return "socketpair: \(String(cString: strerror(errno)))"
        }
        defer { close(ends[0]) }
        let child: ChildProcess
        do {
            defer { close(ends[1]) }
            child = try start(ends[1])
        }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        outbox.withLock { outbox in (outbox.texts, outbox.isOpen) = ([], true) }
        let reason = talk(ends[0])
        outbox.withLock { outbox in (outbox.texts, outbox.isOpen) = ([], false) }
        if isStopping {
            child.send(SIGTERM)
            if child.wait(seconds: 5) == nil { child.send(SIGKILL) }
        } else {
            child.send(SIGKILL)
        }
        return "\(reason) (\(child.wait()))"
    }

    private func talk(_ socket: Int32) -> String {
        var heardAt = RecorderLink.now()
        var isSilent = false
        while !isStopping {
            let now = RecorderLink.now()
            if now - heardAt > Limits.recorderSilenceMillisecondsMax {
                return "it says nothing for \(now - heardAt) ms"
            }
            if now - heardAt > Limits.recorderSilenceMilliseconds, !isSilent {
                isSilent = true
                hear(.silent("it says nothing for \(now - heardAt) ms"))
            }
            let hasMore = outbox.withLock { !$0.texts.isEmpty }
            var wanted = [
                pollfd(fd: socket, events: Int16(POLLIN | (hasMore ? POLLOUT : 0)), revents: 0),
                pollfd(fd: wakeReader, events: Int16(POLLIN), revents: 0),
            ]
            poll(&wanted, 2, 100)
            drainWake()
            if Int32(wanted[0].revents) & POLLOUT != 0, !sendWaiting(socket) { return "it takes no message" }
            if Int32(wanted[0].revents) & (POLLIN | POLLHUP | POLLERR) != 0 {
                switch receive(socket) {
                case .gone: return "it has ended"
                case .heard: (heardAt, isSilent) = (RecorderLink.now(), false)
                case .nothing: break
                }
            }
        }
        return "stopped"
    }

    private enum Received { case heard, nothing, gone }

    private func receive(_ socket: Int32) -> Received {
        var buffer = [UInt8](repeating: 0, count: Limits.recorderMessageBytesMax)
        var result = Received.nothing
        while true {
            let count = buffer.withUnsafeMutableBytes { recv(socket, $0.baseAddress, $0.count, 0) }
            if count == 0 { return .gone }
            if count < 0 { return errno == EAGAIN || errno == EINTR ? result : .gone }
            result = .heard
            do throws(ExitLineError) {
                hear(.notice(try RecorderNotice(String(decoding: buffer[..<count], as: UTF8.self))))
            } catch {
                hear(.silent("it says what cannot be read: \(error)"))
            }
        }
    }

    /// False where the socket is broken.
    private func sendWaiting(_ socket: Int32) -> Bool {
        while let text = outbox.withLock({ $0.texts.first }) {
            let bytes = Array(text.utf8)
            let count = bytes.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0 { return errno == EAGAIN || errno == EINTR }
            outbox.withLock { if !$0.texts.isEmpty { $0.texts.removeFirst() } }
        }
        return true
    }

    private func wait(milliseconds: Int32) {
        var wanted = pollfd(fd: wakeReader, events: Int16(POLLIN), revents: 0)
        poll(&wanted, 1, milliseconds)
        drainWake()
    }

    private func drainWake() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while bytes.withUnsafeMutableBytes({ read(wakeReader, $0.baseAddress, $0.count) }) > 0 {}
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
