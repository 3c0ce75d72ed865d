// Turns between processes: beside an import without end a lone append soon has its turn, and an emergency goes
// before whoever comes later. What is counted decides; time decides only where the machine is ours.

import Foundation

package enum FairnessProgramme: Programme {
    package static let name = "fairness"
    package static let promise =
        "beside an endless import each lone append soon has its turn, the import goes on, emergencies go first"
    package static let unit = "appends"
    package static let casesInFull = 20_000

    /// Of one log; the import writes a multiple.
    private static let appendsPerLeg = 400
    private static let slowAppendsPerLeg = 16
    private static let legsPerSlowLeg = 5
    private static let controlLegsMax = 4
    private static let millisecondsMax = 50.0
    /// Fewer say nothing about one in a thousand.
    private static let judgedFrom = 1_000

    package static func run(_ budget: Budget, seed: UInt64, _ bench: Bench) throws -> Report {
        var report = Report(Self.self, seed: seed)
        var (plain, slow, scenes): ([FairnessLeg], [FairnessLeg], Int) = ([], [], 0)
        while !budget.isSpent(report.cases) {
            let appends = min(appendsPerLeg, budget.casesMax - report.cases)
            plain.append(try leg(bench, .plain, appends, "leg \(plain.count)", &report))
            if plain.count % legsPerSlowLeg == 1 {
                let name = "slow leg \(slow.count)"
                slow.append(try leg(bench, .slowToWake(turns: true), slowAppendsPerLeg, name, &report))
            }
            let scene = try withLog(bench, "scene \(scenes)") { try EmergencyScene($0) }
            for problem in scene.problems { report.fail("seed \(seed), scene \(scenes): \(problem)") }
            scenes += 1
            bench.progress("\(report.cases) appends, \(report.bad) bad")
        }
        let times = Percentiles(plain.flatMap(\.nanoseconds).map { $0 / 1e6 })
        if bench.judgesTime, report.cases >= judgedFrom, times[99.9] >= millisecondsMax {
            report.fail("p99.9 is \(times[99.9]) ms, \(millisecondsMax) ms are the bound")
        }
        let (off, control) = try turnsOff(bench)
        report.controls = [control]
        report.notes = [
            "ms: " + times.text, "batches waited for: " + counts(plain),
            "where slow to wake: \(counts(slow)); turns off: \(counts(off))", "\(scenes) emergencies in order",
        ]
        return report
    }

    /// The same count without turns. LMDB's lock alone is not unfair every time: some legs are tried.
    private static func turnsOff(_ bench: Bench) throws -> ([FairnessLeg], Report.Control) {
        var legs: [FairnessLeg] = []
        var control = Report.Control(name: "turns off", cases: 0, bad: 0)
        while control.bad == 0, legs.count < controlLegsMax {
            let leg = try withLog(bench, "turns off \(legs.count)") {
                try FairnessLeg($0, .slowToWake(turns: false), appends: slowAppendsPerLeg)
            }
            legs.append(leg)
            control.cases += 1
            if !leg.problems.isEmpty { control.bad += 1 }
        }
        return (legs, control)
    }

    private static func counts(_ legs: [FairnessLeg]) -> String {
        Percentiles(legs.flatMap(\.batchesWaited).map { Double($0) }).text
    }

    private static func leg(
        _ bench: Bench, _ kind: FairnessLeg.Kind, _ appends: Int, _ name: String, _ report: inout Report
    ) throws -> FairnessLeg {
        let leg = try withLog(bench, name) { try FairnessLeg($0, kind, appends: appends) }
        for problem in leg.problems { report.fail("\(name): \(problem)") }
        report.cases += appends
        return leg
    }

    private static func withLog<R>(_ bench: Bench, _ name: String, _ body: (BenchLog) throws -> R) throws -> R {
        let log = try BenchLog(bench, name)
        let result: R
        do { result = try body(log) } catch { throw Trouble("\(name): \(error)") }
        try log.remove()
        return result
    }
}
