// Both directions with a real Redis: typed streams, messages that are refused, what stands in the log and in Redis.

import Foundation
import Glibc
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct FlowTests {
    static let decisions = "quantum:stream:ai.decision.made"

    @Test func decisionsComeAndResultsGo() throws {
        try withBridge([:]) { redis, bench in
            try redis.run("XADD", Self.decisions, "*", "symbol", "BTCUSDT", "side", "buy", "trace_id", "t-1")
            // The other name of the same stream of the log.
            try redis.run(
                "XADD", "quantum:stream:exit_brain.heartbeat", "*", "service_id", "heart", "status", "OK",
                "active_positions", "0")
            try bench.append(
                "quantum:stream:execution.result", "trace_id=t-0", "symbol=BTCUSDT", "side=buy", "status=FILLED")
            try bench.startBridge()
            try bench.settle(
                redis, imports: [Self.decisions, "quantum:stream:exit_brain.heartbeat"],
                exports: ["quantum:stream:execution.result"])
            let sent = try redis.entries("quantum:stream:execution.result")
            let wanted = ["trace_id": "t-0", "symbol": "BTCUSDT", "side": "buy", "status": "FILLED"]
            let ids = try bench.entries("quantum:stream:execution.result").map(\.id)
            #expect(sent.map(\.fields) == [wanted] && sent.map(\.id) == ids, "\(sent)")
            let decision = try #require(try bench.rows("query", "--stream", Self.decisions, "--limit", "0").first)
            let id = try #require(try redis.entries(Self.decisions).first).id
            #expect(
                decision.text("key").hasPrefix("import/redis/\(Self.decisions)/\(id)/")
                    && decision.text("trace") == "t-1")
            #expect(try bench.entries("exit_brain:heartbeat").count == 1)
            try bench.wait("status says so") { try bench.status().row("bridge").flag("connected") == true }
            let status = try bench.status()
            let group = status.rows("groups").first { $0.text("stream") == "quantum:stream:execution.result" }
            #expect(group?.number("lag") == 0 && group?.number("pending") == 0, "\(status)")
            // What only goes the other way, and what is not named, stays where it is.
            #expect(try redis.run("EXISTS", "quantum:stream:trade.intent") == .integer(0))
        }
    }

    @Test func whatCannotBeAnEntryIsRecordedAndHoldsUpNothing() throws {
        try withBridge([:]) { redis, bench in
            try redis.run("XADD", Self.decisions, "*", "symbol", "BTCUSDT", "side", "sideways", "trace_id", "bad")
            try redis.run(
                "XADD", Self.decisions, "*", "symbol", "BTCUSDT", "side", "buy", "note",
                String(repeating: "x", count: 300_000))
            try redis.run("XADD", Self.decisions, "*", "symbol", "BTCUSDT", "side", "buy", "trace_id", "good")
            try bench.startBridge()
            try bench.settle(redis, imports: [Self.decisions], exports: [])
            #expect(
                try bench.rows("query", "--stream", Self.decisions, "--limit", "0").map { $0.text("trace") } == ["good"]
            )
            let refused = try bench.entries("backstop:stream:message.refused").map(\.fields)
            #expect(refused.count == 2 && refused[0]["reason"]?.contains("sideways") == true, "\(refused)")
            #expect(
                refused[1]["reason"]?.contains("262144") == true && refused[1]["client"] == "bridge:redis", "\(refused)"
            )
        }
    }

    @Test func anEntryAboveTheCapIsRecordedAndPassedOver() throws {
        try withBridge { redis, bench in
            try redis.feed("feed", 0..<3)
            try redis.run("XADD", "feed", "*", "n", String(repeating: "x", count: 9 << 20))
            try redis.feed("feed", 3..<300)
            try bench.startBridge()
            try bench.settle(redis, exports: [])
            #expect(try bench.entries("feed").compactMap { $0.fields["n"].flatMap { Int($0) } } == Array(0..<300))
            let refused = try bench.entries("backstop:stream:message.refused").map(\.fields)
            #expect(refused.count == 1 && refused.first?["reason"]?.contains("8388608") == true, "\(refused)")
        }
    }

    @Test func triggersAreJudgedByTheirAgeAndAFloodOfBadOnesIsCounted() throws {
        try withBridge([:]) { redis, bench in
            try bench.startBridge()
            try bench.waitUntilSaid("bridge importing: connected")
            let now = Int64(Date().timeIntervalSince1970 * 1_000)
            let flood = (0..<500).map { number in
                [
                    "XADD", "system:panic_close", "*", "event_id", "e\(number)", "reason", "r", "severity", "CRITICAL",
                    "issued_by", "mallory", "ts", "\(now)",
                ]
            }
            _ = try redis.ask(all: flood)
            try redis.run(
                "XADD", "system:panic_close", "*", "event_id", "good", "reason", "because", "severity", "CRITICAL",
                "issued_by", "ops", "ts", "\(now)")
            try bench.wait("the good one halts") { try bench.status().text("trading") == "HALTED" }
            try bench.settle(redis, imports: ["system:panic_close"], exports: [])
            let kinds = try bench.rows("query", "--stream", "system:panic_close", "--limit", "0").map {
                $0.text("kind")
            }
            #expect(kinds.filter { $0 == "panic.requested" }.count == 1)
            let single = kinds.filter { $0 == "panic.refused" }.count
            let counted = try bench.entries("backstop:stream:message.refused").compactMap {
                $0.fields["count"].flatMap { Int($0) }
            }
            #expect(single + counted.reduce(0, +) == 500, "\(single) and \(counted)")
            #expect(single < 50, "a flood is bounded: \(single)")
            // Written by the watchdog or by people here, so it is in Redis already, or nobody's there.
            #expect(try redis.entries("system:panic_close").count == 501)
        }
    }

    @Test func aFullLogTakesTriggersAllTheSame() throws {
        let settings = ["bridge.import": "feed,system:panic_close", "log.size_max_bytes": "400000"]
        try withBridge(settings) { redis, bench in
            try redis.feed("feed", 0..<5_000)
            try bench.startBridge()
            try bench.waitUntilSaid("feed waits: ")
            let now = Int64(Date().timeIntervalSince1970 * 1_000)
            func trigger(_ id: String, _ issuer: String) -> [String] {
                [
                    "XADD", "system:panic_close", "*", "event_id", id, "reason", "r", "severity", "CRITICAL",
                    "issued_by",
                    issuer, "ts", "\(now)",
                ]
            }
            _ = try redis.ask(all: (0..<300).map { trigger("bad\($0)", "mallory") } + [trigger("good", "ops")])
            try bench.wait("the good one halts") { try bench.status().text("trading") == "HALTED" }
            try bench.wait("status says that the stream waits") {
                try bench.status().row("bridge").rows("imports").first?.flag("waiting") == true
            }
            try bench.killBridge()
            try bench.startBridge(["--set", "log.size_max_bytes=100000000"])
            try bench.settle(redis, imports: ["feed", "system:panic_close"], exports: [])
            #expect(try bench.entries("feed").compactMap { $0.fields["n"].flatMap { Int($0) } } == Array(0..<5_000))
        }
    }

    @Test func whatADeadBridgeHadIsTakenOverAndWhatIsGoneIsOnRecord() throws {
        try withBridge { redis, bench in
            try redis.feed("feed", 0..<5)
            try redis.run("XGROUP", "CREATE", "feed", BridgeBench.group, "0")
            try redis.run(
                "XREADGROUP", "GROUP", BridgeBench.group, "bridge-elsewhere-1", "COUNT", "4", "STREAMS", "feed", ">")
            let gone = try redis.entries("feed")[1].id
            try redis.run("XDEL", "feed", gone)
            try bench.startBridge()
            try bench.settle(redis, exports: [])
            #expect(try bench.entries("feed").map { $0.fields["n"] ?? "" } == ["0", "2", "3", "4"])
            let refused = try bench.entries("backstop:stream:message.refused").map(\.fields)
            #expect(
                refused.count == 1 && refused.first?["reason"]?.contains("import/redis/feed/\(gone)/") == true,
                "\(refused)")
            try bench.wait("the dead one is forgotten") {
                try redis.run("XINFO", "CONSUMERS", "feed", BridgeBench.group).description.contains("elsewhere")
                    == false
            }
        }
    }

    @Test func aHaltIsNotInTheWayOfEvidence() throws {
        try withBridge(["bridge.import": "quantum:stream:trade.intent", "bridge.export": "out"]) { redis, bench in
            #expect(try bench.run("panic", "--reason", "test").status == 0)
            let intent = "quantum:stream:trade.intent"
            try redis.run("XADD", intent, "*", "symbol", "BTCUSDT", "side", "buy", "quantity", "1", "trace_id", "t")
            try bench.startBridge()
            try bench.settle(redis, imports: [intent], exports: [])
            let refused = try bench.entries("backstop:stream:message.refused").map(\.fields)
            #expect(refused.count == 1 && refused.first?["reason"]?.contains("halt") == true, "\(refused)")
            #expect(try bench.entries(intent).isEmpty)
        }
    }

    @Test func thereIsOneBridgeALog() throws {
        try withBridge { redis, bench in
            try bench.startBridge()
            try bench.waitUntilSaid("bridge importing: connected")
            let second = try bench.start(["serve", "--roles", "bridge", "--redis", redis.url]).finish()
            #expect(second.status == 2 && second.errors.contains("in use by a living process"), "\(second)")
        }
    }

    @Test(arguments: [
        (["--redis", "rediss://h"], "TLS proxy"), ([], "needs --redis"), (["--redis", "h:1"], "redis://"),
        (["--redis", "redis://h", "--set", "bridge.import=a", "--set", "bridge.export=a"], "one owner"),
        (["--redis", "redis://h", "--set", "bridge.name=A b"], "bridge.name"),
    ]) func whatCannotBeIsRefused(_ arguments: [String], _ words: String) throws {
        try withFolder { folder in
            let bench = try BridgeBench(folder: folder + "/bench", url: "")
            let end = try bench.start(["serve", "--roles", "bridge"] + arguments).finish()
            #expect(end.status == 2 && end.errors.contains(words), "\(end)")
        }
    }
}
