// The words of an order as they stand on the wire. Raw values are the exchange's own.

enum Side: String, CaseIterable, Sendable {
    case buy = "BUY"
    case sell = "SELL"
    var opposite: Side { self == .buy ? .sell : .buy }
    var sign: Int64 { self == .buy ? 1 : -1 }
}

enum PositionSide: String, CaseIterable, Sendable {
    case both = "BOTH"
    case long = "LONG"
    case short = "SHORT"
    /// Place in an account's holdings of one symbol.
    var index: Int { self == .both ? 0 : self == .long ? 1 : 2 }
    /// In hedge mode: does that side open this leg?
    func opens(_ side: Side) -> Bool { (self == .long) == (side == .buy) }
}

enum OrderType: String, CaseIterable, Sendable {
    case limit = "LIMIT"
    case market = "MARKET"
    case stop = "STOP"
    case stopMarket = "STOP_MARKET"
    case takeProfit = "TAKE_PROFIT"
    case takeProfitMarket = "TAKE_PROFIT_MARKET"
    case trailingStopMarket = "TRAILING_STOP_MARKET"

    var isConditional: Bool { self != .limit && self != .market }
    /// What it becomes when it triggers.
    var triggered: OrderType { self == .stop || self == .takeProfit || self == .limit ? .limit : .market }
    var mayClosePosition: Bool { self == .stopMarket || self == .takeProfitMarket }
}

enum TimeInForce: String, CaseIterable, Sendable {
    case goodTillCancelled = "GTC"
    case immediateOrCancel = "IOC"
    case fillOrKill = "FOK"
    case postOnly = "GTX"
    case goodTillDate = "GTD"
    case retailPriceImprovement = "RPI"
    var rests: Bool { self != .immediateOrCancel && self != .fillOrKill }
    var mustNotTake: Bool { self == .postOnly || self == .retailPriceImprovement }
}

enum OrderStatus: String, Sendable {
    case new = "NEW"
    case partiallyFilled = "PARTIALLY_FILLED"
    case filled = "FILLED"
    case cancelled = "CANCELED"
    case expired = "EXPIRED"
    case expiredInMatch = "EXPIRED_IN_MATCH"
    var isOpen: Bool { self == .new || self == .partiallyFilled }
}

enum SelfTradePrevention: String, CaseIterable, Sendable {
    case none = "NONE"
    case expireTaker = "EXPIRE_TAKER"
    case expireMaker = "EXPIRE_MAKER"
    case expireBoth = "EXPIRE_BOTH"
}

enum PriceMatch: String, CaseIterable, Sendable {
    case none = "NONE"
    case opponent = "OPPONENT"
    case opponent5 = "OPPONENT_5"
    case opponent10 = "OPPONENT_10"
    case opponent20 = "OPPONENT_20"
    case queue = "QUEUE"
    case queue5 = "QUEUE_5"
    case queue10 = "QUEUE_10"
    case queue20 = "QUEUE_20"

    var isOpponent: Bool { rawValue.hasPrefix("OPPONENT") }
    /// Counted from 0.
    var level: Int {
        switch self {
        case .none, .opponent, .queue: 0
        case .opponent5, .queue5: 4
        case .opponent10, .queue10: 9
        case .opponent20, .queue20: 19
        }
    }
}

enum ResponseType: String, CaseIterable, Sendable {
    case ack = "ACK"
    case result = "RESULT"
}

enum WorkingType: String, CaseIterable, Sendable {
    case markPrice = "MARK_PRICE"
    case contractPrice = "CONTRACT_PRICE"
}

/// Why an order ended without a client's cancel: field `er` of the user stream.
enum ExpiryReason: String, Sendable {
    case none = "0"
    case selfTrade = "1"
    case immediateRest = "2"
    case knockedOut = "4"
    case liquidation = "5"
    case date = "6"
    case marketRest = "9"
}
