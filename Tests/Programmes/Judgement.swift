// What must hold whatever happened: the log against the exchange's books. Whoever trades, in a test or in a programme,
// ends with it. It reads all and only says what is wrong.

import Events

package struct Judgement {
    package let records: [Row]
    package let status: Row
    private let log: TradingLog

    package init(_ log: TradingLog) throws {
        self.log = log
        records = try log.records()
        status = try log.status()
    }

    package func of(_ kind: String) -> [Row] { records.filter { $0.text("kind") == kind } }
    package func result(_ trace: String) -> Row {
        of("execution.result").first { $0.text("trace") == trace }?.row("data") ?? Row([:])
    }

    private static let ends = ["filled", "rejected", "canceled", "expired", "not_found_after_horizon"]

    /// One end an intent, one outcome a request, one order at most a request, no order of nobody's, equal positions,
    /// and the fills are the exchange's trades. Empty: all of it holds.
    /// - Parameters:
    ///   - symbols: what this log alone traded on the exchange.
    ///   - othersTradeToo: so that there are orders without a request.
    package func problems(_ symbols: [String], othersTradeToo: Bool) throws -> [String] {
        var found: [String] = []
        func expect(_ holds: Bool, _ text: @autoclosure () -> String) { if !holds { found.append(text()) } }
        let intents = of("trade.intent").map { $0.number("seq") }
        let ended = of("execution.result").map { $0.row("data").number("intent_sequence") }
        expect(ended.sorted() == intents, "one result for each intent: \(intents) have \(ended.sorted())")
        let requests = of("order.requested")
        let final = of("order.outcome").filter { Judgement.ends.contains($0.row("data").text("state")) }
            .map { $0.row("data").number("request_sequence") }
        expect(
            final.sorted() == requests.map { $0.number("seq") },
            "one final outcome for each request: \(requests.map { $0.number("seq") }) have \(final.sorted())")
        let group = status.rows("groups").first { $0.text("group") == "quantum:group:execution:trade.intent" }
        expect(group?.number("pending") == 0 && group?.number("lag") == 0, "execution has all done: \(status)")
        expect(status.rows("unresolved").isEmpty, "nothing is unresolved: \(status)")
        let asked = Set(requests.map { $0.row("data").text("client_order_id") })
        expect(asked.count == requests.count, "a client order id for each request")
        for symbol in symbols {
            let there = try log.exchange.orders(symbol).map { $0.text("clientOrderId") }
            expect(Set(there).count == there.count, "two orders of one id: \(there)")
            expect(othersTradeToo || asked.isSuperset(of: there), "orders without a request: \(there)")
            found += try fillProblems(symbol)
        }
        return found + (try positionProblems(symbols))
    }

    /// Where the log's position is not the exchange's.
    package func positionProblems(_ symbols: [String]) throws -> [String] {
        let held = try log.exchange.positions()
        return try symbols.compactMap { symbol in
            let theirs = try held.filter { $0.text("symbol") == symbol }.map { try $0.decimal("quantity") }
            let ours = try status.rows("positions").filter { $0.text("symbol") == symbol }
                .map { try $0.decimal("quantity") }
            return ours == theirs ? nil : "\(symbol): the log's position is \(ours), the exchange's \(theirs)"
        }
    }

    private func fillProblems(_ symbol: String) throws -> [String] {
        let fills = of("fill").map { $0.row("data") }.filter { $0.text("symbol") == symbol }
        let trades = try log.exchange.trades(symbol)
        let ours = try Set(
            fills.map { "\($0.text("trade_id")) \(try $0.decimal("quantity")) \(try $0.decimal("price"))" })
        let theirs = try Set(trades.map { "\($0.number("id")) \(try $0.decimal("qty")) \(try $0.decimal("price"))" })
        if ours == theirs, fills.count == trades.count { return [] }
        return [
            "\(symbol): \(fills.count) fills are not the exchange's \(trades.count) trades: "
                + "\(ours.symmetricDifference(theirs).sorted().prefix(6))"
        ]
    }
}

/// What a feed reports of a trade that the exchange tells of: fields of an entry of `backstop:stream:fill`.
package func feed(_ trade: Row) -> [String] {
    [
        "venue=binance-usdm", "account=main", "symbol=\(trade.text("symbol"))", "trade_id=\(trade.number("id"))",
        "order_id=\(trade.number("orderId"))", "side=\(trade.text("side"))", "quantity=\(trade.text("qty"))",
        "price=\(trade.text("price"))",
    ]
}

/// The same as a line of JSON.
package func feedLine(_ trade: Row) -> String {
    let members = feed(trade).map { field in
        let parts = field.split(separator: "=", maxSplits: 1)
        return #""\#(parts[0])":"\#(parts[1])""#
    }
    return "{\(members.joined(separator: ","))}"
}
