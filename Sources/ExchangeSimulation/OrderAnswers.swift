// Orders, fills and conditional orders as REST shows them.

internal import Events
internal import Records

/// The three shapes of an order.
enum OrderShape {
    /// The answer to POST, PUT and DELETE.
    case changed
    /// The answer to GET.
    case lookedUp
}

extension Venue {
    func json(_ order: Order, _ shape: OrderShape) -> JSONValue {
        let market = rules[order.symbol]
        let average =
            order.filled == 0
            ? Amount.zero : order.quote.divided(by: market.quantityAmount(order.filled))
        let quantity = JSONValue.string(market.quantityText(order.quantity))
        let executed = JSONValue.string(market.quantityText(order.filled))
        var json = object([
            "orderId": .int(order.id), "symbol": .string(market.name), "status": .string(order.status.rawValue),
            "clientOrderId": .string(order.clientID), "price": .string(market.priceText(order.price ?? 0)),
        ])
        if shape == .lookedUp || options.sendsAverage {
            json = json.adding([
                "avgPrice": .string(average.text(places: 5)),
                "cumQuote": .string(order.quote.text(places: 5)),
            ])
        }
        json = json.adding(["origQty": quantity, "executedQty": executed])
        if shape == .changed { json = json.adding(["cumQty": executed]) }
        json = json.adding([
            "timeInForce": .string(order.timeInForce.rawValue), "type": .string(order.type.rawValue),
            "reduceOnly": .bool(order.reduceOnly), "closePosition": .bool(order.closePosition),
            "side": .string(order.side.rawValue), "positionSide": .string(order.leg.rawValue),
            "stopPrice": .string(market.priceText(order.stopPrice)), "workingType": .string("CONTRACT_PRICE"),
            "priceProtect": .bool(false), "origType": .string(order.origType.rawValue),
            "priceMatch": .string(order.priceMatch.rawValue),
            "selfTradePreventionMode": .string(order.selfTrade.rawValue), "goodTillDate": .int(order.goodTill),
            "updateTime": .int(order.updatedAt),
        ])
        return shape == .lookedUp ? json.adding(["time": .int(order.createdAt)]) : json
    }

    /// `startTime`, `endTime`: at most seven days, the last seven where neither is given.
    func period(_ parameters: Parameters) throws(VenueError) -> ClosedRange<Milliseconds> {
        let start = try parameters.integer("startTime")
        let end = try parameters.integer("endTime")
        let week = Limits.simulatedQueryMillisecondsMax
        if let start, let end {
            guard start <= end else { throw .startAfterEnd }
            guard end - start <= week else { throw .interval }
            return start...end
        }
        if let start { return start...max(start, min(serverTime, start + week)) }
        let last = end ?? serverTime
        return max(0, last - week)...last
    }

    func limit(_ parameters: Parameters) throws(VenueError) -> Int {
        Int(try parameters.integer("limit", in: 1...1_000) ?? 500)
    }

    func allOrders(_ parameters: Parameters, _ account: Int) throws(VenueError) -> JSONValue {
        let symbol = try symbol(parameters)
        let limit = try limit(parameters)
        let from = try parameters.integer("orderId")
        let period = try period(parameters)
        let found = accounts[account].orders.compactMap { visible($0, account, symbol) }.filter { order in
            from.map { order.id >= $0 } ?? period.contains(order.createdAt)
        }
        let page = from == nil ? found.suffix(limit) : found.prefix(limit)
        return .array(page.map { json($0, .lookedUp) })
    }

    func openOrders(_ symbol: Int?, _ account: Int) -> JSONValue {
        let found = open.indices.filter { symbol == nil || $0 == symbol }.flatMap { index in
            open[index].compactMap { visible($0, account, index) }
        }
        return .array(found.map { json($0, .lookedUp) })
    }

    func userTrades(_ parameters: Parameters, _ account: Int) throws(VenueError) -> JSONValue {
        let symbol = try symbol(parameters)
        let limit = try limit(parameters)
        let order = try parameters.integer("orderId")
        let from = try parameters.integer("fromId")
        let hasPeriod = parameters.has("startTime") || parameters.has("endTime")
        if from != nil, hasPeriod { throw .combination }
        let period = try period(parameters)
        let found = accounts[account].fills.filter { fill in
            guard fill.symbol == symbol, order == nil || fill.order == order else { return false }
            return from.map { fill.id >= $0 } ?? period.contains(fill.time)
        }
        return .array((from == nil ? found.suffix(limit) : found.prefix(limit)).map(json))
    }

    func json(_ fill: Fill) -> JSONValue {
        let market = rules[fill.symbol]
        return object([
            "symbol": .string(market.name), "id": .int(fill.id), "orderId": .int(fill.order),
            "side": .string(fill.side.rawValue), "positionSide": .string(fill.leg.rawValue),
            "price": .string(market.priceText(fill.price)), "qty": .string(market.quantityText(fill.lots)),
            "quoteQty": .money(market.notional(fill.price, fill.lots)), "realizedPnl": .money(fill.realised),
            "commission": .money(fill.fee), "commissionAsset": .string(market.quote),
            "marginAsset": .string(market.quote), "buyer": .bool(fill.side == .buy), "maker": .bool(fill.maker),
            "time": .int(fill.time),
        ])
    }

    func json(_ algo: AlgoOrder) -> JSONValue {
        let (market, ticket) = (rules[algo.ticket.symbol], algo.ticket)
        let trails = ticket.type == .trailingStopMarket
        return object([
            "algoId": .int(algo.id), "clientAlgoId": .string(algo.clientID), "algoType": .string("CONDITIONAL"),
            "orderType": .string(ticket.type.rawValue), "symbol": .string(market.name),
            "side": .string(ticket.side.rawValue), "positionSide": .string(ticket.leg.rawValue),
            "timeInForce": .string(ticket.timeInForce.rawValue),
            "quantity": .string(market.quantityText(ticket.quantity)),
            "algoStatus": .string(algo.status.rawValue),
            "actualOrderId": .string(algo.order.map(String.init) ?? ""), "actualPrice": .string("0.00000"),
            "triggerPrice": .string(market.priceText(algo.trigger)),
            "price": .string(market.priceText(ticket.price ?? 0)), "icebergQuantity": .null,
            "selfTradePreventionMode": .string(ticket.selfTrade.rawValue),
            "workingType": .string(algo.workingType.rawValue), "priceMatch": .string("NONE"),
            "closePosition": .bool(ticket.closePosition), "priceProtect": .bool(algo.priceProtect),
            "reduceOnly": .bool(ticket.reduceOnly),
            "activatePrice": .string(trails ? market.priceText(algo.activation ?? 0) : ""),
            "callbackRate": .string(algo.callbackPercent.map { $0.text(places: 1) } ?? ""),
            "createTime": .int(algo.createdAt), "updateTime": .int(algo.updatedAt),
            "triggerTime": .int(algo.triggeredAt), "goodTillDate": .int(0),
        ])
    }

    func openAlgoOrders(_ symbol: Int?, _ account: Int) -> JSONValue {
        let found = openAlgos.compactMap { algos[$0] }.filter {
            $0.account == account && (symbol == nil || $0.ticket.symbol == symbol)
        }
        return .array(found.map(json))
    }
}
