// What a decision and an intent have in common: what shall be traded, how much, and at which prices.
// Read once for both, so that a router and an external writer of intents cannot disagree about a message.

import Records

struct TradeTerms {
    var symbol: String
    var action: EventAction
    var confidence: EventDecimal?
    var entryPrice: EventDecimal?
    var quantity: EventDecimal?
    var positionSizeUSD: EventDecimal?
    var leverage: UInt32
    var stopLoss: EventDecimal?
    var takeProfit: EventDecimal?
    /// Asked for by the producer, or by CLOSE.
    var reduceOnly: Bool
    var positionSide: EventPositionSide

    init(reading incoming: inout Incoming) throws(MessageError) {
        symbol = try incoming.symbol()
        guard let action = try incoming.word("side", "action", as: EventAction.self) else {
            throw Incoming.missing("side")
        }
        self.action = action
        confidence = try incoming.decimal("confidence", rule: .share)
        entryPrice = try incoming.decimal("entry_price", rule: .positive)
        quantity = try incoming.decimal("quantity", rule: .positive)
        positionSizeUSD = try incoming.decimal("position_size_usd", rule: .positive)
        leverage = UInt32(try incoming.whole("leverage", range: 1...125) ?? 0)
        stopLoss = try incoming.limitPrice("stop_loss")
        takeProfit = try incoming.limitPrice("take_profit")
        let asked = try incoming.flag("reduce_only", "reduceOnly") ?? false
        reduceOnly = asked || action == .close
        positionSide = try incoming.word("position_side", "positionSide", as: EventPositionSide.self) ?? .unspecified
    }
}

extension Incoming {
    /// Producers write 0 for "none": no price ever reaches it.
    fileprivate mutating func limitPrice(_ name: String) throws(MessageError) -> EventDecimal? {
        guard let price = try decimal(name, rule: .notNegative), price.coefficient != 0 else { return nil }
        return price
    }
}
