// What the journal says of a run's closes.

internal import Events
package import Exchange
package import Records

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
            for trade in trades { sum = try sum.adding(ExactSum(trade.trade.quantity)) }
            return sum >= ExactSum(executed)
        } catch {
            return false  // asked for once more
        }
    }
}

extension [ExitLine] {
    /// When a trade of the close can have been: since it was journaled, as far apart as the clocks may be.
    package func window(of close: CloseOrder, until now: Timestamp) -> Endpoint.TradeRange {
        var since = now.milliseconds
        for case .request(close, _, let at) in self {
            since = Swift.min(since, Timestamp(nanoseconds: at).milliseconds)
        }
        let off = Limits.clockOffsetMillisecondsMax
        return .between(
            Timestamp(
                milliseconds: Swift.max(since - off, now.milliseconds - Limits.tradeRangeMillisecondsMax + 2 * off)),
            Timestamp(milliseconds: now.milliseconds + off))
    }
}
