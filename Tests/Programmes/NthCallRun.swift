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
    mutating func judge(_ run: FaultRun, _ lane: CheckLane, _ bench: Bench) throws -> Bool {
        report.cases += 1
        let reached = run.trace.injected != nil
        let failures = run.journal.count { if case .failed = $0 { true } else { false } }
        counts[reached ? (failures > 0 ? "a clear error" : "handled") : "not reached", default: 0] += 1
        for problem in try NthCallRun.problems(run, lane) {
            report.fail("seed \(seed): \(run.text): \(problem)", bench)
        }
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
        let image = try diskProblem(run, lane)
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

    /// What the disk holds bears the journal out: at every point from the fault to the first acknowledgement after
    /// it, and at the end. Of what was not synced, nothing or some of it is there.
    private static func diskProblem(_ run: FaultRun, _ lane: CheckLane) throws -> String? {
        let steps = DiskImage.steps(run.trace, of: Recording.dataFile, .asMade)
        let isAcknowledged = run.journal.map { if case .acknowledged = $0 { true } else { false } }
        let begin = run.trace.events.prefix { !$0.isInjected }.count { $0.kind == .mark }
        let firstAfter = isAcknowledged.indices.dropFirst(begin).first { isAcknowledged[$0] } ?? begin
        var image = DiskImage(base: [], source: run.trace.bytes)
        var random = SeededGenerator(seed: run.workload &+ UInt64(run.n))
        let log = lane.folder + "/log"
        if !FileManager.default.fileExists(atPath: log) {
            try WorkFolder.makeLogFolder(log, like: run.folder + "/log")
        }
        for (number, step) in steps.enumerated() {
            image.take(step)
            let isLooked = (begin...firstAfter + 1).contains(image.marks) || number == steps.count - 1
            guard isLooked, isAcknowledged.prefix(image.marks).contains(true) else { continue }
            for survival in image.unsyncedCount > 0 ? [Survival.nothing, .writes] : [.nothing] {
                try WorkFolder.put(image.state(survival, &random), into: log)
                let finding = try ask(lane, log, run, lines: image.marks)
                if finding != .whole {
                    return "on the disk at step \(number) of \(steps.count), \(survival): \(finding.line)"
                }
            }
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
