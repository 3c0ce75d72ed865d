// The way in: limits, keys, signatures, timestamps, faults; and the way out: headers and the wire. Nothing
// reaches the engine past this file.

internal import Events
internal import Records

/// What a fault changes about the request that is being carried out.
struct RequestContext: Sendable {
    enum Stream: Sendable, Equatable {
        case normal, silent
        case late(Milliseconds)
    }
    /// Of an order's quantity.
    var fillPercent: Int64?
    var hiddenFor: Milliseconds = 0
    var stream = Stream.normal
}

extension Venue {
    package mutating func receive(_ request: Request, at time: Milliseconds) -> Handling {
        advance(to: time)
        if request.path.hasPrefix("/sim/") {
            return .answered(Delivery(answer: control(request), wire: Wire()))
        }
        let effect = takeFault(request)
        let wait = options.latency / 2 + (effect.flatMap(\.delayBefore) ?? 0)
        let engineWait = effect.flatMap(\.delayInEngine) ?? 0
        if wait + engineWait > 0 {
            let entered = engineWait > 0 ? now + wait : nil
            return .held(
                HeldRequest(request: request, enteredAt: entered, effect: effect), until: time + wait + engineWait)
        }
        return .answered(carryOut(request, effect, enteredAt: nil))
    }

    /// Goes on with a request whose time has come.
    package mutating func resume(_ held: HeldRequest, at time: Milliseconds) -> Delivery {
        advance(to: time)
        return carryOut(held.request, held.effect, enteredAt: held.enteredAt)
    }

    private mutating func carryOut(_ request: Request, _ effect: FaultEffect?, enteredAt: Milliseconds?) -> Delivery {
        context = effect?.context ?? RequestContext()
        defer { context = RequestContext() }
        var delivery = Delivery(answer: Answer(status: 200, .null), wire: effect?.wire ?? Wire())
        delivery.wire.delay += options.latency - options.latency / 2
        delivery.answer = answer(request, effect, enteredAt: enteredAt)
        if let replacement = effect?.replacement, delivery.answer.status == 200 { delivery.answer = replacement }
        let use = clients[request.client]?.weight
        var window = use ?? Window(length: 60_000)
        delivery.answer.headers.append(Answer.Header("X-MBX-USED-WEIGHT-1M", String(window.used(at: now))))
        return delivery
    }

    private mutating func answer(_ request: Request, _ effect: FaultEffect?, enteredAt: Milliseconds?) -> Answer {
        do throws(VenueError) {
            try refuseBanned(request.client)
            guard let route = Route.all["\(request.method) \(request.path)"] else { throw VenueError.notFound }
            let parameters = try Parameters(query: request.query, body: request.body)
            if effect?.isCounted ?? true { try count(route.weight(parameters), request.client) }
            let account = try authenticate(request, route.security, parameters, enteredAt: enteredAt)
            if let refusal = effect?.refusal { return refusal }
            let counts = try countOrders(route, account)
            var answer = Answer(try performWithFaults(route.endpoint, parameters, account, effect))
            answer.headers += counts
            return answer
        } catch {
            return refused(error, request.client)
        }
    }

    private mutating func performWithFaults(
        _ endpoint: Endpoint, _ parameters: Parameters, _ account: Int, _ effect: FaultEffect?
    ) throws(VenueError) -> JSONValue {
        guard let stale = effect?.staleHoldings, endpoint.showsPositions else {
            return try perform(endpoint, parameters, account)
        }
        let current = accounts
        for index in stale.indices { accounts[index].holdings = stale[index] }
        defer { accounts = current }
        return try perform(endpoint, parameters, account)
    }

    private mutating func refused(_ error: VenueError, _ client: String) -> Answer {
        var answer = Answer(error)
        if error.status == 429 {
            answer.headers.append(Answer.Header("Retry-After", String(Window(length: 60_000).secondsLeft(at: now))))
        }
        if error.status == 418, let use = clients[client] {
            let seconds = max(1, (use.bannedUntil - now + 999) / 1_000)
            answer.headers.append(Answer.Header("Retry-After", String(seconds)))
        }
        return answer
    }

    // MARK: Limits

    private mutating func refuseBanned(_ client: String) throws(VenueError) {
        guard let use = clients[client], use.bannedUntil > now else { return }
        throw .banned(until: use.bannedUntil + clockOffset)
    }

    private mutating func count(_ weight: Int, _ client: String) throws(VenueError) {
        if clients[client] == nil, clients.count >= Limits.simulatedClientsMax { clients.removeAll() }
        let used = clients[client, default: ClientUse()].weight.add(weight, at: now)
        guard used > options.limits.weightPerMinute else { return }
        let refused = clients[client, default: ClientUse()].refused.add(1, at: now)
        if refused > options.limits.requestsUntilBan { clients[client]?.ban(at: now) }
        throw .tooManyRequests(options.limits.weightPerMinute)
    }

    private mutating func countOrders(_ route: Route, _ account: Int) throws(VenueError) -> [Answer.Header] {
        guard route.endpoint.placesOrders else { return [] }
        let seconds = accounts[account].use.tenSeconds.add(route.orders.tenSeconds, at: now)
        let minute = accounts[account].use.minute.add(route.orders.minute, at: now)
        guard seconds <= options.limits.ordersPerTenSeconds else {
            throw .tooManyOrders(options.limits.ordersPerTenSeconds, "10 SECOND")
        }
        guard minute <= options.limits.ordersPerMinute else {
            throw .tooManyOrders(options.limits.ordersPerMinute, "1 MINUTE")
        }
        return [
            Answer.Header("X-MBX-ORDER-COUNT-10S", String(seconds)),
            Answer.Header("X-MBX-ORDER-COUNT-1M", String(minute)),
        ]
    }

    // MARK: Keys and time

    /// The account; 0 where none is needed.
    private mutating func authenticate(
        _ request: Request, _ security: Route.Security, _ parameters: Parameters, enteredAt: Milliseconds?
    ) throws(VenueError) -> Int {
        if security == .none { return 0 }
        let account = try account(request.apiKey)
        guard security == .signed else { return account }
        let secret = options.accounts.first { $0.key == request.apiKey }?.secret
        try Signing.check(query: request.query, body: request.body, secret: secret)
        try checkTime(parameters, enteredAt: enteredAt)
        return account
    }

    private mutating func account(_ key: String?) throws(VenueError) -> Int {
        guard let key, !key.isEmpty, key.utf8.count <= Limits.simulatedKeyBytesMax,
            key.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { throw .keyFormat }
        if let known = accountIndex[key] { return known }
        guard options.accounts.isEmpty, accounts.count < Limits.simulatedAccountsMax else { throw .key }
        return makeAccount(key)
    }

    private func checkTime(_ parameters: Parameters, enteredAt: Milliseconds?) throws(VenueError) {
        guard let timestamp = try parameters.integer("timestamp") else { throw .mandatory("timestamp") }
        let window = try parameters.integer("recvWindow") ?? 5_000
        guard window <= Limits.simulatedReceiveWindowMillisecondsMax else { throw .notValid("recvWindow") }
        let arrived = (enteredAt ?? now) + clockOffset
        guard timestamp < arrived + 1_000 else { throw .aheadOfServer }
        guard arrived - timestamp <= window else { throw .outsideReceiveWindow }
        guard serverTime - timestamp <= window else { throw .outsideEngineWindow }
    }
}
