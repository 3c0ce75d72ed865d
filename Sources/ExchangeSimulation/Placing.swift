// Taking an order in: what depends on the account and the book, in the exchange's order of refusal. An order
// that any check refuses leaves no trace.

internal import Records

extension Venue {
    /// The order as it was accepted, before it met the book; nil where it was only tested.
    mutating func place(_ given: Ticket, _ account: Int, testing: Bool) throws(VenueError) -> Order? {
        var ticket = given
        let market = markets[ticket.symbol]
        if let price = ticket.price { try market.rules.checkBand(ticket.side, price, mark: market.price) }
        if let id = ticket.clientID { try refuseDuplicate(id, account) }
        let knocksOut = try fitToPosition(&ticket, account)
        try checkNotional(ticket)
        try checkRoom(ticket, account)
        try checkBook(ticket, account)
        if testing { return nil }
        if knocksOut { endClosingOrders(account, ticket.symbol, ticket.leg, except: nil) }
        let id = accept(ticket, account)
        guard let accepted = orders[id] else { preconditionFailure("an accepted order is kept") }
        report(id, Execution("NEW"))
        match(id)
        return accepted
    }

    private func refuseDuplicate(_ id: String, _ account: Int) throws(VenueError) {
        let earlier = clientIDs[ClientKey(account: account, id: id)] ?? []
        let isTaken =
            options.duplicateScope == .all
            ? !earlier.isEmpty : earlier.contains { orders[$0]?.status.isOpen ?? false }
        if isTaken { throw .duplicateClientOrderID }
    }

    /// Lots that an order of that side could still close.
    func closable(_ side: Side, _ leg: PositionSide, _ symbol: Int, _ account: Int) -> Lots {
        let held = accounts[account].holdings[symbol][leg.index].lots
        return held.value * side.sign < 0 ? held.magnitude : 0
    }

    /// Reduce-only rules. True where other closing orders have to make room.
    private func fitToPosition(_ ticket: inout Ticket, _ account: Int) throws(VenueError) -> Bool {
        let closes = ticket.leg == .both ? ticket.reduceOnly : !ticket.leg.opens(ticket.side)
        guard closes else { return false }
        let held = closable(ticket.side, ticket.leg, ticket.symbol, account)
        guard held > 0 else { throw .reduceOnly }
        let reserved = open[ticket.symbol].reduce(Lots(0)) { sum, id in
            guard let order = orders[id], order.account == account, order.leg == ticket.leg,
                order.side == ticket.side, order.closes
            else { return sum }
            return sum + order.remaining
        }
        if ticket.quantity <= held - reserved { return false }
        let hasPriority = ticket.type == .market && ticket.leg == .both && ticket.quantity >= held
        guard hasPriority || ticket.closePosition else { throw .reduceOnly }
        if ticket.quantity > held, !options.trimsReduceOnly { throw .reduceOnly }
        ticket.quantity = min(ticket.quantity, held)
        return true
    }

    private func checkNotional(_ ticket: Ticket) throws(VenueError) {
        guard !ticket.reduceOnly, !ticket.closePosition else { return }
        let market = markets[ticket.symbol]
        let notional = market.rules.notional(ticket.price ?? market.price, ticket.quantity)
        guard notional >= market.rules.minNotional else {
            throw .notional(market.rules.minNotional.description)
        }
    }

    /// Number of orders, size of the position, margin.
    private func checkRoom(_ ticket: Ticket, _ account: Int) throws(VenueError) {
        let own = open[ticket.symbol].count { orders[$0]?.account == account }
        guard own < SymbolRules.openOrdersMax else { throw .openOrders }
        let opened = opening(ticket, account)
        guard opened > 0 else { return }
        let market = markets[ticket.symbol]
        let leverage = accounts[account].leverage[ticket.symbol]
        let held = accounts[account].holdings[ticket.symbol][ticket.leg.index].lots
        let kept = held.value * ticket.side.sign > 0 ? held.magnitude : Lots(0)
        guard market.rules.notional(market.price, kept + opened) <= LeverageBracket.cap(leverage) else {
            throw .maximumPosition
        }
        let notional = market.rules.notional(ticket.price ?? market.price, opened)
        let needed = notional.divided(by: Amount(Int64(leverage))) + notional * VenueOptions.takerFee
        let asset = accounts[account].wallet(market.rules.quote)
        guard needed <= available(account, asset) else { throw .margin }
    }

