// What an account can set: position mode, leverage, margin type, countdowns; and what it can read of them.

internal import Events
internal import Records

extension Venue {
    static let success = object(["code": .int(200), "msg": .string("success")])

    mutating func setMode(_ parameters: Parameters, _ account: Int) throws(VenueError) -> JSONValue {
        guard let hedged = try parameters.boolean("dualSidePosition") else { throw .mandatory("dualSidePosition") }
        guard hedged != accounts[account].isHedged else { throw .modeUnchanged }
        guard !open.joined().contains(where: { orders[$0]?.account == account }),
            !openAlgos.contains(where: { algos[$0]?.account == account })
        else { throw .modeOrders }
        guard accounts[account].holdings.joined().allSatisfy(\.isFlat) else { throw .modePosition }
        accounts[account].isHedged = hedged
        return Venue.success
    }

    mutating func setLeverage(_ parameters: Parameters, _ account: Int) throws(VenueError) -> JSONValue {
        let symbol = try symbol(parameters)
        guard let leverage = try parameters.integer("leverage") else { throw .mandatory("leverage") }
        guard (1...125).contains(leverage) else { throw .leverage }
        let holdings = accounts[account].holdings[symbol]
        if accounts[account].isIsolated[symbol], Int(leverage) < accounts[account].leverage[symbol],
            !holdings.allSatisfy(\.isFlat)
        {
            throw .leverageIsolated
        }
        for holding in holdings
        where holding.notional(at: markets[symbol].price, rules[symbol]).magnitude
            > LeverageBracket.cap(Int(leverage))
        {
            throw .maximumPosition
        }
        accounts[account].leverage[symbol] = Int(leverage)
        reportLeverage(account, symbol)
        return object([
            "symbol": .string(rules[symbol].name), "leverage": .int(leverage),
            "maxNotionalValue": .string(LeverageBracket.cap(Int(leverage)).description),
        ])
    }

    mutating func setMarginType(_ parameters: Parameters, _ account: Int) throws(VenueError) -> JSONValue {
        let symbol = try symbol(parameters)
        let type = try parameters.required("marginType")
        guard type == "ISOLATED" || type == "CROSSED" else { throw .notValid("marginType") }
        guard (type == "ISOLATED") != accounts[account].isIsolated[symbol] else { throw .marginTypeUnchanged }
        guard !open[symbol].contains(where: { orders[$0]?.account == account }) else { throw .marginTypeOrders }
        guard accounts[account].holdings[symbol].allSatisfy(\.isFlat) else { throw .marginTypePosition }
        accounts[account].isIsolated[symbol] = type == "ISOLATED"
        return Venue.success
    }

    mutating func setCountdown(_ parameters: Parameters, _ account: Int) throws(VenueError) -> JSONValue {
        let symbol = try symbol(parameters)
        guard let length = try parameters.integer("countdownTime") else { throw .mandatory("countdownTime") }
        guard length <= Limits.simulatedCountdownMillisecondsMax else { throw .notValid("countdownTime") }
        accounts[account].countdowns[symbol] = length == 0 ? nil : now + length
        return object(["symbol": .string(rules[symbol].name), "countdownTime": .string(String(length))])
    }

    func symbolConfig(_ symbol: Int, _ account: Int) -> JSONValue {
        let owner = accounts[account]
        return object([
            "symbol": .string(rules[symbol].name),
            "marginType": .string(owner.isIsolated[symbol] ? "ISOLATED" : "CROSSED"),
            "isAutoAddMargin": .bool(false), "leverage": .int(owner.leverage[symbol]),
            "maxNotionalValue": .string(LeverageBracket.cap(owner.leverage[symbol]).description),
        ])
    }

    func symbolConfigs(_ parameters: Parameters, _ account: Int) throws(VenueError) -> JSONValue {
        let wanted = try optionalSymbol(parameters)
        return .array(rules.indices.filter { wanted == nil || wanted == $0 }.map { symbolConfig($0, account) })
    }

    func leverageBrackets(_ parameters: Parameters) throws(VenueError) -> JSONValue {
        let wanted = try optionalSymbol(parameters)
        let rows = rules.indices.filter { wanted == nil || wanted == $0 }.map { symbol in
            object([
                "symbol": .string(rules[symbol].name), "notionalCoef": .number("1.0"),
                "brackets": .array(LeverageBracket.all.map(json)),
            ])
        }
        return wanted != nil && !options.bracketIsArray ? rows[0] : .array(rows)
    }

    private func json(_ bracket: LeverageBracket) -> JSONValue {
        object([
            "bracket": .int(bracket.number), "initialLeverage": .int(bracket.leverage),
            "notionalCap": .int(bracket.cap), "notionalFloor": .int(bracket.floor),
            "maintMarginRatio": .number(Amount(bracket.ratio, exponent: -4).description),
            "cum": .number("\(bracket.cumulated).0"),
        ])
    }

    func commissionRate(_ parameters: Parameters) throws(VenueError) -> JSONValue {
        object([
            "symbol": .string(rules[try symbol(parameters)].name),
            "makerCommissionRate": .string(VenueOptions.makerFeeText),
            "takerCommissionRate": .string(VenueOptions.takerFeeText), "rpiCommissionRate": .string("0.000050"),
        ])
    }
}
