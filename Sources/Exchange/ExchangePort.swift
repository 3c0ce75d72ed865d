// The doors to the exchange: a client over the wire, or a simulation. Each call is answered exactly once, and nothing
// is sent twice.

/// For who may wait.
package protocol ExchangePort: Sendable {
    @available(*, noasync)
    func ask<Value>(_ query: Query<Value>, _ budgetClass: BudgetClass) -> Answer<Value>

    @available(*, noasync)
    func command<Value>(_ command: Command<Value>, _ budgetClass: BudgetClass) -> Answer<Value>

    /// Sends the order, once. `lastLook` is asked in the moment in which it would leave; where it says false, nothing
    /// leaves.
    @available(*, noasync)
    func place(
        _ order: NewOrder, permit: consuming SendPermit, _ budgetClass: BudgetClass,
        lastLook: @escaping @Sendable () -> Bool
    ) -> Answer<OrderReport>
}

/// For who must not wait: each answer comes by a call, from another thread, which must be quick.
package protocol ExchangeCalls: Sendable {
    func ask<Value>(
        _ query: Query<Value>, _ budgetClass: BudgetClass, then done: @escaping @Sendable (Answer<Value>) -> Void)

    func command<Value>(
        _ command: Command<Value>, _ budgetClass: BudgetClass, then done: @escaping @Sendable (Answer<Value>) -> Void)

    /// Sends the order, once.
    func place(
        _ order: NewOrder, permit: consuming SendPermit, _ budgetClass: BudgetClass,
        then done: @escaping @Sendable (Answer<OrderReport>) -> Void)
}
