// Turns between processes: beside an import without end a lone append soon has its turn, whoever waits goes
// before whoever comes later, and an emergency before all others. What is counted decides; time decides only
// where the machine is ours.

import Foundation

package enum FairnessProgramme: Programme {
    package static let name = "fairness"
    package static let promise =
        "beside an endless import each lone append soon has its turn, the import goes on, emergencies go first"
    package static let unit = "appends"
    package static let casesInFull = 20_000

    /// Of one log; the import writes a multiple. Scenes follow each leg.
    private static let appendsPerLeg = 400
    private static let millisecondsMax = 50.0
    /// Fewer say nothing about one in a thousand.
    private static let judgedFrom = 1_000

    package static func run(_ budget: Budget, seed: UInt64, _ bench: Bench) throws -> Report {
        var report = Report(Self.self, seed: seed)
        var legs: [FairnessLeg] = []
        while !budget.isSpent(report.cases) {
            let appends = min(appendsPerLeg, budget.casesMax - report.cases)
            let leg = try withLog(bench, "leg-\(legs.count)") { try FairnessLeg($0, appends: appends) }
            let waiter = try withLog(bench, "waiter-\(legs.count)") { try WaiterScene($0, turns: true) }
            let emergency = try withLog(bench, "emergency-\(legs.count)") { try EmergencyScene($0) }
            for problem in leg.problems + waiter.problems + emergency.problems {
                report.fail("leg \(legs.count): \(problem)")
            }
            legs.append(leg)
            report.cases += appends
            bench.progress("\(report.cases) appends, \(report.bad) bad")
        }
        let times = Percentiles(legs.flatMap(\.nanoseconds).map { $0 / 1e6 })
        if bench.judgesTime, report.cases >= judgedFrom, times[99.9] >= millisecondsMax {
            report.fail("p99.9 is \(times[99.9]) ms, \(millisecondsMax) ms are the bound")
        }
        let off = try withLog(bench, "turns-off") { try WaiterScene($0, turns: false) }
        report.controls = [.init(name: "turns off", cases: 1, bad: off.problems.isEmpty ? 0 : 1)]
        report.notes = [
            "ms: " + times.text,
            "batches waited for: " + Percentiles(legs.flatMap(\.batchesWaited).map { Double($0) }).text,
            "\(legs.count) waiters and \(legs.count) emergencies that were slow to wake went first",
            "without turns \(off.batches) batches went before a waiter",
        ]
        return report
    }

    private static func withLog<R>(_ bench: Bench, _ name: String, _ body: (BenchLog) throws -> R) throws -> R {
        let log = try BenchLog(bench, name)
        let result: R
        do { result = try body(log) } catch { throw Trouble("\(name): \(error)") }
        try log.remove()
        return result
    }
}
