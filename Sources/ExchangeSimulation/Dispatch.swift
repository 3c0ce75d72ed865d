// From an endpoint to its answer. Every refusal is thrown; what comes back is a 200.

internal import Events
internal import Records

extension Venue {
    mutating func perform(_ endpoint: Endpoint, _ parameters: Parameters, _ account: Int)
        throws(VenueError) -> JSONValue
    {
        switch endpoint {
        case .ping: return object([:])
        case .time: return object(["serverTime": .int(serverTime)])
        case .exchangeInfo: return exchangeInfo()
        case .depth: return try depth(parameters)
        case .premiumIndex: return try each(parameters, premiumIndex)
        case .tickerPrice: return try each(parameters, tickerPrice)
        case .bookTicker: return try each(parameters, bookTicker)
        case .placeOrder: return try placeOrder(parameters, account)
        case .testOrder:
            _ = try place(try readTicket(parameters, account), account, testing: true)
            return object([:])
        case .order:
            guard let order = try find(parameters, account, try symbol(parameters)) else { throw .noSuchOrder }
            return json(order, .lookedUp)
        case .cancelOrder: return json(try cancel(parameters, account), .changed)
        case .modifyOrder: return json(try modify(parameters, account), .changed)
        case .placeBatch: return try placeBatch(parameters, account)
        case .cancelBatch: return try cancelBatch(parameters, account)
        case .cancelAllOpen:
            cancelAll(account, try symbol(parameters))
            return Venue.allCancelled
        case .openOrder:
            guard let order = try find(parameters, account, try symbol(parameters)), order.status.isOpen else {
                throw .noSuchOrder
            }
            return json(order, .lookedUp)
        case .openOrders: return openOrders(try optionalSymbol(parameters), account)
        case .allOrders: return try allOrders(parameters, account)
        case .userTrades: return try userTrades(parameters, account)
        case .countdown: return try setCountdown(parameters, account)
        case .placeAlgo: return json(try placeAlgo(parameters, account))
        case .algo, .cancelAlgo, .cancelAllAlgos, .openAlgos, .allAlgos:
            return try performAlgo(endpoint, parameters, account)
        case .positionRisk2: return try positionRisk2(parameters, account)
        case .positionRisk3: return try positionRisk3(parameters, account)
        case .account2: return account2(account)
        case .account3: return account3(account)
        case .balance: return balance(account)
        case .mode: return object(["dualSidePosition": .bool(accounts[account].isHedged)])
        case .setMode: return try setMode(parameters, account)
        case .setLeverage: return try setLeverage(parameters, account)
        case .setMarginType: return try setMarginType(parameters, account)
        case .symbolConfig: return try symbolConfigs(parameters, account)
        case .accountConfig: return settings(account, isConfiguration: true)
        case .leverageBracket: return try leverageBrackets(parameters)
        case .commissionRate: return try commissionRate(parameters)
        case .orderRateLimit: return orderRateLimits()
        case .multiAssets: return object(["multiAssetsMargin": .bool(false)])
        case .feeBurn: return object(["feeBurn": .bool(false)])
        case .makeListenKey: return makeListenKey(account)
        case .keepListenKey: return try keepListenKey(account)
        case .closeListenKey: return closeListenKey(account)
        }
    }

    static let allCancelled = object([
        "code": .int(200), "msg": .string("The operation of cancel all open order is done."),
    ])

    private mutating func placeOrder(_ parameters: Parameters, _ account: Int) throws(VenueError) -> JSONValue {
        let ticket = try readTicket(parameters, account)
        guard let accepted = try place(ticket, account, testing: false) else {
            preconditionFailure("an order that is not only tested is accepted")
        }
        return json(ticket.response == .ack ? accepted : orders[accepted.id] ?? accepted, .changed)
    }

    private mutating func placeBatch(_ parameters: Parameters, _ account: Int) throws(VenueError) -> JSONValue {
        let items = try list(parameters, "batchOrders")
        guard (1...Limits.simulatedBatchMax).contains(items.count) else { throw .batchSize }
        var answers: [JSONValue] = []
        for item in items {
            do throws(VenueError) {
                answers.append(try placeOrder(try Parameters(item), account))
            } catch {
                answers.append(error.json)
            }
        }
        return .array(answers)
    }

    private mutating func performAlgo(_ endpoint: Endpoint, _ parameters: Parameters, _ account: Int)
        throws(VenueError) -> JSONValue
    {
        switch endpoint {
        case .algo:
            guard let algo = try findAlgo(parameters, account) else { throw .noSuchOrder }
            return json(algo)
        case .cancelAlgo:
            guard let algo = try findAlgo(parameters, account), algo.status == .new else { throw .unknownOrder }
            endAlgo(algo.id, .cancelled)
            return object([
                "algoId": .int(algo.id), "clientAlgoId": .string(algo.clientID), "code": .string("200"),
                "msg": .string("success"),
            ])
        case .cancelAllAlgos:
            cancelAllAlgos(account, try symbol(parameters))
            return Venue.allCancelled
        case .openAlgos: return openAlgoOrders(try optionalSymbol(parameters), account)
        default:
            let symbol = try symbol(parameters)
            let limit = try limit(parameters)
            let found = accounts[account].algos.compactMap { algos[$0] }.filter { $0.ticket.symbol == symbol }
            return .array(found.suffix(limit).map(json))
        }
    }
}
