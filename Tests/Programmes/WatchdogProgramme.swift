// Many simulated cases of the watchdog, judged by an oracle that reads the plain history: in every tick it must say
// what the oracle says, and a healthy case has no trigger. The controls are watchdogs that do it wrong.

package struct WatchdogProgramme: Programme {
    package static let name = "watchdog"
    package static let promise =
        "never fires in a healthy run, never misses a failure beyond its threshold and one tick, once for each"
    package static let unit = "cases"
    package static let casesInFull = 500

    private static let controlCasesMax = 40
    /// What a run of some length must have met, or it has shown less than it says.
    private static let kinds = [
        "healthy cases", "cases with failures", "wall clock jumps", "resumes", "reboots", "stops of the watchdog",
        "restarts of the watchdog", "triggers UNGUARDED", "triggers MISSING", "triggers DEGRADED",
    ]
    private static let kindsInFull = ["triggers STAGNANT", "triggers REBOOT", "triggers NEVER_SEEN"]

    package static func run(_ budget: Budget, seed: UInt64, _ bench: Bench) throws -> Report {
        var report = Report(Self.self, seed: seed)
        var counts: [String: Int] = [:]
        let began = ContinuousClock.now
        while !budget.isSpent(report.cases) {
            var world = WatchdogWorld(seed: seed &+ UInt64(report.cases))
            try world.run()
            report.cases += 1
            counts.merge(world.counts, uniquingKeysWith: +)
            if let finding = world.findings.first { report.fail(finding, bench) }
            if report.cases.isMultiple(of: 50) { bench.progress("\(report.cases) cases, \(report.bad) bad") }
        }
        for kind in kinds + (report.cases >= casesInFull ? kindsInFull : []) where counts[kind] == nil {
            report.fail("no case had: \(kind)")
        }
        for sabotage in WatchdogSabotage.allCases {
            report.controls.append(try control(sabotage, seed, bench))
        }
        report.notes = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        report.seconds = (ContinuousClock.now - began) / .seconds(1)
        return report
    }

    private static func control(
        _ sabotage: WatchdogSabotage, _ seed: UInt64, _ bench: Bench
    ) throws -> Report.Control {
        var control = Report.Control(name: sabotage.rawValue, cases: 0, bad: 0)
        while control.bad == 0, control.cases < controlCasesMax {
            var world = WatchdogWorld(seed: seed &+ UInt64(control.cases), sabotage: sabotage)
            try world.run()
            control.cases += 1
            if let finding = world.findings.first {
                control.bad += 1
                bench.progress("control \(sabotage.rawValue): \(finding)")
            }
        }
        return control
    }
}
