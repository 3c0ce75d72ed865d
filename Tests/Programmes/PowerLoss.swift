// The power goes at every point of a recorded workload, and the disk keeps what was synced and any part of what
// was not. Whatever it keeps, everything that was acknowledged is there, and its key is taken. Two controls leave out flushes that LMDB
// could leave out (MDB_NOSYNC, MDB_NOMETASYNC): they lose, or this programme would prove nothing.

import Foundation

package struct PowerLoss: Programme {
    package static let name = "power-loss"
    package static let promise = "after a power loss at any point, every acknowledged record is there, once, in order"
    package static let unit = "states"
    package static let casesInFull = 100_000

    /// Of a workload's recorded part, and of what it starts from.
    private static let steps = 60
    private static let stepsBefore = 25
    /// One state in so many is made for the controls, too.
    private static let controlShare = 10
    private static let controlCasesMin = 40

    package static func run(_ budget: Budget, seed: UInt64, _ bench: Bench) throws -> Report {
        var run = PowerLossRun(budget, seed: seed)
        try WorkFolder.lend(bench) { folder in
            let lanes = try (0..<2).map { try CheckLane("log-check", folder: "\(folder)/lane-\($0)", bench) }
            var number: UInt64 = 0
            while !run.isSpent {
                number += 1
                let recording = try Recording(
                    bench, folder: "\(folder)/workload", seed: seed &+ number, before: stepsBefore, steps: steps)
                try run.cut(recording, lanes, bench)
                try FileManager.default.removeItem(atPath: "\(folder)/workload")
            }
            for lane in lanes { try lane.close() }
        }
        return run.finished
    }

    /// How many cases of a control a run of so many has.
    static func controlCases(_ cases: Int) -> Int { max(controlCasesMin, cases / controlShare) }
}

/// A workload's trace, and the data files that it began with.
struct Recording {
    let seed: UInt64
    let log: String
    let journal: String
    let trace: CallTrace
    let bases: [[UInt8]]
    /// Lines of the journal that were written before the trace began.
    let linesBefore: Int

    static let dataFile = "log/data.mdb"
    /// Of the key index: so few keys make a run that each workload has many, and merges.
    static let keysPerFlush = ["BACKSTOP_KEYS_FLUSH": "8"]

    init(_ bench: Bench, folder: String, seed: UInt64, before: Int, steps: Int) throws {
        self.seed = seed
        log = folder + "/log"
        journal = folder + "/journal"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Recording.work(["make", "\(before)"], [:], log, journal, seed, folder, bench)
        bases = try DiskImages.files.map { [log] in try WorkFolder.read("\(log)/\($0)") }
        linesBefore = try JournalLine.lines(journal).count
        let shim = Children.shim(bench, folder: log, trace: folder + "/trace", marks: journal)
        try Recording.work(["continue", "\(steps)"], shim, log, journal, seed, folder, bench)
        trace = try CallTrace(at: folder + "/trace")
    }

    private static func work(
        _ phase: [String], _ shim: [String: String], _ log: String, _ journal: String, _ seed: UInt64, _ folder: String,
        _ bench: Bench
    ) throws {
        let arguments = ["child", "log-workload", log, journal, "\(seed)"] + phase
        let environment = shim.merging(keysPerFlush) { $1 }
        let end = try Children.start(arguments, bench, folder: folder, piped: .nothing, environment).finish()
        guard end.status == 0 else { throw Trouble("the workload of seed \(seed) failed: \(end)") }
    }
}
