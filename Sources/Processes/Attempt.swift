// Work that may never end (a lock whose owner is stopped, a disk that does not answer), on a thread of its own, so
// that whoever wants its result decides how long to wait. What nobody waits for any more goes on all the same.

internal import Synchronization

package final class Attempt<R: Sendable>: Sendable {
    private let end = Mutex<Result<R, any Error>?>(nil)
    private let ended = Latch()

    package init(_ name: String, _ work: @escaping @Sendable () throws -> R) {
        OSThread.start(name) {
            let result = Result { try work() }
            self.end.withLock { $0 = result }
            self.ended.set()
        }
    }

    /// Nil: not yet.
    package var result: Result<R, any Error>? { end.withLock { $0 } }

    package func wait(milliseconds: Int) -> Result<R, any Error>? {
        ended.wait(milliseconds: milliseconds)
        return result
    }
}
