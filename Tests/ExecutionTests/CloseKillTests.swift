// Kills in the middle of closes and pairs, and one kill after another: more than one order may belong to such an intent,
// and none of them leaves twice.

import Events
import Glibc
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct CloseKillTests {
    /// What the exchange does with the close, on a symbol each.
    static let closes = [
        (symbol: "BTCUSDT", quantity: "0.5", fault: nil),
        (symbol: "ETHUSDT", quantity: "3", fault: #"{"kind":"ghost","wire":"close","symbol":"ETHUSDT"}"#),
        (symbol: "SOLUSDT", quantity: "20", fault: #"{"kind":"partial_fill","percent":50,"symbol":"SOLUSDT"}"#),
    ]

    @Test(arguments: ["request.after@1", "place.after@1", "acknowledge.before@1", "conclude.after@1"])
    func aCloseGoesOnAfterAKillAndNeverTurnsThePosition(_ failpoint: String) throws {
        let exchange = try Exchange()
        try withTradingLogs(CloseKillTests.closes.count, exchange) { logs in
            let cases = zip(logs, CloseKillTests.closes)
            for (log, close) in cases {
                try hold(close.symbol, close.quantity, log)
                if let fault = close.fault { try exchange.fault(fault) }
                try log.append(TradingLog.Stream.intents, ["trace_id=t", "symbol=\(close.symbol)", "side=close"])
            }
            let victims = try logs.map { try $0.serve("execution", failpoint: failpoint) }
            try expectKilled(victims)
            let heirs = try logs.map { try $0.serve("execution") }
            for (log, heir) in zip(logs, heirs) { _ = try log.wait(for: 1, "execution.result", [heir]) }
            for (log, heir) in zip(logs, heirs) { try log.stop(heir) }
            for (log, close) in cases { try expectClosed(log, close.symbol, failpoint) }
        }
    }

    /// What other hands traded, as a feed tells it.
    private func hold(_ symbol: String, _ quantity: String, _ log: TradingLog) throws {
        let exchange = log.exchange
        try exchange.control("position", #"{"symbol":"\#(symbol)","side":"BUY","quantity":"\#(quantity)"}"#)
        for trade in try exchange.trades(symbol) { try log.append(TradingLog.Stream.fills, feed(trade)) }
    }

    private func expectClosed(_ log: TradingLog, _ symbol: String, _ failpoint: String) throws {
        let judgement = try Judgement(log)
        try judgement.expectOnce([symbol], othersTradeToo: true)
        let held = try log.exchange.positions().filter { $0.text("symbol") == symbol }
        let result = judgement.result("t")
        // A process that lived to the end of a partial fill says so; one that died over it closes what is left.
        let rest = try held.map { try $0.decimal("quantity").description }
        #expect(rest.isEmpty || symbol == "SOLUSDT" && rest == ["10"], "\(failpoint) \(symbol): \(held)")
        if !rest.isEmpty { #expect(result.text("status") == "failed", "\(result)") }
        for request in judgement.of("order.requested") { #expect(request.row("data").flag("reduce_only") == true) }
    }

    @Test(arguments: ["request.after@1", "request.after@2", "place.after@1", "place.after@2", "acknowledge.before@1"])
    func aPairHasTwoOrdersAtMostAfterAKill(_ failpoint: String) throws {
        let exchange = try Exchange()
        try exchange.fault(#"{"kind":"ghost","wire":"close","symbol":"ETHUSDT"}"#)
        try withTradingLog(exchange) { log in
            try log.append(
                TradingLog.Stream.intents,
                ["trace_id=t", "pair_x=BTCUSDT", "side_x=buy", "pair_y=ETHUSDT", "side_y=sell", "quantity=1"])
            try expectKilled([try log.serve("execution", failpoint: failpoint)])
            let heir = try log.serve("execution")
            _ = try log.wait(for: 1, "execution.result", [heir])
            try log.stop(heir)
            let judgement = try Judgement(log)
            try judgement.expectOnce(["BTCUSDT", "ETHUSDT"])
            let requests = judgement.of("order.requested").count
            #expect(requests <= 2)
            let result = judgement.result("t")
            let isUnhedged = failpoint == "request.after@2"
            let isNothing = failpoint == "request.after@1"
            #expect(result.text("status") == (isUnhedged || isNothing ? "failed" : "filled"), "\(result)")
            #expect(judgement.status.text("trading") == (isUnhedged ? "REDUCING" : "ACTIVE"))
        }
    }

    /// Four deaths, each in the recovery from the one before.
    @Test func anIntentSurvivesOneKillAfterTheOther() throws {
        let exchange = try Exchange()
        try exchange.fault(#"{"kind":"ghost","wire":"close","visible_after_ms":1000}"#)
        try withTradingLog(exchange) { log in
            try log.intent("BTCUSDT", "buy", "0.01", trace: "t")
            for failpoint in ["place.after@1", "note.after@1", "acknowledge.before@1"] {
                try expectKilled([try log.serve("execution", failpoint: failpoint)])
            }
            let heir = try log.serve("execution")
            _ = try log.wait(for: 1, "execution.result", [heir])
            try log.stop(heir)
            let judgement = try Judgement(log)
            try judgement.expectOnce(["BTCUSDT"])
            #expect(judgement.result("t").text("status") == "filled")
            let orders = try exchange.orders()
            #expect(orders.count == 1)
        }
    }

    /// Whoever takes it dies: it ends FAILED, and nobody may add risk to what may be on the exchange.
    @Test func anIntentThatKillsEveryProcessIsGivenUpAndItsSymbolIsGuarded() throws {
        let exchange = try Exchange()
        try exchange.fault(#"{"kind":"ghost","wire":"close","visible_after_ms":600000}"#)
        try withTradingLog(exchange) { log in
            try log.intent("BTCUSDT", "buy", "0.01", trace: "t")
            try expectKilled([try log.serve("execution", failpoint: "place.after@1")])
            for _ in 2...5 { try expectKilled([try log.serve("execution", failpoint: "note.after@1")]) }
            let heir = try log.serve("router,execution")
            let result = try log.wait(for: 1, "execution.result", [heir])
            #expect(result[0].row("data").text("reason").hasPrefix("delivered_too_often"), "\(result)")
            try log.append(TradingLog.Stream.decisions, TradingLog.order("BTCUSDT", "buy", "0.01", "t2"))
            _ = try log.wait(for: 1, "decision.refused", [heir])
            try log.stop(heir)
            let judgement = try Judgement(log)
            #expect(judgement.status.text("trading") == "REDUCING")
            #expect(judgement.status.rows("unresolved").count == 1, "\(judgement.status)")
            let orders = try exchange.orders()
            #expect(orders.count == 1)
        }
    }
}
