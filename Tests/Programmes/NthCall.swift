// The Nth call of one kind fails, for every N until a run no longer gets so far. The workload ends by itself, with
// errors that say what to do; what it was told is done is in the file, and on the disk: nothing is acknowledged
// whose sync had failed, also where the power goes before the next commit. The control is a sync that is not made and says that it was.

import Foundation

package struct NthCall: Programme {
    package static let name = "nth-call"
    package static let promise =
        "whichever call on its files fails, nothing acknowledged is lost, and nothing is there twice"
    package static let unit = "runs"
    package static let casesInFull = 2_000

    /// A kind of call, and how it fails.
    struct Fault: Hashable {
        let kind: CallTrace.Kind
        let how: String
    }

    static let faults: [Fault] = [
        (.open, ["EIO", "ENOSPC", "EINTR"]), (.read, ["EIO"]), (.write, ["EIO", "ENOSPC", "EINTR", "SHORT", "LATE"]),
        (.sync, ["EIO", "ENOSPC", "EINTR"]), (.truncate, ["EIO", "EINTR"]), (.map, ["ENOMEM"]), (.unlink, ["EIO"]),
        (.rename, ["EIO"]), (.allocate, ["ENOSPC"]),
    ].flatMap { (kind: CallTrace.Kind, hows: [String]) in hows.map { Fault(kind: kind, how: $0) } }

    private static let lie = Fault(kind: .sync, how: "LIE")
    private static let controlCases = 8

    package static func run(_ budget: Budget, seed: UInt64, _ bench: Bench) throws -> Report {
        var run = NthCallRun(seed: seed)
        try WorkFolder.lend(bench) { folder in
            let lane = try CheckLane("log-check", folder: folder + "/lane", bench)
            var workload = seed
            while !budget.isSpent(run.report.cases) {
                workload &+= 1
                try round(budget, workload, folder, lane, bench, &run)
                bench.progress("\(run.report.cases) runs, \(run.report.bad) bad")
            }
            try lane.close()
        }
        return run.finished
    }

    /// Every fault of one workload, or as many of them as are left to do.
    private static func round(
        _ budget: Budget, _ workload: UInt64, _ folder: String, _ lane: CheckLane, _ bench: Bench,
        _ run: inout NthCallRun
    ) throws {
        let clean = try FaultRun(nil, 0, workload, folder, bench)
        try clean.remove()
        var all = faults.flatMap { fault in (0...clean.trace.calls(fault.kind)).map { (fault: fault, n: $0 + 1) } }
        if all.count > budget.casesMax - run.report.cases {
            var random = SeededGenerator(seed: workload)
            all.shuffle(using: &random)
        }
        if run.needsControl {
            for n in 1...controlCases {
                try run.judgeControl(try FaultRun(lie, n, workload, folder, bench), lane)
            }
        }
        for (fault, first) in all {
            // The last N of a fault goes on until a run no longer gets there.
            var n = first
            var reached = true
            while reached, !budget.isSpent(run.report.cases) {
                reached = try run.judge(try FaultRun(fault, n, workload, folder, bench), lane, bench)
                if first <= clean.trace.calls(fault.kind) { break }
                n += 1
            }
        }
    }
}

/// A workload that ran under the shim: how it ended, and what it left.
struct FaultRun {
    let fault: NthCall.Fault?
    let n: Int
    let workload: UInt64
    let folder: String
    let end: Finished
    let trace: CallTrace
    let journal: [JournalLine]

    private static let steps = 14

    var journalPath: String { folder + "/journal" }

    init(_ fault: NthCall.Fault?, _ n: Int, _ workload: UInt64, _ work: String, _ bench: Bench) throws {
        let folder = work + "/case-\(fault.map { "\($0.kind)-\(n)-\($0.how)" } ?? "clean")"
        self.fault = fault
        self.n = n
        self.workload = workload
        self.folder = folder
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var environment = Children.shim(
            bench, folder: folder + "/log", trace: folder + "/trace", marks: folder + "/journal")
        environment.merge(Recording.keysPerFlush) { $1 }
        if let fault { environment["CALL_SHIM_FAIL"] = "\(fault.kind):\(n):\(fault.how)" }
        let arguments = [
            "child", "log-workload", folder + "/log", folder + "/journal", "\(workload)", "make", "\(FaultRun.steps)",
        ]
        end = try Children.start(arguments, bench, folder: folder, piped: .nothing, environment).finish()
        trace = try CallTrace(at: folder + "/trace")
        journal = try JournalLine.lines(folder + "/journal")
    }

    func remove() throws { try FileManager.default.removeItem(atPath: folder) }

    var text: String {
        "workload \(workload), \(fault.map { "\($0.kind) \(n) \($0.how)" } ?? "no fault") (\(trace.injected ?? "not reached"))"
    }
}
