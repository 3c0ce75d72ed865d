// Time that passes only from event to event, on one thread: what is due first runs first, and of what is due at once,
// what was asked for first. It must never look at the machine's clock, and never wait.

internal import EventLog
internal import Records
internal import Synchronization

typealias Milliseconds = Int64

final class VirtualTime {
    private struct Due {
        let at: Milliseconds
        let number: UInt64
        let act: () throws -> Void
    }
    /// Read by the log's threads, too.
    private final class Reading: Sendable {
        let milliseconds: Mutex<Milliseconds>
        init(_ now: Milliseconds) { milliseconds = Mutex(now) }
    }
    static let epoch: Milliseconds = 1_763_700_000_000
    /// The wall clock less this is the time since boot.
    private static let bootedAt: Milliseconds = epoch - 86_400_000
    private let reading = Reading(VirtualTime.epoch)
    /// A heap: the first is due first.
    private var heap: [Due] = []
    private var count: UInt64 = 0
    private(set) var now: Milliseconds = VirtualTime.epoch

    var clock: LogClock {
        let reading = reading
        return LogClock(
            now: { Timestamp(milliseconds: reading.milliseconds.withLock { $0 }) },
            boot: {
                let now = reading.milliseconds.withLock { $0 }
                return BootInstant(nanoseconds: UInt64(now - VirtualTime.bootedAt) * 1_000_000)
            })
    }

    func after(_ delay: Milliseconds, _ act: @escaping () throws -> Void) { at(now + max(0, delay), act) }

    func at(_ moment: Milliseconds, _ act: @escaping () throws -> Void) {
        heap.append(Due(at: max(moment, now), number: count, act: act))
        count += 1
        var child = heap.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Runs what is due next, if that is not after `end`; false where nothing is.
    func step(until end: Milliseconds) throws -> Bool {
        guard let first = heap.first, first.at <= end else { return false }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        sink()
        pass(to: first.at)
        try first.act()
        return true
    }

    func pass(to moment: Milliseconds) {
        now = max(now, moment)
        reading.milliseconds.withLock { $0 = now }
    }

    private func sink() {
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && isBefore(child, smallest) {
                smallest = child
            }
            if smallest == parent { return }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
    }

    private func isBefore(_ a: Int, _ b: Int) -> Bool { (heap[a].at, heap[a].number) < (heap[b].at, heap[b].number) }
}
