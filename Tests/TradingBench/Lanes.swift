// Tests that mostly wait for processes: more of them at once than the machine has cores, and not so many that they starve
// each other. Each runs on a thread of its own, so that none blocks the test runner's.

import Foundation
package import Testing

package final class Lanes: TaskExecutor, @unchecked Sendable {
    package static let shared = Lanes(5)
    private let condition = NSCondition()
    private var jobs: [UnownedJob] = []

    private init(_ count: Int) {
        for number in 1...count {
            let thread = Thread { self.run() }
            thread.name = "lane-\(number)"
            thread.stackSize = 4 << 20
            thread.start()
        }
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        condition.withLock { jobs.append(job) }
        condition.signal()
    }

    private func run() {
        while true {
            condition.lock()
            while jobs.isEmpty { condition.wait() }
            let job = jobs.removeFirst()
            condition.unlock()
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
    }
}

package struct InLanes: SuiteTrait, TestTrait, TestScoping {
    package var isRecursive: Bool { true }

    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(Lanes.shared) { try await function() }
    }
}

extension Trait where Self == InLanes {
    package static var inLanes: Self { InLanes() }
}
