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
        fill.venue = policy.venue
        fill.account = policy.account
        fill.symbol = symbol
        fill.tradeID = String(tradeID)
        fill.orderID = String(orderID)
        fill.clientOrderID = clientOrderID
        fill.side = side == .buy ? .buy : .sell
        fill.positionSide = positionSide.event
        fill.quantity = quantity.event
        fill.price = price.event
        fill.fee = fee.event
        fill.feeAsset = feeAsset
        fill.tradedAtNs = Timestamp(milliseconds: tradedAtMilliseconds).nanoseconds
        guard !realizedProfit.isZero else { return [.fill(fill, request)] }
        var detail = EventFillDetail()
        detail.venue = fill.venue
        detail.account = fill.account
        detail.symbol = symbol
        detail.tradeID = fill.tradeID
        detail.realisedProfit = realizedProfit.event
        return [.fill(fill, request), .detail(detail, request)]
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
