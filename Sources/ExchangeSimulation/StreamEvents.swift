// What the user stream says: one function for each kind of event, called where the change happens. The outbox
// keeps their order; stream faults are applied on the way into it.

package import Events
internal import Records

package struct StreamOutput: Equatable, Sendable {
    package enum Content: Equatable, Sendable {
        /// The event's own object, not wrapped.
        case event(JSONValue)
        /// The connections of that key are closed.
        case disconnect
        /// They stay open and say nothing more, not even pings.
        case stall
    }
    package let listenKey: String
    package let content: Content
    /// Not before that time.
    package var dueAt: Milliseconds
}

/// What happened to an order, for `ORDER_TRADE_UPDATE`.
struct Execution {
    let kind: String
    var fill: Fill?
    init(_ kind: String) { self.kind = kind }
    init(_ fill: Fill) {
        kind = "TRADE"
        self.fill = fill
    }
}

extension Venue {
    /// Behind `e`, `E` and `T`.
    mutating func emit(_ account: Int, _ type: String, _ members: JSONValue, hasTransaction: Bool = true) {
        guard let key = accounts[account].listenKey, case .object(let own) = members else { return }
        if context.stream == .silent { return }
        var front = [JSONMember("e", .string(type)), JSONMember("E", .int(serverTime))]
        if hasTransaction { front.append(JSONMember("T", .int(serverTime))) }
        var output = StreamOutput(listenKey: key.text, content: .event(.object(front + own)), dueAt: now)
        if case .late(let delay) = context.stream { output.dueAt += delay }
        push(output, type)
    }

    private mutating func push(_ given: StreamOutput, _ type: String) {
        var output = given
        switch takeStreamFault(type) {
        case nil: outbox.append(output)
        case .drop: return
        case .duplicate: outbox += [output, output]
        case .late(let delay):
            output.dueAt += delay
            outbox.append(output)
        case .swap:
            if let held = swapped.updateValue(output, forKey: output.listenKey) { outbox.append(held) }
            return
        case .disconnect:
            outbox.append(StreamOutput(listenKey: output.listenKey, content: .disconnect, dueAt: output.dueAt))
            return
        }
        if let held = swapped.removeValue(forKey: output.listenKey) { outbox.append(held) }
    }

    mutating func report(_ id: Int64, _ execution: Execution) {
        guard let order = orders[id], accounts[order.account].listenKey != nil else { return }
        emit(order.account, "ORDER_TRADE_UPDATE", object(["o": orderEvent(order, execution)]))
    }

    private func orderEvent(_ order: Order, _ execution: Execution) -> JSONValue {
        let market = rules[order.symbol]
        let fill = execution.fill
        let average = order.filled == 0 ? Amount.zero : order.quote.divided(by: market.quantityAmount(order.filled))
        var json = object([
            "s": .string(market.name), "c": .string(order.clientID), "S": .string(order.side.rawValue),
            "o": .string(order.type.rawValue), "f": .string(order.timeInForce.rawValue),
            "q": .string(market.quantityText(order.quantity)), "p": .string(market.priceText(order.price ?? 0)),
            "ap": .string(average.text(places: market.pricePlaces)),
            "sp": .string(market.priceText(order.stopPrice)), "x": .string(execution.kind),
            "X": .string(order.status.rawValue), "i": .int(order.id),
            "l": .string(market.quantityText(fill?.lots ?? 0)), "z": .string(market.quantityText(order.filled)),
            "L": .string(market.priceText(fill?.price ?? 0)),
        ])
        if let fill { json = json.adding(["n": .money(fill.fee), "N": .string(market.quote)]) }
        return json.adding([
            "T": .int(serverTime), "t": .int(fill?.id ?? 0), "b": .string("0"), "a": .string("0"),
            "m": .bool(fill?.maker ?? false), "R": .bool(order.reduceOnly), "wt": .string("CONTRACT_PRICE"),
            "ot": .string(order.origType.rawValue), "ps": .string(order.leg.rawValue),
            "cp": .bool(order.closePosition), "rp": .money(fill?.realised ?? .zero), "pP": .bool(false),
            "si": .int(0), "ss": .int(0), "V": .string(order.selfTrade.rawValue),
            "pm": .string(order.priceMatch.rawValue), "gtd": .int(order.goodTill),
            "er": .string(order.reason.rawValue),
        ])
    }

