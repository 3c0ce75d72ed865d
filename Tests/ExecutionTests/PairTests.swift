// Seed 002, tests 1 to 7, over real HTTP and between real processes. The exchange's books are the judge: how many orders
// were created, and of what size.

import Events
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct PairTests {
    private static let symbols = ["BTCUSDT", "ETHUSDT"]

    private func signal(_ trace: String) -> [String] {
        ["trace_id=\(trace)", "pair_x=BTCUSDT", "side_x=buy", "pair_y=ETHUSDT", "side_y=sell", "quantity=1"]
    }

    /// The orders that the exchange created: symbol, side and what was filled.
    private func created(_ exchange: Exchange) throws -> [String] {
        try exchange.orders().map { "\($0.text("symbol")) \($0.text("side")) \(try $0.decimal("executedQty"))" }
    }

    @Test func aPartialFillIsHedgedWithWhatWasReallyFilled() throws {
        let exchange = try Exchange()
        try exchange.fault(#"{"kind":"partial_fill","percent":60,"symbol":"BTCUSDT"}"#)
        try withTradingLog(exchange) { log in
            let service = try log.serve()
            try log.append(TradingLog.Stream.decisions, signal("t1"))
            _ = try log.wait(for: 1, "execution.result", [service])
            try log.stop(service)
            let judgement = try Judgement(log)
            try judgement.expectOnce(PairTests.symbols)
            let result = judgement.result("t1")
            #expect(result.text("status") == "filled" && result.text("reason").hasPrefix("partial"), "\(result)")
            let made = try created(exchange)
            #expect(made == ["BTCUSDT BUY 0.6", "ETHUSDT SELL 0.6"])
            let wanted = try exchange.orders().map { try $0.decimal("origQty").description }
            #expect(wanted == ["1", "0.6"])
        }
    }

    @Test(arguments: ["close", "leave"])
    func aSeverePartialFillAbortsTheTradeWithoutAHedge(_ severe: String) throws {
        let exchange = try Exchange()
        try exchange.fault(#"{"kind":"partial_fill","percent":10,"symbol":"BTCUSDT"}"#)
        try withTradingLog(exchange) { log in
            let service = try log.serve("router,execution", ["execution.severe_partial=\(severe)"])
            try log.append(TradingLog.Stream.decisions, signal("t1"))
            _ = try log.wait(for: 1, "execution.result", [service])
            try log.stop(service)
            let judgement = try Judgement(log)
            try judgement.expectOnce(PairTests.symbols)
            let result = judgement.result("t1")
            #expect(result.text("status") == "failed" && result.text("reason").contains("severe partial"), "\(result)")
            let made = try created(exchange)
            #expect(made == ["BTCUSDT BUY 0.1"] + (severe == "close" ? ["BTCUSDT SELL 0.1"] : []))
            #expect(judgement.status.text("trading") == (severe == "close" ? "ACTIVE" : "REDUCING"))
        }
    }

    /// The second leg's answer is lost, and the order too: it is looked up, and never sent again.
    @Test func aGhostIsLookedUpAndNotSentAgain() throws {
        let exchange = try Exchange()
        try exchange.fault(#"{"kind":"lost","wire":"close","symbol":"ETHUSDT"}"#)
        try exchange.count("GET", "/fapi/v1/order")
        try withTradingLog(exchange) { log in
            let service = try log.serve()
            try log.append(TradingLog.Stream.decisions, signal("t1"))
            _ = try log.wait(for: 1, "execution.result", [service])
            try log.stop(service)
            let judgement = try Judgement(log)
            try judgement.expectOnce(PairTests.symbols)
            let result = judgement.result("t1")
            #expect(result.text("status") == "failed" && result.text("reason").hasPrefix("unhedged"), "\(result)")
            let (made, lost, asked) = (try created(exchange), try exchange.hits("lost"), try exchange.counted())
            #expect(made == ["BTCUSDT BUY 1"] && lost == 1, "two create calls, one of them lost: \(made)")
            #expect(asked >= 2, "it was looked up \(asked) times")
            #expect(judgement.status.text("trading") == "REDUCING", "a leg stands alone: \(judgement.status)")
        }
    }

    @Test(arguments: ["BTCUSDT", "ETHUSDT"])
    func aGhostThatIsThereMakesNoDuplicate(_ symbol: String) throws {
        let exchange = try Exchange()
        try exchange.fault(#"{"kind":"ghost","wire":"close","symbol":"\#(symbol)"}"#)
        try exchange.count("GET", "/fapi/v1/order")
        try withTradingLog(exchange) { log in
            let service = try log.serve()
            try log.append(TradingLog.Stream.decisions, signal("t1"))
            _ = try log.wait(for: 1, "execution.result", [service])
            try log.stop(service)
            let judgement = try Judgement(log)
            try judgement.expectOnce(PairTests.symbols)
            #expect(judgement.result("t1").text("status") == "filled", "\(judgement.result("t1"))")
            let (made, asked) = (try created(exchange), try exchange.counted())
            #expect(made == ["BTCUSDT BUY 1", "ETHUSDT SELL 1"])
            #expect(asked >= 1)
        }
    }

    /// `count` processes append the same signal at once, while the first trade is held up on the exchange.
    private func spam(_ count: Int, _ exchange: Exchange, _ body: (Judgement) throws -> Void) throws {
        try exchange.fault(#"{"kind":"delay","after_ms":5000,"method":"POST","path":"/fapi/v1/order"}"#)
        try withTradingLog(exchange) { log in
            let service = try log.serve()
            let senders = try (1...count).map {
                try log.start(["append", TradingLog.Stream.decisions] + signal("t\($0)"))
            }
            try expectDone(senders)
            _ = try log.wait(for: count - 1, "decision.refused", [service])
            _ = try log.wait(for: 1, "execution.result", [service])
            try log.stop(service)
            let judgement = try Judgement(log)
            try judgement.expectOnce(PairTests.symbols)
            let refusals = judgement.of("decision.refused").map { $0.row("data").text("reason") }
            #expect(refusals == Array(repeating: "pair_busy", count: count - 1))
            try body(judgement)
        }
    }

    @Test func fiveIdenticalSignalsAtOnceAreOneTrade() throws {
        let exchange = try Exchange()
        try spam(5, exchange) { judgement in
            #expect(judgement.of("execution.result").map { $0.row("data").text("status") } == ["filled"])
            let made = try created(exchange)
            #expect(made == ["BTCUSDT BUY 1", "ETHUSDT SELL 1"])
        }
    }

    @Test func fiveSignalsOneAfterTheOtherAreFiveTrades() throws {
        let exchange = try Exchange()
        try withTradingLog(exchange) { log in
            let service = try log.serve()
            for number in 1...5 {
                try log.append(TradingLog.Stream.decisions, signal("t\(number)"))
                _ = try log.wait(for: number, "execution.result", [service])
            }
            try log.stop(service)
            let judgement = try Judgement(log)
            try judgement.expectOnce(PairTests.symbols)
            #expect(judgement.of("execution.result").allSatisfy { $0.row("data").text("status") == "filled" })
            let made = try created(exchange)
            #expect(made.count == 10)
            #expect(made.filter { $0 == "BTCUSDT BUY 1" }.count == 5, "\(made)")
            #expect(made.filter { $0 == "ETHUSDT SELL 1" }.count == 5, "\(made)")
        }
    }

    @Test func aPartialFillUnderThreeSignalsAtOnceIsOneTrade() throws {
        let exchange = try Exchange()
        // Both at once: the answer comes late, and says 60 percent.
        try exchange.fault(#"{"kind":"ghost","wire":"503","after_ms":5000,"percent":60,"symbol":"BTCUSDT"}"#)
        try spam(3, exchange) { _ in
            let made = try created(exchange)
            #expect(made == ["BTCUSDT BUY 0.6", "ETHUSDT SELL 0.6"])
        }
    }
}
