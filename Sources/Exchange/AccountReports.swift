// What the exchange says of the account: positions, trades, mode, balances. A position's size and side are
// exact or the row is unreadable, and an unreadable row is a position, not nothing. Trades are read all or
// not at all: a fill that is left out would be a position that is wrong.

package import Events

package struct PositionReport: Equatable, Sendable {
    package let symbol: String
    package let positionSide: PositionSide
    /// Negative for short, in every mode.
    package let quantity: ExactDecimal
    /// For display.
    package let entryPrice: ExactDecimal?
    package let markPrice: ExactDecimal?
    package let updatedAtMilliseconds: Int64?

    init(_ fields: AnswerFields) throws(MessageError) {
        symbol = try fields.text("symbol")
        positionSide = try fields.word("positionSide", as: PositionSide.self)
        quantity = try fields.decimal("positionAmt")
        entryPrice = fields.displayPrice("entryPrice")
        markPrice = fields.displayPrice("markPrice")
        updatedAtMilliseconds = try fields.optionalWhole("updateTime", 0...Int64.max)
        try positionSide.check(quantity, "positionAmt")
    }

    struct Place: Hashable {
        let symbol: String
        let side: PositionSide
    }
    var place: Place { Place(symbol: symbol, side: positionSide) }
}

extension PositionSide {
    /// In hedge mode a side's position has that side's sign.
    func check(_ quantity: ExactDecimal, _ field: String) throws(MessageError) {
        let isWrongSign =
            switch self {
            case .both: false
            case .long: quantity.isNegative
            case .short: !quantity.isNegative && !quantity.isZero
            }
        guard !isWrongSign else { throw MessageError(field, "has the sign of the other side: \(quantity)") }
    }
}

package struct AccountTrade: Hashable, Sendable {
    package let symbol: String
    package let tradeID: Int64
    package let orderID: Int64
    package let side: OrderSide
    package let positionSide: PositionSide
    package let price: ExactDecimal
    package let quantity: ExactDecimal
    package let realizedProfit: ExactDecimal
    package let fee: ExactDecimal
    package let feeAsset: String
    package let isMaker: Bool
    package let tradedAtMilliseconds: Int64

    /// One that was read before, and noted.
    package init(
        symbol: String, tradeID: Int64, orderID: Int64, side: OrderSide, positionSide: PositionSide,
        price: ExactDecimal, quantity: ExactDecimal, realizedProfit: ExactDecimal, fee: ExactDecimal, feeAsset: String,
        isMaker: Bool, tradedAtMilliseconds: Int64
    ) {
        self.symbol = symbol
        self.tradeID = tradeID
        self.orderID = orderID
        self.side = side
        self.positionSide = positionSide
        self.price = price
        self.quantity = quantity
        self.realizedProfit = realizedProfit
        self.fee = fee
        self.feeAsset = feeAsset
        self.isMaker = isMaker
        self.tradedAtMilliseconds = tradedAtMilliseconds
    }

    init(_ fields: AnswerFields) throws(MessageError) {
        symbol = try fields.text("symbol")
        tradeID = try fields.whole("id", 1...Int64.max)
        orderID = try fields.whole("orderId", 1...Int64.max)
        side = try fields.word("side", as: OrderSide.self)
        positionSide = try fields.optionalWord("positionSide", as: PositionSide.self) ?? .both
        price = try fields.price("price")
        quantity = try fields.positive("qty")
        realizedProfit = try fields.decimal("realizedPnl")
        fee = try fields.decimal("commission")
        feeAsset = try fields.text("commissionAsset")
        isMaker = try fields.flag("maker")
        // More would not fit into a time in nanoseconds.
        tradedAtMilliseconds = try fields.whole("time", 1...Int64.max / 1_000_000)
    }
}

package struct AccountConfig: Equatable, Sendable {
    package let isHedgeMode: Bool
    package let canTrade: Bool

    init(_ fields: AnswerFields) throws(MessageError) {
        isHedgeMode = try fields.flag("dualSidePosition")
        canTrade = try fields.flag("canTrade")
    }
}

package struct BalanceReport: Equatable, Sendable {
    package let asset: String
    package let balance: ExactDecimal
    package let available: ExactDecimal

    init(_ fields: AnswerFields) throws(MessageError) {
        asset = try fields.text("asset")
        balance = try fields.decimal("balance")
        available = try fields.decimal("availableBalance")
    }
}

package struct CountdownReport: Equatable, Sendable {
    package let symbol: String
    package let milliseconds: Int64

    init(_ fields: AnswerFields) throws(MessageError) {
        symbol = try fields.text("symbol")
        milliseconds = try fields.whole("countdownTime", 0...Int64.max)
    }
}
