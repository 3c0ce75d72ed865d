// What must hold after every run of the exit worker: the log's records against the exchange's own books.

import Events
import Programmes
import Testing
import TradingBench

struct ExitJudgement {
    private let log: TradingLog
    private let location: SourceLocation
    let records: [Row]
    let status: Row

    init(_ log: TradingLog, location: SourceLocation = #_sourceLocation) throws {
        self.log = log
        self.location = location
        records = try log.records()
        status = try log.status()
    }

    func of(_ kind: String) -> [Row] { records.filter { $0.text("kind") == kind } }
    var completions: [Row] { of("panic.completed").map { $0.row("data") } }
    /// Requests of the exit worker.
    var closes: [Row] {
        let panics = Set(of("panic.requested").map { $0.number("seq") })
        return of("order.requested").map { $0.row("data") }.filter { panics.contains($0.number("intent_sequence")) }
    }

    /// Everything but whether it is flat: halted; one order at most a name, and each of them journaled; positions that
    /// never crossed zero; the sums of each completion.
    func expectSound() throws {
        #expect(status.text("trading") == "HALTED", "\(status)", sourceLocation: location)
        let asked = Set(of("order.requested").map { $0.row("data").text("client_order_id") })
        let orders = try log.exchange.orders().filter { !$0.text("clientOrderId").hasPrefix("web_") }
        let ids = orders.map { $0.text("clientOrderId") }
        #expect(Set(ids).count == ids.count, "two orders of one name: \(ids)", sourceLocation: location)
        let unknown = orders.filter { $0.text("type") == "MARKET" && !asked.contains($0.text("clientOrderId")) }
        #expect(unknown.isEmpty, "orders without a request: \(unknown)", sourceLocation: location)
        for symbol in Set(orders.map { $0.text("symbol") }).sorted() { try expectNeverFlipped(symbol) }
        let panics = of("panic.requested").map { $0.number("seq") }
        for end in completions {
            let failed = end.members["failed_symbols"] as? [String] ?? []
            #expect(
                end.number("positions_total") == end.number("positions_closed") + end.number("positions_failed")
                    && failed.isEmpty == (end.number("positions_failed") == 0), "\(end)", sourceLocation: location)
            #expect(panics.contains(end.number("panic_sequence")), "\(end)", sourceLocation: location)
        }
        let ended = completions.map { $0.number("panic_sequence") }
        #expect(Set(ended).count == ended.count, "one completion a trigger", sourceLocation: location)
    }

    /// Sound, flat, everything on record, and the log's positions are the exchange's.
    /// - Parameter isKnown: the log has seen how the positions were opened.
    func expectFlat(completions count: Int, failed: Int = 0, isKnown: Bool = true) throws {
        try expectSound()
        let held = try log.exchange.positions()
        #expect(held.isEmpty, "\(held)", sourceLocation: location)
        #expect(completions.count == count, "\(completions)", sourceLocation: location)
        let bad = completions.filter { $0.number("positions_failed") != failed }
        #expect(bad.isEmpty, "\(bad)", sourceLocation: location)
        let resting = try log.exchange.state()
        #expect(
            resting.number("open_orders") == 0 && resting.number("open_algo_orders") == 0, "\(resting)",
            sourceLocation: location)
        try expectRecorded()
        if isKnown {
            let ours = status.rows("positions")
            #expect(ours.isEmpty, "the log's positions: \(ours)", sourceLocation: location)
            try expectFills()
        }
    }

    /// Each request has one final outcome. What nobody shows is called not found only after its horizon: until then it
    /// stands in the journal.
    func expectRecorded() throws {
        let left = log.journal()
        let ends = ["filled", "rejected", "canceled", "expired", "not_found_after_horizon"]
        let outcomes = of("order.outcome").map { $0.row("data") }.filter { ends.contains($0.text("state")) }
        let names = outcomes.map { $0.text("client_order_id") }
        let asked = of("order.requested").map { $0.row("data").text("client_order_id") }
        #expect(Set(names).count == names.count, "one final outcome a request", sourceLocation: location)
        let open = asked.filter { name in !names.contains(name) && !left.contains { $0.contains(name) } }
        #expect(open.isEmpty && asked.count >= names.count, "no outcome of \(open)", sourceLocation: location)
    }

    private func expectFills() throws {
        let fills = of("fill").map { $0.row("data") }
        for symbol in Set(fills.map { $0.text("symbol") }).sorted() {
            let trades = try log.exchange.trades(symbol)
            let ours = fills.filter { $0.text("symbol") == symbol }.map { $0.text("trade_id") }
            #expect(
                Set(ours) == Set(trades.map { "\($0.number("id"))" }) && ours.count == trades.count,
                "\(symbol): fills are the exchange's trades", sourceLocation: location)
        }
    }

    /// From its first trade on each leg stays on its side of zero.
    private func expectNeverFlipped(_ symbol: String) throws {
        var sums: [String: ExactSum] = [:]
        var first: [String: Bool] = [:]
        for trade in try log.exchange.trades(symbol) {
            let leg = trade.text("positionSide")
            let amount = ExactSum(try trade.decimal("qty"))
            let sum = sums[leg] ?? .zero
            let isBuy = trade.text("side") == "BUY"
            sums[leg] = isBuy ? try sum.adding(amount) : try sum.subtracting(amount)
            first[leg] = first[leg] ?? isBuy
            let now = sums[leg] ?? .zero
            let isWrong = first[leg] == true ? now < .zero : now > .zero
            #expect(!isWrong, "\(symbol) \(leg) crossed zero", sourceLocation: location)
        }
    }
}
