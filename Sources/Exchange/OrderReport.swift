// What the exchange says of one order, and whether it speaks of the order that was meant. Ids, state and
// quantities must be there and fit together; average price and fees may be missing from answers to placing
// an order, and are then asked for otherwise.

package import Events

package struct OrderReport: Equatable, Sendable {
    package let symbol: String
    package let orderID: Int64
    package let clientOrderID: String
    package let status: OrderStatus
    package let side: OrderSide
    package let positionSide: PositionSide
    package let type: String
    package let quantity: ExactDecimal
    package let executedQuantity: ExactDecimal
    /// Nil for market orders.
    package let price: ExactDecimal?
    /// Nil where nothing was executed, or the exchange did not say.
    package let averagePrice: ExactDecimal?
    package let reduceOnly: Bool
    package let updatedAtMilliseconds: Int64?

    init(_ fields: AnswerFields) throws(MessageError) {
        symbol = try fields.text("symbol")
        orderID = try fields.whole("orderId", 1...Int64.max)
        clientOrderID = try fields.text("clientOrderId")
        status = try fields.word("status", as: OrderStatus.self)
        side = try fields.word("side", as: OrderSide.self)
        positionSide = try fields.optionalWord("positionSide", as: PositionSide.self) ?? .both
        type = try fields.text("type")
        quantity = try fields.notNegative("origQty")
        executedQuantity = try fields.notNegative("executedQty")
        price = fields.displayPrice("price")
        averagePrice = fields.displayPrice("avgPrice")
        reduceOnly = try fields.optionalFlag("reduceOnly") ?? false
        updatedAtMilliseconds = try fields.optionalWhole("updateTime", 0...Int64.max)
        guard executedQuantity <= quantity || quantity.isZero else {
            throw MessageError("executedQty", "\(executedQuantity) is over origQty, \(quantity)")
        }
        guard status != .filled || !executedQuantity.isZero else {
            throw MessageError("executedQty", "is zero of a filled order")
        }
    }

    /// Throws unless this is `order`, as it was sent.
    func check(against order: NewOrder) throws(Mismatch) {
        try Mismatch.expect(clientOrderID == order.clientOrderID.text, "clientOrderId")
        try Mismatch.expect(symbol == order.symbol.text, "symbol")
        try Mismatch.expect(side == order.side, "side")
        try Mismatch.expect(positionSide == order.positionSide, "positionSide")
        try Mismatch.expect(type == order.typeWord, "type")
        try Mismatch.expect(order.positionSide != .both || reduceOnly == order.reduceOnly, "reduceOnly")
        // What can only reduce may be cut down to what there is to reduce.
        try Mismatch.expect(
            order.canOnlyReduce ? quantity <= order.quantity : quantity == order.quantity, "origQty")
        if case .limit(let price, _) = order.terms { try Mismatch.expect(self.price == price, "price") }
    }

    func check(_ symbol: SymbolName, _ key: OrderKey) throws(Mismatch) {
        try Mismatch.expect(self.symbol == symbol.text, "symbol")
        switch key {
        case .clientID(let id): try Mismatch.expect(clientOrderID == id.text, "clientOrderId")
        case .exchangeID(let id): try Mismatch.expect(orderID == id, "orderId")
        }
    }
}

/// A conditional order that waits. It is not among the open orders, and must be cancelled by itself.
package struct AlgoOrderReport: Equatable, Sendable {
    package let symbol: String
    package let algoID: Int64
    package let clientAlgoID: String
    package let side: OrderSide
    package let positionSide: PositionSide
    package let status: String
    package let type: String

    init(_ fields: AnswerFields) throws(MessageError) {
        symbol = try fields.text("symbol")
        algoID = try fields.whole("algoId", 1...Int64.max)
        clientAlgoID = try fields.text("clientAlgoId")
        side = try fields.word("side", as: OrderSide.self)
        positionSide = try fields.optionalWord("positionSide", as: PositionSide.self) ?? .both
        status = try fields.text("algoStatus")
        type = try fields.text("orderType")
    }
}
