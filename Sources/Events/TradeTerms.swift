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
    /// Symbol and action are the first leg's.
    var pair: EventPair?

    init(reading incoming: inout Incoming) throws(MessageError) {
        pair = try EventPair(reading: &incoming)
        symbol = try incoming.symbol(pair == nil ? "symbol" : "pair_x")
        let names = pair == nil ? ["side", "action"] : ["side_x"]
        guard let action = try incoming.word(names, as: EventAction.self) else { throw Incoming.missing(names[0]) }
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
        if let pair { try check(pair) }
    }

    private func check(_ pair: EventPair) throws(MessageError) {
        guard action == .buy || action == .sell else { throw MessageError("side_x", "must be BUY or SELL") }
        guard pair.symbolY != symbol else { throw MessageError("pair_y", "must be another symbol than pair_x") }
        guard !reduceOnly else { throw MessageError("reduce_only", "a pair trade opens two positions") }
        guard positionSide == .unspecified || positionSide == .both else {
            throw MessageError("position_side", "pair trades are for one-way mode")
        }
    }
}

extension EventPair {
    /// Nil where the message names no second symbol.
    init?(reading incoming: inout Incoming) throws(MessageError) {
        guard let second = try incoming.optionalSymbol("pair_y") else { return nil }
        self.init()
        symbolY = second
        guard let side = try incoming.word("side_y", as: EventSide.self) else { throw Incoming.missing("side_y") }
        sideY = side
        if let value = try incoming.decimal("ratio", rule: .positive) { ratio = value }
    }
}

extension Incoming {
    /// Producers write 0 for "none": no price ever reaches it.
    fileprivate mutating func limitPrice(_ name: String) throws(MessageError) -> EventDecimal? {
        guard let price = try decimal(name, rule: .notNegative), price.coefficient != 0 else { return nil }
        return price
    }
}
