// What one run of nth-call found: judges each workload by its end, its journal, its file and its trace.

import Foundation

struct NthCallRun {
    private(set) var report: Report
    private let seed: UInt64
    private var control = Report.Control(name: "a sync that lies", cases: 0, bad: 0)
    private var counts: [String: Int] = [:]

    init(seed: UInt64) {
        self.seed = seed
        report = Report(NthCall.self, seed: seed)
    }

    var needsControl: Bool { control.cases == 0 }

    var finished: Report {
        var report = report
        report.controls = [control]
        report.notes = counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return report
    }

    /// False where the workload ended before the call that was to fail.
    mutating func judge(_ run: FaultRun, _ lane: CheckLane) throws -> Bool {
        report.cases += 1
        let reached = run.trace.injected != nil
        let failures = run.journal.count { if case .failed = $0 { true } else { false } }
        counts[reached ? (failures > 0 ? "a clear error" : "handled") : "not reached", default: 0] += 1
        for problem in try NthCallRun.problems(run, lane) { report.fail("seed \(seed): \(run.text): \(problem)") }
        try run.remove()
        return reached
    }

    mutating func judgeControl(_ run: FaultRun, _ lane: CheckLane) throws {
        control.cases += 1
        if try !NthCallRun.problems(run, lane).isEmpty { control.bad += 1 }
        try run.remove()
    }

    private static func problems(_ run: FaultRun, _ lane: CheckLane) throws -> [String] {
        guard run.end.status == 0, case .ended? = run.journal.last else { return ["the workload failed: \(run.end)"] }
        var problems = wordsProblems(run)
        let image = try durableProblem(run, lane)
        if let image { problems.append(image) }
        // Last, since the check appends.
        let left = try ask(lane, run.folder + "/log", run, lines: run.journal.count)
        if left != .whole { problems.append("what it left: \(left.line)") }
        return problems
    }

    /// Errors name what to do, and a log whose commit failed takes nothing more.
    private static func wordsProblems(_ run: FaultRun) -> [String] {
        var problems: [String] = []
        for line in run.journal {
            if case .failed(let text) = line, !NthCallRun.isClear(text) { problems.append("no clear error: \(text)") }
            if case .refusedAfterwards(let what) = line, what != "poisoned" {
                problems.append("after a failed call it does not refuse: \(what)")
            }
        }
        return problems
    }

    /// Opening passes on what LMDB said of the file, with the file's path.
    private static func isClear(_ text: String) -> Bool {
        ["LogError: ", "EnvironmentError: ", "CommitError: "].contains { text.hasPrefix($0) }
    }

    /// What is on the disk at a mark, and no more than that, bears the journal out up to the mark. It is looked at
    /// where the first call after the fault was acknowledged, and at the end.
    private static func durableProblem(_ run: FaultRun, _ lane: CheckLane) throws -> String? {
        let steps = DiskImage.steps(run.trace, of: Recording.dataFile, .asMade)
        let marks = run.trace.calls(.mark)
        let before = run.trace.events.prefix { !$0.isInjected }.count { $0.kind == .mark }
        // The lines until the first acknowledgement after the fault.
        let first = run.journal.indices.dropFirst(before).first {
            if case .acknowledged = run.journal[$0] { true } else { false }
        }
        var image = DiskImage(base: [], source: run.trace.bytes)
        var random = SeededGenerator(seed: 0)  // nothing is random where nothing survives
        let log = lane.folder + "/log"
        if !FileManager.default.fileExists(atPath: log) {
            try WorkFolder.makeLogFolder(log, like: run.folder + "/log")
        }
        for step in steps {
            image.take(step)
            guard case .mark = step, image.marks == marks || image.marks - 1 == first else { continue }
            try WorkFolder.put(image.state(.nothing, &random), into: log)
            let finding = try ask(lane, log, run, lines: image.marks)
            if finding != .whole { return "on the disk at line \(image.marks) of the journal: \(finding.line)" }
        }
        return nil
    }

    private static func ask(_ lane: CheckLane, _ log: String, _ run: FaultRun, lines: Int) throws -> Finding {
        try lane.ask("\(log)\t\(run.journalPath)\t\(lines)\t\(run.workload)")
        switch try lane.answer() {
        case .line(let line): return try Finding(line)
        case .crashed(let how): return .found("crashed: \(how)")
        case .hung: return .wrong("the check did not end")
        }
    }
}
