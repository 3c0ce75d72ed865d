// One seed in, one verdict out: builds a world, lets its hours pass, then good weather until all has settled, and asks
// the auditor. Two runs of one seed give the same verdict; nothing in here may depend on the machine.

internal import Domain
internal import EventLog
internal import Events
internal import Records
internal import Services

/// What became of a world.
package struct WorldVerdict: Equatable, Sendable {
    package let world: String
    /// What the auditor found, the first ones.
    package var findings: [String]
    /// Over all that has happened: orders, trades, records and their times.
    package var digest: String
    package var hours: Int
    /// Requests that met a fault, by kind.
    package var faults: [String]
    /// For people.
    package var counts: [String: Int]

    package var isGood: Bool { findings.isEmpty }
}

package final class World {
    private static let settleMax: Milliseconds = 3_600_000
    /// After it the feeds have read everything, and the stream's cause of `reducing` has ended.
    private static let feedMax: Milliseconds = 1_200_000
    private let parts: WorldParts
    private let auditor: Auditor
    private let weather: Weather
    private var workload: Workload?
    private var process: SimulatedProcess?
    private var chance: Chance
    private var kills = 0
    private var killsAtEffects = 0
    private var isCalm = false
    private var exit: SimulatedExit?
    private let disk = ExitDisk()
    private var exitChance: Chance
    private var exitKills = 0
    private var replayed = 0
    private var notReplayable = 0

    /// - Parameter log: new and empty.
    package static func run(_ plan: WorldPlan, folder: String) throws -> WorldVerdict {
        let time = VirtualTime()
        let options = LogOptions(bytesMax: 1 << 30, reserveBytes: 0, clock: time.clock, version: "simulation")
        _ = try EventLog.create(at: folder, options: options)
        let rules = plan.sabotage == .forgetsGuards ? SabotagedRules.withoutGuards : EventRules.rules
        let log = try EventLog(at: folder, mode: .writing, rules: rules, options: options)
        defer { log.close() }
        return try World(plan, time, log).run()
    }

    private init(_ plan: WorldPlan, _ time: VirtualTime, _ log: EventLog) throws {
        chance = Chance(plan.seed, 6)
        exitChance = Chance(plan.seed, 9)
        let box = FailureBox()
        let settings = try Settings(
            file: nil, environment: [:], options: ["execution.orders_per_minute_max": "60"])
        let config = try World.record(settings, log)
        let policy = try settings.execution(configSequence: config.rawValue)
        let exchange = SimulatedExchange(plan, time)
        parts = WorldParts(
            plan: plan, time: time, log: log, exchange: exchange, policy: policy,
            routing: try settings.routing(configSequence: config.rawValue), checkpoint: Checkpoint(),
            hands: OtherHands(),
            fail: { box.error = box.error ?? $0 })
        failures = box
        auditor = Auditor(parts)
        weather = Weather(parts)
        if plan.isHedged { try must(exchange.control("POST", "mode", "{\"hedge\":true}")) }
    }

    private final class FailureBox { var error: (any Error)? }
    private let failures: FailureBox

    // MARK: The course of it

    private func run() throws -> WorldVerdict {
        let workload = Workload(parts) { do { try self.turn() } catch { self.parts.fail(error) } }
        workload.panicked = { self.exitMayDie() }
        self.workload = workload
        try live()
        try liveExit()
        workload.begin()
        weather.begin()
        tick()
        scheduleKill()
        let end = VirtualTime.epoch + Milliseconds(parts.plan.hours) * 3_600_000
        try pass(until: end) { false }
        workload.hasEnded = true
        weather.end()
        isCalm = true
        process?.effectsLeft = nil
        exit?.effectsLeft = nil
        try pass(until: end + World.settleMax) { self.auditor.hasSettled && self.exit?.isIdle == true }
        let settledAt = parts.time.now
        try pass(until: settledAt + World.feedMax) {
            self.auditor.isHeard && self.process?.feed.wholeSince ?? 0 > settledAt
        }
        try auditor.settle()
        if parts.plan.sabotage == .none { try audit() }
        return verdict(workload)
    }

    /// The audit that operators run must pass on each world; it knows no more than the log.
    private func audit() throws {
        let book = try AuditReading(parts.log).run(AuditRules(), since: nil, seen: { _ in }, progress: { _ in }).book
        for finding in book.findings {
            auditor.find(
                "audit: \(finding.rule) at \(finding.sequence): expected \(finding.expected), found \(finding.found)")
        }
        replayed = book.replayed.values.reduce(0, +)
        notReplayable = book.gapCount
    }

    private static func record(_ settings: Settings, _ log: EventLog) throws -> SequenceNumber {
        let draft = try Drafts.configApplied(settings.applied, producer: "simulation", at: log.clock.now())
        guard case .appended(let place) = try log.append([draft], .group)[0] else {
            throw SimulationError("the configuration is not recorded")
        }
        return place.sequence
    }

    private func pass(until end: Milliseconds, _ isDone: () -> Bool) throws {
        while !isDone(), try parts.time.step(until: end) {
            if let error = failures.error { throw error }
            try auditor.look()
            // A world that is lost needs no more hours.
            if auditor.findings.count >= findingsWanted { return }
        }
    }

    /// One is enough where it is looked for.
    private var findingsWanted: Int { parts.plan.sabotage == .none ? Auditor.findingsMax : 1 }

    private func must(_ problem: String) throws {
        guard problem.isEmpty else { throw SimulationError(problem) }
    }

    private func tick() {
        parts.time.after(5_000) {
            try self.turn()
            self.tick()
        }
    }

    /// The exit first, as its process would be: it waits for nobody.
    private func turn() throws {
        try exit?.turn()
        try process?.turn()
    }

    // MARK: Lives

    private func live() throws {
        let life = try SimulatedProcess(parts, pid: UInt32(1 + chance.below(3))) {
            self.killsAtEffects += 1
            self.rise()
        }
        process = life
        auditor.livesSince = parts.time.now
        try life.begin()
    }

    private func rise() {
        process = nil
        auditor.livesSince = nil
        kills += 1
        parts.time.after(chance.percent(10) ? chance.within(60_000...600_000) : chance.within(500...15_000)) {
            try self.live()
            self.scheduleKill()
        }
    }

    /// At a random moment, or a few effects later.
    private func scheduleKill() {
        guard let every = parts.plan.killEvery, !isCalm else { return }
        let life = process
        let delay = chance.percent(30) ? chance.within(50...20_000) : chance.within(1_000...(2 * every))
        let effects = chance.percent(50) ? 1 + chance.below(12) : nil
        parts.time.after(delay) {
            guard !self.isCalm, let life, !life.isDead else { return }
            if let effects {
                life.effectsLeft = effects
            } else {
                life.kill()
                self.rise()
            }
        }
    }

    private func liveExit() throws {
        let life = SimulatedExit(parts, disk) { self.riseExit() }
        exit = life
        auditor.exitLivesSince = parts.time.now
        try life.start()
    }

    private func riseExit() {
        exit = nil
        auditor.exitLivesSince = nil
        exitKills += 1
        parts.time.after(exitChance.within(200...15_000)) { try self.liveExit() }
    }

    /// In worlds with kills, in the middle of what it does.
    private func exitMayDie() {
        guard parts.plan.killEvery != nil, !isCalm, exitChance.percent(40) else { return }
        exit?.effectsLeft = exitChance.below(40)
    }

    private func verdict(_ workload: Workload) -> WorldVerdict {
        WorldVerdict(
            world: parts.plan.text, findings: auditor.findings, digest: auditor.digest, hours: parts.plan.hours,
            faults: weather.fired.map(\.kind).sorted(),
            counts: [
                "decisions": workload.decisions, "intents": auditor.intentCount, "orders": auditor.orderCount,
                "trades": auditor.tradeCount, "kills": kills, "kills between effects": killsAtEffects,
                "halts": workload.halts, "panics": workload.panics, "exits not flat": auditor.notFlatCount,
                "kills of the exit": exitKills, "decisions audited": replayed, "not replayable": notReplayable,
                "other hands": workload.strangers, "requests": parts.exchange.requests,
                "answers lost on the wire": parts.exchange.lost, "refused connections": weather.refusals,
                "faults met": weather.fired.reduce(0) { $0 + $1.count }, "unknown": auditor.unknownCount,
                "given up": auditor.givenUpCount, "losses of the user stream": auditor.lossCount,
                "lasting differences of the ledgers": auditor.differenceCount,
            ])
    }
}

/// For the control that must be found out.
enum SabotagedRules {
    /// Records raise and lower guards, but nothing requires any.
    static let withoutGuards = LogRules(
        facts: { kind, body in
            var facts = try EventRules.facts(kind, body: body)
            facts.guards.removeAll { if case .requireLowered = $0 { true } else { false } }
            return facts
        }, body: EventRules.rules.body, hiding: EventRules.rules.hiding, offered: EventRules.rules.offered,
        restoration: EventRules.rules.restoration)
}
