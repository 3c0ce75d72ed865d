// A conditional order: it waits for a price and then becomes an order like any other. It holds no margin and
// no quantity while it waits, as at the exchange.

enum AlgoStatus: String, Sendable {
    case new = "NEW"
    case triggered = "TRIGGERED"
    case finished = "FINISHED"
    case cancelled = "CANCELED"
    case rejected = "REJECTED"
    case expired = "EXPIRED"
}

struct AlgoOrder: Sendable {
    let id: Int64
    let account: Int
    let clientID: String
    /// `type` is the conditional type.
    let ticket: Ticket
    let trigger: Ticks
    let workingType: WorkingType
    let priceProtect: Bool
    /// Trailing: the price from which it follows; nil is at once.
    let activation: Ticks?
    /// Trailing: in percent.
    let callbackPercent: Amount?
    let createdAt: Milliseconds
    var updatedAt: Milliseconds
    var status = AlgoStatus.new
    var triggeredAt: Milliseconds = 0
    var order: Int64?
    var refusal: VenueError?
    var isActive = false
    /// Trailing: the best price since it became active.
    var extreme: Ticks = 0

    /// Whether a price makes it trigger; a trailing stop remembers the price.
    mutating func triggers(at price: Ticks, _ rules: SymbolRules) -> Bool {
        switch ticket.type {
        case .stop, .stopMarket: return ticket.side == .buy ? price >= trigger : price <= trigger
        case .takeProfit, .takeProfitMarket: return ticket.side == .buy ? price <= trigger : price >= trigger
        case .trailingStopMarket: return follows(price, rules)
        case .limit, .market: preconditionFailure("not a conditional type")
        }
    }

    private mutating func follows(_ price: Ticks, _ rules: SymbolRules) -> Bool {
        if !isActive {
            guard activation.map({ ticket.side == .buy ? price <= $0 : price >= $0 }) ?? true else { return false }
            isActive = true
            extreme = price
        }
        extreme = ticket.side == .buy ? min(extreme, price) : max(extreme, price)
        let away = ticket.side == .buy ? price - extreme : extreme - price
        let allowed = rules.priceAmount(extreme) * (callbackPercent ?? .zero) * Amount(1, exponent: -2)
        return away > 0 && rules.priceAmount(away) >= allowed
    }
}
