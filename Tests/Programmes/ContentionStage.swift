// The processes of contention, which live for many runs: an exchange, a log, `backstop serve` with its user stream and its
// REST feed, four processes that give signals, ten that report trades, and one that reads what is recorded.

import Foundation

final class ContentionStage {
    private static let (signalCount, feedCount) = (4, 10)
    let service: RunningProgram
    private let sabotage: ContentionSabotage
    private let exchange: Exchange
    private let log: TradingLog
    /// The first half give their lines keys; the others do not.
    private let signals: [RunningProgram]
    private let feeds: [RunningProgram]
    private let results: Follower
    private let fills: Follower
    /// The last trade of each symbol that the feeds have reported.
    private var lastTrade: [String: Int] = [:]

    init(folder: String, _ sabotage: ContentionSabotage) throws {
        self.sabotage = sabotage
        // Small levels: an order has several trades. They fill up again as prices move.
        let market = ["--level-notional", "600", "--weight-limit", "1000000"]
        let exchange = try Exchange(market, folder: folder)
        let log = TradingLog(folder: folder, exchange: exchange)
        (self.exchange, self.log) = (exchange, log)
        let made = try log.run("init")
        guard made.status == 0 else { throw Trouble("\(made)") }
        let service = try log.serve("router,execution", ["feeds.interval_ms=200"])
        self.service = service
        func appender(_ stream: String, _ more: [String]) throws -> RunningProgram {
            try log.start(["append", stream, "--from", "-", "--json"] + more, piped: .inputAndOutput)
        }
        signals = try (0..<ContentionStage.signalCount).map { number in
            let hasKey = number < ContentionStage.signalCount / 2
            return try appender(TradingLog.Stream.decisions, hasKey ? ["--key-from", "trace_id"] : [])
        }
        feeds = try (0..<ContentionStage.feedCount).map { _ in try appender(TradingLog.Stream.fills, []) }
        results = try Follower(log, "execution.result")
        fills = try Follower(log, "fill")
        try log.wait("serve listens, with its stream") {
            guard service.isRunning else { throw Trouble("serve ended: \(service.errors)") }
            return service.errors.contains("execution listening") && service.errors.contains("the user stream stands")
        }
    }

    // MARK: A run

    /// What is wrong after it.
    func run(_ plan: ContentionPlan, _ tally: inout ContentionTally) throws -> [String] {
        if let fault = plan.fault { try exchange.fault(fault) }
        let before = try exchange.orders(plan.symbol).count
        try signal([plan.trace: TradingLog.order(plan.symbol, plan.side, plan.quantity, plan.trace)])
        for side in plan.otherSides {
            try exchange.order("symbol=\(plan.otherSymbol)&side=\(side)&type=MARKET&quantity=\(other(plan))")
        }
        try log.wait("its order is on the exchange") { try exchange.orders(plan.symbol).count > before }
        var problems = try report([plan.symbol, plan.otherSymbol], &tally)
        let result = try results.wait { $0.text("trace") == plan.trace || sabotage != .none }.row("data")
        if result.text("status") != "filled" { problems.append("it ended \(result)") }
        tally.orders += 1
        tally.fates[plan.fate.rawValue, default: 0] += 1
        if plan.closesBoth { problems += try closeBoth(plan, &tally) }
        let orders = try exchange.orders(plan.symbol).count - before
        let wanted = 1 + (plan.closesBoth && ["BTCUSDT", "ETHUSDT"].contains(plan.symbol) ? 1 : 0)
        if orders > wanted { problems.append("\(orders) orders of \(plan.symbol) where \(wanted) were decided") }
        return problems + (try judge([plan.symbol, plan.otherSymbol, "BTCUSDT", "ETHUSDT"]))
    }

    private func other(_ plan: ContentionPlan) -> String {
        ContentionPlan.quantities.first { $0.0 == plan.otherSymbol }?.1 ?? ""
    }

    /// Each of them gives all signals at once, the same as the others do.
    private func signal(_ decisions: [String: [String]]) throws {
        let sorted = decisions.sorted { $0.key < $1.key }
        for (number, process) in signals.enumerated() {
            let lines = sorted.map { trace, fields in
                var fields = fields
                if sabotage == .signalsNameThemselves {
                    fields = fields.map { $0 == "trace_id=\(trace)" ? "trace_id=\(trace)-\(number)" : $0 }
                }
                return jsonLine(fields)
            }
            try process.write(lines.joined(separator: "\n") + "\n")
        }
        for process in signals {
            for _ in sorted {
                let outcome = try answer(process).text("outcome")
                guard ["appended", "duplicate"].contains(outcome) else { throw Trouble("a signal was \(outcome)") }
            }
        }
    }

