// What must hold whatever happened: log against the exchange's books. Whoever trades in a test ends with it.

import Events
import Programmes
package import Testing

package struct Judgement {
    package let records: [Row]
    package let status: Row
    private let log: TradingLog
    private let location: SourceLocation

    /// Reads all; `expect` judges.
    package init(_ log: TradingLog, location: SourceLocation = #_sourceLocation) throws {
        self.log = log
        self.location = location
        records = try log.records()
        status = try log.status()
    }

    package func of(_ kind: String) -> [Row] { records.filter { $0.text("kind") == kind } }
    package func result(_ trace: String) -> Row {
        of("execution.result").first { $0.text("trace") == trace }?.row("data") ?? Row([:])
    }

    private static let ends = ["filled", "rejected", "canceled", "expired", "not_found_after_horizon"]

    /// One end an intent, one outcome a request, one order at most a request, no order of nobody's, equal positions,
    /// and the fills are the exchange's trades.
    /// - Parameters:
    ///   - symbols: what this log alone traded on the exchange.
    ///   - othersTradeToo: so that there are orders without a request.
    package func expectOnce(_ symbols: [String], othersTradeToo: Bool = false) throws {
        let intents = of("trade.intent").map { $0.number("seq") }
        let ended = of("execution.result").map { $0.row("data").number("intent_sequence") }
        #expect(ended.sorted() == intents, "one result for each intent", sourceLocation: location)
        let requests = of("order.requested")
        let final = of("order.outcome").filter { Judgement.ends.contains($0.row("data").text("state")) }
        #expect(
            final.map { $0.row("data").number("request_sequence") }.sorted() == requests.map { $0.number("seq") },
            "one final outcome for each request", sourceLocation: location)
        let group = status.rows("groups").first { $0.text("group") == "quantum:group:execution:trade.intent" }
        #expect(group?.number("pending") == 0 && group?.number("lag") == 0, "\(status)", sourceLocation: location)
        #expect(status.rows("unresolved").isEmpty, "\(status)", sourceLocation: location)
        let asked = Set(requests.map { $0.row("data").text("client_order_id") })
        #expect(asked.count == requests.count, "a client order id for each request", sourceLocation: location)
        for symbol in symbols {
            let there = try log.exchange.orders(symbol).map { $0.text("clientOrderId") }
            #expect(Set(there).count == there.count, "two orders of one id: \(there)", sourceLocation: location)
            if !othersTradeToo {
                #expect(asked.isSuperset(of: there), "orders without a request: \(there)", sourceLocation: location)
            }
            try expectFills(symbol)
        }
        try expectPositions(symbols)
    }

    package func expectPositions(_ symbols: [String]) throws {
        let held = try log.exchange.positions()
        for symbol in symbols {
            let theirs = try held.filter { $0.text("symbol") == symbol }.map { try $0.decimal("quantity") }
            let ours = try status.rows("positions").filter { $0.text("symbol") == symbol }
                .map { try $0.decimal("quantity") }
            #expect(ours == theirs, "\(symbol): the log's position and the exchange's", sourceLocation: location)
        }
    }

    private func expectFills(_ symbol: String) throws {
        let fills = of("fill").map { $0.row("data") }.filter { $0.text("symbol") == symbol }
        let trades = try log.exchange.trades(symbol)
        let ours = try Set(
            fills.map { "\($0.text("trade_id")) \(try $0.decimal("quantity")) \(try $0.decimal("price"))" })
        let theirs = try Set(trades.map { "\($0.number("id")) \(try $0.decimal("qty")) \(try $0.decimal("price"))" })
        #expect(
            ours == theirs && fills.count == trades.count, "\(symbol): fills are the exchange's trades",
            sourceLocation: location)
    }
}
