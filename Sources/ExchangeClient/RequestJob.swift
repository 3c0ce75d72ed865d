// One request that waits for its turn, and the one answer that it will get. Whoever takes a job must answer
// it: a job that is dropped without an answer, or answered twice, ends the process, since somebody would
// wait for ever or act twice.

internal import Exchange
internal import Synchronization

final class RequestJob: Sendable {
    let plan: RequestPlan
    let budgetClass: BudgetClass
    /// By the monotonic clock.
    let deadlineNanoseconds: UInt64
    /// Whether the answer is a reading of the exchange's clock.
    let isClockSample: Bool
    let lastLook: (@Sendable () -> Bool)?
    private let done: Mutex<(@Sendable (Verdict) -> Void)?>

    init(
        _ plan: RequestPlan, _ budgetClass: BudgetClass, deadlineNanoseconds: UInt64, isClockSample: Bool,
        lastLook: (@Sendable () -> Bool)?, done: @escaping @Sendable (Verdict) -> Void
    ) {
        self.plan = plan
        self.budgetClass = budgetClass
        self.deadlineNanoseconds = deadlineNanoseconds
        self.isClockSample = isClockSample
        self.lastLook = lastLook
        self.done = Mutex(done)
    }

    func answer(_ verdict: Verdict) {
        let done = done.withLock { slot in
            defer { slot = nil }
            return slot
        }
        guard let done else { preconditionFailure("a request was answered twice") }
        done(verdict)
    }

    deinit {
        precondition(done.withLock { $0 == nil }, "a request was dropped without an answer")
    }
}
