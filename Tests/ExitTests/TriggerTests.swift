// One trigger, two, five: each run is a completion, equal event ids are one run, and whatever comes when is carried out.

import Foundation
import Glibc
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct TriggerTests {
    /// Two triggers a tenth of a second apart, in either form.
    @Test(arguments: [
        (isFormA: true, isSameEvent: false), (isFormA: true, isSameEvent: true), (isFormA: false, isSameEvent: false),
    ])
    func twoTriggersShortlyAfterEachOther(isFormA: Bool, isSameEvent: Bool) throws {
        try withTradingLog(try Exchange(["--latency", "40"])) { log in
            try log.open([("BTCUSDT", "buy", "0.1")])
            let worker = try log.exit()
            let stream = isFormA ? TradingLog.Stream.panics : "quantum:stream:system.panic_close"
            func fields(_ event: String) -> [(String, String)] {
                isFormA ? TradingLog.formA(event) : TradingLog.formB("TEST - idempotency check \(event)")
            }
            try log.panic(fields("one"), stream: stream)
            try log.panic(fields(isSameEvent ? "one" : "two"), stream: stream)
            let count = isSameEvent ? 1 : 2
            let ends = try log.wait(for: count, "panic.completed", [worker]).map { $0.row("data") }
            #expect(ends[0].number("positions_total") == 1 && ends[0].number("positions_closed") == 1)
            if count == 2 {
                #expect(ends[1].number("positions_total") == 0 && ends[1].number("positions_closed") == 0, "\(ends)")
            }
            if !isFormA {
                let streams = ends.filter { $0.text("event_id").hasPrefix("system:panic_close/") }
                #expect(streams.count == 2, "a trigger without an event id is named after its entry: \(ends)")
            }
            try log.end(worker)
            try ExitJudgement(log).expectFlat(completions: count)
            #expect(log.journal().isEmpty)
        }
    }

    /// Five at once, and one more while the second of them runs; two of them come by the socket as well.
    @Test func fiveAtOnceAndOneMoreDuringTheSecond() throws {
        try withTradingLog(try Exchange(["--latency", "40"])) { log in
            try log.open(TradingLog.four)
            let worker = try log.exit()
            let lines = (1...5).map { number in
                "{" + TradingLog.formA("e\(number)").map { "\"\($0.0)\":\"\($0.1)\"" }.joined(separator: ",") + "}"
            }
            try log.append(TradingLog.Stream.panics, lines: lines)
            for event in ["e1", "e5"] { try log.expectTaken(TradingLog.formA(event)) }
            _ = try log.wait(for: 1, "panic.completed", [worker])
            try log.panic(TradingLog.formA("late"))
            let ends = try log.wait(for: 6, "panic.completed", [worker]).map { $0.row("data") }
            #expect(Set(ends.map { $0.text("event_id") }) == ["e1", "e2", "e3", "e4", "e5", "late"])
            #expect(ends.map { $0.number("positions_closed") }.reduce(0, +) == 4)
            try log.end(worker)
            try ExitJudgement(log).expectFlat(completions: 6)
        }
    }

    /// An accepted trigger never expires: the worker was down when it came.
    @Test func aTriggerFromBeforeTheWorkersStartIsCarriedOutFirst() throws {
        try withTradingLog(try Exchange(["--latency", "100", "--level-notional", "1000000"])) { log in
            try log.exchange.control("position", #"{"symbol":"BTCUSDT","side":"BUY","quantity":"300"}"#)
            try log.panic(TradingLog.formA())
            let worker = try log.exit()
            try log.waitUntilFlat(within: 20, worker)
            _ = try log.wait(for: 1, "panic.completed", [worker])
            try log.end(worker)
            try ExitJudgement(log).expectFlat(completions: 1, isKnown: false)
            let parts = try log.exchange.orders("BTCUSDT").filter { !$0.text("clientOrderId").hasPrefix("web_") }
            #expect(parts.count >= 3, "120 are allowed in one market order: \(parts)")
        }
    }

    @Test func aSecondWorkerRefusesToStart() throws {
        try withTradingLog(try Exchange()) { log in
            let worker = try log.exit()
            let second = try log.startExit().finish(within: 30)
            #expect(second.status == 2 && second.errors.contains("another process listens at"), "\(second)")
            try log.exchange.control("position", #"{"symbol":"BTCUSDT","side":"BUY","quantity":"1"}"#)
            try log.panic(TradingLog.formA())
            _ = try log.wait(for: 1, "panic.completed", [worker])
            try log.end(worker)
            try ExitJudgement(log).expectFlat(completions: 1, isKnown: false)
        }
    }

    /// By the socket first, then by the log, with one event id: one run.
    @Test func theSameTriggerByBothWaysIsOneRun() throws {
        try withTradingLog(try Exchange(["--latency", "40"])) { log in
            try log.open([("BTCUSDT", "buy", "0.1"), ("ETHUSDT", "sell", "2")])
            let worker = try log.exit()
            let fields = TradingLog.formA("both")
            try log.expectTaken(fields)
            try log.panic(fields)
            try log.expectTaken(fields)
            _ = try log.wait(for: 1, "panic.completed", [worker])
            try log.panic(TradingLog.formA("after"))
            let ends = try log.wait(for: 2, "panic.completed", [worker]).map { $0.row("data") }
            #expect(ends.map { $0.text("event_id") } == ["both", "after"])
            try log.end(worker)
            try ExitJudgement(log).expectFlat(completions: 2)
        }
    }
}
