// The two feeds of a serving process: the user stream and REST. Trades of other hands are in the log once, whoever told
// of them first; gaps of the stream are filled; ledgers that differ, and a stream that is away, let nothing open.

import Foundation
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct StreamFeedTests {
    private static let quick = ["feeds.interval_ms=200"]

    @Test(arguments: [true, false])
    func tradesOfOtherHandsAreInTheLogOnce(hasStream: Bool) throws {
        let exchange = try Exchange()
        try withTradingLog(exchange) { log in
            let service = try log.serve("execution", Self.quick + ["feeds.stream=\(hasStream)"])
            if hasStream { try log.wait("the stream stands") { service.errors.contains("the user stream stands") } }
            for number in 1...3 {
                try exchange.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.0\(number)")
            }
            try log.intent("BTCUSDT", "BUY", "0.05", trace: "ours")
            _ = try log.wait(for: 1, "execution.result", [service])
            try log.wait("what is held is attested") {
                try log.records("--kind", "position.attested").last?.row("data").text("quantity") == "0.11"
            }
            // One more look of REST, after everything was told.
            let looks = try exchange.trades("BTCUSDT")
            try log.wait("every trade is a fill") { try log.records("--kind", "fill").count >= looks.count }
            try log.stop(service)
            let fills = try log.records("--kind", "fill").map { $0.row("data").text("trade_id") }
            #expect(Set(fills) == Set(looks.map { "\($0.number("id"))" }) && fills.count == looks.count)
            let held = try log.status().rows("positions").map { $0.text("quantity") }
            #expect(held == ["0.11"])
        }
    }

    @Test func whatHappensWhileTheStreamIsAwayComesFromREST() throws {
        let exchange = try Exchange()
        try withTradingLog(exchange) { log in
            // No look by schedule: only the gap brings it.
            let service = try log.serve("execution", ["feeds.interval_ms=1000000"])
            try log.wait("the stream stands") { service.errors.contains("the user stream stands") }
            try exchange.fault(#"{"kind":"delay","path":"/fapi/v1/listenKey","after_ms":300,"times":2}"#)
            try exchange.control("stream", #"{"action":"disconnect"}"#)
            try log.wait("it is gone") { service.errors.contains("the user stream is gone") }
            try exchange.order("symbol=ETHUSDT&side=SELL&type=MARKET&quantity=0.5")
            _ = try log.wait(for: 1, "fill", [service])
            try log.stop(service)
            let trades = try exchange.trades("ETHUSDT").count
            let fills = try log.records("--kind", "fill").count
            #expect(fills == trades)
        }
    }

    /// As after a liquidation: a trade whose order cannot be asked for. It counts, and holds up none behind it.
    @Test func aTradeOfAnOrderThatCannotBeAskedForIsAFill() throws {
        let exchange = try Exchange()
        try exchange.fault(
            #"{"kind":"reject","code":-2013,"msg":"Order does not exist.","method":"GET","path":"/fapi/v1/order","times":1000}"#
        )
        try withTradingLog(exchange) { log in
            let service = try log.serve("execution", Self.quick + ["feeds.stream=false"])
            for _ in 1...2 { try exchange.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01") }
            _ = try log.wait(for: 2, "fill", [service])
            try log.stop(service)
            let held = try log.status().rows("positions").map { $0.text("quantity") }
            #expect(held == ["0.02"])
        }
    }

    /// A fill that the exchange knows nothing of: neither ledger gives way, and nothing opens any more.
    @Test func ledgersThatDifferForLongRaiseReducing() throws {
        let exchange = try Exchange()
        try withTradingLog(exchange) { log in
            let service = try log.serve("execution", Self.quick)
            try log.append(
                TradingLog.Stream.fills,
                [
                    "venue=binance-usdm", "account=main", "symbol=SOLUSDT", "trade_id=900000001", "side=BUY",
                    "quantity=3", "price=100",
                ])
            let raised = try log.wait(for: 1, "reducing.raised", [service])
            #expect(raised[0].row("data").text("cause") == "ledgers")
            let late = TradingLog.order("BTCUSDT", "BUY", "0.01", "late")
            let refused = try log.start(["append", TradingLog.Stream.intents] + late).finish()
            #expect(refused.status == 1 && (refused.out + refused.errors).contains("reducing"), "\(refused)")
            try log.stop(service)
            let orders = try exchange.orders()
            #expect(orders.isEmpty)
            let held = try log.status().rows("positions").map { $0.text("quantity") }
            #expect(held == ["3"])
            let by = ["--operator", "anna", "--reason", "looked at both"]
            let resumed = try log.start(["resume", "--reducing"] + by).finish()
            let trading = try log.status().text("trading")
            #expect(resumed.status == 0 && trading == "ACTIVE", "\(resumed)")
            let again = try log.start(["resume", "--reducing"] + by).finish()
            #expect(again.status == 1 && again.errors.contains("not REDUCING"), "\(again)")
        }
    }

    /// Away for long: reducing; there again, with the gap closed and the ledgers equal: it ends by itself.
    @Test func aStreamThatIsAwayRaisesReducingUntilItIsBack() throws {
        let exchange = try Exchange()
        try withTradingLog(exchange) { log in
            let service = try log.serve("execution", Self.quick + ["feeds.stream_loss_max_ms=300"])
            try log.wait("the stream stands") { service.errors.contains("the user stream stands") }
            try exchange.killNow()
            let raised = try log.wait(for: 1, "reducing.raised", [service])
            #expect(raised[0].row("data").text("cause") == "user_stream")
            let again = try Exchange(port: exchange.port)
            defer { withExtendedLifetime(again) {} }
            _ = try log.wait(for: 1, "reducing.ended", [service])
            let trading = try log.status().text("trading")
            #expect(trading == "ACTIVE")
            try log.stop(service)
        }
    }
}
