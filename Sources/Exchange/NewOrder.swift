// One order that is about to be sent: checked as far as it can be without the exchange. Its quantity and
// price are sent as they stand; nothing is rounded here. Conditional orders are not offered by this endpoint
// any more (-4120), so they have no word here.

package import Events
internal import Records

package struct NewOrder: Equatable, Sendable {
    package enum Terms: Equatable, Sendable {
        case market
        case limit(price: ExactDecimal, TimeInForce)
    }

    package let symbol: SymbolName
    package let side: OrderSide
    package let positionSide: PositionSide
    package let quantity: ExactDecimal
    package let terms: Terms
    /// In one-way mode only; in hedge mode the sides say it.
    package let reduceOnly: Bool
    package let clientOrderID: ClientOrderID

    package init(
        symbol: SymbolName, side: OrderSide, positionSide: PositionSide, quantity: ExactDecimal, terms: Terms,
        reduceOnly: Bool, clientOrderID: ClientOrderID
    ) throws(MessageError) {
        try NewOrder.check(quantity, "quantity")
        if case .limit(let price, _) = terms { try NewOrder.check(price, "price") }
        guard positionSide == .both || !reduceOnly else {
            throw MessageError("reduce_only", "is not sent in hedge mode: the exchange refuses it (-1106)")
        }
        self.symbol = symbol
        self.side = side
        self.positionSide = positionSide
        self.quantity = quantity
        self.terms = terms
        self.reduceOnly = reduceOnly
        self.clientOrderID = clientOrderID
    }

    /// Whether it cannot increase a position: reduce-only, or the closing side of a hedge leg.
    package var canOnlyReduce: Bool {
        switch positionSide {
        case .both: reduceOnly
        case .long: side == .sell
        case .short: side == .buy
        }
    }

    /// Positive, and plain: 20 digits before and after the point at most.
    private static func check(_ value: ExactDecimal, _ field: String) throws(MessageError) {
        guard !value.isZero, !value.isNegative else {
            throw MessageError(field, "must be greater than zero, found \(value)")
        }
        let parts = value.description.split(separator: ".")
        guard parts.allSatisfy({ $0.utf8.count <= 20 }) else {
            throw MessageError(field, "has too many digits for the exchange: \(value)")
        }
    }

    var parameters: [Parameter] {
        var list = [Parameter("symbol", symbol.text), Parameter("side", side.rawValue)]
        // BOTH is the default, and an account in hedge mode must be told that it was meant: sent always.
        list.append(Parameter("positionSide", positionSide.rawValue))
        switch terms {
        case .market: list.append(Parameter("type", "MARKET"))
        case .limit(_, let timeInForce):
            list += [Parameter("type", "LIMIT"), Parameter("timeInForce", timeInForce.rawValue)]
        }
        list.append(Parameter("quantity", quantity.description))
        if case .limit(let price, _) = terms { list.append(Parameter("price", price.description)) }
        if reduceOnly { list.append(Parameter("reduceOnly", "true")) }
        list += [Parameter("newClientOrderId", clientOrderID.text), Parameter("newOrderRespType", "RESULT")]
        return list
    }

    /// `LIMIT` or `MARKET`, as answers name it.
    var typeWord: String {
        switch terms {
        case .market: "MARKET"
        case .limit: "LIMIT"
        }
    }
}
