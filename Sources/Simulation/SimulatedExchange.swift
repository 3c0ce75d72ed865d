// The real `Venue` at the end of a network of virtual time: what arrives is handed to it, what it answers travels as
// its wire says. It never decides what an answer means, and never loses anything but by a fault that was set.

internal import Events
internal import Exchange
internal import ExchangeSimulation

final class SimulatedExchange {
    static let key = "simulated-key"
    static let secret = "simulated-secret"
    private(set) var venue: Venue
    private let time: VirtualTime
    private let latency: ClosedRange<Milliseconds>
    private var chance: Chance
    private let slowOneIn: Int
    /// Whoever ends too early must be quick, or it would be late, too.
    private let quickClient: String?
    /// No connection can be made until then.
    var refusesUntil: Milliseconds = 0
    /// Nor one of a user stream until then.
    var refusesStreamsUntil: Milliseconds = 0
    private(set) var requests = 0
    private(set) var lost = 0
    /// Client order id → the moment in which its order left for here, the last one.
    private(set) var departures: [String: Milliseconds] = [:]
    /// Of user streams, those that stand or are being made.
    private var connections: [SimulatedConnection] = []
    /// So many messages of the user stream arrive as halves.
    var garbles = 0
    private(set) var garbled = 0
    /// Since when no process has had a user stream; nil: one stands, as far as its process can know.
    private(set) var deafSince: Milliseconds?

    init(_ plan: WorldPlan, _ time: VirtualTime) {
        self.time = time
        latency = plan.latency
        chance = Chance(plan.seed, 2)
        let endsTooEarly = plan.sabotage == .ignoresTheFence
        slowOneIn = endsTooEarly ? 3 : plan.isRestless ? 8 : 200
        quickClient = endsTooEarly ? "10.0.0.2" : nil
        var options = VenueOptions()
        options.seed = plan.seed
        options.accounts = [.init(key: SimulatedExchange.key, secret: SimulatedExchange.secret)]
        options.balance = 10_000_000
        options.moveEvery = 10_000
        options.levelNotional = 20_000
        options.sendsAverage = chance.percent(70)
        options.trimsReduceOnly = chance.percent(70)
        let symbols = SymbolRules.catalogue.filter { plan.symbols.contains($0.name) }
        venue = Venue(options, symbols: symbols, startedAt: time.now)
        deafSince = time.now
    }

    /// One way: short as a rule, seconds now and then.
    func travelTime(_ client: String = "") -> Milliseconds {
        let usual = chance.within(latency)
        guard chance.below(slowOneIn) == 0 else { return usual }
        let slow = usual + chance.within(500...3_000)
        return client == quickClient ? usual : slow
    }

    /// A request to the control API, which must be right.
    @discardableResult
    func control(_ action: String, _ path: String, _ body: String = "") -> String {
        let request = Request(
            method: action, path: "/sim/" + path, query: "", body: body, apiKey: nil, client: "control")
        guard case .answered(let delivery) = venue.receive(request, at: time.now) else { return "" }
        sendStream()
        return delivery.answer.status == 200 ? "" : delivery.answer.body
    }

    /// The request's bytes have left their process; they arrive, whoever dies.
    func depart(_ wire: WireRequest, client: String, _ done: @escaping (Transport) -> Void) {
        let fields = String(decoding: wire.body, as: UTF8.self).split(separator: "&")
        if let id = fields.first(where: { $0.hasPrefix("newClientOrderId=") }) {
            departures[String(id.drop { $0 != "=" }.dropFirst())] = time.now
        }
        time.after(travelTime()) { self.arrive(wire, client: client, done) }
    }

    private func arrive(_ wire: WireRequest, client: String, _ done: @escaping (Transport) -> Void) {
        requests += 1
        let parts = wire.target.split(separator: "?", maxSplits: 1)
        let request = Request(
            method: wire.method.rawValue, path: String(parts[0]), query: parts.count > 1 ? String(parts[1]) : "",
            body: String(decoding: wire.body, as: UTF8.self),
            apiKey: wire.carriesKey ? SimulatedExchange.key : nil, client: client)
        switch venue.receive(request, at: time.now) {
        case .answered(let delivery): leave(delivery, client, done)
        case .held(let held, let until):
            time.at(until) {
                self.leave(self.venue.resume(held, at: self.time.now), client, done)
                self.sendStream()
            }
        }
        sendStream()
    }

    private func leave(_ delivery: Delivery, _ client: String, _ done: @escaping (Transport) -> Void) {
        var delay = delivery.wire.delay + travelTime(client)
        if let rate = delivery.wire.bytesPerSecond {
            delay += Milliseconds(delivery.answer.body.utf8.count * 1_000 / max(1, rate))
        }
        if delivery.wire.ending != .whole { lost += 1 }
        switch delivery.wire.ending {
        case .whole: time.after(delay) { done(.answered(SimulatedExchange.raw(delivery.answer))) }
        case .close, .cut, .reset:
            time.after(delay) { done(.broken(TransportFailure(kind: .lost, text: "the connection ended"))) }
        case .hang: break  // the client's own limit ends it
        }
    }

    // MARK: The user stream

    /// Any key is taken; under one that has ended nothing is said.
    func connect(_ key: String, take: @escaping (ConnectionNote) -> Void) -> SimulatedConnection {
        let connection = SimulatedConnection(key, self, time) { note in
            if case .opened = note { self.deafSince = nil }
            take(note)
        }
        connections.append(connection)
        let isRefused = time.now < max(refusesUntil, refusesStreamsUntil)
        time.after(travelTime()) { isRefused ? connection.breakDown() : connection.open() }
        return connection
    }

    func closed(_ connection: SimulatedConnection) {
        connections.removeAll { $0 === connection }
        if connections.isEmpty { deafSince = deafSince ?? time.now }
    }

    func breakConnections() {
        for connection in connections { connection.breakDown() }
    }

    var hasConnections: Bool { !connections.isEmpty }

    private func sendStream() {
        for output in venue.takeStream() { time.at(output.dueAt) { self.send(output) } }
    }

    private func send(_ output: StreamOutput) {
        for connection in connections where connection.key == output.listenKey {
            let isGarbled = garbles > 0
            if isGarbled { (garbles, garbled) = (garbles - 1, garbled + 1) }
            connection.send(output.content, isGarbled: isGarbled)
        }
    }

    private static func raw(_ answer: ExchangeSimulation.Answer) -> RawAnswer {
        var headers = AnswerHeaders()
        for header in answer.headers { headers.read(line: Array("\(header.name): \(header.value)".utf8)) }
        return RawAnswer(status: answer.status, headers: headers, body: Array(answer.body.utf8))
    }
}
