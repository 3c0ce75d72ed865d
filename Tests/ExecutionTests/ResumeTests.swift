// A halt and its end, by command, with a real exit in between: what is refused is named, what is recorded quotes the panic.

import Foundation
import Glibc
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct ResumeTests {
    private func trigger(_ log: TradingLog, _ reason: String) throws {
        let now = Int(Date().timeIntervalSince1970 * 1_000)
        try log.append(
            TradingLog.Stream.panics,
            ["event_id=\(UUID().uuidString)", "reason=\(reason)", "severity=CRITICAL", "issued_by=ops", "ts=\(now)"])
    }

    private func resume(_ log: TradingLog, _ more: [String]) throws -> Finished {
        try log.start(["resume", "--operator", "anna", "--reason", "test"] + more).finish()
    }

    @Test func aHaltEndsOnlyWhenNothingSpeaksAgainstIt() throws {
        let exchange = try Exchange()
        try exchange.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01")
        try withTradingLog(exchange) { log in
            let url = ["--exchange", exchange.url]
            let active = try resume(log, url)
            #expect(active.status == 1 && active.errors.contains("not halted"), "\(active)")
            try trigger(log, "first")

            // Nobody carries it out yet.
            let early = try resume(log, url + ["--override-cooldown", "--accept-open-risk"])
            #expect(early.status == 1 && early.errors.contains("no completion"), "\(early)")

            let worker = try log.start(["serve", "--roles", "exit", "--exchange", exchange.url])
            _ = try log.wait(for: 1, "panic.completed", [worker])
            worker.send(SIGTERM)
            let ended = try worker.finish()
            #expect(ended.status == 0, "\(ended)")
            #expect(try exchange.positions().isEmpty)

            let hot = try resume(log, url)
            #expect(hot.status == 1 && hot.errors.contains("--override-cooldown"), "\(hot)")
            let blind = try resume(log, ["--override-cooldown"])
            #expect(blind.status == 1 && blind.errors.contains("--exchange"), "\(blind)")

            // A stranger opens something after the exit.
            try exchange.order("symbol=ETHUSDT&side=BUY&type=MARKET&quantity=1")
            let open = try resume(log, url + ["--profile", "seeds"])
            #expect(open.status == 1 && open.errors.contains("ETHUSDT 1"), "\(open)")
            try exchange.order("symbol=ETHUSDT&side=SELL&type=MARKET&quantity=1")

            let done = try resume(log, url + ["--profile", "seeds"])
            #expect(done.status == 0, "\(done)")
            let panic = try log.records("--kind", "panic.requested")[0].number("seq")
            let record = try #require(try log.records("--kind", "resume").last)
            #expect(record.row("data").number("ends_sequence") == panic)
            #expect(record.row("data").text("operator") == "anna" && record.number("cause") == panic)
            #expect(try log.status().text("trading") == "ACTIVE")
        }
    }

    /// Another account, or another exchange, is flat: what the log knows to be open is not.
    @Test func anotherExchangeThatIsFlatEndsNoHalt() throws {
        let (exchange, another) = (try Exchange(), try Exchange())
        try withTradingLog(exchange) { log in
            let service = try log.serve("execution", ["feeds.interval_ms=100"])
            try log.intent("BTCUSDT", "buy", "0.01", trace: "t")
            try log.wait("both ledgers hold it") {
                try !log.records("--kind", "position.attested").isEmpty && !log.status().rows("positions").isEmpty
            }
            try exchange.fault(#"{"kind":"reject","code":-2019,"method":"POST","path":"/fapi/v1/order","times":9}"#)
            try trigger(log, "refused")
            let worker = try log.start(["serve", "--roles", "exit", "--exchange", exchange.url])
            let end = try log.wait(for: 1, "panic.completed", [worker])[0].row("data")
            #expect(end.number("positions_failed") == 1, "\(end)")
            let wrong = try resume(log, ["--exchange", another.url, "--profile", "seeds"])
            #expect(wrong.status == 1 && wrong.errors.contains("right exchange and account"), "\(wrong)")
            #expect(wrong.errors.contains("BTCUSDT 0.01"), "\(wrong)")
            let accepted = try resume(log, ["--profile", "seeds", "--accept-open-risk"])
            #expect(accepted.status == 0, "\(accepted)")
            worker.send(SIGTERM)
            _ = try worker.finish()
            try log.stop(service)
        }
    }

    @Test func usageIsChecked() throws {
        try withTradingLog(try Exchange()) { log in
            for wrong in [["--reducing", "--symbol", "BTCUSDT"], ["--reducing", "--accept-open-risk"]] {
                let answer = try resume(log, wrong)
                #expect(answer.status == 2, "\(wrong): \(answer)")
            }
            let unknown = try resume(log, ["--profile", "nobody"])
            #expect(unknown.status == 2 && unknown.errors.contains("seeds"), "\(unknown)")
        }
    }
}
