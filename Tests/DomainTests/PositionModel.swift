// An independent model of positions: whole numbers in fixed units, 10^-3 of quantity, 10^-2 of price,
// 10^-12 of money. It must not use the exact decimals that it judges.

struct PositionModel: Equatable {
    /// 10^-3, signed.
    var quantity: Int128 = 0
    /// 10^-12, signed.
    var cost: Int128 = 0
    var profit: Int128 = 0
    /// 10^-3: asked to close beyond what was held.
    var excess: Int128 = 0
    private static let moneyPerProduct: Int128 = 10_000_000

    /// One way.
    mutating func take(buys: Bool, _ amount: Int128, _ price: Int128) {
        let trade = buys ? amount : -amount
        if quantity == 0 || (quantity > 0) == (trade > 0) {
            quantity += trade
            cost += trade * price * Self.moneyPerProduct
            return
        }
        let closed = min(amount, abs(quantity))
        reduce(closed, price)
        let rest = amount - closed
        if rest > 0 { take(buys: buys, rest, price) }
    }

    /// A hedge leg, counted positive for both sides.
    mutating func takeLeg(opens: Bool, isLong: Bool, _ amount: Int128, _ price: Int128) {
        if opens { return take(buys: isLong, amount, price) }
        let closed = min(amount, abs(quantity))
        if closed > 0 { reduce(closed, price) }
        excess += amount - closed
    }

    private mutating func reduce(_ closed: Int128, _ price: Int128) {
        let held = abs(quantity)
        let released = closed == held ? cost : Self.roundedDivision(cost * closed, held)
        let way: Int128 = quantity > 0 ? 1 : -1
        profit += way * closed * price * Self.moneyPerProduct - released
        quantity -= way * closed
        cost -= released
    }

    /// Half to even, by trying the neighbours.
    static func roundedDivision(_ a: Int128, _ b: Int128) -> Int128 {
        let base = a / b
        return [base - 1, base, base + 1].min {
            let (x, y) = (abs($0 * b - a), abs($1 * b - a))
            return x != y ? x < y : $0 % 2 == 0 && $1 % 2 != 0
        }!
    }
}
