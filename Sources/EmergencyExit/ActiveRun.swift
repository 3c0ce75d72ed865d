// One run with what the worker knows around it: its lines, which of them are records, and its times.

internal import Domain
internal import Events
internal import Exchange
internal import Records

struct ActiveRun {
    let trigger: ExitTrigger
    var machine: ExitRun
    /// In the order in which they were written.
    var lines: [ExitLine]
    /// How many of them are records.
    var imported = 0
    let startedAtNs: Int64
    var hasEnd: Bool
    private var numbers: [CloseOrder: UInt32] = [:]

    init(_ trigger: ExitTrigger, _ machine: ExitRun, journal: [ExitLine], startedAtNs: Int64) {
        self.trigger = trigger
        self.machine = machine
        lines = journal
        hasEnd = false
        self.startedAtNs = startedAtNs
        for case .request(let close, let number, _) in journal { numbers[close] = number }
    }

    /// A run's first line is its trigger.
    var isNew: Bool { lines.isEmpty }

    /// From 1: the request's key within the run.
    mutating func number(of close: CloseOrder) -> UInt32 {
        if let known = numbers[close] { return known }
        let number = (numbers.values.max() ?? 0) + 1
        numbers[close] = number
        return number
    }

    var isImported: Bool { hasEnd && imported >= lines.count }

    /// What an earlier life has sent, and what became of it.
    static func orders(in lines: [ExitLine]) -> [ExitPast] {
        var ends: [CloseOrder: ClosedOrder] = [:]
        for case .outcome(let close, let end, _) in lines where end.state != .unknown { ends[close] = end }
        return lines.compactMap { line in
            guard case .request(let close, let number, _) = line else { return nil }
            let trades = lines.compactMap {
                if case .trade(let trade) = $0, trade.number == number { trade } else { nil }
            }
            return ExitPast(close: close, end: ends[close], hasTrades: adds(trades, upTo: ends[close]?.executed))
        }
    }

    /// A crash may have cut off the last of them.
    private static func adds(_ trades: [ExitTrade], upTo executed: ExactDecimal?) -> Bool {
        guard let executed else { return false }
        do throws(DecimalError) {
            var sum = ExactSum.zero
            for trade in trades { sum = try sum.adding(ExactSum(trade.quantity)) }
            return sum >= ExactSum(executed)
        } catch {
            return false  // asked for once more
        }
    }

    static func end(in lines: [ExitLine]) -> ExitEnd? {
        for case .completion(let end) in lines { return end }
        return nil
    }
}
