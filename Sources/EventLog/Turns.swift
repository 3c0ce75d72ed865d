// Turns between the processes that write one log. LMDB's own lock is unfair: beside an endless import a
// lone append was seen to wait 1.8 s. Two locks make a queue of it: `next` is held while waiting for
// `turn`, so a process that has just had its turn must queue behind whoever waits. An emergency holds
// `emergency` while it waits; ordinary writers pass that gate only when nobody does.

internal import Glibc

package final class Turns: Sendable {
    private let next: FileLock
    private let turn: FileLock
    private let emergency: FileLock

    package init(folder: LogFolder) throws(LogError) {
        next = try FileLock(path: folder.log + "/turn.next")
        turn = try FileLock(path: folder.log + "/turn.now")
        emergency = try FileLock(path: folder.log + "/turn.emergency")
    }

    /// Waits for this process' turn. One thread per process.
    package func enter(emergency isEmergency: Bool) {
        if Turns.areOff { return }
        if isEmergency {
            emergency.lock()
        } else {
            emergency.lock(.shared)
            emergency.unlock()
        }
        next.lock()
        turn.lock()
        next.unlock()
        if isEmergency { emergency.unlock() }
    }

    package func leave() {
        if !Turns.areOff { turn.unlock() }
    }

    #if FAILPOINTS
        /// BACKSTOP_TURNS=off in a test build: what LMDB's lock alone gives, to be compared with.
        private static let areOff = getenv("BACKSTOP_TURNS").map { String(cString: $0) } == "off"
    #else
        @inline(__always) private static var areOff: Bool { false }
    #endif
}
