// Records are changed, removed, added, reordered, forged and cut off by LMDB's own tools, and so are the rows of every other
// table. `verify` must find each, and name the first bad sequence. The controls look at less: they must miss some.

import EventLog
import Foundation
import Records
import Synchronization

package struct DamageProgramme: Programme {
    package static let name = "damage"
    package static let promise =
        "no row can be changed, removed, added or moved by LMDB's own tools unseen, and the first bad sequence is named"
    package static let unit = "damages"
    package static let casesInFull = 100_000

    private static let lanes = 2
    private static let controlCases = 160

    package static func run(_ budget: Budget, seed: UInt64, _ bench: Bench) throws -> Report {
        try WorkFolder.lend(bench) { folder in
            let tally = DamageTally(seed: seed)
            let troubles = Mutex<[String]>([])
            DispatchQueue.concurrentPerform(iterations: lanes) { lane in
                do {
                    let log = try DamagedLog("\(folder)/lane-\(lane)", seed: seed)
                    try work(log, lane, budget, seed, tally, bench)
                } catch { troubles.withLock { $0.append("\(error)") } }
            }
            if let trouble = troubles.withLock({ $0.first }) { throw Trouble(trouble) }
            return tally.finished
        }
    }

    private static func work(
        _ log: DamagedLog, _ lane: Int, _ budget: Budget, _ seed: UInt64, _ tally: DamageTally, _ bench: Bench
    ) throws {
        if let problem = try Verdict.verify(log, nil).problem { throw Trouble("without any damage: \(problem)") }
        if lane == 0 { tally.controls = try controls(log, seed) }
        var number = lane
        while !budget.isSpent(tally.cases) {
            defer { number += lanes }
            var random = SeededGenerator(seed: seed &+ UInt64(number) &* 0x9e37_79b9)
            let damage = RowDamage.allCases[random.below(RowDamage.allCases.count)]
            try log.mend()
            guard let expected = try damage.apply(log, &random) else { continue }
            let verdict = try Verdict.verify(log, expected.known)
            tally.judge(damage, expected, verdict, "seed \(seed), case \(number): \(expected.text)", bench)
        }
    }

    /// What only reads, and what checks each record by itself.
    private static func controls(_ log: DamagedLog, _ seed: UInt64) throws -> [Report.Control] {
        var missed = [0, 0]
        for number in 0..<controlCases {
            var random = SeededGenerator(seed: seed &+ UInt64(number) &* 0x51_7cc1)
            try log.mend()
            let damage = RowDamage.allCases[number % RowDamage.allCases.count]
            guard try damage.apply(log, &random) != nil else { continue }
            if try Verdict.seemsFine(log, checksContent: false) { missed[0] += 1 }
            if try Verdict.seemsFine(log, checksContent: true) { missed[1] += 1 }
        }
        return [
            Report.Control(name: "only reads", cases: controlCases, bad: missed[0]),
            Report.Control(name: "checks content, not the chain", cases: controlCases, bad: missed[1]),
        ]
    }
}

/// What somebody who looked says of a log.
private struct Verdict {
    let sequence: UInt64?
    /// Nil: clean.
    let problem: String?

    static func verify(_ log: DamagedLog, _ known: Head?) throws -> Verdict {
        let opened: EventLog
        do { opened = try DamagedLog.open(log.folder, .verifying) } catch {
            return Verdict(sequence: nil, problem: "open: \(error)")
        }
        defer { opened.close() }
        let finding = try opened.verify(known: known) { _ in }.findings.first
        return Verdict(sequence: finding?.sequence?.rawValue, problem: finding?.problem)
    }

    static func seemsFine(_ log: DamagedLog, checksContent: Bool) throws -> Bool {
        do {
            let opened = try DamagedLog.open(log.folder, .verifying)
            defer { opened.close() }
            var isFine = true
            try opened.walk(from: SequenceNumber(1), through: nil) { record in
                guard checksContent else { return true }
                let facts = try SoakLog.rules.facts(record.kind, record.body.array())
                let stream = try record.stream == .none ? nil : opened.snapshot { try $0.stream(record.stream).name }
                let content = LogRules.contentDigest(stream: stream, kind: record.kind, identity: facts.identity)
                isFine = content == record.content
                return isFine
            }
            return isFine
        } catch { return false }  // it does see that something is wrong
    }
}

/// Counts, from both lanes.
private final class DamageTally: Sendable {
    private struct State {
        var report: Report
        var counts: [String: Int] = [:]
    }
    private let state: Mutex<State>

    init(seed: UInt64) { state = Mutex(State(report: Report(DamageProgramme.self, seed: seed))) }

    var cases: Int { state.withLock { $0.report.cases } }

    var controls: [Report.Control] {
        get { state.withLock { $0.report.controls } }
        set { state.withLock { $0.report.controls = newValue } }
    }

    func judge(
        _ damage: RowDamage, _ expected: ExpectedFinding, _ verdict: Verdict, _ text: String, _ bench: Bench
    ) {
        state.withLock { state in
            state.report.cases += 1
            state.counts["\(damage)", default: 0] += 1
            let cases = state.report.cases
            if cases.isMultiple(of: 5_000) { bench.progress("\(cases) damages, \(state.report.bad) bad") }
            guard let problem = verdict.problem else {
                state.report.fail("\(text): verify is clean", bench)
                return
            }
            if let sequence = expected.sequence, verdict.sequence != sequence {
                let named = verdict.sequence.map { "record \($0)" } ?? "no record"
                state.report.fail(
                    "\(text): record \(sequence) is the first bad one, verify names \(named) (\(problem))", bench)
            }
        }
    }

    var finished: Report {
        state.withLock { state in
            state.report.notes = state.counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            return state.report
        }
    }
}
