// What the exchange would say, as values that went through the readers: instruments, positions, orders, trades. And
// intents. Nothing here is made past a reader, so no test rests on an answer that could not come.

import Domain
import Events
import Records
import SwiftProtobuf

@testable import Exchange

enum Sample {
    static let btc = try! SymbolName("BTCUSDT")
    static let eth = try! SymbolName("ETHUSDT")

    static func fields(_ members: [(String, String)]) -> AnswerFields {
        let text = members.map { "\"\($0.0)\":\"\($0.1)\"" }.joined(separator: ",")
        return try! AnswerFields(try! JSONText.read("{\(text)}"))
    }

    static func instrument(
        _ symbol: SymbolName, minimum: String = "0.001", maximum: String = "120", step: String = "0.001",
        notional: String = "5", status: String = "TRADING"
    ) -> Instrument {
        let text = instrumentText(
            symbol, minimum: minimum, maximum: maximum, step: step, notional: notional, status: status)
        return try! Instrument(try! AnswerFields(try! JSONText.read(text)))
    }

    static func instrumentText(
        _ symbol: SymbolName, minimum: String = "0.001", maximum: String = "120", step: String = "0.001",
        notional: String = "5", status: String = "TRADING"
    ) -> String {
        func lot(_ name: String) -> String {
            #"{"filterType":"\#(name)","minQty":"\#(minimum)","maxQty":"\#(maximum)","stepSize":"\#(step)"}"#
        }
        return """
            {"symbol":"\(symbol)","status":"\(status)","contractType":"PERPETUAL","marginAsset":"USDT","filters":[
            {"filterType":"PRICE_FILTER","minPrice":"0.1","maxPrice":"1000000","tickSize":"0.1"},
            \(lot("LOT_SIZE")),\(lot("MARKET_LOT_SIZE")),{"filterType":"MIN_NOTIONAL","notional":"\(notional)"}]}
            """
    }

    static func position(_ symbol: SymbolName, _ side: PositionSide, _ quantity: ExactDecimal) -> PositionReport {
        try! PositionReport(
            fields([("symbol", symbol.text), ("positionSide", side.rawValue), ("positionAmt", "\(quantity)")]))
    }

    /// An order's report, with some members replaced.
    static func report(
        _ plan: OrderPlan, _ id: String, order: Int64, status: String, executed: ExactDecimal,
        _ changes: [String: String] = [:]
    ) -> OrderReport {
        let members = [
            ("symbol", plan.symbol.text), ("orderId", "\(order)"), ("clientOrderId", id), ("status", status),
            ("side", plan.side.rawValue), ("positionSide", plan.positionSide.rawValue), ("type", "MARKET"),
            ("origQty", "\(plan.quantity)"), ("executedQty", "\(executed)"), ("avgPrice", "100"),
        ]
        return try! OrderReport(fields(members.map { ($0.0, changes[$0.0] ?? $0.1) }))
    }

    static func trade(_ plan: OrderPlan, order: Int64, id: Int64, _ quantity: ExactDecimal) -> AccountTrade {
        try! AccountTrade(try! AnswerFields(try! JSONText.read(tradeText(plan, order: order, id: id, quantity))))
    }

    static func tradeText(
        _ plan: OrderPlan, order: Int64 = 1, id: Int64 = 10, _ quantity: ExactDecimal = decimal("1"),
        time: Int64 = 1_763_818_338_280
    ) -> String {
        let members = [
            ("symbol", plan.symbol.text), ("id", "\(id)"), ("orderId", "\(order)"), ("side", plan.side.rawValue),
            ("positionSide", plan.positionSide.rawValue), ("price", "100"), ("qty", "\(quantity)"),
            ("realizedPnl", "0"), ("commission", "0.01"), ("commissionAsset", "USDT"), ("time", "\(time)"),
        ]
        return "{" + members.map { "\"\($0.0)\":\"\($0.1)\"" }.joined(separator: ",") + ",\"maker\":false}"
    }

    // MARK: Intents

    static func intent(
        _ action: EventAction = .buy, quantity: String? = "1", usd: String? = nil, symbol: String = "BTCUSDT",
        reduceOnly: Bool = false, positionSide: EventPositionSide = .unspecified, leverage: UInt32 = 0
    ) -> EventTradeIntent {
        EventTradeIntent.with {
            $0.symbol = symbol
            $0.action = action
            if let quantity { $0.quantity = decimal(quantity).event }
            if let usd { $0.positionSizeUsd = decimal(usd).event }
            $0.reduceOnly = reduceOnly || action == .close
            $0.positionSide = positionSide
            $0.leverage = leverage
        }
    }

    /// Buys Bitcoin, sells Ether.
    static func pair(quantity: String = "1", ratio: String? = nil, second: String = "ETHUSDT") -> EventTradeIntent {
        var intent = intent(.buy, quantity: quantity)
        intent.pair.symbolY = second
        intent.pair.sideY = .sell
        if let ratio { intent.pair.ratio = decimal(ratio).event }
        return intent
    }
}
