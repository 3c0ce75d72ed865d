// What an account holds of one symbol on one side: quantity and cost, both exact. A reduction takes its share
// of the cost; crossing zero closes, then opens at the price of the trade. The average entry is for display.

struct Holding: Sendable, Equatable {
    /// Short is negative, on every side.
    private(set) var lots: Lots = 0
    /// In quote units, of the quantity's sign.
    private(set) var cost = Amount.zero
    /// Since the beginning.
    private(set) var realised = Amount.zero
    private(set) var updatedAt: Milliseconds = 0

    var isFlat: Bool { lots == 0 }

    /// Returns the profit that it realised.
    mutating func trade(_ side: Side, _ amount: Lots, at price: Ticks, _ rules: SymbolRules, _ now: Milliseconds)
        -> Amount
    {
        let closed = lots.value * side.sign < 0 ? min(amount, lots.magnitude) : 0
        var profit = Amount.zero
        if closed > 0 { profit = close(closed, side, price, rules) }
        let opened = amount - closed
        lots += opened * side.sign
        cost += rules.notional(price, opened * side.sign)
        realised += profit
        updatedAt = now
        return profit
    }

    private mutating func close(_ amount: Lots, _ side: Side, _ price: Ticks, _ rules: SymbolRules) -> Amount {
        let isAll = amount == lots.magnitude
        let share = isAll ? cost : cost.times(Amount(amount.value), dividedBy: Amount(lots.magnitude.value))
        let proceeds = rules.notional(price, amount * -side.sign)
        lots += amount * side.sign
        cost = isAll ? .zero : cost - share
        return (proceeds - share).money
    }

    /// For display.
    func entry(_ rules: SymbolRules) -> Amount {
        isFlat ? .zero : cost.divided(by: rules.quantityAmount(lots))
    }

    func notional(at mark: Ticks, _ rules: SymbolRules) -> Amount { rules.notional(mark, lots) }
    func profit(at mark: Ticks, _ rules: SymbolRules) -> Amount { (notional(at: mark, rules) - cost).money }
}
