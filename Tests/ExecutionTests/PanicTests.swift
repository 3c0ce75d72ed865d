// A panic trigger while intents are under way: afterwards no opening order leaves, whatever was on its way to it; what
// closes still does.

import Events
import Foundation
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct PanicTests {
    private func trigger(_ log: TradingLog) throws {
        let now = Int(Date().timeIntervalSince1970 * 1_000)
        try log.append(
            TradingLog.Stream.panics,
            ["event_id=\(UUID().uuidString)", "reason=test", "severity=CRITICAL", "issued_by=ops", "ts=\(now)"])
    }

    /// Sized, priced, and not requested yet: the exchange is slow with its price.
    @Test func anIntentUnderWayIsRefusedAfterAPanic() throws {
        let exchange = try Exchange()
        try exchange.fault(#"{"kind":"delay","after_ms":4000,"method":"GET","path":"/fapi/v1/premiumIndex","times":1}"#)
        try withTradingLog(exchange) { log in
            let service = try log.serve("execution")
            try log.intent("BTCUSDT", "buy", "0.01", trace: "t")
            try log.wait("the price is asked for") { try exchange.counted() == 1 }
            try trigger(log)
            _ = try log.wait(for: 1, "execution.result", [service])
            try log.stop(service)
            let judgement = try Judgement(log)
            try judgement.expectOnce(["BTCUSDT"])
            let result = judgement.result("t")
            #expect(result.text("status") == "rejected" && result.text("reason").hasPrefix("halted"), "\(result)")
            let there = try exchange.orders()
            #expect(there.isEmpty && judgement.of("order.requested").isEmpty)
        }
    }

    /// A stream of openings, a panic in its middle: by the log's order none is requested after it, and the exchange
    /// has none without a request.
    @Test func noOpeningRequestFollowsAPanicAndClosesGoOn() throws {
        let exchange = try Exchange(["--latency", "20"])
        let symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT"]
        try withTradingLog(exchange) { log in
            let service = try log.serve("execution", ["execution.in_flight_max=4"])
            let lines = (0..<60).map { number in
                let symbol = symbols[number % 4]
                return #"{"trace_id":"t\#(number)","symbol":"\#(symbol)","side":"buy","position_size_usd":"300"}"#
            }
            try log.append(TradingLog.Stream.intents, lines: lines)
            _ = try log.wait(for: 8, "execution.result", [service])
            try trigger(log)
            for symbol in symbols {
                try log.append(TradingLog.Stream.intents, TradingLog.order(symbol, "close", "", "close-\(symbol)"))
            }
            _ = try log.wait(for: 64, "execution.result", [service])
            try log.stop(service)
            let judgement = try Judgement(log)
            try judgement.expectOnce(symbols)
            let panic = judgement.of("panic.requested")[0].number("seq")
            let late = judgement.of("order.requested").filter {
                $0.number("seq") > panic && $0.row("data").flag("reduce_only") != true
            }
            #expect(late.isEmpty, "\(late)")
            let ends = judgement.of("execution.result").filter { $0.number("seq") > panic }.map { $0.row("data") }
            #expect(ends.contains { $0.text("reason").hasPrefix("halted") })
            let held = try exchange.positions()
            #expect(held.isEmpty, "the closes went on")
        }
    }

    /// Requested, and its process died: whoever takes it over sends nothing.
    @Test func aRequestOfADeadProcessIsNotSentAfterAPanic() throws {
        let exchange = try Exchange()
        try withTradingLog(exchange) { log in
            try log.intent("BTCUSDT", "buy", "0.01", trace: "t")
            try expectKilled([try log.serve("execution", failpoint: "request.after@1")])
            try trigger(log)
            let heir = try log.serve("execution")
            _ = try log.wait(for: 1, "execution.result", [heir])
            try log.stop(heir)
            try Judgement(log).expectOnce(["BTCUSDT"])
            let orders = try exchange.orders()
            #expect(orders.isEmpty)
        }
    }

    /// The last look: requested, and in the queue behind other calls, because the client's connections are all busy.
    @Test func aRequestThatWaitsForItsConnectionIsFencedByAPanic() throws {
        let symbols = (1...48).map { "A\($0)USDT" }
        try withTradingLog(try many(symbols)) { log in
            // 24 connections: while the prices of the later ones are on their way, orders of the first ones queue.
            try log.exchange.fault(
                #"{"kind":"delay","after_ms":3500,"method":"GET","path":"/fapi/v1/premiumIndex","times":100}"#)
            let lines = symbols.map { #"{"trace_id":"\#($0)","symbol":"\#($0)","side":"buy","quantity":"1"}"# }
            try log.append(TradingLog.Stream.intents, lines: lines)
            let service = try log.serve("execution", ["execution.in_flight_max=48"])
            _ = try log.wait(for: 20, "order.requested", [service])
            try trigger(log)
            _ = try log.wait(for: symbols.count, "execution.result", [service])
            try log.stop(service)
            let judgement = try Judgement(log)
            try judgement.expectOnce(symbols)
            let reasons = judgement.of("execution.result").map { $0.row("data").text("reason") }
            let fenced = reasons.filter { $0.hasPrefix("exchange_refused: not_sent: fenced") }.count
            let halted = reasons.filter { $0.hasPrefix("halted") }.count
            let sent = try log.exchange.orders().count
            #expect(fenced > 0 && fenced + halted + sent == symbols.count, "\(fenced) \(halted) \(sent) \(reasons)")
        }
    }

    private func many(_ symbols: [String]) throws -> Exchange {
        let path = FileManager.default.temporaryDirectory.path + "/symbols-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }  // harms no test
        let lines = symbols.map { "\($0) \($0.dropLast(4)) USDT 100 0.01 0.1 100000 10000 5" }
        try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: path))
        return try Exchange(["--symbols", path])
    }
}
