// One run of power-loss: makes the states, hands them to two checking children in turn, and counts.

import Foundation

struct PowerLossRun {
    /// What is done with one state when its answer comes.
    private struct Case {
        let flushes: Flushes
        let survival: Survival
        let text: String
    }

    private let budget: Budget
    private let seed: UInt64
    private var random: SeededGenerator
    private var report: Report
    private var controls: [Flushes: Report.Control] = [:]
    private var counts: [String: Int] = [:]
    private var workloads = 0

    init(_ budget: Budget, seed: UInt64) {
        self.budget = budget
        self.seed = seed
        random = SeededGenerator(seed: seed)
        report = Report(PowerLoss.self, seed: seed)
        for flushes in [Flushes.noSync, .noMetaSync] {
            controls[flushes] = Report.Control(name: flushes.rawValue, cases: 0, bad: 0)
        }
    }

    var isSpent: Bool { budget.isSpent(report.cases) }

    var finished: Report {
        var report = report
        report.controls = [Flushes.noSync, .noMetaSync].compactMap { controls[$0] }
        report.notes = ["\(workloads) workloads"] + counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return report
    }

    // MARK: One workload

    /// Where a state can be made: after so many steps, in that way.
    private struct Place {
        let step: Int
        let survival: Survival
    }

    mutating func cut(_ recording: Recording, _ lanes: [CheckLane], _ bench: Bench) throws {
        workloads += 1
        for lane in lanes where lane.starts == 0 {
            try WorkFolder.makeLogFolder(lane.folder + "/log", like: recording.log)
        }
        for flushes in [Flushes.noSync, .noMetaSync] {
            let missing = PowerLoss.controlCases(report.cases) - (controls[flushes]?.cases ?? 0)
            if missing > 0 { try cut(recording, flushes, casesMax: missing, lanes, bench) }
        }
        try cut(recording, .asMade, casesMax: budget.casesMax - report.cases, lanes, bench)
        bench.progress("\(report.cases) states, \(report.bad) bad")
    }

    private mutating func cut(
        _ recording: Recording, _ flushes: Flushes, casesMax: Int, _ lanes: [CheckLane], _ bench: Bench
    ) throws {
        let steps = DiskImages.steps(recording.trace, flushes)
        let places = PowerLossRun.places(steps, recording).filter { flushes == .asMade || $0.survival != .units(8) }
        var image = DiskImages(bases: recording.bases, source: recording.trace.bytes)
        var waiting: [Case?] = lanes.map { _ in nil }
        var done = 0
        var step = 0
        for (number, place) in places.enumerated() where done < casesMax {
            // Where not all of them are wanted: an even share.
            if Int(random.next() % UInt64(places.count - number)) >= casesMax - done { continue }
            if budget.isSpent(report.cases) && flushes == .asMade { break }
            while step < place.step {
                image.take(steps[step])
                step += 1
            }
            let state = image.state(place.survival, &random)
            let lane = done % lanes.count
            if let earlier = waiting[lane] { try judge(earlier, try lanes[lane].answer(), bench) }
            for (file, bytes) in zip(DiskImages.files, state) {
                try WorkFolder.put(bytes, at: "\(lanes[lane].folder)/log/\(file)")
            }
            let lines = recording.linesBefore + image.marks
            try lanes[lane].ask("\(lanes[lane].folder)/log\t\(recording.journal)\t\(lines)\t\(recording.seed)")
            let text =
                "seed \(seed): workload \(workloads), step \(step) of \(steps.count), \(place.survival), state \(number)"
            waiting[lane] = Case(flushes: flushes, survival: place.survival, text: text)
            done += 1
        }
        for (lane, one) in zip(lanes, waiting) { if let one { try judge(one, try lane.answer(), bench) } }
    }

    /// Every point of the trace, with as many states as it is worth.
    private static func places(_ steps: [DiskImages.Step], _ recording: Recording) -> [Place] {
        var image = DiskImages(bases: recording.bases, source: [])
        var places: [Place] = []
        var last: DiskImage.Step?
        for (number, step) in steps.enumerated() {
            image.follow(step)
            last = step.step
            var survivals: [Survival] = [.nothing]
            switch image.unsyncedCount {
            case 0: if case .mark = last {} else { survivals = [] }  // no other file than before
            case 1: survivals += [.everything]
            default: survivals += [.everything, .writes, .writes]
            }
            if image.unsyncedCount > 0 {
                survivals += Array(repeating: .units(512), count: 3)
                survivals += Array(repeating: .units(8), count: image.endsInMetaPage ? 8 : 2)
            }
            places += survivals.map { Place(step: number + 1, survival: $0) }
        }
        return places
    }

    // MARK: Judging

    private mutating func judge(_ one: Case, _ answer: CheckLane.Answer, _ bench: Bench) throws {
        let finding: Finding
        var isCrash = false
        switch answer {
        case .line(let line): finding = try Finding(line)
        case .crashed(let how): (finding, isCrash) = (.found(how), true)
        case .hung: finding = .wrong("the check did not end")
        }
        if one.flushes != .asMade {
            controls[one.flushes]?.cases += 1
            if finding != .whole { controls[one.flushes]?.bad += 1 }
            return
        }
        report.cases += 1
        if one.survival == .units(8) { return judgeTornWords(one, finding, isCrash, bench) }
        counts["torn at 512 or whole:", default: 0] += 1
        if finding != .whole { report.fail("\(one.text): \(isCrash ? "crashed " : "")\(finding.line)", bench) }
    }

    /// No disk tears a sector. Where one did, damage has to show: it may not be served as truth.
    private mutating func judgeTornWords(_ one: Case, _ finding: Finding, _ isCrash: Bool, _ bench: Bench) {
        counts["torn at 8:", default: 0] += 1
        switch finding {
        case .whole: counts["torn at 8: harmless", default: 0] += 1
        case .found: counts["torn at 8: \(isCrash ? "crashed" : "found")", default: 0] += 1
        case .lost(1, _): counts["torn at 8: lost the last acknowledged", default: 0] += 1
        case .lost, .wrong: report.fail("\(one.text): \(finding.line)", bench)
        }
    }
}
