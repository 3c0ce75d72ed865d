// The trades of a run's closes, so that positions as the log believes them follow even where no feed runs. Nothing of
// the closing waits for them; of a large account only the first orders are asked for, the feeds bring the rest.

internal import Exchange
internal import Records

extension ExitRun {
    struct TradeAsk: Sendable {
        let orderID: Int64
        var asking = Asking()
        var tries = 0
    }

    private static let triesMax = 5

    mutating func askForTrades(_ close: CloseOrder, _ orderID: Int64) -> [ExitEffect] {
        guard tradeAsksMade < Limits.exitTradeQuestionsMax else { return [] }
        tradeAsksMade += 1
        tradeAsks[close] = TradeAsk(orderID: orderID)
        return [.trades(close, orderID: orderID)]
    }

    /// Of an earlier life: asked for at the first opportunity.
    mutating func owe(_ close: CloseOrder, _ orderID: Int64, _ now: Milliseconds) {
        guard tradeAsksMade < Limits.exitTradeQuestionsMax else { return }
        tradeAsksMade += 1
        var ask = TradeAsk(orderID: orderID)
        ask.asking.pause(now - 1_000)  // due at once
        tradeAsks[close] = ask
    }

    mutating func takeTrades(
        _ close: CloseOrder, _ answer: Answer<[AccountTrade]>, _ now: Milliseconds
    ) -> [ExitEffect] {
        guard var ask = tradeAsks[close] else { return [] }
        if case .accepted(let trades) = answer, !trades.isEmpty {
            tradeAsks[close] = nil
            return [.noteTrades(close, trades)]
        }
        ask.tries += 1
        ask.asking.pause(now, atLeast: answer.trouble?.wait)
        tradeAsks[close] = ask.tries < ExitRun.triesMax ? ask : nil
        return []
    }

    mutating func tradesDue(_ now: Milliseconds) -> [ExitEffect] {
        tradeAsks.keys.sorted { ($0.place, $0.part) < ($1.place, $1.part) }.compactMap { close in
            guard tradeAsks[close]?.asking.isDue(now) == true, let ask = tradeAsks[close] else { return nil }
            return .trades(close, orderID: ask.orderID)
        }
    }
}
