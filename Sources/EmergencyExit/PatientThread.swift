// A thread that may get stuck so that the worker does not: on a disk that answers no more, on a pipe that nobody reads.
// Whoever gives it work waits for as long as it says and no longer; while it is stuck, it takes nothing.

internal import Dispatch
internal import Processes
internal import Synchronization

final class PatientThread: Sendable {
    private struct Queue {
        var tasks: [@Sendable () -> Void] = []
        var isStopping = false
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

    /// Nil where it did not come to an end in time; it may come to one later.
    func result<Value: Sendable>(within milliseconds: Int, _ task: @escaping @Sendable () -> Value) -> Value? {
        let box = Box<Value>()
        guard give({ box.set(task()) }) else { return nil }
        return box.wait(milliseconds)
    }

    private final class Box<Value: Sendable>: Sendable {
        private let value = Mutex<Value?>(nil)
        private let isThere = DispatchSemaphore(value: 0)

        func set(_ found: Value) {
            value.withLock { $0 = found }
            isThere.signal()
        }

        func wait(_ milliseconds: Int) -> Value? {
            _ = isThere.wait(timeout: .now() + .milliseconds(milliseconds))
            return value.withLock { $0 }
        }
    }
}