    mutating func reportAccount(
        _ account: Int, _ reason: String, wallets: [Int], holdings: [(symbol: Int, leg: PositionSide)],
        change: Amount = .zero
    ) {
        let owner = accounts[account]
        guard owner.listenKey != nil else { return }
        let balances = wallets.map { index -> JSONValue in
            let balance = JSONValue.money(owner.wallets[index].balance)
            return object([
                "a": .string(owner.wallets[index].asset), "wb": balance, "cw": balance, "bc": .money(change),
            ])
        }
        let positions = holdings.map { symbol, leg -> JSONValue in
            let (market, holding) = (rules[symbol], owner.holdings[symbol][leg.index])
            let entry = JSONValue.string(holding.entry(market).text(places: market.pricePlaces))
            return object([
                "s": .string(market.name), "pa": .string(market.quantityText(holding.lots)), "ep": entry, "bep": entry,
                "cr": .money(holding.realised), "up": .money(holding.profit(at: markets[symbol].price, market)),
                "mt": .string(owner.isIsolated[symbol] ? "isolated" : "cross"), "iw": .string("0"),
                "ps": .string(leg.rawValue), "ma": .string(market.quote),
            ])
        }
        emit(
            account, "ACCOUNT_UPDATE",
            object(["a": object(["m": .string(reason), "B": .array(balances), "P": .array(positions)])]))
    }

    mutating func reportTradeLite(_ order: Order, _ fill: Fill) {
        let market = rules[order.symbol]
        guard accounts[order.account].listenKey != nil else { return }
        emit(
            order.account, "TRADE_LITE",
            object([
                "s": .string(market.name), "q": .string(market.quantityText(order.quantity)),
                "p": .string(market.priceText(order.price ?? 0)), "m": .bool(fill.maker),
                "c": .string(order.clientID), "S": .string(order.side.rawValue),
                "L": .string(market.priceText(fill.price)), "l": .string(market.quantityText(fill.lots)),
                "t": .int(fill.id), "i": .int(order.id),
            ]))
    }

    mutating func reportLeverage(_ account: Int, _ symbol: Int) {
        let setting = object(["s": .string(rules[symbol].name), "l": .int(accounts[account].leverage[symbol])])
        emit(account, "ACCOUNT_CONFIG_UPDATE", object(["ac": setting]))
    }

    mutating func reportAlgo(_ algo: AlgoOrder) {
        let (market, ticket) = (rules[algo.ticket.symbol], algo.ticket)
        guard accounts[algo.account].listenKey != nil else { return }
        let filled = algo.order.flatMap { orders[$0] }
        let average = filled.flatMap { $0.filled == 0 ? nil : $0.quote.divided(by: market.quantityAmount($0.filled)) }
        emit(
            algo.account, "ALGO_UPDATE",
            object([
                "o": object([
                    "caid": .string(algo.clientID), "aid": .int(algo.id), "at": .string("CONDITIONAL"),
                    "o": .string(ticket.type.rawValue), "s": .string(market.name), "S": .string(ticket.side.rawValue),
                    "ps": .string(ticket.leg.rawValue), "f": .string(ticket.timeInForce.rawValue),
                    "q": .string(market.quantityText(ticket.quantity)), "X": .string(algo.status.rawValue),
                    "ai": .string(algo.order.map(String.init) ?? ""),
                    "ap": .string((average ?? .zero).text(places: market.pricePlaces)),
                    "aq": .string(market.quantityText(filled?.filled ?? 0)),
                    "act": .string(ticket.type.triggered.rawValue), "tp": .string(market.priceText(algo.trigger)),
                    "p": .string(market.priceText(ticket.price ?? 0)), "V": .string(ticket.selfTrade.rawValue),
                    "wt": .string(algo.workingType.rawValue), "pm": .string("NONE"),
                    "cp": .bool(ticket.closePosition), "pP": .bool(algo.priceProtect), "R": .bool(ticket.reduceOnly),
                    "tt": .int(algo.triggeredAt), "gtd": .int(0), "rm": .string(algo.refusal?.message ?? ""),
                ])
            ]))
    }
}
