// Conditional orders: taken in, triggered, ended. What they become is placed like any other order and may be
// refused like any other order.

internal import Records

extension Venue {
    mutating func placeAlgo(_ parameters: Parameters, _ account: Int) throws(VenueError) -> AlgoOrder {
        guard try parameters.required("algoType") == "CONDITIONAL" else { throw .notValid("algoType") }
        let ticket = try readAlgoTicket(parameters, account)
        let market = rules[ticket.symbol]
        let clientID = try clientID(parameters, "clientAlgoId") ?? generator.text(count: 22)
        let earlier = algoClientIDs[ClientKey(account: account, id: clientID)] ?? []
        guard !earlier.contains(where: { algos[$0]?.status == .new }) else { throw .duplicateClientOrderID }
        let own = openAlgos.count { algos[$0]?.account == account }
        guard own < VenueOptions.openAlgosMax else { throw .openOrders }
        let trails = ticket.type == .trailingStopMarket
        let activation = try parameters.decimal("activatePrice")
        var callback: Amount?
        if trails {
            guard let rate = try parameters.decimal("callbackRate") else { throw .mandatory("callbackRate") }
            guard rate >= Amount(1, exponent: -1), rate <= Amount(10) else { throw .notValid("callbackRate") }
            callback = rate
        }
        var algo = AlgoOrder(
            id: nextAlgoID, account: account, clientID: clientID, ticket: ticket,
            trigger: trails ? 0 : try market.checkedPrice(try requiredTrigger(parameters)),
            workingType: try parameters.choice("workingType", else: .notValid("workingType")) ?? .contractPrice,
            priceProtect: try parameters.boolean("priceProtect") ?? false,
            activation: try activation.map { amount throws(VenueError) in try market.checkedPrice(amount) },
            callbackPercent: callback, createdAt: serverTime, updatedAt: serverTime)
        if !trails, algo.triggers(at: markets[ticket.symbol].price, market) { throw .wouldTrigger }
        nextAlgoID += 1
        algos[algo.id] = algo
        openAlgos.append(algo.id)
        accounts[account].algos.append(algo.id)
        algoClientIDs[ClientKey(account: account, id: clientID), default: []].append(algo.id)
        dropOldAlgos(account)
        reportAlgo(algo)
        return algo
    }

    private func requiredTrigger(_ parameters: Parameters) throws(VenueError) -> Amount {
        guard let price = try parameters.decimal("triggerPrice") else { throw .mandatory("triggerPrice") }
        return price
    }

    private func readAlgoTicket(_ parameters: Parameters, _ account: Int) throws(VenueError) -> Ticket {
        for name in ["symbol", "side", "type"] { _ = try parameters.required(name) }
        guard let side: Side = try parameters.choice("side", else: .side) else { throw .mandatory("side") }
        guard let type: OrderType = try parameters.choice("type", else: .orderType), type.isConditional else {
            throw .orderType
        }
        let timeInForce: TimeInForce? = try parameters.choice("timeInForce", else: .timeInForce)
        let symbol = try symbol(parameters)
        var ticket = Ticket(
            symbol: symbol, side: side, leg: try leg(parameters, account), type: type,
            timeInForce: timeInForce ?? .goodTillCancelled, quantity: 0)
        ticket.closePosition = try parameters.boolean("closePosition") ?? false
        if ticket.closePosition, !type.mayClosePosition { throw .notValid("closePosition") }
        if ticket.closePosition, parameters.has("quantity") { throw .quantityWithClosePosition }
        if ticket.closePosition, parameters.has("reduceOnly") { throw .notRequired("reduceonly") }
        ticket.reduceOnly = try reduceOnly(parameters, account)
        let isMarket = type.triggered == .market
        if !ticket.closePosition {
            guard let quantity = try parameters.decimal("quantity") else { throw .mandatory("quantity") }
            let market = rules[symbol]
            ticket.quantity = try market.checkedLots(quantity, in: isMarket ? market.marketQuantity : market.quantity)
        }
        if !isMarket {
            guard let price = try parameters.decimal("price") else { throw .mandatory("price") }
            ticket.price = try rules[symbol].checkedPrice(price)
        } else if parameters.has("price") {
            throw .notRequired("price")
        }
        ticket.selfTrade =
            try parameters.choice("selfTradePreventionMode", else: .selfTradePrevention) ?? .expireMaker
        return ticket
    }