    private func answer(_ process: RunningProgram) throws -> Row {
        guard let line = try process.answers?.next() else { throw Trouble("an appender ended: \(process.errors)") }
        return try Row(line)
    }

    /// All feeds report all trades of the symbols since the last time, each in an order of its own.
    private func report(_ symbols: [String], _ tally: inout ContentionTally) throws -> [String] {
        let trades = try symbols.flatMap { symbol in
            try exchange.trades(symbol).filter { $0.number("id") > lastTrade[symbol] ?? 0 }
        }
        for trade in trades {
            lastTrade[trade.text("symbol")] = max(lastTrade[trade.text("symbol")] ?? 0, trade.number("id"))
        }
        tally.trades += trades.count
        var lines: [[Row]] = []
        for (number, process) in feeds.enumerated() {
            let turned = Array(trades[(number % max(1, trades.count))...] + trades[..<(number % max(1, trades.count))])
            lines.append(turned)
            try process.write(turned.map { line($0, number) + "\n" }.joined())
        }
        var problems: [String] = []
        var first: [String: Int] = [:]
        for (process, trades) in zip(feeds, lines) {
            for trade in trades {
                let name = "\(trade.text("symbol"))/\(trade.number("id"))"
                switch try answer(process).text("outcome") {
                case "appended": first[name, default: 0] += 1
                case "duplicate": tally.duplicatesOfFeeds += 1
                case let other: problems.append("trade \(name) was \(other)")
                }
            }
        }
        tally.appendedByFeeds += first.count
        for (trade, count) in first.sorted(by: { $0.key < $1.key }) where count > 1 {
            problems.append("trade \(trade) was appended \(count) times")
        }
        return problems
    }

    private func line(_ trade: Row, _ feed: Int) -> String {
        guard sabotage == .feedsNameTrades else { return feedLine(trade) }
        let id = "\(trade.number("id"))"
        return feedLine(trade).replacingOccurrences(
            of: #""trade_id":"\#(id)""#, with: #""trade_id":"\#(id)\#(feed)00""#)
    }

    /// Scenario 6 of the seed: neither keeps the other from its end, and both are flat.
    private func closeBoth(_ plan: ContentionPlan, _ tally: inout ContentionTally) throws -> [String] {
        let symbols = ["BTCUSDT", "ETHUSDT"]
        var decisions: [String: [String]] = [:]
        for symbol in symbols {
            let trace = "close-\(symbol)-\(plan.number)"
            decisions[trace] = TradingLog.order(symbol, "close", "", trace)
        }
        try signal(decisions)
        for _ in symbols { _ = try results.wait { $0.text("trace").hasPrefix("close-") } }
        let problems = try report(symbols, &tally)
        let held = try exchange.positions().filter { symbols.contains($0.text("symbol")) }
        return problems + (held.isEmpty ? [] : ["closed, and still held: \(held)"])
    }

    // MARK: Judging

    /// Every trade is in the log, and the positions are the exchange's.
    private func judge(_ symbols: [String]) throws -> [String] {
        try waitForFills(symbols)
        let status = try log.status()
        let held = try exchange.positions()
        var problems: [String] = []
        for symbol in Set(symbols).sorted() {
            let theirs = try held.filter { $0.text("symbol") == symbol }.map { try $0.decimal("quantity") }
            let ours = try status.rows("positions").filter { $0.text("symbol") == symbol }
                .map { try $0.decimal("quantity") }
            if ours != theirs { problems.append("\(symbol): the log holds \(ours), the exchange \(theirs)") }
        }
        let trading = status.text("trading")
        if trading != "ACTIVE" { problems.append("trading is \(trading)") }
        return problems
    }

    private func waitForFills(_ symbols: [String]) throws {
        for symbol in Set(symbols).sorted() {
            for trade in try exchange.trades(symbol) {
                try fills.wait(for: "\(symbol)/\(trade.number("id"))") { record in
                    "\(record.row("data").text("symbol"))/\(record.row("data").text("trade_id"))"
                }
            }
        }
    }

    /// Stops all; what is wrong over all runs together.
    func end() throws -> [String] {
        for process in signals + feeds {
            try process.closeInput()
            let finished = try process.finish()
            guard finished.status == 0 else { throw Trouble("\(finished)") }
        }
        try log.stop(service)
        let symbols = ContentionPlan.quantities.map(\.0)
        var problems = try Judgement(log).problems(symbols, othersTradeToo: true)
        let verified = try log.run("verify")
        if verified.status != 0 { problems.append("\(verified)") }
        return problems
    }
}

private func jsonLine(_ fields: [String]) -> String {
    let members = fields.map { field in
        let parts = field.split(separator: "=", maxSplits: 1)
        return #""\#(parts[0])":"\#(parts[1])""#
    }
    return "{\(members.joined(separator: ","))}"
}
