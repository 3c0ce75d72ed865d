// One leg: a new log, an endless import, and another process that appends one record after the other. What
// stands between two of its records is the import's.

import Foundation

struct FairnessLeg {
    enum Kind {
        /// As it is on any machine.
        case plain
        /// The lone appender is slow to wake: it has the lowest priority on a processor that is kept busy. Where
        /// nobody takes turns, the import has the lock again before it is awake.
        case slowToWake(turns: Bool)

        /// Of the import: several, and one waits already when another's transaction ends.
        var importThreads: Int {
            switch self {
            case .plain: 1
            case .slowToWake: 4
            }
        }
    }

    let kind: Kind
    /// What each lone append took, in order.
    let nanoseconds: [Double]
    /// The import's batches between two lone appends.
    let batchesBetween: [Int]

    init(_ log: BenchLog, _ kind: Kind, appends: Int) throws {
        self.kind = kind
        var environment: [String: String] = [:]
        var (importOn, loneOn): ([String], [String]) = ([], [])
        var spinner: RunningProgram?
        if case .slowToWake(let turns) = kind {
            if !turns { environment["BACKSTOP_TURNS"] = "off" }
            let processors = try FairnessLeg.processors()
            importOn = ["/usr/bin/taskset", "-c", processors.last]
            loneOn = ["/usr/bin/taskset", "-c", processors.first]
            spinner = try log.child("fairness-spin", [], runner: loneOn)
            loneOn += ["/usr/bin/nice", "-n", "19"]
        }
        let endless = try log.child("fairness-import", ["\(kind.importThreads)"], environment, runner: importOn)
        try BenchLog.wait("the import begins") { endless.output.hasPrefix("began\n") || !endless.isRunning }
        let finished = try log.child("fairness-lone", ["\(appends)"], environment, runner: loneOn).finish(within: 600)
        let ended = try endless.killNow()
        _ = try spinner?.killNow()
        guard ended.signal == SIGKILL else { throw Trouble("the import ended by itself: \(ended)") }
        guard finished.status == 0, finished.lines.count == appends else {
            throw Trouble("not every append was answered: \(finished)")
        }
        let said = try finished.lines.map { line in
            let parts = line.split(separator: " ").compactMap { Double($0) }
            guard parts.count == 2 else { throw Trouble("a lone append said: \(line)") }
            return (sequence: Int(parts[0]), nanoseconds: parts[1])
        }
        nanoseconds = said.map(\.nanoseconds)
        let batch = FairnessChildren.batch
        batchesBetween = zip(said, said.dropFirst()).map { ($1.sequence - $0.sequence - 1 + batch / 2) / batch }
    }

    /// The first and the last of those that we may use: `Cpus_allowed_list:	0-3,8`.
    private static func processors() throws -> (first: String, last: String) {
        let lines = try String(contentsOfFile: "/proc/self/status", encoding: .utf8).split(separator: "\n")
        let list = lines.first { $0.hasPrefix("Cpus_allowed_list:") }?.split(separator: "\t").last
        let numbers = list?.split { !$0.isNumber } ?? []
        guard let first = numbers.first, let last = numbers.last else { throw Trouble("no processor may be used") }
        return (String(first), String(last))
    }

    /// With turns an import that has had its own waits behind whoever waits. Three of its turns allow for the one
    /// that was going on, and for a lone appender that was not yet in the queue.
    var problems: [String] {
        var problems: [String] = []
        let most = Percentiles(batchesBetween.map { Double($0) })[90]
        if most > Double(3 * kind.importThreads) {
            problems.append("one of ten lone appends waited for \(Int(most)) batches of the import or more")
        }
        if batchesBetween.reduce(0, +) == 0 { problems.append("the import stood still") }
        return problems
    }
}

/// Nearest rank.
struct Percentiles {
    private let sorted: [Double]

    init(_ values: [Double]) { sorted = values.sorted() }

    subscript(_ percent: Double) -> Double {
        guard !sorted.isEmpty else { return 0 }
        let rank = Int((percent / 100 * Double(sorted.count)).rounded(.up))
        return sorted[min(max(rank, 1), sorted.count) - 1]
    }

    var text: String {
        let shown = [50, 99, 99.9, 100].map { percent in
            let name = percent == 100 ? "max" : "p" + (percent == 99.9 ? "99.9" : "\(Int(percent))")
            return "\(name) \((self[percent] * 100).rounded() / 100)"
        }
        return shown.joined(separator: ", ")
    }
}
