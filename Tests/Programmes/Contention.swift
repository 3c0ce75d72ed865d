// Seed 003's stress over real processes: identical signals at once, orders whose answer is lost, partial fills, other
// hands, and every trade told at once by execution, by the user stream, by REST and by ten feeds. A hundred runs, and each
// trade is one fill, each signal one order, each position the exchange's. The controls take away the names that make it so.

package enum Contention: Programme {
    package static let name = "contention"
    package static let promise =
        "identical signals at once are one order; a trade told by execution, stream, REST and ten feeds is one fill"
    package static let unit = "runs"
    package static let casesInFull = 100

    /// Of one exchange, one log and one set of processes.
    private static let runsPerStage = 25
    private static let runsOfAControlMax = 3

    package static func run(_ budget: Budget, seed: UInt64, _ bench: Bench) throws -> Report {
        var report = Report(Self.self, seed: seed)
        var generator = SeededGenerator(seed: seed)
        var tally = ContentionTally()
        while !budget.isSpent(report.cases) {
            try withStage(bench, .none) { stage in
                for _ in 0..<runsPerStage where !budget.isSpent(report.cases) {
                    let plan = ContentionPlan(number: report.cases, &generator)
                    for problem in try stage.run(plan, &tally) { report.fail("\(plan): \(problem)", bench) }
                    report.cases += 1
                }
                bench.progress("\(report.cases) runs, \(report.bad) bad")
                for problem in try stage.end() { report.fail("after run \(report.cases): \(problem)", bench) }
            }
        }
        report.notes = tally.notes
        for sabotage in ContentionSabotage.allCases where sabotage != .none {
            report.controls.append(try control(sabotage, seed, bench))
        }
        return report
    }

    private static func control(
        _ sabotage: ContentionSabotage, _ seed: UInt64, _ bench: Bench
    ) throws -> Report.Control {
        var control = Report.Control(name: sabotage.rawValue, cases: 0, bad: 0)
        var (generator, tally) = (SeededGenerator(seed: seed), ContentionTally())
        try withStage(bench, sabotage) { stage in
            while control.bad == 0, control.cases < runsOfAControlMax {
                let plan = ContentionPlan(number: control.cases, &generator)
                let problems = try stage.run(plan, &tally)
                control.cases += 1
                if !problems.isEmpty { control.bad += 1 }
                bench.progress("control \(sabotage.rawValue): \(problems.first ?? "found nothing")")
            }
        }
        return control
    }

    private static func withStage(
        _ bench: Bench, _ sabotage: ContentionSabotage, _ body: (ContentionStage) throws -> Void
    ) throws {
        try WorkFolder.lend(bench) { folder in
            let stage = try ContentionStage(folder: folder, sabotage)
            do { try body(stage) } catch { throw Trouble("\(error)\n\(stage.service.errors.suffix(2_000))") }
        }
    }
}

/// What a control takes away.
package enum ContentionSabotage: String, CaseIterable, Sendable {
    case none
    /// As of a bot whose trades have no unique name: each feed gives them one of its own.
    case feedsNameTrades = "each feed names trades by itself"
    /// As of a bot that decides again: each of the identical signals has a trace id of its own.
    case signalsNameThemselves = "each signal has a name of its own"
}

/// What was met, for people: a run in which nothing was told twice has shown nothing.
struct ContentionTally {
    var orders = 0
    var trades = 0
    var appendedByFeeds = 0
    var duplicatesOfFeeds = 0
    var fates: [String: Int] = [:]

    var notes: [String] {
        let fates = fates.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        return [
            "\(orders) orders (\(fates)), \(trades) trades; ten feeds were first with \(appendedByFeeds) and second with "
                + "\(duplicatesOfFeeds)"
        ]
    }
}
