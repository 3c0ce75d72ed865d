// Panics against orders under way, every role in a process of its own: router, execution, exit worker, watchdog, heart,
// producers. The simulation runs many thousands of such races; here the processes, sockets and signals are real.

package enum RaceProgramme: Programme {
    package static let name = "race"
    package static let promise =
        "whatever races a panic: no opening request after the halt, none on the exchange after the fence, flat at the end"
    package static let unit = "races"
    package static let casesInFull = 50

    /// The fence is six seconds long: several logs wait for it at once.
    private static let logsAtOnce = 4
    private static let racesPerLog = 5

    package static func run(_ budget: Budget, seed: UInt64, _ bench: Bench) throws -> Report {
        var report = Report(Self.self, seed: seed)
        var generator = SeededGenerator(seed: seed)
        var tally: [String: Int] = [:]
        while !budget.isSpent(report.cases) {
            try withStages(logsAtOnce, bench) { stages in
                for _ in 0..<racesPerLog where !budget.isSpent(report.cases) {
                    try race(stages, &report, &generator, &tally, bench)
                }
            }
        }
        report.notes = tally.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        report.controls = [try control(seed, bench)]
        return report
    }

    private static func race(
        _ stages: [RaceStage], _ report: inout Report, _ generator: inout SeededGenerator, _ tally: inout [String: Int],
        _ bench: Bench
    ) throws {
        let plans = stages.indices.map { RacePlan(number: report.cases + $0, &generator) }
        for (stage, plan) in zip(stages, plans) { try stage.begin(plan) }
        for (stage, plan) in zip(stages, plans) {
            for problem in try stage.finish(plan) { report.fail("\(plan): \(problem)", bench) }
            for word in plan.words { tally[word, default: 0] += 1 }
            tally["openings before the halt", default: 0] += stage.openings
            report.cases += 1
        }
        bench.progress("\(report.cases) races, \(report.bad) bad")
    }

    /// Somebody opens on the exchange after the halt: the judges must see it.
    private static func control(_ seed: UInt64, _ bench: Bench) throws -> Report.Control {
        var control = Report.Control(name: "opens after the end", cases: 1, bad: 0)
        var generator = SeededGenerator(seed: seed)
        try withStages(1, bench) { stages in
            let plan = RacePlan(number: 0, &generator)
            try stages[0].begin(plan)
            let problems = try stages[0].finish(plan, opensAfterwards: true)
            control.bad = problems.isEmpty ? 0 : 1
            bench.progress("control: \(problems.first ?? "found nothing")")
        }
        return control
    }

    private static func withStages(_ count: Int, _ bench: Bench, _ body: ([RaceStage]) throws -> Void) throws {
        try withStages(count, [], bench, body)
    }

    private static func withStages(
        _ count: Int, _ made: [RaceStage], _ bench: Bench, _ body: ([RaceStage]) throws -> Void
    ) throws {
        guard made.count < count else {
            do { try body(made) } catch { throw Trouble("\(error)\n\(made.map(\.said).joined(separator: "\n"))") }
            return
        }
        try WorkFolder.lend(bench) { folder in
            try withStages(count, made + [try RaceStage(folder: folder)], bench, body)
        }
    }
}

struct RacePlan: CustomStringConvertible {
    enum Trigger: String, CaseIterable {
        case command = "by command"
        /// The log gets it from the exit worker.
        case socket = "by socket"
        case deadHeart = "by the watchdog"
        /// 0.1 s apart, with event ids of their own.
        case twice = "twice"
    }
    enum Fault: String, CaseIterable {
        case none = "without faults"
        case slow = "answers late"
        case ghost = "answers lost"
        case busy = "503"

        var text: String? {
            let order = #""method":"POST","path":"/fapi/v1/order""#
            return switch self {
            case .none: nil
            case .slow: #"{"kind":"delay","after_ms":1500,\#(order),"times":3}"#
            case .ghost: #"{"kind":"ghost","wire":"close",\#(order),"times":3}"#
            case .busy: #"{"kind":"unavailable","text":"B",\#(order),"times":3}"#
            }
        }
    }

    let number: Int
    let trigger: Trigger
    let fault: Fault
    /// So many opening requests are waited for; decisions go on coming.
    let openingsBefore: Int
    let killsExecution: Bool
    let killsExit: Bool

    init(number: Int, _ generator: inout SeededGenerator) {
        self.number = number
        // Each in turn, so that a share of a few races meets all of them.
        trigger = Trigger.allCases[number % Trigger.allCases.count]
        fault = Fault.allCases[number / 4 % Fault.allCases.count]
        openingsBefore = Int.random(in: 0...6, using: &generator)
        killsExecution = Int.random(in: 0..<3, using: &generator) == 0
        killsExit = Int.random(in: 0..<3, using: &generator) == 0
    }

    var words: [String] {
        [trigger.rawValue, fault.rawValue] + (killsExecution ? ["execution killed"] : [])
            + (killsExit ? ["exit worker killed"] : [])
    }
    var description: String { "race \(number), \(words.joined(separator: ", ")), after \(openingsBefore) openings" }
}