    /// How much of it would add to a position.
    private func opening(_ ticket: Ticket, _ account: Int) -> Lots {
        if ticket.reduceOnly || ticket.closePosition { return 0 }
        if ticket.leg != .both { return ticket.leg.opens(ticket.side) ? ticket.quantity : 0 }
        return max(0, ticket.quantity - closable(ticket.side, .both, ticket.symbol, account))
    }

    /// What depends on the other side of the book.
    private func checkBook(_ ticket: Ticket, _ account: Int) throws(VenueError) {
        let best = bestMaker(ticket.symbol, against: ticket.side, from: 0, except: 0)
        guard let limit = ticket.price else {
            guard let best else { throw .noBook }
            let band = rules[ticket.symbol].band(markets[ticket.symbol].price)
            guard band.contains(best.price) else { throw .counterpartyPrice }
            return
        }
        let takes = best.map { ticket.side == .buy ? $0.price <= limit : $0.price >= limit } ?? false
        if ticket.timeInForce.mustNotTake, takes { throw .postOnly }
        if ticket.timeInForce == .fillOrKill, fillableNow(ticket, limit) < ticket.quantity { throw .fillOrKill }
    }

    private func fillableNow(_ ticket: Ticket, _ limit: Ticks) -> Lots {
        var sum: Lots = 0
        var place = 0
        while let level = markets[ticket.symbol].level(ticket.side.opposite, place) {
            guard ticket.side == .buy ? level.price <= limit : level.price >= limit else { break }
            sum += level.lots
            place += 1
        }
        return open[ticket.symbol].reduce(sum) { sum, id in
            guard let order = orders[id], order.side != ticket.side, let price = order.price,
                ticket.side == .buy ? price <= limit : price >= limit
            else { return sum }
            return sum + capacity(order)
        }
    }

    private mutating func accept(_ ticket: Ticket, _ account: Int) -> Int64 {
        let id = nextOrderID
        nextOrderID += 1
        let clientID = ticket.clientID ?? generator.text(count: 22)
        var order = Order(id: id, account: account, clientID: clientID, ticket: ticket, at: serverTime)
        if let percent = context.fillPercent { order.fillMax = Lots(order.quantity.value * percent / 100) }
        order.visibleAt = context.hiddenFor > 0 ? now + context.hiddenFor : 0
        orders[id] = order
        open[ticket.symbol].append(id)
        orderLog.append(id)
        accounts[account].orders.append(id)
        clientIDs[ClientKey(account: account, id: clientID), default: []].append(id)
        dropOldOrders()
        return id
    }

    /// Keeps the number of orders bounded; open ones stay.
    private mutating func dropOldOrders() {
        guard orderLog.count > Limits.simulatedOrdersKeptMax else { return }
        let half = orderLog.prefix(orderLog.count / 2)
        let dropped = Set(half.filter { !(orders[$0]?.status.isOpen ?? false) })
        orderLog.removeAll { dropped.contains($0) }
        for id in half where dropped.contains(id) {
            guard let order = orders.removeValue(forKey: id) else { continue }
            let key = ClientKey(account: order.account, id: order.clientID)
            clientIDs[key]?.removeAll { $0 == id }
            if clientIDs[key]?.isEmpty ?? false { clientIDs[key] = nil }
        }
        for account in accounts.indices { accounts[account].orders.removeAll { dropped.contains($0) } }
    }
}
