// One leg: a new log, an endless import, and another process that appends one record after the other.

import Foundation

struct FairnessLeg {
    /// With turns an import that has had its own waits behind whoever waits: one of its batches goes before. A
    /// process may lose its processor between asking and queueing, so half of the appends may see more.
    private static let batchesMax = 3.0
    /// What each lone append took, in order.
    let nanoseconds: [Double]
    /// The import's batches that went before each lone append, from the moment that it was asked for.
    let batchesWaited: [Int]
    let problems: [String]

    init(_ log: BenchLog, appends: Int) throws {
        let endless = try log.child("fairness-import", [])
        try BenchLog.wait("the import begins") { endless.output.hasPrefix("began\n") || !endless.isRunning }
        let finished = try log.child("fairness-lone", ["\(appends)"]).finish(within: 300)
        let ended = try endless.killNow()
        guard ended.signal == SIGKILL else { throw Trouble("the import ended by itself: \(ended)") }
        guard finished.status == 0, finished.lines.count >= appends else {
            throw Trouble("not every append was answered: \(finished)")
        }
        let said = try finished.lines.map { line in
            let numbers = line.split(separator: " ").compactMap { Double($0) }
            guard numbers.count == 3 else { throw Trouble("a lone append said: \(line)") }
            return (head: Int(numbers[0]), sequence: Int(numbers[1]), nanoseconds: numbers[2])
        }
        nanoseconds = said.prefix(appends).map(\.nanoseconds)
        let batch = FairnessChildren.batch
        batchesWaited = said.prefix(appends).map { ($0.sequence - $0.head - 1 + batch / 2) / batch }
        let imported = (said.last?.sequence ?? 0) - (said.first?.sequence ?? 0) - said.count + 1
        let median = Percentiles(batchesWaited.map { Double($0) })[50]
        problems =
            (median > Self.batchesMax ? ["half of the lone appends waited for \(Int(median)) batches or more"] : [])
            + (imported < batch ? ["the import stood still"] : [])
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
