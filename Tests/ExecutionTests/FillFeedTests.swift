// Seed 003, scenarios 1 to 6: several feeds report the same trades while execution records them, too. One trade is one
// fill, and no position loses or doubles an update. Feeds are processes of their own.

import Events
import Foundation
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct FillFeedTests {
    /// Each feed is one process that reports all of it; the outcomes that they were told.
    private func report(_ trades: [Row], feeds: Int, _ log: TradingLog) throws -> [String: Int] {
        let path = log.folder + "/trades-\(UUID().uuidString)"
        try Data(trades.map(feedLine).joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: path))
        let running = try (0..<feeds).map { _ in
            try log.start(["append", TradingLog.Stream.fills, "--from", path, "--json"])
        }
        var outcomes: [String: Int] = [:]
        for feed in running {
            let finished = try feed.finish()
            #expect(finished.status == 0, "\(finished)")
            for line in finished.lines { outcomes[try Row(line).text("outcome"), default: 0] += 1 }
        }
        return outcomes
    }

    /// Scenario 1, and 4: a hundred times.
    @Test func oneTradeReportedByTwoFeedsAtOnceIsOneFill() throws {
        let exchange = try Exchange()
        for number in 1...100 {
            let quantity = "0.0\(number % 9 + 1)"
            try exchange.control("position", #"{"symbol":"BTCUSDT","side":"BUY","quantity":"\#(quantity)"}"#)
        }
        try withTradingLog(exchange) { log in
            let outcomes = try report(try exchange.trades("BTCUSDT"), feeds: 2, log)
            #expect(outcomes == ["appended": 100, "duplicate": 100])
            try Judgement(log).expectPositions(["BTCUSDT"])
            let fills = try log.records("--kind", "fill")
            #expect(fills.count == 100)
        }
    }

    /// Scenario 2: two trades of one position, by two feeds at once, each knowing one of them.
    @Test func twoTradesOfOnePositionAtOnceAreBothInIt() throws {
        let exchange = try Exchange()
        try exchange.control("position", #"{"symbol":"BTCUSDT","side":"BUY","quantity":"0.3"}"#)
        try exchange.control("position", #"{"symbol":"BTCUSDT","side":"SELL","quantity":"0.1"}"#)
        try withTradingLog(exchange) { log in
            let trades = try exchange.trades("BTCUSDT")
            let feeds = try trades.map { try log.start(["append", TradingLog.Stream.fills] + feed($0)) }
            try expectDone(feeds)
            let judgement = try Judgement(log)
            try judgement.expectPositions(["BTCUSDT"])
            let held = try judgement.status.rows("positions").map { try $0.decimal("quantity").description }
            #expect(held == ["0.2"])
        }
    }

    /// Scenario 3: execution fills an order while a feed reports its trades at the same time.
    @Test func anOrderFilledWhileFeedsReportItIsInThePositionOnce() throws {
        let exchange = try Exchange(["--level-notional", "200"])
        // The answer is late: feeds know the trades before execution does.
        try exchange.fault(#"{"kind":"delay","after_ms":700,"method":"POST","path":"/fapi/v1/order"}"#)
        try withTradingLog(exchange) { log in
            let service = try log.serve("execution")
            try log.intent("ETHUSDT", "buy", "1", trace: "t")
            try log.wait("it is filled") { try !exchange.orders("ETHUSDT").isEmpty }
            let trades = try exchange.trades("ETHUSDT")
            #expect(trades.count > 3, "a large order meets several levels")
            let outcomes = try report(trades, feeds: 3, log)
            _ = try log.wait(for: 1, "execution.result", [service])
            try log.stop(service)
            #expect(outcomes["conflict"] == nil, "\(outcomes)")
            try Judgement(log).expectOnce(["ETHUSDT"])
        }
    }

    /// Scenario 5.
    @Test func tenFeedsOfOnePositionCountNothingTwice() throws {
        let exchange = try Exchange()
        for number in 1...40 {
            let side = number % 3 == 0 ? "SELL" : "BUY"
            try exchange.control("position", #"{"symbol":"BTCUSDT","side":"\#(side)","quantity":"0.007"}"#)
        }
        try withTradingLog(exchange) { log in
            let outcomes = try report(try exchange.trades("BTCUSDT"), feeds: 10, log)
            #expect(outcomes == ["appended": 40, "duplicate": 360])
            try Judgement(log).expectPositions(["BTCUSDT"])
        }
    }

    /// A report that contradicts the first is evidence, and changes no position.
    @Test func aSecondReportWithAnotherPriceIsAConflict() throws {
        let exchange = try Exchange()
        try exchange.control("position", #"{"symbol":"BTCUSDT","side":"BUY","quantity":"0.3"}"#)
        try withTradingLog(exchange) { log in
            let trade = try exchange.trades("BTCUSDT")[0]
            try log.append(TradingLog.Stream.fills, feed(trade))
            let other = feed(trade).map { $0.hasPrefix("price=") ? "price=1" : $0 }
            let finished = try log.start(["append", TradingLog.Stream.fills, "--json"] + other).finish()
            #expect(finished.status == 1 && finished.out.contains(#""outcome":"conflict""#), "\(finished)")
            let judgement = try Judgement(log)
            try judgement.expectPositions(["BTCUSDT"])
            #expect(judgement.of("conflict").count == 1)
        }
    }

    /// Scenario 6.
    @Test func bitcoinAndEtherAreClosedAtOnceWithoutInterference() throws {
        let exchange = try Exchange()
        try withTradingLog(exchange) { log in
            let service = try log.serve()
            for (symbol, quantity) in [("BTCUSDT", "0.5"), ("ETHUSDT", "3")] {
                try log.append(TradingLog.Stream.decisions, TradingLog.order(symbol, "buy", quantity, "open-\(symbol)"))
            }
            _ = try log.wait(for: 2, "execution.result", [service])
            // Both are on their way at the same time.
            try exchange.fault(#"{"kind":"delay","after_ms":400,"method":"POST","path":"/fapi/v1/order","times":2}"#)
            let closers = try ["BTCUSDT", "ETHUSDT"].map {
                try log.start(
                    ["append", TradingLog.Stream.decisions] + TradingLog.order($0, "close", "", "close-\($0)"))
            }
            try expectDone(closers)
            _ = try log.wait(for: 4, "execution.result", [service])
            try log.stop(service)
            let judgement = try Judgement(log)
            try judgement.expectOnce(["BTCUSDT", "ETHUSDT"])
            #expect(judgement.of("execution.result").allSatisfy { $0.row("data").text("status") == "filled" })
            let (held, orders) = (try exchange.positions(), try exchange.orders())
            #expect(held.isEmpty && orders.count == 4, "\(held) \(orders)")
        }
    }
}
