// kill -9 of Redis and of the bridge under load, at places and at random: in the end both sides are equal.

import EventLog
import Foundation
import Glibc

package enum BridgeProgramme: Programme {
    package static let name = "bridge"
    package static let promise =
        "after kill -9 of Redis and of the bridge under load: what was imported is there once, what was exported has our ids"
    package static let unit = "kills"
    package static let casesInFull = 200
    private static let killsPerRound = 5

    package static func run(_ budget: Budget, seed: UInt64, _ bench: Bench) throws -> Report {
        var report = Report(Self.self, seed: seed)
        var (round, entries, notReached) = (0, 0, 0)
        while !budget.isSpent(report.cases) {
            var random = SeededGenerator(seed: seed &+ UInt64(round) &* 0x9e37_79b9)
            let kills = (0..<killsPerRound).map { _ in BridgeKill.random(using: &random) }
            let work = try BridgeRound(bench, "\(round)", random)
            do { try work.run(kills) } catch { throw Trouble("seed \(seed), round \(round), \(kills): \(error)") }
            report.cases += work.kills
            entries += work.entries
            notReached += work.notReached
            if !work.problems.isEmpty {
                report.fail("seed \(seed), round \(round), \(kills): \(work.problems.prefix(5))", bench)
            }
            try work.remove()
            round += 1
            bench.progress("\(report.cases) kills, \(report.bad) bad rounds")
        }
        report.notes = ["\(round) rounds", "\(entries) entries over the bridge", "\(notReached) places not reached"]
        report.controls = [
            try control("entries are acknowledged before they are appended", .acknowledgesFirst, seed, bench),
            try control("an exported entry vanishes from Redis", .vanishes, seed, bench),
        ]
        return report
    }

    private static func control(
        _ name: String, _ sabotage: BridgeRound.Sabotage, _ seed: UInt64, _ bench: Bench
    ) throws -> Report.Control {
        let work = try BridgeRound(bench, "control-\(sabotage.rawValue)", SeededGenerator(seed: seed))
        work.sabotage = sabotage
        try work.run([.bridge(at: .importBefore, hit: 1), .bridge(at: .importBefore, hit: 1)])
        defer { try? work.remove() }  // a file that stays harms no verdict
        return Report.Control(name: name, cases: 1, bad: work.problems.isEmpty ? 0 : 1)
    }
}

/// Who dies, and when.
enum BridgeKill: Equatable {
    case bridge(at: Failpoint, hit: Int)
    /// After so many parts of the load.
    case bridgeAfter(Int)
    case redisAfter(Int)

    static let partsMax = 12

    static func random(using random: inout SeededGenerator) -> BridgeKill {
        switch Int.random(in: 0..<6, using: &random) {
        case 0: .bridge(at: .importBefore, hit: Int.random(in: 1...8, using: &random))
        case 1: .bridge(at: .importAfter, hit: Int.random(in: 1...8, using: &random))
        case 2: .bridge(at: .exportAfter, hit: Int.random(in: 1...4, using: &random))
        case 3: .bridgeAfter(Int.random(in: 0..<partsMax, using: &random))
        default: .redisAfter(Int.random(in: 0..<partsMax, using: &random))
        }
    }
}

/// One log and one Redis, through some kills.
final class BridgeRound {
    enum Sabotage: String { case acknowledgesFirst, vanishes }
    private static let entriesPerPart = 25
    private static let linesPerKill = 60

    private let bench: BridgeBench
    private let redis: DurableRedis
    private var random: SeededGenerator
    private var next = 0
    var sabotage: Sabotage?
    private(set) var problems: [String] = []
    private(set) var (kills, notReached, entries) = (0, 0, 0)

    init(_ bench: Bench, _ name: String, _ random: SeededGenerator) throws {
        let folder = bench.folder + "/bridge-" + name
        redis = try DurableRedis(folder: folder + "/redis")
        self.bench = try BridgeBench(folder: folder, url: redis.url, binaries: bench.binaries)
        self.random = random
    }

    func remove() throws {
        redis.kill()
        try FileManager.default.removeItem(atPath: bench.folder)
    }

