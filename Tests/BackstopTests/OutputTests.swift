// What machines read: every --json line is one object with the members that are promised, and a query's
// conditions find what they say.

import Foundation
import Glibc
import Programmes
import Testing

@Suite(.repeatable) struct OutputTests {
    @Test func jsonLinesHaveTheirPromisedMembers() throws {
        try withScratchLog { log in
            try fillAndRoute(log)
            let status = try log.status()
            expect(
                status, "head", "log_id", "head_hash", "as_of_seq", "trading", "halt", "positions", "unresolved",
                "orders_open", "groups", "disk", "readers")
            #expect(status.number("head") == status.number("as_of_seq") && status.isNull("halt"))
            let position = try #require(status.rows("positions").first)
            expect(position, "symbol", "position_side", "quantity", "entry_price")
            #expect(position.text("quantity") == "0.5" && position.text("entry_price") == "100.5", "\(position)")
            expect(try #require(status.rows("groups").first), "stream", "group", "lag", "pending", "last_delivered_id")
            for record in try log.records() {
                expect(
                    record, "seq", "id", "stream", "kind", "recorded_at", "key", "trace", "cause", "producer", "data")
            }
            expect(
                try #require(try log.rows("positions").first), "symbol", "position_side", "quantity", "entry_price",
                "as_of_seq")
            expect(try #require(try log.rows("groups").first), "stream", "group", "lag", "pending", "last_delivered_id")
            let answer = try #require(try log.rows("append", "s", "a=b").first)
            expect(answer, "outcome", "seq", "id")
            #expect(answer.number("seq") == status.number("head") + 3, "a session and a stream come first: \(answer)")
            try log.expect(0, "rebuild")
            for row in try log.rows("rebuild", "--check") { expect(row, "projection", "digest", "as_of_seq", "equal") }
            let verified = try #require(try log.rows("verify").first)
            #expect(verified.flag("clean") == true && verified.number("head") == answer.number("seq"), "\(verified)")
            let settings = try log.rows("config")
            for row in settings { expect(row, "setting", "value", "source", "unit") }
            #expect(settings.first { $0.text("setting") == "log.reserve_bytes" }?.text("source") == "environment")
            let backup = try #require(try log.rows("backup", "copy").first)
            #expect(backup.number("head") == verified.number("head"), "\(backup)")
            #expect(backup.text("head_hash") == verified.text("head_hash"), "\(backup)")
            try log.expect(
                0, "verify", "--log", "copy", "--head", "\(backup.number("head")):\(backup.text("head_hash"))")
        }
    }

    @Test func optionsBeatTheEnvironmentWhichBeatsTheFile() throws {
        try withScratchLog { log in
            let file = "router:\n  confidence_min: 0.2\nsizing:\n  default_usd: 20\n  usd_by_symbol:\n    BTCUSDT: 7\n"
            try Data(file.utf8).write(to: URL(fileURLWithPath: log.folder + "/backstop.yaml"))
            let finished = try log.run(
                ["config", "--json", "--set", "router.confidence_min=0.4"],
                environment: ["BACKSTOP_ROUTER_CONFIDENCE_MIN": "0.3", "BACKSTOP_SIZING_DEFAULT_USD": "30"])
            let found = try finished.lines.map { try Row($0) }
            let shown = found.map { "\($0.text("setting"))=\($0.text("value")) \($0.text("source"))" }
            for line in [
                "router.confidence_min=0.4 option", "sizing.default_usd=30 environment",
                "sizing.usd_by_symbol=BTCUSDT=7 file",
                "router.confidence_required=false default",
            ] { #expect(shown.contains(line), "\(shown)") }
        }
    }

    @Test func aQuerysConditionsFindWhatTheySay() throws {
        try withScratchLog { log in
            try fillAndRoute(log)
            let all = try log.records()
            func sequences(_ rows: [Row]) -> [Int] { rows.map { $0.number("seq") } }
            func those(_ isOne: (Row) -> Bool) -> [Int] { sequences(all.filter(isOne)) }
            let decision = try #require(all.first { $0.text("kind") == "decision" })
            let intent = try #require(all.first { $0.text("kind") == "trade.intent" })
            // By trace, as a chain, by kind, symbol and stream.
            #expect(sequences(try log.records("--trace", "t1")) == [decision.number("seq"), intent.number("seq")])
            for end in [decision, intent] {
                let chain = sequences(try log.rows("query", "--chain", "\(end.number("seq"))"))
                #expect(chain == [decision.number("seq"), intent.number("seq")])
            }
            #expect(sequences(try log.records("--kind", "trade.intent")) == those { $0.text("kind") == "trade.intent" })
            let ether = sequences(try log.records("--symbol", "ethusdt"))
            #expect(ether == those { $0.row("data").text("symbol") == "ETHUSDT" } && !ether.isEmpty)
            for name in ["exit_brain:heartbeat", "quantum:stream:exit_brain.heartbeat"] {
                let beats = sequences(try log.records("--stream", name))
                #expect(beats == those { $0.text("kind") == "heartbeat" } && beats.count == 1)
            }
            // By sequence and time, both ends, and with a limit.
            #expect(sequences(try log.records("--seq", "2..4")) == [2, 3, 4])
            #expect(sequences(try log.records("--seq", "..2")) == [1, 2])
            #expect(sequences(try log.records("--seq", "\(all.count)..")) == [all.count])
            #expect(sequences(try log.records("--seq", "3")) == [3])
            #expect(try log.records("--seq", "18446744073709551615..").isEmpty)
            #expect(try log.records("--since", "1h").count == all.count)
            #expect(try log.records("--until", "1h").isEmpty)
            #expect(
                sequences(try log.records("--since", intent.text("recorded_at"))).first
                    == those {
                        $0.text("recorded_at") >= intent.text("recorded_at")
                    }.first)
            #expect(sequences(try log.rows("query", "--limit", "2")) == [1, 2])
            #expect(try log.records("--trace", "nobody's").isEmpty)
        }
    }

    @Test func followingSeesWhatOtherProcessesAppend() throws {
        try withScratchLog { log in
            try log.expect(0, "append", "s", "n=0")
            let follower = try log.start("query", "--stream", "s", "--follow", "--json", piped: .output)
            let answers = try #require(follower.answers)
            for number in 0..<4 {
                if number > 0 { try log.expect(0, "append", "s", "n=\(number)") }
                let row = try Row(try #require(try answers.next(within: 10)))
                #expect(row.row("data").text("n") == "\(number)", "\(row)")
            }
            #expect(follower.isRunning)
            _ = try follower.killNow()
        }
    }

    @Test func followingATraceSeesLaterRecordsOfIt() throws {
        try withScratchLog { log in
            try log.expect(0, "append", "s", "n=0", "--trace", "t")
            let follower = try log.start("query", "--trace", "t", "--follow", "--json", piped: .output)
            let answers = try #require(follower.answers)
            #expect(try Row(try #require(try answers.next(within: 10))).row("data").text("n") == "0")
            try log.expect(0, "append", "s", "n=1", "--trace", "another")
            try log.expect(0, "append", "s", "n=2", "--trace", "t")
            #expect(try Row(try #require(try answers.next(within: 10))).row("data").text("n") == "2")
            _ = try follower.killNow()
        }
    }

    // MARK: Parts

    private func expect(_ row: Row, _ names: String..., location: SourceLocation = #_sourceLocation) {
        #expect(
            row.names.isSuperset(of: names), "missing: \(Set(names).subtracting(row.names)) in \(row)",
            sourceLocation: location)
    }

    /// A decision and its intent, two fills, a heartbeat.
    private func fillAndRoute(_ log: ScratchLog) throws {
        try log.expect(0, "append", Messages.decisions, "symbol=BTCUSDT", "side=buy", "quantity=0.5", "trace_id=t1")
        let router = try log.start("serve")
        try log.waitUntilRouted()
        router.send(SIGTERM)
        #expect(try router.finish().status == 0)
        for (number, symbol) in ["BTCUSDT", "ETHUSDT"].enumerated() {
            try log.expect(
                0, "append", Messages.fills, "venue=v", "account=a", "symbol=\(symbol)", "trade_id=\(number)",
                "order_id=o", "side=buy",
                "quantity=0.5", "price=100.5")
        }
        try log.expect(0, "append", "exit_brain:heartbeat", "service_id=brain", "status=ALIVE", "active_positions=1")
    }
}
