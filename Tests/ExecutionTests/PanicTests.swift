// A panic trigger while intents are under way: afterwards no opening order leaves, whatever was on its way to it; what
// closes still does.

import Events
import Foundation
import Programmes
import Testing

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
        try exchange.fault(#"{"kind":"delay","after_ms":1200,"method":"GET","path":"/fapi/v1/premiumIndex","times":1}"#)
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

    /// The last look: requested already, and waiting for its turn to leave.
    @Test func aRequestThatHasNotLeftIsFencedByAPanic() throws {
        let exchange = try Exchange()
        try withTradingLog(exchange) { log in
            try log.intent("BTCUSDT", "buy", "0.01", trace: "t")
            let victim = try log.serve("execution", failpoint: "request.after@1")
            _ = try victim.finish()
            try trigger(log)
            let heir = try log.serve("execution")
            _ = try log.wait(for: 1, "execution.result", [heir])
            try log.stop(heir)
            try Judgement(log).expectOnce(["BTCUSDT"])
            let orders = try exchange.orders()
            #expect(orders.isEmpty)
        }
    }
}
