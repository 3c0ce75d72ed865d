// What goes wrong at the exchange and on the way to it: one fault after the other, each kind in its turn, its details
// from the seed; beside them, those of the user stream. It never touches the log.

internal import ExchangeSimulation

final class Weather {
    private let world: WorldParts
    private var chance: Chance
    private var kinds: [String] = []
    /// Met by a request, by kind, in the order of the first.
    private(set) var fired: [(kind: String, count: Int)] = []
    private(set) var refusals = 0
    private var set = 0
    private var hasEnded = false
    private var streamChance: Chance
    private var streamKinds: [String] = []

    /// What a message or a connection of the user stream meets.
    static let streamKinds =
        Venue.streamFaultKinds.map { "stream_" + $0 } + [
            "stream_end", "stream_stall", "stream_expire", "stream_away", "stream_garbled",
        ]

    init(_ world: WorldParts) {
        self.world = world
        chance = Chance(world.plan.seed, 5)
        streamChance = Chance(world.plan.seed, 7)
    }

    func begin() {
        next()
        nextOfStream()
    }

    func end() {
        hasEnded = true
        collect()
        (world.exchange.refusesUntil, world.exchange.refusesStreamsUntil, world.exchange.garbles) = (0, 0, 0)
        world.exchange.control("POST", "clock", "{\"offset_ms\":0}")
    }

    private func next() {
        world.time.after(chance.within(1_000...(2 * world.plan.faultEvery))) {
            guard !self.hasEnded else { return }
            for _ in 0..<(self.chance.percent(20) ? 3 : 1) { try self.strike() }
            self.next()
        }
    }

    private func strike() throws {
        switch chance.below(20) {
        case 0:
            refusals += 1
            world.exchange.refusesUntil = world.time.now + chance.within(1_000...60_000)
            if refusals.isMultiple(of: 2) { world.exchange.breakConnections() }
        case 1: world.exchange.control("POST", "clock", "{\"offset_ms\":\(chance.within(-4_000...4_000))}")
        default: try setFault()
        }
    }

    private func setFault() throws {
        if kinds.isEmpty { kinds = chance.shuffled(Venue.faultKinds) }
        let kind = kinds.removeLast()
        let problem = world.exchange.control("POST", "faults", "{\"kind\":\"\(kind)\"\(details(kind))}")
        guard problem.isEmpty else { throw SimulationError("fault \(kind): \(problem)") }
        set += 1
        if set.isMultiple(of: 100) { collect() }
    }

    private func collect() {
        for fault in world.exchange.venue.faultHits { met(fault.kind, fault.hits) }
        for fault in world.exchange.venue.streamFaultHits { met("stream_" + fault.kind, fault.hits) }
        met("stream_garbled", world.exchange.garbled - garbledMet)
        garbledMet = world.exchange.garbled
        world.exchange.control("DELETE", "faults")
    }

    private var garbledMet = 0

    private func met(_ kind: String, _ count: Int) {
        guard count > 0 else { return }
        if let place = fired.firstIndex(where: { $0.kind == kind }) {
            fired[place].count += count
        } else {
            fired.append((kind, count))
        }
    }

    // MARK: The user stream

    private func nextOfStream() {
        world.time.after(streamChance.within(1_000...(2 * world.plan.faultEvery))) {
            guard !self.hasEnded else { return }
            try self.strikeStream()
            self.nextOfStream()
        }
    }

