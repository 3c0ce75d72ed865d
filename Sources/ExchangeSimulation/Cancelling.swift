// Look-up, cancel and modification of orders that are there.

internal import Events
internal import Records

extension Venue {
    /// By `orderId`, else by `origClientOrderId`: the newest of several. Nil where there is none that can be
    /// seen.
    func find(_ parameters: Parameters, _ account: Int, _ symbol: Int) throws(VenueError) -> Order? {
        if let id = try parameters.integer("orderId") { return visible(id, account, symbol) }
        guard let clientID = parameters.raw("origClientOrderId") else {
            throw .eitherOf("origClientOrderId", "orderId")
        }
        guard !clientID.isEmpty else { throw .origClientOrderIDEmpty }
        return find(clientID: clientID, account, symbol)
    }

    func find(clientID: String, _ account: Int, _ symbol: Int) -> Order? {
        let ids = clientIDs[ClientKey(account: account, id: clientID)] ?? []
        return ids.reversed().lazy.compactMap { self.visible($0, account, symbol) }.first
    }

    func visible(_ id: Int64, _ account: Int, _ symbol: Int) -> Order? {
        guard let order = orders[id], order.account == account, order.symbol == symbol else { return nil }
        return order.visibleAt <= now && !isForgotten(order) ? order : nil
    }

    /// What ended without a fill is kept for three days, the rest for ninety.
    private func isForgotten(_ order: Order) -> Bool {
        guard !order.status.isOpen else { return false }
        let age = serverTime - order.updatedAt
        return age > (order.filled == 0 ? Limits.simulatedUnfilledKeptMilliseconds : Limits.simulatedKeptMilliseconds)
    }

    mutating func cancel(_ parameters: Parameters, _ account: Int) throws(VenueError) -> Order {
        let symbol = try symbol(parameters)
        return try cancel(try find(parameters, account, symbol))
    }

    private mutating func cancel(_ order: Order?) throws(VenueError) -> Order {
        guard let order, order.status.isOpen else { throw .unknownOrder }
        end(order.id, .cancelled, .none)
        return orders[order.id] ?? order
    }

    /// In the order of the lists; each element an order or a refusal.
    mutating func cancelBatch(_ parameters: Parameters, _ account: Int) throws(VenueError) -> JSONValue {
        let symbol = try symbol(parameters)
        // ccxt and python-binance write these two in lower case.
        let names = ["orderIdList", "orderidlist", "origClientOrderIdList", "origclientorderidlist"]
        guard let name = names.first(where: parameters.has) else {
            throw .eitherOf("orderIdList", "origClientOrderIdList")
        }
        let items = try list(parameters, name)
        guard (1...Limits.simulatedCancelBatchMax).contains(items.count) else { throw .batchSize }
        var answers: [JSONValue] = []
        for item in items {
            do throws(VenueError) {
                answers.append(json(try cancel(try find(item, account, symbol)), .changed))
            } catch {
                answers.append(error.json)
            }
        }
        return .array(answers)
    }

    private func find(_ item: JSONValue, _ account: Int, _ symbol: Int) throws(VenueError) -> Order? {
        switch item {
        case .number(let text):
            guard let id = Int64(text) else { throw .notValid("orderIdList") }
            return visible(id, account, symbol)
        case .string(let clientID): return find(clientID: clientID, account, symbol)
        case .null, .bool, .array, .object: throw .notValid("orderIdList")
        }
    }

    /// A parameter that is a JSON array.
    func list(_ parameters: Parameters, _ name: String) throws(VenueError) -> [JSONValue] {
        let text = try parameters.required(name)
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONText.read(text)
        } catch {
            throw .notValid(name)
        }
        guard case .array(let items) = value else { throw .notValid(name) }
        return items
    }

    /// `PUT /fapi/v1/order`: price and quantity of a resting limit order; it goes to the end of the queue.
    mutating func modify(_ parameters: Parameters, _ account: Int) throws(VenueError) -> Order {
        let symbol = try symbol(parameters)
        guard let side: Side = try parameters.choice("side", else: .side) else { throw .mandatory("side") }
        guard let quantity = try parameters.decimal("quantity") else { throw .mandatory("quantity") }
        guard let price = try parameters.decimal("price") else { throw .mandatory("price") }
        guard var order = try find(parameters, account, symbol), order.status.isOpen else { throw .noSuchOrder }
        guard order.type == .limit else { throw .modifyType }
        guard order.side == side else { throw .side }
        guard order.modifications < Limits.simulatedModificationsMax else { throw .modifyLimit }
        let market = rules[symbol]
        let newPrice = try market.checkedPrice(price)
        let newQuantity = try market.checkedLots(quantity, in: market.quantity)
        guard newPrice != order.price || newQuantity != order.quantity else { throw .modifyUnchanged }
        try market.checkBand(side, newPrice, mark: markets[symbol].price)
        if !order.closes {
            guard market.notional(newPrice, newQuantity) >= market.minNotional else {
                throw .notional(market.minNotional.description)
            }
            try checkMargin(order, newPrice, newQuantity)
        } else if newQuantity - order.filled > order.remaining {
            throw .reduceOnly
        }
        if newQuantity <= order.filled { return try cancel(order) }
        order.price = newPrice
        order.quantity = newQuantity
        order.modifications += 1
        order.updatedAt = serverTime
        orders[order.id] = order
        open[symbol].removeAll { $0 == order.id }
        open[symbol].append(order.id)
        report(order.id, Execution("AMENDMENT"))
        match(order.id)
        return orders[order.id] ?? order
    }

    private func checkMargin(_ order: Order, _ price: Ticks, _ quantity: Lots) throws(VenueError) {
        let market = rules[order.symbol]
        let before = initialMargin(market.notional(order.price ?? 0, order.remaining), order.account, order.symbol)
        let after = initialMargin(market.notional(price, quantity - order.filled), order.account, order.symbol)
        let wallet = accounts[order.account].wallet(market.quote)
        guard after - before <= available(order.account, wallet) else { throw .margin }
    }
}
