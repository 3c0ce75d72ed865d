// What really is, for whoever audits from outside: orders, trades and holdings, look-ups' faults or not. It shows
// copies in the order in which they came to be, and changes nothing.

package import Events
internal import Records

package struct TrueOrder: Equatable, Sendable {
    package let id: Int64
    package let clientID: String
    package let symbol: String
    /// The exchange's words.
    package let side: String
    package let positionSide: String
    package let status: String
    package let quantity: ExactSum
    package let filled: ExactSum
    /// It may still be filled.
    package let isOpen: Bool
}

package struct TrueTrade: Equatable, Sendable {
    package let id: Int64
    package let order: Int64
    package let symbol: String
    package let side: String
    package let positionSide: String
    package let quantity: ExactSum
    package let price: ExactSum
}

package struct TrueHolding: Equatable, Sendable {
    package let symbol: String
    package let positionSide: String
    package let quantity: ExactSum
}

extension Venue {
    /// Those after that number, the oldest first.
    package func orders(after id: Int64) -> [TrueOrder] {
        var first = orderLog.count
        while first > 0, orderLog[first - 1] > id { first -= 1 }
        return orderLog[first...].compactMap { orders[$0].map(truth) }
    }

    package func order(_ id: Int64) -> TrueOrder? { orders[id].map(truth) }

    /// All of them with that client order id, the oldest first.
    package func orders(clientID: String) -> [TrueOrder] {
        let found = accounts.indices.flatMap { clientIDs[ClientKey(account: $0, id: clientID)] ?? [] }
        return found.sorted().compactMap { orders[$0].map(truth) }
    }

    /// Of the first account, after that number, the oldest first.
    package func trades(after id: Int64) -> [TrueTrade] {
        guard let fills = accounts.first?.fills else { return [] }
        var first = fills.count
        while first > 0, fills[first - 1].id > id { first -= 1 }
        return fills[first...].map { fill in
            let market = rules[fill.symbol]
            return TrueTrade(
                id: fill.id, order: fill.order, symbol: market.name, side: fill.side.rawValue,
                positionSide: fill.leg.rawValue, quantity: market.quantityAmount(fill.lots).sum,
                price: market.priceAmount(fill.price).sum)
        }
    }

    /// Of the first account: what is not flat, by symbol and side.
    package var holdings: [TrueHolding] {
        guard let account = accounts.first else { return [] }
        return rules.indices.flatMap { symbol in
            PositionSide.allCases.compactMap { leg in
                let held = account.holdings[symbol][leg.index]
                guard !held.isFlat else { return nil }
                return TrueHolding(
                    symbol: rules[symbol].name, positionSide: leg.rawValue,
                    quantity: rules[symbol].quantityAmount(held.lots).sum)
            }
        }
    }

    /// Kinds of the faults that are set, and how many requests each has met, in the order of setting.
    package var faultHits: [(kind: String, hits: Int)] { faults.map { ($0.kind, $0.hits) } }

    /// As of messages of the user stream.
    package var streamFaultHits: [(kind: String, hits: Int)] { streamFaults.map { ($0.kind, $0.hits) } }

    private func truth(_ order: Order) -> TrueOrder {
        let market = rules[order.symbol]
        return TrueOrder(
            id: order.id, clientID: order.clientID, symbol: market.name, side: order.side.rawValue,
            positionSide: order.leg.rawValue, status: order.status.rawValue,
            quantity: market.quantityAmount(order.quantity).sum, filled: market.quantityAmount(order.filled).sum,
            isOpen: order.status.isOpen)
    }
}
