// What a dead process left is shown by `status` before anybody takes it up, and by recovery as a table of what it found
// and what became of it.

import Foundation
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct RecoveryTableTests {
    @Test func whatWasFoundAndWhatBecameOfItIsATable() throws {
        let exchange = try Exchange()
        try exchange.fault(#"{"kind":"ghost","wire":"close","symbol":"SOLUSDT"}"#)
        try withTradingLog(exchange) { log in
            // One is sent and its answer never heard, one is delivered and not begun.
            try log.append(
                TradingLog.Stream.intents,
                lines: ["SOLUSDT", "ETHUSDT"].map {
                    #"{"trace_id":"t-\#($0)","symbol":"\#($0)","side":"buy","quantity":"1"}"#
                })
            try expectKilled([try log.serve("execution", failpoint: "place.after@1", ["execution.in_flight_max=1"])])
            try exchange.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01")

            let open = try log.status().rows("orders_open")
            #expect(open.map { $0.text("symbol") } == ["SOLUSDT"] && open[0].text("state") == "requested", "\(open)")
            let shown = try log.run("status")
            #expect(shown.out.contains("requested, without an end yet"), "\(shown)")

            let heir = try log.serve("recovery")
            try log.wait("its table") { heir.errors.contains("RECOVERED: ") || !heir.isRunning }
            let table = heir.errors.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
            let id = open[0].text("client_order_id")
            for line in [
                "request without outcome SOLUSDT \(id) t-SOLUSDT FILLED",
                "intent without end SOLUSDT - t-SOLUSDT FILLED",
                "intent without end ETHUSDT - t-ETHUSDT FILLED",
            ] {
                #expect(table.contains(line), "\(heir.errors)")
            }
            let gap = table.filter { $0.hasPrefix("trade in the feeds' gap BTCUSDT") }
            let trades = try exchange.trades("BTCUSDT").map { "\($0.number("id"))" }
            #expect(gap.count == trades.count && gap[0].hasSuffix("fill of trade \(trades[0])"), "\(heir.errors)")
            try log.stop(heir)
            let left = try log.status().rows("orders_open")
            #expect(left.isEmpty)
            try Judgement(log).expectOnce(["SOLUSDT", "ETHUSDT"])
        }
    }

    @Test func aStartThatFindsNothingSaysSo() throws {
        let exchange = try Exchange()
        try withTradingLog(exchange) { log in
            let service = try log.serve("execution")
            try log.wait("it says so") {
                service.errors.contains("RECOVERED: nothing was left unfinished") || !service.isRunning
            }
            try log.stop(service)
        }
    }
}
