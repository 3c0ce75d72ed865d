// An order as the venue keeps it, and the ticket from which it is made. Prices in ticks, quantities in lots:
// what does not fit them was refused before.

/// What a client asks for, read and checked in form.
struct Ticket: Sendable {
    var symbol: Int
    var side: Side
    var leg: PositionSide
    var type: OrderType
    var timeInForce: TimeInForce
    var quantity: Lots
    /// Nil for a market order.
    var price: Ticks?
    var reduceOnly = false
    var closePosition = false
    var clientID: String?
    var response = ResponseType.ack
    var priceMatch = PriceMatch.none
    var selfTrade = SelfTradePrevention.expireMaker
    var goodTill: Milliseconds = 0
    /// The conditional type that it was before it triggered, with its trigger price.
    var origin: (type: OrderType, trigger: Ticks)?
}

struct Order: Sendable {
    let id: Int64
    let account: Int
    let symbol: Int
    let clientID: String
    let side: Side
    let leg: PositionSide
    let type: OrderType
    let origType: OrderType
    let stopPrice: Ticks
    let timeInForce: TimeInForce
    var price: Ticks?
    var quantity: Lots
    let reduceOnly: Bool
    let closePosition: Bool
    let priceMatch: PriceMatch
    let selfTrade: SelfTradePrevention
    let goodTill: Milliseconds
    let createdAt: Milliseconds
    var updatedAt: Milliseconds
    var status = OrderStatus.new
    var reason = ExpiryReason.none
    var filled: Lots = 0
    /// Price × quantity of all fills.
    var quote = Amount.zero
    var modifications = 0
    /// A fault: never more than this is filled.
    var fillMax: Lots?
    /// A fault: look-ups do not find it before.
    var visibleAt: Milliseconds = 0

    var remaining: Lots { quantity - filled }
    /// What may still be filled, faults included.
    var fillable: Lots { max(0, min(remaining, (fillMax ?? quantity) - filled)) }
    /// Does it only ever close? In hedge mode the side says so.
    var closes: Bool { leg == .both ? reduceOnly : !leg.opens(side) }

    /// As a taker; the exchange does so only for orders that need not fill whole.
    var preventsSelfTrade: Bool { selfTrade != .none && timeInForce != .fillOrKill }

    init(id: Int64, account: Int, clientID: String, ticket: Ticket, at now: Milliseconds) {
        self.id = id
        self.account = account
        self.clientID = clientID
        symbol = ticket.symbol
        side = ticket.side
        leg = ticket.leg
        type = ticket.type
        origType = ticket.origin?.type ?? ticket.type
        stopPrice = ticket.origin?.trigger ?? 0
        timeInForce = ticket.timeInForce
        price = ticket.price
        quantity = ticket.quantity
        reduceOnly = ticket.reduceOnly
        closePosition = ticket.closePosition
        priceMatch = ticket.priceMatch
        selfTrade = ticket.selfTrade
        goodTill = ticket.goodTill
        createdAt = now
        updatedAt = now
    }
}

/// One side of one trade.
struct Fill: Sendable {
    let id: Int64
    let order: Int64
    let symbol: Int
    let side: Side
    let leg: PositionSide
    let price: Ticks
    let lots: Lots
    let realised: Amount
    let fee: Amount
    let maker: Bool
    let time: Milliseconds
}
