// Reads an order request and an order's outcome as flat fields. In one-way mode a position side may be
// left out and is BOTH. A request names its quantity exactly; nothing is rounded to a step here.

import Records

extension EventOrderRequested {
    init(reading incoming: inout Incoming) throws(MessageError) {
        self.init()
        guard let intent = try incoming.whole("intent_sequence", range: 1...UInt64(Int64.max)) else {
            throw Incoming.missing("intent_sequence")
        }
        intentSequence = intent
        leg = UInt32(try incoming.whole("leg", range: 0...UInt64(UInt32.max)) ?? 0)
        venue = try incoming.requiredToken("venue")
        account = try incoming.requiredToken("account")
        symbol = try incoming.symbol()
        side = try incoming.requiredSide()
        positionSide = try incoming.positionSideOrBoth()
        quantity = try incoming.requiredDecimal("quantity", rule: .positive)
        if let value = try incoming.decimal("price", rule: .positive) { price = value }
        reduceOnly = try incoming.flag("reduce_only", "reduceOnly") ?? false
        clientOrderID = try incoming.token("client_order_id")
    }
}

extension EventOrderOutcome {
    init(reading incoming: inout Incoming) throws(MessageError) {
        self.init()
        guard let request = try incoming.whole("request_sequence", range: 1...UInt64(Int64.max)) else {
            throw Incoming.missing("request_sequence")
        }
        requestSequence = request
        symbol = try incoming.symbol()
        guard let state = try incoming.word("state", "status", as: EventOutcomeState.self) else {
            throw Incoming.missing("state")
        }
        self.state = state
        clientOrderID = try incoming.token("client_order_id")
        exchangeOrderID = try incoming.token("exchange_order_id", "order_id")
        if let value = try incoming.decimal("executed_quantity", rule: .notNegative) { executedQuantity = value }
        if let value = try incoming.decimal("average_price", rule: .notNegative) { averagePrice = value }
        errorCode = try incoming.errorCode()
        errorText = try incoming.text("error_text", max: Limits.reasonBytesMax)
        givenUp = try incoming.flag("given_up") ?? false
        guard !givenUp || state == .unknown else { throw MessageError("given_up", "is said of unknown orders alone") }
    }
}

extension Incoming {
    mutating func requiredSide() throws(MessageError) -> EventSide {
        guard let side = try word("side", as: EventSide.self) else { throw Incoming.missing("side") }
        return side
    }

    mutating func positionSideOrBoth() throws(MessageError) -> EventPositionSide {
        try word("position_side", "positionSide", as: EventPositionSide.self) ?? .both
    }

    fileprivate mutating func errorCode() throws(MessageError) -> Int32 {
        guard let found = try take(["error_code"]) else { return 0 }
        guard let code = Incoming.scalarText(found.value).flatMap({ Int32($0) }) else {
            throw MessageError("error_code", "must be a whole number of 32 bits")
        }
        return code
    }
}
