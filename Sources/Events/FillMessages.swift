// Reads what an exchange says has happened: a fill, a fill's detail, an attested position. Venue, account,
// symbol and trade id name a fill for ever, so all four must be given; none has a default.

import Records

extension EventFill {
    init(reading incoming: inout Incoming) throws(MessageError) {
        self.init()
        venue = try incoming.requiredToken("venue")
        account = try incoming.requiredToken("account")
        symbol = try incoming.symbol()
        tradeID = try incoming.requiredToken("trade_id")
        orderID = try incoming.token("order_id")
        clientOrderID = try incoming.token("client_order_id")
        side = try incoming.requiredSide()
        positionSide = try incoming.positionSideOrBoth()
        quantity = try incoming.requiredDecimal("quantity", rule: .positive)
        price = try incoming.requiredDecimal("price", rule: .positive)
        if let value = try incoming.decimal("fee", rule: .any) { fee = value }
        feeAsset = try incoming.token("fee_asset")
        tradedAtNs = try incoming.time("traded_at", "timestamp", "ts")?.nanoseconds ?? 0
    }

    /// The fill's own key.
    package var key: String { "fill/\(venue)/\(account)/\(symbol)/\(tradeID)" }
}

extension EventFillDetail {
    init(reading incoming: inout Incoming) throws(MessageError) {
        self.init()
        venue = try incoming.requiredToken("venue")
        account = try incoming.requiredToken("account")
        symbol = try incoming.symbol()
        tradeID = try incoming.requiredToken("trade_id")
        if let value = try incoming.decimal("fee", rule: .any) { fee = value }
        feeAsset = try incoming.token("fee_asset")
        if let value = try incoming.decimal("realised_profit", rule: .any) { realisedProfit = value }
    }

    /// The detail's own key.
    package var key: String { "fill.detail/\(venue)/\(account)/\(symbol)/\(tradeID)" }
}

extension EventOrderRequested {
    /// The request's own key.
    package var key: String { "order.requested/\(intentSequence)/\(leg)" }
}

extension EventPositionAttested {
    init(reading incoming: inout Incoming) throws(MessageError) {
        self.init()
        venue = try incoming.requiredToken("venue")
        account = try incoming.requiredToken("account")
        symbol = try incoming.symbol()
        positionSide = try incoming.positionSideOrBoth()
        quantity = try incoming.requiredDecimal("quantity", rule: .any)
        if let value = try incoming.decimal("entry_price", rule: .notNegative) { entryPrice = value }
        attestedAtNs = try incoming.time("attested_at", "timestamp", "ts")?.nanoseconds ?? 0
    }
}
