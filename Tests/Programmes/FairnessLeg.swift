// One leg: a new log, an endless import, and another process that appends one record after the other.

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
    /// The import's batches that went before each lone append, from the moment that it was asked for.
    let batchesWaited: [Int]
    /// The import's records beside the lone ones.
    let imported: Int

    init(_ log: BenchLog, _ kind: Kind, appends: Int) throws {
        self.kind = kind
        var environment: [String: String] = [:]
        var (importOn, loneOn): ([String], [String]) = ([], [])
        var spinner: RunningProgram?
        if case .slowToWake(let turns) = kind {
            if !turns { environment["BACKSTOP_TURNS"] = "off" }
            let places = try Places()
            spinner = try log.child("fairness-spin", [], runner: places.busy)
            (importOn, loneOn) = (places.free, places.slowToWake)
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
            let numbers = line.split(separator: " ").compactMap { Double($0) }
            guard numbers.count == 3 else { throw Trouble("a lone append said: \(line)") }
            return (head: Int(numbers[0]), sequence: Int(numbers[1]), nanoseconds: numbers[2])
        }
        nanoseconds = said.map(\.nanoseconds)
        let batch = FairnessChildren.batch
        batchesWaited = said.map { ($0.sequence - $0.head - 1 + batch / 2) / batch }
        imported = (said.last?.sequence ?? 0) - (said.first?.sequence ?? 0) - appends + 1
    }

    /// With turns an import that has had its own waits behind whoever waits: one of its turns goes before. Half of
    /// the appends may see more, because a process may lose its processor between asking and queueing.
    var problems: [String] {
        var problems: [String] = []
        let median = Percentiles(batchesWaited.map { Double($0) })[50]
        if median > 1.5 * Double(kind.importThreads) {
            problems.append("half of the lone appends waited for \(Int(median)) batches of the import or more")
        }
        if imported < FairnessChildren.batch { problems.append("the import stood still") }
        return problems
    }
}

/// Runners that put a process on one processor: one that a spinner keeps busy, and another where there is one.
struct Places {
    let busy: [String]
    let free: [String]
    var slowToWake: [String] { busy + ["/usr/bin/nice", "-n", "19"] }

    /// The first and the last processor that we may use: `Cpus_allowed_list:\t0-3,8`.
    init() throws {
        let lines = try String(contentsOfFile: "/proc/self/status", encoding: .utf8).split(separator: "\n")
        let list = lines.first { $0.hasPrefix("Cpus_allowed_list:") }?.split(separator: "\t").last
        let numbers = list?.split { !$0.isNumber } ?? []
        guard let first = numbers.first, let last = numbers.last else { throw Trouble("no processor may be used") }
        busy = ["/usr/bin/taskset", "-c", String(first)]
        free = ["/usr/bin/taskset", "-c", String(last)]
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