    private func strikeStream() throws {
        if streamKinds.isEmpty { streamKinds = streamChance.shuffled(Weather.streamKinds) }
        let kind = streamKinds.removeLast()
        let exchange = world.exchange
        switch kind {
        case "stream_end": act("disconnect", kind)
        case "stream_stall": act("stall", kind)
        case "stream_expire": act("expire", kind)
        case "stream_away":
            if exchange.hasConnections { met(kind, 1) }
            exchange.refusesStreamsUntil = world.time.now + streamChance.within(5_000...240_000)
            exchange.breakConnections()
        case "stream_garbled": exchange.garbles += 1 + streamChance.below(3)
        default:
            let delay = ",\"ms\":\(1 + streamChance.below(30_000))"
            let event = streamChance.percent(70) ? ",\"event\":\"ORDER_TRADE_UPDATE\"" : ""
            let problem = exchange.control(
                "POST", "stream-faults",
                "{\"kind\":\"\(kind.dropFirst(7))\",\"times\":\(1 + streamChance.below(4))\(delay)\(event)}")
            guard problem.isEmpty else { throw SimulationError("stream fault \(kind): \(problem)") }
        }
    }

    /// Without a listen key there is nothing that could end.
    private func act(_ action: String, _ kind: String) {
        let hasConnections = world.exchange.hasConnections
        let problem = world.exchange.control("POST", "stream", "{\"action\":\"\(action)\"}")
        if problem.isEmpty, hasConnections { met(kind, 1) }
    }

    // MARK: Details

    private func details(_ kind: String) -> String {
        switch kind {
        case "partial_fill": ",\"percent\":\(chance.below(100))"
        case "reject": reject()
        case "lost": ",\"wire\":\"\(wire())\",\"after_ms\":\(chance.below(3_000))"
        case "ghost":
            ",\"wire\":\"\(wire())\",\"after_ms\":\(chance.below(3_000)),\"visible_after_ms\":\(hidden())"
                + (chance.percent(30) ? ",\"percent\":\(chance.below(101))" : "") + told()
        case "unavailable": unavailable()
        case "timeout", "bad_gateway": executed() + orders(60)
        case "rate_limit":
            chance.percent(50) ? ",\"code\":-1015" + orders(100) : ",\"retry_after_s\":\(1 + chance.below(30))"
        case "ban": ",\"retry_after_s\":\(5 + chance.below(120))"
        case "forbidden", "cut", "close": orders(60) + ",\"times\":\(1 + chance.below(3))"
        case "slow": ",\"bytes_per_second\":\(20 + chance.below(2_000))" + orders(50)
        case "delay":
            ",\"before_ms\":\(chance.below(4_000)),\"engine_ms\":\(chance.below(4_000)),\"after_ms\":"
                + "\(chance.below(14_000))" + orders(60)
        case "stale_positions": ",\"path\":\"/fapi/v3/positionRisk\",\"times\":\(1 + chance.below(3))"
        default: ""
        }
    }

    private func wire() -> String { chance.one(of: ["hang", "close", "cut", "reset", "503", "503_bare", "408"]) }

    /// Longer than any horizon, at times: then only witnesses know.
    private func hidden() -> Int { chance.percent(30) ? 20_000 + chance.below(100_000) : chance.below(8_000) }

    /// The user stream tells of it at once, late, or never.
    private func told() -> String {
        switch streamChance.below(3) {
        case 0: ",\"stream_late_ms\":\(1 + streamChance.below(60_000))"
        case 1: ",\"stream_silent\":true"
        default: ""
        }
    }

    private func reject() -> String {
        let code = chance.one(of: [-2019, -1111, -2022, -4164, -1021, -1001, -1006, -1007, -2010, -4003, -9999])
        return ",\"code\":\(code)"
    }

    private func unavailable() -> String {
        let text = chance.one(of: ["A", "A_bare", "B", "C", "D"])
        let isExecuted = text.hasPrefix("A") && chance.percent(50)
        return ",\"text\":\"\(text)\"" + (isExecuted ? ",\"executed\":true" : "") + (text == "C" ? "" : orders(60))
    }

    private func executed() -> String { chance.percent(50) ? ",\"executed\":true" : "" }

    /// Only orders are met, in so many of a hundred.
    private func orders(_ share: Int) -> String {
        chance.percent(share) ? ",\"method\":\"POST\",\"path\":\"/fapi/v1/order\"" : ""
    }
}
