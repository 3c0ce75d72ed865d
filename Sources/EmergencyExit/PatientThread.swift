// A thread that may get stuck so that the worker does not: on a disk that answers no more, on a pipe that nobody reads.
// Whoever gives it work waits for as long as it says and no longer; while it is stuck, it takes nothing.

internal import Dispatch
internal import Processes
internal import Synchronization

final class PatientThread: Sendable {
    private struct Queue {
        var tasks: [@Sendable () -> Void] = []
        var isStopping = false
        /// Given with a time that is over, and not done yet.
        var late = 0
    }
    private let queue = Mutex(Queue())
    private let waiting = DispatchSemaphore(value: 0)
    private let tasksMax: Int

    init(_ name: String, tasksMax: Int) {
        self.tasksMax = tasksMax
        OSThread.start(name) { [self] in
            while let task = next() { task() }
        }
    }

    private func next() -> (@Sendable () -> Void)? {
        while true {
            waiting.wait()
            let (task, isStopping) = queue.withLock { queue in
                (queue.tasks.isEmpty ? nil : queue.tasks.removeFirst(), queue.isStopping)
            }
            if let task { return task }
            if isStopping { return nil }
        }
    }

    /// What was given before is done; the thread then ends.
    func stop() {
        queue.withLock { $0.isStopping = true }
        waiting.signal()
    }

    /// False where too much waits already.
    @discardableResult
    func give(_ task: @escaping @Sendable () -> Void) -> Bool {
        let isTaken = queue.withLock { queue in
            guard queue.tasks.count < tasksMax else { return false }
            queue.tasks.append(task)
            return true
        }
        if isTaken { waiting.signal() }
        return isTaken
    }

    /// Nil where it did not come to an end in time; it may come to one later. Whoever is late already is not waited for
    /// again, and not given more.
    func result<Value: Sendable>(within milliseconds: Int, _ task: @escaping @Sendable () -> Value) -> Value? {
        if queue.withLock({ $0.late > 0 }) { return nil }
        let box = Box<Value>()
        let isTaken = give { [self] in
            if box.set(task()) { queue.withLock { $0.late -= 1 } }
        }
        guard isTaken else { return nil }
        return box.wait(milliseconds) { queue.withLock { $0.late += 1 } }
    }

    private final class Box<Value: Sendable>: Sendable {
        private let value = Mutex<(found: Value?, isLate: Bool)>((nil, false))
        private let isThere = DispatchSemaphore(value: 0)

        /// - Returns: nobody waits for it any more.
        func set(_ found: Value) -> Bool {
            defer { isThere.signal() }
            return value.withLock {
                $0.found = found
                return $0.isLate
            }
        }

        /// - Parameter giveUp: called where it is late, before it can be done.
        func wait(_ milliseconds: Int, giveUp: () -> Void) -> Value? {
            _ = isThere.wait(timeout: .now() + .milliseconds(milliseconds))
            return value.withLock {
                if $0.found == nil {
                    $0.isLate = true
                    giveUp()
                }
                return $0.found
            }
        }
    }
}
