// What the journal says of a run's closes.

internal import Events

extension ExitPast {
    /// What an earlier life has sent, and what became of it.
    package static func read(_ lines: [ExitLine]) -> [ExitPast] {
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
}
