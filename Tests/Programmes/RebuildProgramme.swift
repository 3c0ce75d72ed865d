// kill -9 of `backstop rebuild` at its places and at random moments, beside a writer of live traffic and a `serve` that
// keeps the views. Afterwards the views are what the log gives, key by key and posting by posting, and every search
// finds what a look at every record finds.

import Events
import Records
import Foundation

package enum RebuildProgramme: Programme {
    package static let name = "rebuild"
    package static let promise =
        "rebuilds killed beside 5,000 appends a second go on and end with what the log gives; no append waits for them"
    package static let unit = "kills"
    package static let casesInFull = 50
    /// Before the first rebuild, so that there is something to be killed in.
    private static let recordsBefore = 12_000
    private static let killsPerRound = 10
    /// Records between two checkpoints: many places to be killed at.
    private static let step = 2_000
    static let slowMilliseconds = 50
    /// Of a thousand appends beside a rebuild, so many more may be slow than without it, where time is judged: a disk
    /// that is shared is slow by itself now and then.
    private static let slowPerThousandMax = 2

    package static func run(_ budget: Budget, seed: UInt64, _ bench: Bench) throws -> Report {
        var report = Report(Self.self, seed: seed)
        var random = SeededGenerator(seed: seed)
        var (alone, beside) = (RebuildTraffic(), RebuildTraffic())
        var (round, notReached) = (0, 0)
        while !budget.isSpent(report.cases) {
            let log = try BenchLog(bench, "rebuild-\(round)")
            let result = RebuildRound(log, seed: random.next())
            try result.run(kills: killsPerRound, recordsBefore: recordsBefore, step: step)
            try log.remove()
            report.cases += result.kills
            notReached += result.notReached
            alone.add(result.alone)
            beside.add(result.beside)
            for problem in result.problems { report.fail("seed \(seed), round \(round): \(problem)", bench) }
            round += 1
            bench.progress("\(report.cases) kills, \(report.bad) bad rounds")
        }
        let allowed = (alone.slow + 1) * beside.appends / max(1, alone.appends)
        if bench.judgesTime, beside.slow > allowed + beside.appends * slowPerThousandMax / 1_000 {
            report.fail("appends beside a rebuild: \(beside.text); without: \(alone.text)")
        }
        report.notes = [
            "\(round) rounds", "\(notReached) rebuilds that ended before their kill",
            "\(beside.records) records beside them",
            "appends without: \(alone.text)", "beside: \(beside.text)",
        ]
        report.controls = [try control(bench)]
        return report
    }

    /// A checkpoint that is not what the log gives: `rebuild --check` must find it.
    private static func control(_ bench: Bench) throws -> Report.Control {
        let (log, other) = (try BenchLog(bench, "control"), try BenchLog(bench, "control-other"))
        for (place, quantity) in [(log, "1"), (other, "2")] {
            let fields = [
                "venue=v", "account=a", "symbol=BTCUSDT", "trade_id=1", "side=buy", "quantity=\(quantity)", "price=100",
            ]
            let finished = try place.start(["append", StreamCatalogue.fills.text] + fields).finish()
            guard finished.status == 0 else { throw Trouble("\(finished)") }
        }
        let finished = try log.child("rebuild-forge", [other.path]).finish()
        guard finished.status == 0 else { throw Trouble("\(finished)") }
        let check = try log.run("rebuild", "--check")
        let isFound = check.status == 1 && check.out.contains("v/a/BTCUSDT") && check.out.contains("quantity 1 ")
        try log.remove()
        try other.remove()
        return Report.Control(name: "a forged checkpoint", cases: 1, bad: isFound ? 1 : 0)
    }
}
