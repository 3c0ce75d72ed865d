// Another program, started and waited for. Foundation's Process learns of an end through a run loop, and waits
// without a limit; here the kernel is asked, with one: a pidfd becomes readable when the process ends.

internal import CLinux
internal import Glibc
internal import Synchronization

package final class ChildProcess: Sendable {
    /// What one of its three standard streams is.
    package enum Stream: Sendable {
        case inherited
        /// `/dev/null`.
        case null
        /// A descriptor of ours; it stays ours to close.
        case descriptor(Int32)
    }

    package enum End: Sendable, Equatable {
        case exited(Int32)
        case signalled(Int32)
    }

    package struct CannotStart: Error, CustomStringConvertible {
        package let description: String
    }

    package let pid: Int32
    private let pidfd: Int32
    private let end = Mutex<End?>(nil)

    /// Starts it, with default signal handlers, no signal blocked, and no descriptor but the three.
    /// - Parameters:
    ///   - path: of the program; PATH is not searched.
    ///   - arguments: without the program's name.
    ///   - environment: nil is ours.
    ///   - folder: its working folder; nil is ours.
    package init(
        _ path: String, _ arguments: [String], environment: [String: String]? = nil, folder: String? = nil,
        input: Stream = .inherited, output: Stream = .inherited, errors: Stream = .inherited
    ) throws {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        for (target, stream) in [(0 as Int32, input), (1, output), (2, errors)] {
            switch stream {
            case .inherited: break
            case .null: posix_spawn_file_actions_addopen(&actions, target, "/dev/null", O_RDWR, 0)
            case .descriptor(let descriptor): posix_spawn_file_actions_adddup2(&actions, descriptor, target)
            }
        }
        backstop_spawn_closes_from(&actions, 3)
        if let folder { backstop_spawn_changes_to(&actions, folder) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        var settings: [UnsafeMutablePointer<CChar>?] =
            (environment ?? [:]).map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for word in words + settings { free(word) } }
        var pid: pid_t = 0
        let status =
            environment == nil
            ? posix_spawn(&pid, path, &actions, &attributes, &words, environ)
            : posix_spawn(&pid, path, &actions, &attributes, &words, &settings)
        guard status == 0 else { throw CannotStart(description: "\(path): \(String(cString: strerror(status)))") }
        self.pid = pid
        pidfd = backstop_pidfd_open(pid)
        precondition(pidfd >= 0, "pidfd_open: \(String(cString: strerror(errno)))")
    }

    /// One that still runs goes on without us.
    deinit {
        _ = takeEnd()
        close(pidfd)
    }

    package var isRunning: Bool { takeEnd() == nil }

    /// Nothing happens after its end: its number may be another's by then.
    package func send(_ signal: Int32) {
        end.withLock { end in
            if end == nil { kill(pid, signal) }
        }
    }

    /// Waits for its end.
    package func wait() -> End {
        while true {
            if let end = wait(seconds: 3_600) { return end }
        }
    }

    /// Waits for its end; nil where it still runs after so long.
    package func wait(seconds: Double) -> End? {
        let limit = ContinuousClock.now + .seconds(seconds)
        while true {
            if let end = takeEnd() { return end }
            let left = ContinuousClock.now.duration(to: limit) / .milliseconds(1)
            if left <= 0 { return nil }
            var wanted = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
            poll(&wanted, 1, Int32(left.rounded(.up)))
        }
    }

    /// Its number is ours until it is reaped, which happens under the lock that `send` takes.
    private func takeEnd() -> End? {
        end.withLock { end in
            if end != nil { return end }
            var status: Int32 = 0
            let reaped = waitpid(pid, &status, WNOHANG)
            precondition(reaped >= 0 || errno == EINTR, "somebody else reaped process \(pid)")
            guard reaped == pid else { return nil }
            let signal = status & 0x7f
            end = signal == 0 ? .exited(status >> 8 & 0xff) : .signalled(signal)
            return end
        }
    }
}