    func run(_ plan: [BridgeKill]) throws {
        for (number, kill) in plan.enumerated() { try run(kill, number) }
        if bench.bridge == nil { try bench.startBridge() }
        if sabotage == .vanishes {
            try bench.settle(redis)
            if let victim = try redis.entries("out").first { try redis.run("XDEL", "out", victim.id) }
        }
        // Something new after the last kill, so that a bridge that only stands still is seen.
        try feed(1)
        try bench.settle(redis)
        problems += try bench.problems(redis)
        entries = try bench.entries("feed").count + bench.entries("out").count
        let end = try bench.stopBridge()
        if end.status != 0 { problems.append("\(end)") }
    }

    private func run(_ kill: BridgeKill, _ number: Int) throws {
        if case .bridge(let place, let hit) = kill {
            if bench.bridge != nil { try killBridge() }
            try bench.startBridge(failpoint: "\(place.rawValue)@\(hit)")
        } else if bench.bridge == nil {
            try bench.startBridge()
        }
        let lines = (0..<BridgeRound.linesPerKill).map { #"{"n":"\#(number)-\#($0)","key":"\#(number)-\#($0)"}"# }
        let path = bench.folder + "/lines-\(number).jsonl"
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
        let appender = try bench.start(["append", "out", "--from", path, "--key-from", "key"])
        for part in 0..<BridgeKill.partsMax {
            try feed(Int.random(in: 1...BridgeRound.entriesPerPart, using: &random))
            switch kill {
            case .bridge: continue
            case .bridgeAfter(part): try killBridge()
            case .redisAfter(part):
                redis.kill()
                kills += 1
                try redis.start()
            case .bridgeAfter, .redisAfter: continue
            }
        }
        let appended = try appender.finish()
        if appended.status != 0 { problems.append("\(appended)") }
        if case .bridge = kill { try waitForDeath() }
    }

    /// The bridge comes to its place, or has nothing left to do.
    private func waitForDeath() throws {
        guard let running = bench.bridge else { return }
        let limit = ContinuousClock.now + .seconds(60)
        while running.isRunning, ContinuousClock.now < limit {
            if try isIdle() { break }
            _ = poll(nil, 0, 5)
        }
        if running.isRunning { notReached += 1 }
        try killBridge()
        if sabotage == .acknowledgesFirst { try acknowledgeAll() }
    }

    private func isIdle() throws -> Bool {
        guard try redis.info(["GROUPS", "feed"], named: BridgeBench.group, "pending") == 0,
            let last = try redis.entries("feed").last, let sent = try bench.entries("out").last
        else { return false }
        guard case .list(let groups) = try redis.run("XINFO", "GROUPS", "feed"), case .list(let group)? = groups.first
        else { return false }
        return try group.contains(.text(last.id)) && redis.entries("out").last == sent
    }

    /// What a bridge would do that acknowledges first: the entries that it had and never appended are gone.
    private func acknowledgeAll() throws {
        guard case .list(let pending) = try redis.run("XPENDING", "feed", BridgeBench.group, "-", "+", "10000") else {
            return
        }
        for case .list(let parts) in pending {
            guard case .text(let id) = parts[0] else { continue }
            try redis.run("XACK", "feed", BridgeBench.group, id)
        }
    }

    private func killBridge() throws {
        let wasRunning = bench.bridge?.isRunning ?? false
        let text = bench.said
        if !wasRunning, !text.isEmpty, let ended = try bench.bridge?.finish(), ended.signal != SIGKILL {
            problems.append("it ended by itself: \(ended)")
        }
        try bench.killBridge()
        kills += 1
    }

    /// New entries in Redis, as one write.
    private func feed(_ count: Int) throws {
        let commands = (0..<count).map { offset in
            ["XADD", "feed", "*", "n", "\(next + offset)", "text", "entry \(next + offset)"]
        }
        next += count
        for reply in try redis.ask(all: commands) {
            if case .error(let text) = reply { throw Trouble("XADD: \(text)") }
        }
    }
}
