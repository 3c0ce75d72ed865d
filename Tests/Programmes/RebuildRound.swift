// One round of the rebuild programme: traffic, a service that keeps the views, rebuilds that are killed, and one that ends.

import EventLog
import Foundation
import Glibc

/// One log: traffic, a service that keeps the views, rebuilds that are killed, one that ends, and the comparison.
final class RebuildRound {
    private let log: BenchLog
    private var random: SeededGenerator
    private(set) var kills = 0
    private(set) var notReached = 0
    private(set) var alone = RebuildTraffic()
    private(set) var beside = RebuildTraffic()
    private(set) var problems: [String] = []

    init(_ log: BenchLog, seed: UInt64) {
        self.log = log
        random = SeededGenerator(seed: seed)
    }

    func run(kills wanted: Int, recordsBefore: Int, step: Int) throws {
        let filled = try log.child("rebuild-traffic", ["\(recordsBefore)", "0"]).finish()
        guard filled.status == 0 else { throw Trouble("\(filled)") }
        let service = try log.start(["serve", "--roles", "router"])
        alone = try traffic { _ = poll(nil, 0, log.bench.judgesTime ? 4_000 : 500) }
        beside = try traffic {
            for number in 0..<wanted { try kill(number, step) }
            try finish(step)
        }
        service.send(SIGTERM)
        let ended = try service.finish()
        if ended.status != 0 { problems.append("\(ended)") }
        try compare()
    }

    /// Writes live while `body` runs.
    private func traffic(_ body: () throws -> Void) throws -> RebuildTraffic {
        let writer = try log.child("rebuild-traffic", ["0", "5000"], piped: .inputAndOutput)
        guard try writer.answers?.next() == "began" else { throw Trouble("the writer did not begin\n\(writer.errors)") }
        try body()
        try writer.closeInput()
        let finished = try writer.finish()
        let words = (finished.lines.last ?? "").split(separator: " ")
        guard finished.status == 0, words.count == 4, let records = Int(words[0]), let appends = Int(words[1]),
            let slow = Int(words[2]), let slowest = Double(words[3])
        else { throw Trouble("\(finished)") }
        return RebuildTraffic(records: records, appends: appends, slow: slow, slowest: slowest)
    }

    private func kill(_ number: Int, _ step: Int) throws {
        let arguments = ["rebuild", "--step", "\(step)"]
        if number % 3 == 2 {
            let program = try log.start(arguments)
            _ = poll(nil, 0, Int32.random(in: 0...250, using: &random))
            count(try program.killNow())
            return
        }
        let places = Failpoint.ofRebuilding
        let place = places[Int.random(in: 0..<places.count, using: &random)]
        let times = place == .foldStep || place == .searchStep ? Int.random(in: 1...6, using: &random) : 1
        count(try log.start(arguments, failpoint: "\(place.rawValue)@\(times)").finish())
    }

    private func count(_ finished: Finished) {
        if finished.signal == SIGKILL { kills += 1 } else { notReached += 1 }
        // One that was told to die and ended before must have ended well.
        if finished.signal == nil, finished.status != 0 { problems.append("\(finished)") }
    }

    private func finish(_ step: Int) throws {
        let finished = try log.start(["rebuild", "--step", "\(step)"]).finish()
        if finished.status != 0 || finished.out.contains("OTHER") { problems.append("\(finished)") }
    }

    private func compare() throws {
        for arguments in [["rebuild", "--check"], ["verify"]] {
            let finished = try log.start(arguments).finish()
            if finished.status != 0 { problems.append("\(finished)") }
        }
        // Through the index, and by a look at every record.
        let trace = try log.rows("query", "--trace", "t7", "--kind", "decision", "--limit", "0")
        let all = try log.rows("query", "--where", "correlation_id = t7", "--limit", "0")
        let (indexed, looked) = (trace.compactMap { $0["seq"] as? Int }, all.compactMap { $0["seq"] as? Int })
        if indexed != looked || looked.isEmpty {
            problems.append("--trace t7 found \(indexed.count) records, a look at all of them \(looked.count)")
        }
        let rolledBack = try log.run("rebuild", "--rollback")
        let again = try log.run("rebuild", "--check")
        if rolledBack.status != 0 || again.status != 0 { problems.append("\(rolledBack)\n\(again)") }
    }
}

/// What a writer of live traffic saw.
struct RebuildTraffic {
    var records = 0
    var appends = 0
    /// Over `RebuildProgramme.slowMilliseconds`.
    var slow = 0
    /// In milliseconds.
    var slowest = 0.0

    mutating func add(_ other: RebuildTraffic) {
        records += other.records
        appends += other.appends
        slow += other.slow
        slowest = max(slowest, other.slowest)
    }

    var text: String { String(format: "%d of %d over 50 ms, the slowest %.1f ms", slow, appends, slowest) }
}
