// The control API under /sim: what the exchange would never offer. It sets prices, faults, the clock and what
// other hands do to an account, and shows the truth that a client cannot see.

internal import Events
internal import Records

extension Venue {
    mutating func control(_ request: Request) -> Answer {
        do throws(ControlError) {
            var fields = try ControlFields(request.body)
            let value = try perform("\(request.method) \(request.path)", &fields)
            return Answer(value)
        } catch {
            return Answer(status: 400, object(["error": .string(error.text)]))
        }
    }

    private static let done = object(["done": .bool(true)])

    private mutating func perform(_ action: String, _ fields: inout ControlFields) throws(ControlError) -> JSONValue {
        switch action {
        case "GET /sim/state": return state()
        case "GET /sim/orders": return allOrders()
        case "GET /sim/faults": return faultList()
        case "DELETE /sim/faults":
            faults.removeAll()
            streamFaults.removeAll()
        case "POST /sim/faults":
            guard faults.count < Limits.simulatedFaultsMax else { throw ControlError("too many faults; delete some") }
            let fault = try readFault(&fields)
            faults.append(fault)
            return object(["id": .int(fault.id)])
        case "POST /sim/stream-faults": try addStreamFault(&fields)
        case "POST /sim/stream": try actOnStream(&fields)
        case "POST /sim/price": try setPrice(&fields)
        case "POST /sim/market": try setMarket(&fields)
        case "POST /sim/clock":
            let day = Limits.simulatedClockOffsetMillisecondsMax
            clockOffset = try fields.required("offset_ms", try fields.integer("offset_ms", -day...day))
        case "POST /sim/position": try tradeByAnotherHand(&fields)
        case "POST /sim/mode":
            let account = try account(&fields)
            accounts[account].isHedged = try fields.required("hedge", try fields.boolean("hedge"))
        case "POST /sim/deposit": try deposit(&fields)
        case "POST /sim/options": try setOptions(&fields)
        case "POST /sim/reset": reset()
        default: throw ControlError("no such control: \(action)")
        }
        try fields.finish()
        return Venue.done
    }

    /// By `key`; the first one where none is named.
    func account(_ fields: inout ControlFields) throws(ControlError) -> Int {
        guard let key = try fields.text("key") else {
            guard !accounts.isEmpty else { throw ControlError("no account yet: an account begins with its first key") }
            return 0
        }
        guard let account = accountIndex[key] else { throw ControlError("no account has that key") }
        return account
    }

    private func symbol(_ fields: inout ControlFields) throws(ControlError) -> Int {
        let name = try fields.required("symbol", try fields.text("symbol"))
        guard let symbol = symbolIndex[name] else { throw ControlError("no symbol \(name)") }
        return symbol
    }

    private mutating func setPrice(_ fields: inout ControlFields) throws(ControlError) {
        let symbol = try symbol(&fields)
        let price = try fields.required("price", try fields.amount("price"))
        let (count, isWhole) = price.steps(of: rules[symbol].tick)
        guard isWhole, rules[symbol].price.contains(Ticks(count)) else {
            throw ControlError("price must be a multiple of \(rules[symbol].tick) inside the symbol's range")
        }
        markets[symbol].set(Ticks(count))
        priceChanged(symbol)
    }

    /// Of one symbol, or of all.
    private mutating func setMarket(_ fields: inout ControlFields) throws(ControlError) {
        var chosen = Array(markets.indices)
        if let name = try fields.text("symbol") {
            guard let symbol = symbolIndex[name] else { throw ControlError("no symbol \(name)") }
            chosen = [symbol]
        }
        let levels = try fields.integer("levels", 0...Int64(Limits.simulatedLevelsMax))
        let notional = try fields.integer("level_notional", 1...Limits.simulatedLevelNotionalMax)
        let moves = try fields.integer("move_max", 0...100_000)
        for symbol in chosen {
            if let levels { markets[symbol].options.levels = Int(levels) }
            if let notional { markets[symbol].options.levelNotional = notional }
            if let moves { markets[symbol].options.moveMax = moves }
        }
    }

    private mutating func addStreamFault(_ fields: inout ControlFields) throws(ControlError) {
        guard streamFaults.count < Limits.simulatedFaultsMax else { throw ControlError("too many faults") }
        let kind = try fields.required("kind", try fields.text("kind"))
        let delay = try fields.integer("ms", 1...Limits.simulatedDelayMillisecondsMax)
        let effect: StreamFaultEffect
        switch kind {
        case "drop": effect = .drop
        case "duplicate": effect = .duplicate
        case "swap": effect = .swap
        case "disconnect": effect = .disconnect
        case "late": effect = .late(try fields.required("ms", delay))
        default:
            throw ControlError("unknown kind \(kind); one of: \(Venue.streamFaultKinds.joined(separator: ", "))")
        }
        let fault = StreamFault(
            kind: kind, event: try fields.text("event"),
            skip: Int(try fields.integer("skip", 0...Limits.simulatedFaultTimesMax) ?? 0),
            times: Int(try fields.integer("times", 1...Limits.simulatedFaultTimesMax) ?? 1), effect: effect)
        try fields.finish()
        streamFaults.append(fault)
    }

    private mutating func actOnStream(_ fields: inout ControlFields) throws(ControlError) {
        let account = try account(&fields)
        guard let key = accounts[account].listenKey else { throw ControlError("that account has no listen key") }
        switch try fields.required("action", try fields.text("action")) {
        case "disconnect":
            outbox.append(StreamOutput(listenKey: key.text, content: .disconnect, dueAt: now))
        case "stall": outbox.append(StreamOutput(listenKey: key.text, content: .stall, dueAt: now))
        case "expire": expire(key, of: account)
        case let other: throw ControlError("unknown action \(other); one of: disconnect, stall, expire")
        }
    }

    private mutating func deposit(_ fields: inout ControlFields) throws(ControlError) {
        let account = try account(&fields)
        let asset = try fields.required("asset", try fields.text("asset"))
        let amount = try fields.required("amount", try fields.amount("amount"))
        guard assets.contains(asset) else { throw ControlError("no asset \(asset)") }
        let wallet = accounts[account].wallet(asset)
        accounts[account].wallets[wallet].deposited += amount.money
        accounts[account].updatedAt = serverTime
        reportAccount(account, "DEPOSIT", wallets: [wallet], holdings: [], change: amount.money)
    }

    private mutating func setOptions(_ fields: inout ControlFields) throws(ControlError) {
        if let text = try fields.text("duplicate_scope") {
            guard let scope = VenueOptions.DuplicateScope(rawValue: text) else {
                throw ControlError("duplicate_scope must be open or all")
            }
            options.duplicateScope = scope
        }
        options.sendsAverage = try fields.boolean("sends_average") ?? options.sendsAverage
        options.trimsReduceOnly = try fields.boolean("trims_reduce_only") ?? options.trimsReduceOnly
        options.countdownTakesAlgos = try fields.boolean("countdown_takes_algos") ?? options.countdownTakesAlgos
        options.bracketIsArray = try fields.boolean("bracket_is_array") ?? options.bracketIsArray
        options.latency =
            try fields.integer("latency_ms", 0...Limits.simulatedDelayMillisecondsMax) ?? options.latency
    }

    /// As at the start; the time goes on.
    private mutating func reset() {
        var fresh = Venue(options, symbols: rules, startedAt: now)
        for account in accounts where fresh.accountIndex[account.key] == nil { fresh.makeAccount(account.key) }
        fresh.outbox = accounts.compactMap(\.listenKey).map {
            StreamOutput(listenKey: $0.text, content: .disconnect, dueAt: now)
        }
        self = fresh
    }
}
