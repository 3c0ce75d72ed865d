// Reads a decision: what an AI engine wants done. Envelope with a payload, or flat. Members that nobody
// here knows are kept. It must not judge the decision; that is the router's work.

import Records

extension EventDecision {
    init(reading incoming: inout Incoming) throws(MessageError) {
        let terms = try TradeTerms(reading: &incoming)
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
        producedAtNs = try incoming.time("timestamp", "ts")?.nanoseconds ?? 0
        model = try incoming.text("model", max: Limits.producerBytesMax)
        correlationID = try incoming.firstText(["correlation_id"], of: .field, max: Limits.traceBytesMax)
        source = try incoming.firstText(["source"], of: .field, max: Limits.producerBytesMax)
        members = incoming.rest()
    }
}
