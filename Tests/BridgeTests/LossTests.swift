// Redis loses what it had: emptied, replaced by a replica without the newest, its ids begun again; and it refuses, stands
// still, is not there. In the end both sides are equal, and the log went on meanwhile.

import Foundation
import Glibc
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct LossTests {
    @Test func anEmptiedRedisGetsAllOfItAgain() throws {
        try withBridge { redis, bench in
            for number in 0..<5 { try bench.append("out", "n=\(number)") }
            try redis.feed("feed", 0..<5)
            try bench.startBridge()
            try bench.settle(redis)
            try redis.run("FLUSHALL")
            try redis.feed("feed", 5..<10)
            try bench.append("out", "n=5")
            try bench.settle(redis)
            #expect(try redis.entries("out") == bench.entries("out"))
            #expect(try redis.entries("out").count == 6)
            // What was imported stays; what came after is there, too.
            #expect(try bench.entries("feed").map { $0.fields["n"] } == (0..<10).map { "\($0)" })
        }
    }

    @Test func idsThatBeginAgainAreNewEntries() throws {
        try withBridge { redis, bench in
            try bench.startBridge()
            for number in 1...3 { try redis.run("XADD", "feed", "\(number)-0", "n", "first \(number)") }
            try bench.settle(redis)
            try redis.run("FLUSHALL")
            for number in 1...3 { try redis.run("XADD", "feed", "\(number)-0", "n", "second \(number)") }
            // The same once more is the same entry.
            try redis.run("XADD", "feed", "4-0", "n", "third")
            try bench.settle(redis)
            let wanted = (1...3).map { "first \($0)" } + (1...3).map { "second \($0)" } + ["third"]
            #expect(try bench.entries("feed").map { $0.fields["n"] ?? "" } == wanted)
            try redis.run("XGROUP", "DESTROY", "feed", BridgeBench.group)
            try redis.run("XADD", "feed", "5-0", "n", "fourth")
            try bench.wait("the group is there again") { try bench.entries("feed").count == wanted.count + 1 }
            try bench.settle(redis)
            #expect(try bench.entries("feed").map { $0.fields["n"] ?? "" } == wanted + ["fourth"])
        }
    }

    @Test func aReplicaWithoutTheNewestTakesOver() throws {
        try withFolder { folder in
            let first = try DurableRedis(folder: folder + "/first")
            let replica = try DurableRedis(folder: folder + "/replica")
            let bench = try BridgeBench(folder: folder + "/bench", url: first.url)
            try replica.run("REPLICAOF", "127.0.0.1", "\(first.port)")
            try bench.startBridge()
            try first.feed("feed", 0..<20)
            for number in 0..<5 { try bench.append("out", "n=\(number)") }
            try bench.settle(first)
            try bench.wait("the replica has it") {
                try replica.entries("out").count == 5 && replica.entries("feed").count == 20
            }
            try replica.run("REPLICAOF", "NO", "ONE")
            // Nobody but the first will ever know.
            try first.feed("feed", 20..<30)
            for number in 5..<10 { try bench.append("out", "n=\(number)") }
            try bench.settle(first)
            first.kill()
            replica.kill()
            let promoted = try DurableRedis(folder: folder + "/replica", port: first.port)
            try promoted.feed("feed", 100..<110)
            try bench.append("out", "n=10")
            try bench.settle(promoted)
            #expect(try promoted.entries("out") == bench.entries("out"))
            let wanted = (0..<30).map { "\($0)" } + (100..<110).map { "\($0)" }
            #expect(try bench.entries("feed").map { $0.fields["n"] ?? "" } == wanted)
            #expect(try bench.stopBridge().status == 0)
            #expect(try bench.run("verify").status == 0)
        }
    }

    /// At a random moment under load: what Redis itself has lost before anybody took it is lost; nothing else is, and
    /// nothing is there twice.
    @Test(arguments: 0..<4) func aReplicaTakesOverAtARandomMoment(case number: Int) throws {
        var generator = SeededGenerator(seed: UInt64.random(in: 1...UInt64(UInt32.max)))
        try withFolder { folder in
            let first = try DurableRedis(folder: folder + "/first")
            let replica = try DurableRedis(folder: folder + "/replica")
            let bench = try BridgeBench(folder: folder + "/bench", url: first.url)
            try replica.run("REPLICAOF", "127.0.0.1", "\(first.port)")
            try bench.startBridge()
            let before = Int.random(in: 1...300, using: &generator)
            try first.feed("feed", 0..<before)
            for number in 0..<Int.random(in: 1...8, using: &generator) { try bench.append("out", "n=a\(number)") }
            try replica.run("REPLICAOF", "NO", "ONE")
            let after = before + Int.random(in: 1...300, using: &generator)
            try first.feed("feed", before..<after)
            for number in 0..<Int.random(in: 1...8, using: &generator) { try bench.append("out", "n=b\(number)") }
            first.kill()
            replica.kill()
            let promoted = try DurableRedis(folder: folder + "/replica", port: first.port)
            try promoted.feed("feed", 1_000..<1_050)
            try bench.append("out", "n=c")
            try bench.settle(promoted)
            let (ours, theirs) = (try bench.entries("out"), try promoted.entries("out"))
            #expect(ours == theirs, "out: \(ours.count) here, \(theirs.count) there")
            let taken = try bench.entries("feed").map { $0.fields["n"] ?? "" }
            let there = try promoted.entries("feed").map { $0.fields["n"] ?? "" }
            #expect(Set(taken).count == taken.count, "an entry twice")
            #expect(Set(there).isSubset(of: taken), "lost: \(Set(there).subtracting(taken).sorted().prefix(5))")
            #expect(taken.suffix(50) == there.suffix(50))
            #expect(try bench.stopBridge().status == 0)
            #expect(try bench.run("verify").status == 0)
        }
    }

    @Test func aFullRedisLosesNothing() throws {
        try withBridge { redis, bench in
            try bench.startBridge()
            try bench.waitUntilSaid("bridge importing: connected")
            try bench.waitUntilSaid("bridge exporting: connected")
            try bench.killBridge()
            try redis.feed("feed", 0..<50)
            try redis.run("CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "1mb")
            try bench.append("out", "n=1")
            try bench.startBridge()
            // What is there is taken although nothing can be added.
            try bench.wait("all is imported") { try bench.entries("feed").count == 50 }
            try bench.waitUntilSaid("OOM")
            try redis.run("CONFIG", "SET", "maxmemory", "0")
            try redis.feed("feed", 50..<60)
            try bench.settle(redis)
            let problems = try bench.problems(redis)
            #expect(problems.isEmpty, "\(problems)")
        }
    }

    @Test func aReadOnlyReplicaIsWaitedFor() throws {
        try withBridge { redis, bench in
            try redis.feed("feed", 0..<5)
            let nobody = try DurableRedis.freePort()
            try redis.run("REPLICAOF", "127.0.0.1", "\(nobody)")
            try bench.append("out", "n=1")
            try bench.startBridge()
            try bench.waitUntilSaid("READONLY")
            #expect(try bench.entries("feed").isEmpty)
            try redis.run("REPLICAOF", "NO", "ONE")
            try bench.settle(redis)
            let problems = try bench.problems(redis)
            #expect(problems.isEmpty, "\(problems)")
        }
    }

    @Test func aRedisThatIsNotThereOrStandsStillHoldsUpNothing() throws {
        try withFolder { folder in
            let port = try DurableRedis.freePort()
            let bench = try BridgeBench(folder: folder + "/bench", url: "redis://127.0.0.1:\(port)")
            try bench.startBridge()
            try bench.waitUntilSaid("Connection refused")
            try bench.append("out", "n=1")
            let redis = try DurableRedis(folder: folder + "/redis", port: port)
            try redis.feed("feed", 0..<5)
            try bench.settle(redis)
            redis.stand()
            try bench.append("out", "n=2")
            try bench.waitUntilSaid("no answer within")
            try bench.wait("status says so") { try bench.status().row("bridge").flag("connected") == false }
            redis.go()
            try bench.settle(redis)
            let problems = try bench.problems(redis)
            #expect(problems.isEmpty, "\(problems)")
            redis.stand()
            let began = ContinuousClock.now
            #expect(try bench.stopBridge().status == 0)
            #expect(began.duration(to: .now) < .seconds(20))
        }
    }

    @Test(arguments: [
        "*2147483647\r\n", "hello\r\n", "+OK\r\n", ":1\r\n", "*0\r\n", "-ERR no\r\n", "$-1\r\n", "*1\r\n+OK\r\n",
    ])
    func whatIsNotRedisIsLeftAlone(_ answer: String) throws {
        try withFolder { folder in
            let fake = try FakeRedis { peer, _ in while peer.hear() { peer.say(answer) } }
            let bench = try BridgeBench(folder: folder + "/bench", url: fake.url)
            try bench.startBridge()
            try bench.wait("it has tried") { fake.connections >= 6 }
            try bench.append("out", "n=1")
            #expect(try residentBytes(of: bench.bridge?.pid) < 100 << 20)
            fake.stop()
            let redis = try DurableRedis(folder: folder + "/redis", port: fake.port)
            try redis.feed("feed", 0..<5)
            try bench.settle(redis)
            let problems = try bench.problems(redis)
            #expect(problems.isEmpty, "\(problems)")
            #expect(try bench.stopBridge().status == 0)
        }
    }

    @Test func anotherWriterStopsTheStreamAndNoOther() throws {
        let streams = ["bridge.import": "feed", "bridge.export": "out,more"]
        try withBridge(streams) { redis, bench in
            try bench.append("out", "n=1")
            try bench.startBridge()
            try bench.settle(redis, exports: ["out"])
            try redis.run("XADD", "out", "*", "n", "somebody else's")
            try bench.append("out", "n=2")
            try bench.waitUntilSaid("ANOTHER WRITER on out")
            try bench.append("more", "n=1")
            try redis.feed("feed", 0..<3)
            try bench.settle(redis, exports: ["more"])
            #expect(try redis.entries("out").map { $0.fields["n"] } == ["1", "somebody else's"])
            try bench.wait("status says so") {
                try bench.status().row("bridge").rows("exports").contains {
                    $0.text("stopped").contains("not the log's")
                }
            }
            let metrics = try bench.run("status", "--prometheus").out
            #expect(metrics.contains(#"backstop_bridge_export_stopped{redis="out",stream="out"} 1"#), "\(metrics)")
            // As the runbook says.
            try redis.run("RENAME", "out", "out:before")
            try bench.settle(redis, exports: ["out", "more"])
            let problems = try bench.problems(redis, exports: ["out", "more"])
            #expect(problems.isEmpty, "\(problems)")
        }
    }
}
