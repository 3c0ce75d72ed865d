// The head that the bridge keeps in Redis: a log that ends before it, or went another way, is halted before anything moves.

import EventLog
import Foundation
import Programmes
import Records
import Testing
import TradingBench

@testable import RedisBridge

@Suite(.inLanes) struct StoredHeadTests {
    private static let key = "backstop:head:redis"

    // MARK: The decision

    private static let origin = LogID.random()

    private static func head(_ sequence: UInt64, _ text: String = "") -> Head {
        Head(sequence: SequenceNumber(sequence), hash: Digest.sha256("\(sequence)\(text)"))
    }

    private func decide(
        _ stored: Head?, of storedOrigin: LogID = origin, restored known: [Head]? = nil, at end: UInt64 = 100
    ) -> HeadVerdict {
        let identity = LogIdentity(id: StoredHeadTests.origin, origin: StoredHeadTests.origin, barrier: .none)
        let restoration = known.map {
            Restoration(
                id: identity.id, parent: identity.id, parentHead: StoredHeadTests.head(50), verdict: .behind, known: $0)
        }
        let theirs = stored.map {
            StoredHead(LogIdentity(id: storedOrigin, origin: storedOrigin, barrier: .none), $0)
        }
        return HeadVerdict.decide(theirs, identity, StoredHeadTests.head(end), restored: restoration) {
            StoredHeadTests.head($0.rawValue).hash
        }
    }

    @Test func aHeadThatTheLogHasIsWrittenOver() {
        #expect(decide(nil) == .write)
        #expect(decide(StoredHeadTests.head(100)) == .nothing)
        #expect(decide(StoredHeadTests.head(99)) == .write)
        #expect(
            decide(StoredHeadTests.head(500), of: LogID.random()) == .write, "the sentinel says whose keys these are")
    }

    @Test func aHeadThatTheLogDoesNotHaveHaltsUnlessTheRestoreKnewOfIt() {
        for bad in [StoredHeadTests.head(101), StoredHeadTests.head(99, "other"), StoredHeadTests.head(100, "other")] {
            guard case .halt = decide(bad) else {
                Issue.record("\(bad): \(decide(bad))")
                continue
            }
            guard case .halt = decide(bad, restored: []) else {
                Issue.record("\(bad), with a restore that knew nothing")
                continue
            }
            // Redis may be a second behind the head that was given.
            #expect(decide(bad, restored: [StoredHeadTests.head(130)]) == .write)
        }
        guard case .halt = decide(StoredHeadTests.head(131), restored: [StoredHeadTests.head(130)]) else {
            Issue.record("a newer one than the restore knew of")
            return
        }
    }

    // MARK: With a real Redis

    private func stored(_ redis: DurableRedis) throws -> [String: String] {
        guard case .list(let parts) = try redis.run("HGETALL", StoredHeadTests.key) else { return [:] }
        let texts = parts.map { if case .text(let text) = $0 { text } else { "" } }
        return Dictionary(
            uniqueKeysWithValues: stride(from: 0, to: texts.count, by: 2).map { (texts[$0], texts[$0 + 1]) })
    }

    private func waitForHead(_ redis: DurableRedis, _ bench: BridgeBench) throws {
        try bench.wait("Redis has the head") {
            let head = try bench.status()
            return try stored(redis)["sequence"] == "\(head.number("head"))"
                && stored(redis)["hash"] == head.text("head_hash")
        }
    }

    @Test func theHeadIsKeptInRedisAndFollows() throws {
        try withBridge { redis, bench in
            try bench.startBridge()
            try waitForHead(redis, bench)
            try bench.append("other", "n=1")
            try waitForHead(redis, bench)
            #expect(try stored(redis)["log_id"] == bench.status().text("log_id"))
            // Whatever is done to it, it is there again.
            for words in [["DEL", StoredHeadTests.key], ["SET", StoredHeadTests.key, "x"], ["FLUSHALL"]] {
                _ = try redis.ask(words)
                try waitForHead(redis, bench)
            }
            #expect(try bench.status().text("trading") == "ACTIVE")
        }
    }

    /// Somebody copies an old folder back, without `restore`.
    @Test func aLogThatWasSetBackWithoutSayingSoIsHalted() throws {
        try withBridge { redis, bench in
            try bench.append("other", "n=1")
            let (path, old) = (bench.folder + "/log", bench.folder + "/old")
            try FileManager.default.copyItem(atPath: path, toPath: old)
            try bench.startBridge()
            for number in 2...20 { try bench.append("other", "n=\(number)") }
            try waitForHead(redis, bench)
            _ = try bench.stopBridge()
            let known = try stored(redis)["sequence"] ?? ""
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.moveItem(atPath: old, toPath: path)
            try bench.startBridge()
            try bench.wait("it is halted") { try bench.status().text("trading") == "HALTED" }
            #expect(try bench.status().row("halt").text("reason").hasPrefix("LOG_BEHIND: Redis knows record \(known)"))
            #expect(bench.said.contains("restored.md"))
            // It is said once; then Redis has this log's head.
            try waitForHead(redis, bench)
            _ = try bench.stopBridge()
            try bench.startBridge()
            try bench.wait("it is connected") { try bench.status().row("bridge").flag("connected") == true }
            #expect(try bench.rows("query", "--kind", "halt").count == 1)
        }
    }

    @Test func restoreAsksTheRedisForTheNewestHead() throws {
        try withBridge { redis, bench in
            for number in 1...3 { try bench.append("other", "n=\(number)") }
            let backup = try #require(try bench.rows("backup", "copy").first)
            try bench.startBridge()
            try bench.append("other", "n=4")
            try waitForHead(redis, bench)
            _ = try bench.stopBridge()
            let restored = try #require(try bench.rows("restore", "copy", "new", "--redis", bench.url).first)
            #expect(restored.text("verdict") == "behind" && restored.flag("halted") == true, "\(restored)")
            #expect(restored.number("parent_head") == backup.number("head"))
            // A Redis that knows another log.
            #expect(try bench.run("init", "else").status == 0)
            #expect(try bench.run("append", "s", "a=b", "--log", "else").status == 0)
            #expect(try bench.run("backup", "copy2", "--log", "else").status == 0)
            let other = try bench.run("restore", "copy2", "new2", "--redis", bench.url)
            #expect(other.status == 1 && other.errors.contains("another log"), "\(other)")
            #expect(try bench.run("status", "--log", "new2").status == 2)
            let dead = try bench.run("restore", "copy", "new3", "--redis", "redis://127.0.0.1:1")
            #expect(dead.status == 2, "\(dead)")
        }
    }
}
