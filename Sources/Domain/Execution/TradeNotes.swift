// A trade of the exchange as records: the fill, under the key that every feed gives it, and the profit that only some
// reports know, beside it. Whoever comes second writes nothing.

package import Events
package import Exchange
package import Records

extension AccountTrade {
    /// - Parameter clientOrderID: empty where it is not known; never identity.
    package func notes(
        _ policy: ExecutionPolicy, clientOrderID: String, of request: SequenceNumber
    ) -> [ExecutionNote] {
        var fill = EventFill()
        fill.symbol = symbol
        fill.tradeID = String(tradeID)
        fill.orderID = String(orderID)
        fill.clientOrderID = clientOrderID
        fill.side = side.event
        fill.positionSide = positionSide.event
        fill.quantity = quantity.event
        fill.price = price.event
        fill.fee = fee.event
        fill.feeAsset = feeAsset
        fill.tradedAtNs = Timestamp(milliseconds: tradedAtMilliseconds).nanoseconds
        return fill.notes(policy, profit: realizedProfit, of: request)
    }
}

extension OrderUpdate {
    /// Nothing where the update brought no fill.
    package func notes(_ policy: ExecutionPolicy, of request: SequenceNumber) -> [ExecutionNote] {
        guard let trade = self.fill else { return [] }
        var fill = EventFill()
        fill.symbol = symbol
        fill.tradeID = String(trade.tradeID)
        fill.orderID = String(orderID)
        fill.clientOrderID = clientOrderID
        fill.side = side.event
        fill.positionSide = positionSide.event
        fill.quantity = trade.quantity.event
        fill.price = trade.price.event
        if let fee = trade.fee {
            fill.fee = fee.amount.event
            fill.feeAsset = fee.asset
        }
        fill.tradedAtNs = Timestamp(milliseconds: trade.tradedAtMilliseconds).nanoseconds
        return fill.notes(policy, profit: trade.realizedProfit, of: request)
    }
}

extension EventFill {
    fileprivate func notes(
        _ policy: ExecutionPolicy, profit: ExactDecimal, of request: SequenceNumber
    ) -> [ExecutionNote] {
        var fill = self
        fill.venue = policy.venue
        fill.account = policy.account
        guard !profit.isZero else { return [.fill(fill, request)] }
        var detail = EventFillDetail()
        detail.venue = policy.venue
        detail.account = policy.account
        detail.symbol = symbol
        detail.tradeID = tradeID
        detail.realisedProfit = profit.event
        return [.fill(fill, request), .detail(detail, request)]
    }
}

extension OrderSide {
    package var event: EventSide {
        switch self {
        case .buy: .buy
        case .sell: .sell
        }
    }
}

extension PositionSide {
    package var event: EventPositionSide {
        switch self {
        case .both: .both
        case .long: .long
        case .short: .short
        }
    }
}

extension ExitTrade {
    package func notes(_ policy: ExecutionPolicy, of request: SequenceNumber) -> [ExecutionNote] {
        trade.notes(policy, clientOrderID: clientOrderID, of: request)
    }
}
