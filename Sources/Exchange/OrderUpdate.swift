// ORDER_TRADE_UPDATE: what became of an order, and the fill that did it. Quantities must fit together, or the
// message is unreadable: a fill that is guessed would be a position that is wrong.

package import Events

package struct OrderUpdate: Equatable, Sendable {
    /// What happened now. `calculated` is the exchange's own doing: a liquidation.
    package enum Execution: String, Sendable, CaseIterable {
        case new = "NEW"
        case canceled = "CANCELED"
        case calculated = "CALCULATED"
        case expired = "EXPIRED"
        case trade = "TRADE"
        case amendment = "AMENDMENT"
    }

    package struct Fill: Equatable, Sendable {
        package let tradeID: Int64
        package let quantity: ExactDecimal
        package let price: ExactDecimal
        /// Nil where the exchange names none. Negative for a rebate.
        package let fee: Fee?
        package let realizedProfit: ExactDecimal
        package let isMaker: Bool
        package let tradedAtMilliseconds: Int64
    }

    package struct Fee: Equatable, Sendable {
        package let amount: ExactDecimal
        package let asset: String
    }

    package let symbol: String
    package let orderID: Int64
    /// Not ours where the exchange acted by itself (`autoclose-…`, `adl_autoclose`) or another client did.
    package let clientOrderID: String
    package let side: OrderSide
    package let positionSide: PositionSide
    package let type: String
    package let execution: Execution
    package let status: OrderStatus
    /// Zero for an order that closes a whole position.
    package let quantity: ExactDecimal
    /// All fills so far, this one included.
    package let executedQuantity: ExactDecimal
    /// For display.
    package let averagePrice: ExactDecimal?
    package let reduceOnly: Bool
    package let fill: Fill?
    /// When the engine acted, and when it was told, by the exchange's clock.
    package let transactedAtMilliseconds: Int64
    package let eventAtMilliseconds: Int64

    /// - Parameter message: the whole message; the order is its member `o`.
    init(_ message: AnswerFields) throws(MessageError) {
        eventAtMilliseconds = try message.time("E")
        transactedAtMilliseconds = try message.time("T")
        let fields = try message.object("o")
        symbol = try fields.text("s")
        orderID = try fields.whole("i", 1...Int64.max)
        clientOrderID = try fields.text("c")
        side = try fields.word("S", as: OrderSide.self)
        positionSide = try fields.word("ps", as: PositionSide.self)
        type = try fields.text("o")
        execution = try fields.word("x", as: Execution.self)
        status = try fields.word("X", as: OrderStatus.self)
        quantity = try fields.notNegative("q")
        executedQuantity = try fields.notNegative("z")
        averagePrice = fields.displayPrice("ap")
        reduceOnly = try fields.flag("R")
        fill = try Fill(ifAny: fields)
        try check()
    }

    private func check() throws(MessageError) {
        guard executedQuantity <= quantity || quantity.isZero else {
            throw MessageError("z", "\(executedQuantity) is over the order's quantity, \(quantity)")
        }
        guard status != .filled || !executedQuantity.isZero else {
            throw MessageError("z", "is zero of a filled order")
        }
        guard execution != .trade || fill != nil else { throw MessageError("t", "is missing from a trade") }
        guard let fill else { return }
        guard fill.quantity <= executedQuantity else {
            throw MessageError("l", "\(fill.quantity) is over all that was executed, \(executedQuantity)")
        }
    }
}

extension OrderUpdate.Fill {
    /// Nil where trade id and quantity are both zero; one without the other is an error.
    fileprivate init?(ifAny fields: AnswerFields) throws(MessageError) {
        let id = try fields.whole("t", 0...Int64.max)
        let quantity = try fields.notNegative("l")
        guard (id == 0) == quantity.isZero else { throw MessageError("l", "is \(quantity) with the trade id \(id)") }
        guard id > 0 else { return nil }
        tradeID = id
        self.quantity = quantity
        price = try fields.price("L")
        fee = try OrderUpdate.Fee(ifAny: fields)
        realizedProfit = try fields.decimal("rp")
        isMaker = try fields.flag("m")
        tradedAtMilliseconds = try fields.time("T")
    }
}

extension OrderUpdate.Fee {
    /// Nil where the exchange names none; an amount without its asset is an error.
    fileprivate init?(ifAny fields: AnswerFields) throws(MessageError) {
        guard fields.member("n") != nil || fields.member("N") != nil else { return nil }
        amount = try fields.decimal("n")
        asset = try fields.text("N")
    }
}
