// Worlds in virtual time: the real log, routing, execution and feeds against the simulated exchange, with faults, kills,
// halts and other hands, judged by an auditor with books of its own. The controls are performers and feeds that do it wrong.

import Simulation

package struct SimulationProgramme: Programme {
    package static let name = "simulation"
    package static let promise =
        "whatever fails, each intent has one end, each request one order at most, each fill counts once, and guards hold"
    package static let unit = "simulated hours"
    package static let casesInFull = 4_800

    private static let hoursOfAControl = 6
    private static let controlWorldsMax = 8
    private static let seedOfALateOrder: UInt64 = 4_242

    package static func run(_ budget: Budget, seed: UInt64, _ bench: Bench) throws -> Report {
        var report = Report(Self.self, seed: seed)
        var tally = SimulationTally()
        let hoursOfAWorld = min(24, max(4, budget.casesMax / 4))
        let began = ContinuousClock.now
        while !budget.isSpent(report.cases) {
            let hours = min(hoursOfAWorld, budget.casesMax - report.cases)
            let plan = WorldPlan(seed: seed &+ UInt64(tally.worlds), hours: hours)
            let verdict = try world(plan, bench)
            report.cases += hours
            tally.take(verdict)
            if !verdict.isGood { report.fail("\(verdict.world): \(verdict.findings.prefix(3))", bench) }
            bench.progress("\(report.cases) simulated hours, \(report.bad) bad worlds")
        }
        let took = ContinuousClock.now - began
        let tenths = max(1, took.components.seconds * 10)
        tally.judge(&report)
        report.notes = tally.notes + ["\(Int64(report.cases) * 36_000 / tenths) simulated seconds a second"]
        for sabotage in WorldPlan.Sabotage.allCases where sabotage != .none {
            report.controls.append(try control(sabotage, seed, bench))
        }
        return report
    }

    private static func world(_ plan: WorldPlan, _ bench: Bench) throws -> WorldVerdict {
        try WorkFolder.lend(bench) { folder in
            do { return try World.run(plan, folder: folder + "/log") } catch {
                throw Trouble("\(plan.text): \(error)")
            }
        }
    }

    private static func control(
        _ sabotage: WorldPlan.Sabotage, _ seed: UInt64, _ bench: Bench
    ) throws -> Report.Control {
        var control = Report.Control(name: sabotage.rawValue, cases: 0, bad: 0)
        // What left before a halt seldom arrives after the exit's end: a seed in which it does.
        let first = sabotage == .ignoresTheFence ? seedOfALateOrder : seed
        while control.bad == 0, control.cases < controlWorldsMax {
            let plan = WorldPlan(seed: first &+ UInt64(control.cases), hours: hoursOfAControl, sabotage: sabotage)
            let verdict = try world(plan, bench)
            control.cases += 1
            if !verdict.isGood { control.bad += 1 }
            bench.progress("control \(sabotage.rawValue): \(verdict.findings.prefix(2))")
        }
        return control
    }
}

/// What all worlds of a run have seen.
private struct SimulationTally {
    var worlds = 0
    private var counts: [String: Int] = [:]
    private var faults: Set<String> = []

    mutating func take(_ verdict: WorldVerdict) {
        worlds += 1
        counts.merge(verdict.counts, uniquingKeysWith: +)
        faults.formUnion(verdict.faults)
    }

    /// A run that did not meet every kind of fault has shown less than it says.
    func judge(_ report: inout Report) {
        let missing = WorldPlan.faultKinds.filter { !faults.contains($0) }
        if !missing.isEmpty { report.fail("no request met the faults \(missing.joined(separator: ", "))") }
    }

    var notes: [String] {
        let words = ["\(worlds) worlds"] + counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        return [words.joined(separator: ", "), "faults met: " + faults.sorted().joined(separator: ", ")]
    }
}
