// An exchange that refuses, hangs, throttles, lies, or fills in part: what can be closed is closed, once, and what
// cannot is named.

import Foundation
import Glibc
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct BadExchangeTests {
    private static let throttled =
        "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again."

    /// Positions that others opened, a fault, a trigger, the end.
    private func run(
        _ positions: [(symbol: String, side: String, quantity: String)], _ exchange: [String] = ["--latency", "20"],
        prepare: (Exchange) throws -> Void, during: (TradingLog, RunningProgram) throws -> Void = { _, _ in },
        judge: (TradingLog, Row) throws -> Void
    ) throws {
        try withTradingLog(try Exchange(exchange)) { log in
            for each in positions {
                try log.exchange.control(
                    "position",
                    #"{"symbol":"\#(each.symbol)","side":"\#(each.side)","quantity":"\#(each.quantity)"}"#)
            }
            let worker = try log.exit()
            try log.wait("it is warm") { worker.errors.contains("the recorder has log") }
            try prepare(log.exchange)
            try log.panic(TradingLog.formA("bad"))
            try during(log, worker)
            let end = try log.wait(for: 1, "panic.completed", [worker])[0].row("data")
            try log.end(worker)
            try judge(log, end)
        }
    }

    private static let many = [
        ("BTCUSDT", "BUY", "0.5"), ("ETHUSDT", "SELL", "3"), ("SOLUSDT", "BUY", "40"), ("XRPUSDT", "SELL", "900"),
        ("BNBUSDT", "BUY", "2"), ("DOGEUSDT", "SELL", "9000"),
    ]

    private func reject(_ exchange: Exchange, _ symbol: String, _ code: Int, status: Int = 400) throws {
        try exchange.fault(
            #"{"kind":"reject","symbol":"\#(symbol)","code":\#(code),"status":\#(status),"times":1000}"#)
    }

    private func closes(_ log: TradingLog) throws -> [Row] {
        try log.exchange.orders().filter { !$0.text("clientOrderId").hasPrefix("web_") }
    }

    /// Each with a code of its own; two are closed.
    @Test func whatIsRefusedIsNamedAndTheOthersAreClosed() throws {
        try run(BadExchangeTests.many) { exchange in
            try reject(exchange, "BTCUSDT", -2019)
            try reject(exchange, "SOLUSDT", -4131)
            try reject(exchange, "XRPUSDT", -1106)
            try reject(exchange, "DOGEUSDT", -4164)
        } judge: { log, end in
            #expect(end.number("positions_total") == 6 && end.number("positions_failed") == 4, "\(end)")
            let failed = ["BTCUSDT", "DOGEUSDT", "SOLUSDT", "XRPUSDT"]
            #expect(end.members["failed_symbols"] as? [String] == failed)
            let judgement = try ExitJudgement(log)
            try judgement.expectSound()
            try judgement.expectRecorded()
            let held = try log.exchange.positions().map { $0.text("symbol") }
            #expect(held.sorted() == failed, "\(held)")
            #expect(judgement.closes.count == 6, "what was refused is not sent again")
            #expect(try log.exchange.hits("reject") == 4)
        }
    }

    @Test func allRefusedIsNotFlatAndHalted() throws {
        try run(BadExchangeTests.many) { exchange in
            try exchange.fault(
                #"{"kind":"forbidden","method":"POST","path":"/fapi/v1/order","times":1000}"#)
        } judge: { log, end in
            #expect(end.number("positions_failed") == 6 && end.number("positions_closed") == 0, "\(end)")
            let judgement = try ExitJudgement(log)
            try judgement.expectSound()
            #expect(judgement.closes.count == 6 && judgement.status.text("trading") == "HALTED")
            #expect(try log.exchange.hits("forbidden") == 6)
        }
    }

    /// Away at the trigger: every connection is cut, and then it is back.
    @Test func anExchangeThatIsAwayForThreeSeconds() throws {
        try run(BadExchangeTests.many) { exchange in
            try exchange.fault(#"{"kind":"close","times":1000}"#)
        } during: { log, worker in
            try log.wait("it cannot look") { worker.errors.contains("cannot look") }
            try away(seconds: 3, log)
            try log.exchange.clearFaults()
            try log.waitUntilFlat(within: 15, worker)
        } judge: { log, end in
            #expect(end.number("positions_closed") == 6, "\(end)")
            try ExitJudgement(log).expectFlat(completions: 1, isKnown: false)
        }
    }

    /// It takes orders and says nothing for three seconds.
    @Test func anExchangeThatStandsStillInTheMiddle() throws {
        try run(BadExchangeTests.many, ["--latency", "300"]) { _ in
        } during: { log, worker in
            try log.wait("closes leave") { log.journal().count >= 7 }
            log.exchange.send(SIGSTOP)
            try away(seconds: 3, log)
            log.exchange.send(SIGCONT)
        } judge: { log, end in
            #expect(end.number("positions_closed") == 6, "\(end)")
            try ExitJudgement(log).expectFlat(completions: 1, isKnown: false)
        }
    }

    private func away(seconds: Double, _ log: TradingLog) throws {
        let end = ContinuousClock.now + .seconds(seconds)
        try log.wait("it was away for \(seconds) s") { ContinuousClock.now >= end }
    }

    /// Answers come seconds later.
    @Test func aSlowExchange() throws {
        try run(BadExchangeTests.many) { exchange in
            try exchange.control("options", #"{"latency_ms":3000}"#)
        } judge: { log, end in
            #expect(end.number("positions_closed") == 6, "\(end)")
            try ExitJudgement(log).expectFlat(completions: 1, isKnown: false)
            #expect(try closes(log).count == 6, "an order that is not answered is asked for, not sent again")
        }
    }

    @Test(arguments: [
        #"{"kind":"rate_limit","retry_after_s":1,"method":"POST","path":"/fapi/v1/order","times":3}"#,
        #"{"kind":"unavailable","text":"B","method":"POST","path":"/fapi/v1/order","times":6}"#,
        #"{"kind":"reject","code":-1008,"status":503,"msg":"\#(throttled)","times":4}"#,
        #"{"kind":"rate_limit","retry_after_s":1,"times":2}"#,
    ])
    func aThrottlingExchange(fault: String) throws {
        try run(BadExchangeTests.many) {
            try $0.fault(fault)
        } judge: { log, end in
            #expect(end.number("positions_closed") == 6, "\(end)")
            try ExitJudgement(log).expectFlat(completions: 1, isKnown: false)
            #expect(try closes(log).count == 6)
        }
    }

    /// Of ghosts, orders that were lost, and answers that say nothing.
    @Test(arguments: [
        #"{"kind":"ghost","wire":"close","visible_after_ms":700,"times":3}"#,
        #"{"kind":"lost","wire":"reset","times":3}"#, #"{"kind":"ghost","wire":"503","percent":40,"times":2}"#,
    ])
    func ordersThatNobodyAnswers(fault: String) throws {
        try run(BadExchangeTests.many) {
            try $0.fault(fault)
        } judge: { log, end in
            #expect(end.number("positions_closed") == 6, "\(end)")
            try ExitJudgement(log).expectFlat(completions: 1, isKnown: false)
        }
    }

    @Test func stalePositionsAndFillsInPart() throws {
        try run(BadExchangeTests.many) { exchange in
            try exchange.fault(#"{"kind":"partial_fill","percent":40,"times":4}"#)
            try exchange.fault(#"{"kind":"stale_positions","path":"/fapi/v3/positionRisk","times":3}"#)
        } judge: { log, end in
            #expect(end.number("positions_total") == 6 && end.number("positions_failed") == 0, "\(end)")
            try ExitJudgement(log).expectFlat(completions: 1, isKnown: false)
        }
    }

    /// Both legs, with resting and conditional orders that reserve what the closes need; one leg is above the maximum.
    @Test func hedgeModeWithRestingAndConditionalOrders() throws {
        try withTradingLog(try Exchange(["--latency", "40", "--level-notional", "1000000"])) { log in
            try log.exchange.control("mode", #"{"hedge":true}"#)
            for (symbol, side, leg, quantity) in [
                ("BTCUSDT", "BUY", "LONG", "1"), ("BTCUSDT", "SELL", "SHORT", "2"),
                ("ETHUSDT", "SELL", "SHORT", "4500"),
                ("SOLUSDT", "BUY", "LONG", "40"),
            ] {
                try log.exchange.control(
                    "position",
                    #"{"symbol":"\#(symbol)","side":"\#(side)","position_side":"\#(leg)","quantity":"\#(quantity)"}"#)
            }
            try log.exchange.order(
                "symbol=BTCUSDT&side=SELL&positionSide=LONG&type=LIMIT&timeInForce=GTC&quantity=1&price=92000")
            try log.exchange.order(
                "symbol=BTCUSDT&side=BUY&positionSide=SHORT&type=LIMIT&timeInForce=GTC&quantity=2&price=88000")
            try log.exchange.algo(
                "algoType=CONDITIONAL&symbol=SOLUSDT&side=SELL&positionSide=LONG&type=STOP_MARKET&triggerPrice=100&quantity=40"
            )
            try log.exchange.order(
                "symbol=XRPUSDT&side=BUY&positionSide=LONG&type=LIMIT&timeInForce=GTC&quantity=100&price=2.05")
            let worker = try log.exit()
            try log.wait("it is warm") { worker.errors.contains("the recorder has log") }
            try log.panic(TradingLog.formA("hedge"))
            let end = try log.wait(for: 1, "panic.completed", [worker])[0].row("data")
            #expect(end.number("positions_total") == 4 && end.number("positions_failed") == 0, "\(end)")
            try log.end(worker)
            let judgement = try ExitJudgement(log)
            try judgement.expectFlat(completions: 1, isKnown: false)
        }
    }
}
