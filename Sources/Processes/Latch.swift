// Something that happens once, and can be waited for with a limit: a pipe whose writing end is closed, so that poll
// sees it beside sockets.

internal import Glibc
internal import Synchronization

package final class Latch: Sendable {
    /// Readable once it has happened.
    let descriptor: Int32
    private let writer: Int32
    private let done = Atomic<Bool>(false)

    package init() {
        var ends: [Int32] = [0, 0]
        precondition(pipe(&ends) == 0, "pipe: \(UnixSocket.errorText())")
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        (descriptor, writer) = (ends[0], ends[1])
    }

    deinit {
        set()
        close(descriptor)
    }

    package var isSet: Bool { done.load(ordering: .acquiring) }

    package func set() {
        if !done.exchange(true, ordering: .acquiringAndReleasing) { close(writer) }
    }

    package func wait() {
        while !wait(milliseconds: 1_000) {}
    }

    /// False where the time was over before it happened.
    @discardableResult
    package func wait(milliseconds: Int) -> Bool {
        let deadline = UnixSocket.now() + Int64(max(0, milliseconds))
        var wanted = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
        while !isSet {
            let left = deadline - UnixSocket.now()
            if left <= 0 { return isSet }
            UnixSocket.wait(&wanted, milliseconds: Int(left))
        }
        return true
    }
}