    mutating func triggerAlgos(_ symbol: Int) {
        guard !openAlgos.isEmpty else { return }
        for id in openAlgos {
            guard var algo = algos[id], algo.ticket.symbol == symbol, algo.status == .new else { continue }
            let isDue = algo.triggers(at: markets[symbol].price, rules[symbol])
            algos[id] = algo
            if isDue { fire(&algo) }
        }
    }

    private mutating func fire(_ algo: inout AlgoOrder) {
        algo.triggeredAt = serverTime
        var ticket = algo.ticket
        ticket.origin = (algo.ticket.type, algo.trigger)
        ticket.type = algo.ticket.type.triggered
        ticket.clientID = algo.clientID
        if ticket.closePosition {
            ticket.quantity = closable(ticket.side, ticket.leg, ticket.symbol, algo.account)
            ticket.reduceOnly = ticket.leg == .both
            guard ticket.quantity > 0 else { return endAlgo(algo.id, .expired) }
        }
        set(&algo, .triggered)
        let next = nextOrderID
        algo.order = next
        algos[algo.id] = algo
        do throws(VenueError) {
            _ = try place(ticket, algo.account, testing: false)
            // A market order has ended by now; a resting one ends the algo when it ends.
            reportAlgo(algos[algo.id] ?? algo)
        } catch {
            algo.order = nil
            algo.refusal = error
            algos[algo.id] = algo
            endAlgo(algo.id, .rejected)
        }
        openAlgos.removeAll { $0 == algo.id }
    }

    private mutating func set(_ algo: inout AlgoOrder, _ status: AlgoStatus) {
        algo.status = status
        algo.updatedAt = serverTime
        algos[algo.id] = algo
        reportAlgo(algo)
    }

    mutating func endAlgo(_ id: Int64, _ status: AlgoStatus) {
        openAlgos.removeAll { $0 == id }
        guard var algo = algos[id], algo.status == .new || algo.status == .triggered else { return }
        set(&algo, status)
    }

    /// The order that an algo became has ended.
    mutating func finishAlgo(of order: Order) {
        guard order.origType.isConditional else { return }
        for id in (algoClientIDs[ClientKey(account: order.account, id: order.clientID)] ?? [])
        where algos[id]?.order == order.id {
            endAlgo(id, .finished)
        }
    }

    mutating func cancelAllAlgos(_ account: Int, _ symbol: Int) {
        for id in openAlgos where algos[id]?.account == account && algos[id]?.ticket.symbol == symbol {
            endAlgo(id, .cancelled)
        }
    }

    private mutating func dropOldAlgos(_ account: Int) {
        guard accounts[account].algos.count > Limits.simulatedAlgosKeptMax else { return }
        let old = accounts[account].algos.prefix(Limits.simulatedAlgosKeptMax / 2)
        let dropped = Set(old.filter { algos[$0]?.status != .new && algos[$0]?.status != .triggered })
        accounts[account].algos.removeAll { dropped.contains($0) }
        for id in old where dropped.contains(id) {
            guard let algo = algos.removeValue(forKey: id) else { continue }
            let key = ClientKey(account: account, id: algo.clientID)
            algoClientIDs[key]?.removeAll { $0 == id }
            if algoClientIDs[key]?.isEmpty ?? false { algoClientIDs[key] = nil }
        }
    }

    /// By `algoId` or `clientAlgoId`; the newest of several.
    func findAlgo(_ parameters: Parameters, _ account: Int) throws(VenueError) -> AlgoOrder? {
        if let id = try parameters.integer("algoId") {
            return algos[id].flatMap { $0.account == account ? $0 : nil }
        }
        guard let clientID = try parameters.text("clientAlgoId") else {
            throw .eitherOf("algoId", "clientAlgoId")
        }
        return algoClientIDs[ClientKey(account: account, id: clientID)]?.last.flatMap { algos[$0] }
    }
}
