// Reads a trade intent that another router wrote: a decision's members, plus how it was sized and why.
// An intent names an amount, or closes a position; HOLD is no intent. The sequences of a decision and of a
// configuration are never read from outside: they would name records of another log.

import Records

extension EventTradeIntent {
    init(reading incoming: inout Incoming) throws(MessageError) {
        let terms = try TradeTerms(reading: &incoming)
        guard terms.action != .hold else { throw MessageError("side", "HOLD cannot be an intent") }
        self.init()
        symbol = terms.symbol
        action = terms.action
        if let value = terms.confidence { confidence = value }
        if let value = terms.entryPrice { entryPrice = value }
        if let value = terms.quantity { quantity = value }
        if let value = terms.positionSizeUSD { positionSizeUsd = value }
        leverage = terms.leverage
        if let value = terms.stopLoss { stopLoss = value }
        if let value = terms.takeProfit { takeProfit = value }
        reduceOnly = terms.reduceOnly
        positionSide = terms.positionSide
        if let value = terms.pair { pair = value }
        sizedBy = try incoming.word("sized_by", as: EventSizedBy.self) ?? .unspecified
        if sizedBy == .unspecified { sizedBy = try EventTradeIntent.sizing(terms) }
        reason = try incoming.text("reason", max: Limits.reasonBytesMax)
        rule = try incoming.text("rule", max: Limits.producerBytesMax)
        model = try incoming.text("model", max: Limits.producerBytesMax)
        correlationID = try incoming.firstText(["correlation_id"], of: .field, max: Limits.traceBytesMax)
        _ = try incoming.time("timestamp", "ts")  // checked, and kept in the verbatim fields
        _ = try incoming.firstText(["source"], of: .field, max: Limits.producerBytesMax)
        members = incoming.rest()
    }

    private static func sizing(_ terms: TradeTerms) throws(MessageError) -> EventSizedBy {
        if terms.quantity != nil { return .decisionQuantity }
        if terms.positionSizeUSD != nil { return .decisionUsd }
        guard terms.action == .close else {
            throw MessageError("quantity", "an intent needs quantity or position_size_usd")
        }
        return .position
    }
}
