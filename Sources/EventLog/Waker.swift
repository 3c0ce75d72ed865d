// Waking of those who wait for appends, whichever process made them: LMDB writes its file with pwrite,
// which inotify sees. The head decides; a timer of one second is the belt. An idle process uses no CPU
// that could be measured.

internal import Dispatch
internal import Glibc
internal import Processes
internal import Records
internal import Synchronization

package final class Waker: Sendable {
    private struct State {
        var waiting: [Int: DispatchSemaphore] = [:]
        var nextTicket = 0
        var isWatching = false
        var isClosed = false
    }
    private let state = Mutex(State())
    private let dataFile: String

    init(dataFile: String) { self.dataFile = dataFile }

    /// Returns when something was committed, or after `milliseconds`. `isReady` is asked after the caller is
    /// registered, so that a commit in between is not missed.
    @available(*, noasync)
    package func wait(milliseconds: Int, isReady: () throws -> Bool) rethrows {
        let semaphore = DispatchSemaphore(value: 0)
        let ticket = state.withLock { state in
            state.nextTicket += 1
            state.waiting[state.nextTicket] = semaphore
            return state.nextTicket
        }
        defer { state.withLock { _ = $0.waiting.removeValue(forKey: ticket) } }
        startWatching()
        if try isReady() { return }
        let bounded = min(milliseconds, Limits.wakeIntervalMillisecondsMax)
        _ = semaphore.wait(timeout: .now() + .milliseconds(max(0, bounded)))
    }

    /// Wakes everyone who waits.
    package func wake() {
        state.withLock { state in
            for semaphore in state.waiting.values { semaphore.signal() }
        }
    }

    func close() {
        state.withLock { $0.isClosed = true }
        wake()
    }

    private func startWatching() {
        let first = state.withLock { state in
            defer { state.isWatching = true }
            return !state.isWatching
        }
        guard first else { return }
        OSThread.start("backstop-waker") { [weak self, dataFile] in Waker.watch(dataFile) { self } }
    }

    /// Ends when the log is closed or gone.
    private static func watch(_ path: String, _ waker: () -> Waker?) {
        let watcher = inotify_init1(Int32(IN_CLOEXEC))
        guard watcher >= 0 else { return }  // the timer still wakes everyone
        defer { Glibc.close(watcher) }
        guard inotify_add_watch(watcher, path, UInt32(IN_MODIFY)) >= 0 else { return }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        var pause = Limits.wakeIntervalMillisecondsMax
        while true {
            var poll = pollfd(fd: watcher, events: Int16(POLLIN), revents: 0)
            let ready = Glibc.poll(&poll, 1, Int32(pause))
            guard let waker = waker(), !waker.state.withLock({ $0.isClosed }) else { return }
            if ready > 0 {
                _ = Glibc.read(watcher, &buffer, buffer.count)
                pause = 1
            } else {
                pause = min(pause * 4, Limits.wakeIntervalMillisecondsMax)
            }
            // LMDB shows a commit only after the write that inotify saw: whoever looked in between would
            // sleep on. So the wake is repeated after 1, 4, 16, 64 and 256 ms of quiet.
            waker.wake()
        }
    }
}
