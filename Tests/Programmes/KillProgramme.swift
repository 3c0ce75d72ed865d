// kill -9 of real processes at every failpoint and at random moments. What was acknowledged outside the log is
// in it, nothing is there twice, and after the survivors have finished everything has exactly one end.

import EventLog
import Foundation

package enum KillProgramme: Programme {
    package static let name = "kill"
    package static let promise =
        "after kill -9 of appenders, routers and consumers: nothing acknowledged is lost, nothing is done twice"
    package static let unit = "kills"
    package static let casesInFull = 1_000
    /// Whether two consumers meet is the machine's choice; that they never do in so many rounds is not.
    private static let controlRoundsMax = 20

    package static func run(_ budget: Budget, seed: UInt64, _ bench: Bench) throws -> Report {
        var report = Report(Self.self, seed: seed)
        let plan = KillPlan(seed: seed)
        var (round, atFailpoints, notReached) = (0, 0, 0)
        while !budget.isSpent(report.cases) {
            let kills = plan.kills(ofRound: round)
            let result = try run(kills, round, .rightly, plan, bench)
            report.cases += result.kills
            atFailpoints += result.killsAtFailpoints
            notReached += result.notReached.count
            if !result.problems.isEmpty {
                report.fail("seed \(seed), round \(round), \(kills): \(result.problems.prefix(5))")
            }
            round += 1
            bench.progress("\(report.cases) kills, \(report.bad) bad rounds")
        }
        report.notes = [
            "\(round) rounds", "\(atFailpoints) kills at failpoints", "\(notReached) failpoints not reached",
        ]
        report.controls = [
            // Killed between its acknowledgement and its record.
            try control(.acknowledgesFirst, [1, 2, 3].map { .failpoint(.acknowledgeAfter, $0) }, seed, bench),
            // Two that live, and take from each other.
            try control(.robs, [.random(bytes: 3_000, yields: 0)], seed, bench),
        ]
        return report
    }

    private static func run(
        _ kills: [Kill], _ round: Int, _ way: KillConsumer.Way, _ plan: KillPlan, _ bench: Bench
    ) throws -> KillRound {
        let log = try BenchLog(bench, "\(way.rawValue)-\(round)")
        let result = KillRound(log, way, plan.generator(round))
        do { try result.run(kills) } catch { throw Trouble("round \(round): \(error)") }
        try log.remove()
        return result
    }

    /// The same processes, kills and judge; only the consumers do it wrong.
    private static func control(
        _ way: KillConsumer.Way, _ moments: [Kill.Moment], _ seed: UInt64, _ bench: Bench
    ) throws -> Report.Control {
        let kills = moments.map { Kill(victim: .consumer, moment: $0) }
        var control = Report.Control(name: way.rawValue, cases: 0, bad: 0)
        while control.bad == 0, control.cases < controlRoundsMax {
            let result = try run(kills, control.cases, way, KillPlan(seed: seed), bench)
            control.cases += 1
            if !result.problems.isEmpty { control.bad += 1 }
        }
        return control
    }
}
