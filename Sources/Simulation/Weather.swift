// What goes wrong at the exchange and on the way to it: one fault after the other, each kind in its turn, its details
// from the seed. It never touches the log.

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

    init(_ world: WorldParts) {
        self.world = world
        chance = Chance(world.plan.seed, 5)
    }

    func begin() { next() }

    func end() {
        hasEnded = true
        collect()
        world.exchange.refusesUntil = 0
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
        for fault in world.exchange.venue.faultHits where fault.hits > 0 {
            if let place = fired.firstIndex(where: { $0.kind == fault.kind }) {
                fired[place].count += fault.hits
            } else {
                fired.append((fault.kind, fault.hits))
            }
        }
        world.exchange.control("DELETE", "faults")
    }

    // MARK: Details

    private func details(_ kind: String) -> String {
        switch kind {
        case "partial_fill": ",\"percent\":\(chance.below(100))"
        case "reject": reject()
        case "lost": ",\"wire\":\"\(wire())\",\"after_ms\":\(chance.below(3_000))"
        case "ghost":
            ",\"wire\":\"\(wire())\",\"after_ms\":\(chance.below(3_000)),\"visible_after_ms\":\(hidden())"
                + (chance.percent(30) ? ",\"percent\":\(chance.below(101))" : "")
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
