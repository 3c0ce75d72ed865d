// The exchange, as the rest of Backstop sees it: queries, commands, and orders. One client has one thread,
// kept-alive connections and budgets; make one for a process and keep it. Each call is answered exactly once.
// It must never send anything again by itself, and never decide what an answer means for a position: that is
// the caller's, in the log.

internal import Dispatch
internal import Events
package import Exchange
internal import Records
internal import Synchronization

package final class ExchangeClient: ExchangePort {
    package let host: ExchangeHost
    private let credentials: Credentials?
    private let settings: ClientSettings
    private let loop: TransferLoop

    /// - Parameter credentials: none where only the market is asked.
    package init(host: ExchangeHost, credentials: Credentials?, settings: ClientSettings) {
        self.host = host
        self.credentials = credentials
        self.settings = settings
        loop = TransferLoop(host: host, credentials: credentials, settings: settings)
    }

    deinit { loop.close() }

    /// How far the exchange's clock is from ours; `ask(.serverTime(), …)` takes a sample, and so does the client
    /// itself after a refused time stamp.
    package var clockOffset: ClockOffset { loop.clockOffset }

    /// Answers all that waits (`notSent`) and all that is on its way (writes: `unknown`), and ends the thread.
    /// Waits for it; must not be called from a `lastLook`.
    @available(*, noasync)
    package func close() {
        loop.close()
        loop.waitForEnd()
    }

    // MARK: From an OS thread

    @available(*, noasync)
    package func ask<Value>(_ query: Query<Value>, _ budgetClass: BudgetClass) -> Answer<Value> {
        read(blocking { self.submit(query.endpoint, budgetClass, nil, $0) }, query.endpoint, query.read)
    }

    @available(*, noasync)
    package func command<Value>(_ command: Command<Value>, _ budgetClass: BudgetClass) -> Answer<Value> {
        read(blocking { self.submit(command.endpoint, budgetClass, nil, $0) }, command.endpoint, command.read)
    }

    /// Sends the order, once. `lastLook` is called on the client's thread in the moment in which the order would
    /// leave; where it says false, nothing leaves. It must be quick and must not call the client.
    @available(*, noasync)
    package func place(
        _ order: NewOrder, permit: consuming SendPermit, _ budgetClass: BudgetClass,
        lastLook: @escaping @Sendable () -> Bool
    ) -> Answer<OrderReport> {
        if let refusal = permit.refusal(of: order) { return .notSent(refusal) }
        let endpoint = Endpoint.placeOrder(order)
        let verdict = blocking { self.submit(endpoint, budgetClass, lastLook, $0) }
        return read(verdict, endpoint) { try Readers.placed($0, order) }
    }

    // MARK: From async code. A cancelled task still gets its answer: what has left cannot be called back.

    package func ask<Value>(_ query: Query<Value>, _ budgetClass: BudgetClass) async -> Answer<Value> {
        let verdict = await withCheckedContinuation { continuation in
            submit(query.endpoint, budgetClass, nil) { continuation.resume(returning: $0) }
        }
        return read(verdict, query.endpoint, query.read)
    }

    package func command<Value>(_ command: Command<Value>, _ budgetClass: BudgetClass) async -> Answer<Value> {
        let verdict = await withCheckedContinuation { continuation in
            submit(command.endpoint, budgetClass, nil) { continuation.resume(returning: $0) }
        }
        return read(verdict, command.endpoint, command.read)
    }

    /// As the blocking form.
    package func place(
        _ order: NewOrder, permit: consuming SendPermit, _ budgetClass: BudgetClass,
        lastLook: @escaping @Sendable () -> Bool
    ) async -> Answer<OrderReport> {
        if let refusal = permit.refusal(of: order) { return .notSent(refusal) }
        let endpoint = Endpoint.placeOrder(order)
        let verdict = await withCheckedContinuation { continuation in
            submit(endpoint, budgetClass, lastLook) { continuation.resume(returning: $0) }
        }
        return read(verdict, endpoint) { try Readers.placed($0, order) }
    }

    /// Foreign text without our key or secret.
    func scrub(_ text: String) -> String { credentials?.scrub(text) ?? text }

    // MARK: What both share

    private func submit(
        _ endpoint: Endpoint, _ budgetClass: BudgetClass, _ lastLook: (@Sendable () -> Bool)?,
        _ done: @escaping @Sendable (Verdict) -> Void
    ) {
        let deadline = settings.monotonicNanoseconds() + UInt64(settings.totalMilliseconds) * 1_000_000
        loop.submit(
            RequestJob(
                endpoint.plan, budgetClass, deadlineNanoseconds: deadline, isClockSample: endpoint == .serverTime,
                lastLook: lastLook, done: done))
    }

    private final class Box: Sendable {
        let verdict = Mutex<Verdict?>(nil)
        let isThere = DispatchSemaphore(value: 0)
    }

    @available(*, noasync)
    private func blocking(_ submit: (@escaping @Sendable (Verdict) -> Void) -> Void) -> Verdict {
        let box = Box()
        submit { verdict in
            box.verdict.withLock { $0 = verdict }
            box.isThere.signal()
        }
        box.isThere.wait()
        return box.verdict.withLock { $0! }
    }

    /// On the caller's thread, so that a large answer keeps nobody else waiting.
    private func read<Value>(
        _ verdict: Verdict, _ endpoint: Endpoint, _ reader: (JSONValue) throws -> Value
    ) -> Answer<Value> {
        let answer = verdict.answer(scrub: { credentials?.scrub($0) ?? $0 }, reader)
        if case .accepted(let value) = answer, let info = value as? ExchangeInfo { loop.take(info.limits) }
        return answer
    }
}

// MARK: - For who must neither block nor be a task: the user stream, the exit worker

extension ExchangeClient: ExchangeCalls {
    package func ask<Value>(
        _ query: Query<Value>, _ budgetClass: BudgetClass, then done: @escaping @Sendable (Answer<Value>) -> Void
    ) {
        submit(query.endpoint, budgetClass, nil) { [self] in done(read($0, query.endpoint, query.read)) }
    }

    package func command<Value>(
        _ command: Command<Value>, _ budgetClass: BudgetClass, then done: @escaping @Sendable (Answer<Value>) -> Void
    ) {
        submit(command.endpoint, budgetClass, nil) { [self] in done(read($0, command.endpoint, command.read)) }
    }

    package func place(
        _ order: NewOrder, permit: consuming SendPermit, _ budgetClass: BudgetClass,
        then done: @escaping @Sendable (Answer<OrderReport>) -> Void
    ) {
        if let refusal = permit.refusal(of: order) { return done(.notSent(refusal)) }
        let endpoint = Endpoint.placeOrder(order)
        submit(endpoint, budgetClass, nil) { [self] in done(read($0, endpoint) { try Readers.placed($0, order) }) }
    }
}
