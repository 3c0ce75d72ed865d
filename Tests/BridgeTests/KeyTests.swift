// The halt keys and the dedup keys in Redis: there before any entry moves, put back where they are lost, and nothing in
// Redis ends a halt.

import Glibc
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct KeyTests {
    private static let hash = "system:state:trading"

    private func halted(_ redis: DurableRedis) throws -> Bool {
        try redis.run("HGET", KeyTests.hash, "halted") == .text("true")
            && redis.run("GET", "quantum:state:trading_halted") == .text("true")
    }

    @Test func aHaltStandsInRedisUntilTheLogIsResumed() throws {
        try withBridge { redis, bench in
            try bench.startBridge()
            try redis.run("HSET", KeyTests.hash, "halted", "true", "reason", "a test", "source", "me")
            try bench.wait("it is there") {
                try halted(redis) && redis.run("HEXISTS", KeyTests.hash, "halted_at") == .integer(1)
            }
            for (name, value) in [("reason", "a test"), ("requires_manual_reset", "true"), ("positions_closed", "0")] {
                #expect(try redis.run("HGET", KeyTests.hash, name) == .text(value))
            }
            // Whatever is done to it in Redis, it is put back, and trading stays halted.
            for words in [
                ["DEL", KeyTests.hash], ["HSET", KeyTests.hash, "halted", "false", "cleared_by", "me"],
                ["DEL", "quantum:state:trading_halted"], ["SET", KeyTests.hash, "x"], ["FLUSHALL"],
            ] {
                _ = try redis.ask(words)
                try bench.wait("after \(words)") {
                    try redis.run("TYPE", KeyTests.hash) == .text("hash") && halted(redis)
                }
                #expect(try bench.status().text("trading") == "HALTED")
            }
            #expect(bench.said.contains("halted until `backstop resume`"))
            try bench.killBridge()
            let resumed = try bench.run(
                "resume", "--operator", "me", "--reason", "test", "--accept-open-risk", "--override-cooldown")
            #expect(resumed.status == 0, "\(resumed)")
            #expect(try halted(redis), "nobody has told Redis")
            try bench.startBridge()
            try bench.wait("it is gone") {
                try redis.run("EXISTS", KeyTests.hash, "quantum:state:trading_halted") == .integer(0)
            }
            // What the bridge once wrote is not a halt of somebody else.
            #expect(try bench.status().text("trading") == "ACTIVE")
        }
    }

    @Test(arguments: [
        ["HSET", "system:state:trading", "halted", "true", "reason", "risk", "source", "risk_kernel"],
        ["SET", "quantum:state:trading_halted", "true"],
        ["HSET", "system:state:trading", "halted", "TRUE", "reason", "a\u{1}b", "halt_seq", "999999"],
    ]) func aHaltInRedisIsAHalt(_ words: [String]) throws {
        try withBridge { redis, bench in
            _ = try redis.ask(words)
            try bench.startBridge()
            try bench.wait("trading is halted") { try bench.status().text("trading") == "HALTED" }
            try bench.wait("the whole hash is there") {
                try redis.run("HEXISTS", KeyTests.hash, "halted_at") == .integer(1)
            }
            #expect(try bench.rows("query", "--kind", "halt", "--limit", "0").count == 1)
        }
    }

    @Test func dedupKeysHaveWhatIsLeftOfTheirDay() throws {
        try withBridge { redis, bench in
            let intent = "quantum:stream:trade.intent"
            for number in 0..<3 {
                try bench.append(intent, "trace_id=t\(number)", "symbol=BTCUSDT", "side=buy", "quantity=1")
            }
            try bench.startBridge()
            func all(_ count: Int) throws {
                try bench.wait("\(count) keys") {
                    try (0..<count).allSatisfy {
                        try redis.run("GET", "quantum:dedup:trade_intent:t\($0)") == .text("1")
                    }
                }
            }
            try all(3)
            guard case .integer(let left) = try redis.run("TTL", "quantum:dedup:trade_intent:t0") else { return }
            #expect((86_300...86_400).contains(left))
            try bench.append(intent, "trace_id=t3", "symbol=BTCUSDT", "side=buy", "quantity=1")
            try all(4)
            try redis.run("FLUSHALL")
            try all(4)
        }
    }

    @Test func keysAreThereBeforeAnyEntryMoves() throws {
        try withBridge { redis, bench in
            #expect(try bench.run("panic", "--reason", "a test").status == 0)
            try bench.append("out", "n=1")
            let monitor = try #require(redis.connection)
            _ = try monitor.run(["MONITOR"])
            try redis.feed("feed", 0..<3)
            try bench.startBridge()
            try bench.settle(redis)
            try redis.run("PING", "first")
            try redis.run("FLUSHALL")
            try redis.feed("feed", 3..<6)
            try bench.settle(redis)
            try redis.run("PING", "second")
            for mark in ["first", "second"] {
                var words: [String] = []
                // By connection: each restores before it moves anything, whatever the other has done.
                var byClient: [Substring: [String]] = [:]
                while case .text(let line) = try monitor.receive() {
                    let parts = line.split(separator: "\"")
                    guard parts.count > 1 else { continue }
                    if parts[1] == "PING", line.contains(mark) { break }
                    let key = parts.count > 3 ? String(parts[3]) : ""
                    words.append("\(parts[1]) \(key)")
                    byClient[line.prefix { $0 != "]" }.drop { $0 != "[" }, default: []].append(String(parts[1]))
                }
                let movers = byClient.values.filter { $0.contains("XREADGROUP") || $0.contains("WATCH") }
                #expect(mark != "first" || movers.count >= 2, "\(byClient)")
                for commands in movers where mark == "first" {
                    let moving = ["XGROUP", "XAUTOCLAIM", "XREADGROUP", "XADD", "XACK"]
                    let first = commands.firstIndex { moving.contains($0) } ?? commands.count
                    let looked = try #require(commands.firstIndex(of: "HGETALL"), "\(commands)")
                    #expect(looked < first, "\(commands)")
                }
                let lost = words.lastIndex(of: "FLUSHALL ") ?? -1
                let after = words[(lost + 1)...]
                let keys = try #require(after.firstIndex(of: "SET backstop:bridge:redis"), "\(words)")
                let halt = try #require(after.firstIndex(of: "HSET system:state:trading"), "\(words)")
                let moves = after.firstIndex {
                    $0.hasPrefix("XREADGROUP GROUP") || $0 == "XADD out" || $0.hasPrefix("XACK")
                }
                let taken = try #require(words.lastIndex { $0.hasPrefix("XACK feed") }, "\(words)")
                #expect(halt < keys && keys < taken, "\(words)")
                // What was on its way when Redis was emptied got its answer before it was done.
                if mark == "first" { #expect(try keys < #require(moves), "\(words)") }
                let sent = try #require(after.firstIndex(of: "XADD out"), "\(words)")
                #expect(keys < sent, "\(words)")
            }
        }
    }

    @Test func twoLogsDoNotShareOneCopy() throws {
        try withBridge { redis, bench in
            try redis.run("SET", "backstop:bridge:redis", "another log")
            try redis.feed("feed", 0..<3)
            try bench.append("out", "n=1")
            try bench.startBridge()
            try bench.waitUntilSaid("is another log's")
            #expect(try bench.entries("feed").isEmpty)
            #expect(try redis.run("EXISTS", "out") == .integer(0))
            try redis.run("DEL", "backstop:bridge:redis")
            try bench.settle(redis)
        }
    }
}
