// The door to the exchange, as services see it: a client over the wire, or a simulation. It answers each call exactly
// once and sends nothing twice.

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
