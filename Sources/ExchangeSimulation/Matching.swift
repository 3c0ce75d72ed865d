// An order meets the book: levels of the seeded market and resting orders of clients, best price first,
// clients' orders before the market's at one price. And resting orders meet a market that has moved.

/// What an incoming order can trade with.
struct Maker {
    let price: Ticks
    let lots: Lots
    /// Nil for a level of the market.
    let order: Int64?
    let place: Int
}

extension Venue {
    /// What of it may be filled now: a closing order never more than there is to close.
    func capacity(_ order: Order) -> Lots {
        guard order.closes else { return order.fillable }
        return min(order.fillable, closable(order.side, order.leg, order.symbol, order.account))
    }

    /// - Parameter place: levels before it are known to be empty.
    func bestMaker(_ symbol: Int, against side: Side, from place: Int, except: Int64) -> Maker? {
        let level = markets[symbol].best(side.opposite, from: place)
        var best = level.map { Maker(price: $0.price, lots: $0.lots, order: nil, place: $0.place) }
        for id in open[symbol] where id != except {
            guard let order = orders[id], order.side != side, let price = order.price else { continue }
            let isBetter =
                best.map {
                    $0.price == price ? $0.order == nil : (side == .buy ? price < $0.price : price > $0.price)
                } ?? true
            guard isBetter else { continue }
            let lots = capacity(order)
            if lots > 0 { best = Maker(price: price, lots: lots, order: id, place: best?.place ?? place) }
        }
        return best
    }

    /// Trades an incoming order as far as its price, its size and the book allow, and ends what may not rest.
    mutating func match(_ id: Int64) {
        guard let taker = orders[id] else { return }
        let band = rules[taker.symbol].band(markets[taker.symbol].price)
        let limit = taker.price ?? (taker.side == .buy ? band.upperBound : band.lowerBound)
        var place = 0
        while let order = orders[id], order.status.isOpen, capacity(order) > 0 {
            guard let maker = bestMaker(order.symbol, against: order.side, from: place, except: id),
                order.side == .buy ? maker.price <= limit : maker.price >= limit
            else { break }
            place = maker.place
            if let other = maker.order, orders[other]?.account == order.account, order.preventsSelfTrade {
                if preventSelfTrade(order, other) { return }
                continue
            }
            trade(id, with: maker, min(capacity(order), maker.lots))
        }
        endWhatMayNotRest(id)
    }

    private mutating func trade(_ taker: Int64, with maker: Maker, _ lots: Lots) {
        guard let order = orders[taker] else { return }
        let tradeID = nextTradeID
        nextTradeID += 1
        if let other = maker.order {
            settle(other, lots, at: maker.price, isMaker: true, tradeID: tradeID)
        } else {
            markets[order.symbol].take(order.side.opposite, place: maker.place, lots)
        }
        settle(taker, lots, at: maker.price, isMaker: false, tradeID: tradeID)
    }

    /// True where the taker is ended. The taker's mode decides.
    private mutating func preventSelfTrade(_ taker: Order, _ maker: Int64) -> Bool {
        switch taker.selfTrade {
        case .none: return false
        case .expireMaker:
            end(maker, .expiredInMatch, .selfTrade)
            return false
        case .expireTaker:
            end(taker.id, .expiredInMatch, .selfTrade)
            return true
        case .expireBoth:
            end(maker, .expiredInMatch, .selfTrade)
            end(taker.id, .expiredInMatch, .selfTrade)
            return true
        }
    }

    private mutating func endWhatMayNotRest(_ id: Int64) {
        guard let order = orders[id], order.status.isOpen else { return }
        if order.closes, closable(order.side, order.leg, order.symbol, order.account) == 0 {
            end(id, .expired, .knockedOut)
        } else if order.type == .market {
            end(id, .expired, .marketRest)
        } else if !order.timeInForce.rests {
            end(id, .expired, .immediateRest)
        }
    }

    /// After a move: resting orders that the market has reached are filled at their own price.
    mutating func matchResting(_ symbol: Int) {
        guard !open[symbol].isEmpty else { return }
        let waiting = open[symbol].compactMap { orders[$0] }.filter { $0.price != nil }
        for order in waiting.filter({ $0.side == .buy }).sorted(by: { ($0.price ?? 0, $1.id) > ($1.price ?? 0, $0.id) })
        {
            fillResting(order.id)
        }
        for order in waiting.filter({ $0.side == .sell }).sorted(by: { ($0.price ?? 0, $0.id) < ($1.price ?? 0, $1.id) }
        ) {
            fillResting(order.id)
        }
    }

    private mutating func fillResting(_ id: Int64) {
        while let order = orders[id], order.status.isOpen, let price = order.price, capacity(order) > 0 {
            guard let level = markets[order.symbol].best(order.side.opposite),
                order.side == .buy ? level.price <= price : level.price >= price
            else { return }
            let lots = min(capacity(order), level.lots)
            markets[order.symbol].take(order.side.opposite, place: level.place, lots)
            let tradeID = nextTradeID
            nextTradeID += 1
            settle(id, lots, at: price, isMaker: true, tradeID: tradeID)
        }
    }
}
