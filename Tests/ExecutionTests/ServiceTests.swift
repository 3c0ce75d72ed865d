// Execution as a service: it drains, shares its work with another process, lives through an exchange that dies, and
// sends nothing that opens once trading is halted.

import Events
import Foundation
import Glibc
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct ServiceTests {
    @Test func aStopSignalLetsARunningIntentEnd() throws {
        let exchange = try Exchange()
        try exchange.fault(#"{"kind":"delay","after_ms":800,"method":"POST","path":"/fapi/v1/order"}"#)
        try withTradingLog(exchange) { log in
            let service = try log.serve("execution")
            try log.intent("BTCUSDT", "buy", "0.01", trace: "t")
            try log.wait("it is on the exchange") { try !exchange.orders().isEmpty }
            try log.stop(service)
            let judgement = try Judgement(log)
            try judgement.expectOnce(["BTCUSDT"])
            #expect(judgement.result("t").text("status") == "filled", "\(service.errors)")
        }
    }

    /// What cannot be ended now is left as it is, and ended after the next start.
    @Test func aStopSignalLeavesAnIntentThatWaitsForTheExchangeToItsSuccessor() throws {
        let exchange = try Exchange()
        try exchange.fault(#"{"kind":"ghost","wire":"close","visible_after_ms":1200}"#)
        try withTradingLog(exchange) { log in
            let service = try log.serve("execution")
            try log.intent("BTCUSDT", "buy", "0.01", trace: "t")
            _ = try log.wait(for: 1, "order.outcome", [service])
            try log.stop(service)
            let results = try log.records("--kind", "execution.result")
            #expect(results.isEmpty)
            let next = try log.serve("recovery")
            _ = try log.wait(for: 1, "execution.result", [next])
            try log.stop(next)
            let judgement = try Judgement(log)
            try judgement.expectOnce(["BTCUSDT"])
            #expect(judgement.result("t").text("status") == "filled")
        }
    }

    @Test func twoProcessesShareTheIntentsAndDoNothingTwice() throws {
        let exchange = try Exchange(["--latency", "40"])
        let symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "BNBUSDT", "LTCUSDT"]
        try withTradingLog(exchange) { log in
            let services = try (0..<2).map { _ in try log.serve("execution", ["execution.in_flight_max=2"]) }
            try log.wait("both listen") { services.allSatisfy { $0.errors.contains("execution listening") } }
            for round in 0..<6 {
                let lines = symbols.map {
                    #"{"trace_id":"\#($0)-\#(round)","symbol":"\#($0)","side":"buy","position_size_usd":"500"}"#
                }
                try log.append(TradingLog.Stream.intents, lines: lines)
            }
            _ = try log.wait(for: 36, "execution.result", services)
            for service in services { try log.stop(service) }
            let judgement = try Judgement(log)
            try judgement.expectOnce(symbols)
            #expect(judgement.of("execution.result").allSatisfy { $0.row("data").text("status") == "filled" })
            let orders = try exchange.orders()
            #expect(orders.count == 36)
            let shares = services.map { $0.errors.components(separatedBy: "TERMINAL STATE").count - 1 }
            #expect(shares.allSatisfy { $0 > 0 } && shares.reduce(0, +) == 36, "\(shares)")
        }
    }

    /// One of two is killed; the other takes over what it had.
    @Test func aLivingProcessTakesOverFromOneThatIsKilled() throws {
        let exchange = try Exchange()
        try exchange.fault(#"{"kind":"ghost","wire":"close"}"#)
        try withTradingLog(exchange) { log in
            try log.intent("BTCUSDT", "buy", "0.01", trace: "t")
            try expectKilled([try log.serve("execution", failpoint: "place.after@1")])
            let services = try (0..<2).map { _ in try log.serve("execution") }
            _ = try log.wait(for: 1, "execution.result", services)
            for service in services { try log.stop(service) }
            try Judgement(log).expectOnce(["BTCUSDT"])
            let orders = try exchange.orders()
            #expect(orders.count == 1)
        }
    }

    /// The exchange dies with an order on it, and what comes back knows nothing of it.
    @Test func anExchangeThatIsKilledAndComesBackGetsNoOrderTwice() throws {
        let exchange = try Exchange()
        try exchange.fault(#"{"kind":"ghost","wire":"hang"}"#)
        try withTradingLog(exchange) { log in
            // Without feeds: they would have brought its fill, and then it is not called lost.
            let service = try log.serve(
                "execution", ["feeds.stream=false", "feeds.interval_ms=1000000"])
            try log.intent("BTCUSDT", "buy", "0.01", trace: "lost")
            try log.wait("it is on the exchange") { try !exchange.orders().isEmpty }
            try exchange.killNow()
            _ = try log.wait(for: 1, "order.outcome", [service])
            try log.intent("ETHUSDT", "buy", "1", trace: "later")
            let back = try Exchange(port: exchange.port)
            _ = try log.wait(for: 2, "execution.result", [service])
            try log.stop(service)
            let judgement = try Judgement(log)
            #expect(judgement.result("lost").text("reason").hasPrefix("not_found_after_horizon"))
            #expect(judgement.result("later").text("status") == "filled", "\(judgement.result("later"))")
            let there = try back.orders().map { $0.text("symbol") }
            #expect(there == ["ETHUSDT"])
        }
    }

    /// Down before the order: an opening intent waits for ten seconds at most, then it is refused.
    @Test func anExchangeThatIsNotThereRefusesWhatOpens() throws {
        let exchange = try Exchange()
        try withTradingLog(exchange) { log in
            try exchange.killNow()
            let service = try log.serve("execution")
            try log.intent("BTCUSDT", "buy", "0.01", trace: "t")
            _ = try log.wait(for: 1, "execution.result", [service])
            try log.stop(service)
            let judgement = try Judgement(log)
            let result = judgement.result("t")
            #expect(result.text("status") == "rejected", "\(result)")
            #expect(result.text("reason").hasPrefix("exchange_unavailable"), "\(result)")
            #expect(judgement.of("order.requested").isEmpty)
        }
    }
}
