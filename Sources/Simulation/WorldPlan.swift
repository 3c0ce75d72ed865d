// What kind of world a seed makes: its symbols, its account, its weather. Nothing happens here.

internal import ExchangeSimulation

package struct WorldPlan: Sendable {
    /// What the simulated performer does wrong on purpose: a world in which the auditor must find something.
    package enum Sabotage: String, CaseIterable, Sendable {
        case none
        /// Sends an order again whose answer was lost.
        case sendsAgain = "sends-again"
        /// Takes the first -2013 for the truth.
        case believesAtOnce = "believes-not-found-at-once"
        /// Neither the log nor the last look asks for guards.
        case forgetsGuards = "forgets-guards"
        /// After a restart, sends what stands in the log without an outcome.
        case sendsWhatStands = "sends-what-stands"
        /// Acknowledges an intent when it takes it up, and never again.
        case acknowledgesFirst = "acknowledges-first"
        /// The feeds leave trades out.
        case dropsFills = "drops-fills"
        /// The user stream tells of trades that never were.
        case inventsFills = "invents-fills"
        /// Nobody minds that the user stream is away.
        case ignoresLoss = "ignores-stream-loss"
        /// The exit believes what it sees at once: nothing that left before the halt is waited for.
        case ignoresTheFence = "ignores-the-fence"
    }

    package let seed: UInt64
    package let hours: Int
    package let sabotage: Sabotage
    let symbols: [String]
    let isHedged: Bool
    let hasOtherHands: Bool
    /// Mean time between kills of the process; nil: it is never killed.
    let killEvery: Milliseconds?
    let faultEvery: Milliseconds
    /// Halts and panics come every few minutes, and the network is slow at times: what left before them arrives late.
    let isRestless: Bool
    let decisionEvery: Milliseconds
    /// One way over the network.
    let latency: ClosedRange<Milliseconds>
    /// Between two looks of the feeds.
    let feedEvery: Milliseconds

    package init(seed: UInt64, hours: Int, sabotage: Sabotage = .none) {
        self.seed = seed
        self.hours = hours
        self.sabotage = sabotage
        var chance = Chance(seed, 1)
        let needsKills = sabotage == .sendsWhatStands || sabotage == .acknowledgesFirst
        let all = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "BNBUSDT", "DOGEUSDT"]
        symbols = Array(chance.shuffled(all).prefix(3 + chance.below(4)))
        isHedged = chance.percent(25)
        hasOtherHands = chance.percent(30) || sabotage == .dropsFills
        let isStormy = seed.isMultiple(of: 8) || needsKills
        let killed = chance.percent(75) || needsKills || isStormy
        killEvery = killed ? isStormy ? chance.within(10_000...60_000) : chance.within(600_000...3_600_000) : nil
        isRestless = seed % 5 == 2 || sabotage == .ignoresTheFence
        faultEvery = chance.within(120_000...420_000)
        decisionEvery = chance.within(60_000...180_000)
        let least = chance.within(1...40)
        latency = least...(least * 4)
        feedEvery = chance.one(of: [5_000, 10_000, 30_000, 60_000])
    }

    /// Every kind of fault that a world may meet.
    package static var faultKinds: [String] { Venue.faultKinds + Weather.streamKinds }

    /// For people.
    package var text: String {
        "seed \(seed), \(hours) h, \(symbols.count) symbols\(isHedged ? ", hedge mode" : "")"
            + "\(isRestless ? ", restless" : "")\(hasOtherHands ? ", other hands" : "")\(killEvery == nil ? "" : ", kills")"
            + (sabotage == .none ? "" : ", \(sabotage.rawValue)")
    }
}
