// One simulated case of the watchdog: hearts that jitter, hang, die and come back, fills, wall clock jumps, reboots, an
// operator who resumes, and a watchdog that is stopped and restarted. Records have the log's bytes; the watchdog's
// rules are the real ones; time is virtual, in steps of ten milliseconds.

import Domain
import Events
import Records

/// What is done wrong on purpose.
enum WatchdogSabotage: String, CaseIterable {
    case foldsBeforeItReadsTheClock, agesByTheWallClock, raisedThreshold
}

struct WatchdogWorld {
    static let tickMax: Int64 = 100
    static let step: Int64 = 10

    private var chance: SeededGenerator
    private let sabotage: WatchdogSabotage?
    private let isHealthy: Bool
    private let seed: UInt64

    private var now: Int64 = 1_000
    private var wallOffset: Int64 = 1_700_000_000_000
    private var records: [[UInt8]] = []
    private var session = 0
    private var hearts: [SimulatedHeart] = []
    private var dog = SimulatedWatchdog()
    private var oracle = WatchdogOracle()
    private var isOpen = false
    private var resumeAt: Int64?
    private(set) var findings: [String] = []
    private(set) var counts: [String: Int] = [:]

    init(seed: UInt64, sabotage: WatchdogSabotage? = nil) {
        self.seed = seed
        self.sabotage = sabotage
        var chance = SeededGenerator(seed: seed)
        isHealthy = UInt64.random(in: 0...2, using: &chance) == 0
        self.chance = chance
    }

    mutating func run() throws {
        let seconds = upTo(150) + 60
        let first: Int64 = isHealthy ? 0 : upTo(3) == 0 ? 40_000 : upTo(3_000)
        for service in ["exit_brain", "risk_brain"].prefix(Int(upTo(1)) + 1) {
            hearts.append(SimulatedHeart(service: service, interval: 500 + upTo(1_000), nextAt: now + first))
        }
        counts[isHealthy ? "healthy cases" : "cases with failures", default: 0] += 1
        start()
        for _ in 0..<seconds * 1_000 / WatchdogWorld.step where findings.isEmpty {
            now += WatchdogWorld.step
            try happen()
            for index in hearts.indices { beat(index) }
            try watch()
        }
    }

    private mutating func upTo(_ max: Int64) -> Int64 { Int64.random(in: 0...max, using: &chance) }

    /// Once in so many seconds, on average.
    private mutating func every(_ seconds: Int64) -> Bool { upTo(seconds * 1_000 / WatchdogWorld.step) == 0 }

    private mutating func count(_ what: String) { counts[what, default: 0] += 1 }

    private mutating func fail(_ what: String) {
        findings.append("case \(seed), boot \(oracle.boot), \(now) ms: \(what)")
    }

    // MARK: What happens

    private mutating func happen() throws {
        if every(20) {
            wallOffset += (upTo(1) == 0 ? 1 : -1) * 3_600_000
            count("wall clock jumps")
        }
        if every(15) { fill() }
        if every(12) { newSession() }
        if let at = resumeAt, now >= at {
            resumeAt = nil
            append(.resume(resume()))
            oracle.lastResume = records.count
            oracle.resumedAt = WatchdogOracle.Since(boot: oracle.boot, at: now)
            count("resumes")
        }
        if !isHealthy, every(150) { reboot() }
    }

    private func resume() -> EventResume {
        var message = EventResume()
        message.scope = .halt
        return message
    }

    private mutating func fill() {
        var fill = EventFill()
        (fill.venue, fill.account, fill.symbol) = ("v", "a", "BTCUSDT")
        fill.side = isOpen ? .sell : .buy
        fill.positionSide = .both
        (fill.quantity.coefficient, fill.price.coefficient) = (1, 2)
        isOpen.toggle()
        append(.fill(fill))
        oracle.openSince = isOpen ? WatchdogOracle.Since(boot: oracle.boot, at: now) : nil
    }

    /// Another process of the same boot writes.
    private mutating func newSession() {
        session = records.count + 1
        var message = EventSessionStarted()
        message.bootID = "boot-\(oracle.boot)"
        append(.sessionStarted(message))
    }

    private mutating func reboot() {
        oracle.boot += 1
        now = 2_000 + upTo(60_000)
        session = 0
        count("reboots")
        for index in hearts.indices { hearts[index].rebooted(at: now, silentFor: upTo(8_000)) }
        dog = SimulatedWatchdog()
        start()
        resumeAt = resumeAt.map { _ in now + upTo(20_000) }
    }

    private mutating func beat(_ index: Int) {
        guard hearts[index].isDue(now) else { return }
        hearts[index].nextAt = now + hearts[index].interval + upTo(400)
        if !isHealthy || hearts[index].isOddly { change(index) }
        if isHealthy, every(1) { hearts[index].becomes(.degraded, until: now + 1_000) }
        let heart = hearts[index]
        guard heart.mode != .dead else { return }
        if heart.mode != .stagnant { hearts[index].decided += 1 }
        hearts[index].positions = every(30) ? 1 - heart.positions : heart.positions
        append(.heartbeat(hearts[index].message))
        oracle.beats[heart.service, default: []].append(
            WatchdogOracle.Beat(
                number: records.count, boot: oracle.boot, at: now, isDegraded: heart.mode == .degraded,
                positions: hearts[index].positions, decided: hearts[index].decided))
    }

    /// A heart goes wrong, and comes back.
    private mutating func change(_ index: Int) {
        if hearts[index].mode != .well {
            if now >= hearts[index].modeUntil { hearts[index].becomes(.well, until: .max) }
            return
        }
        guard !isHealthy, upTo(20) == 0 else { return }
        let mode: SimulatedHeart.Mode = [.dead, .degraded, .stagnant][Int(upTo(2))]
        hearts[index].becomes(mode, until: now + (mode == .stagnant ? upTo(60_000) : upTo(12_000)))
        count("spells of \(mode.rawValue)")
    }

    // MARK: The watchdog

    private mutating func start() {
        dog.startedAt = now
        dog.nextTickAt = now
        dog.nextStopAt = now + upTo(60_000)
        dog.nextEndAt = now + upTo(90_000)
    }

    private mutating func watch() throws {
        if let pending = dog.pending, now >= pending.at, !dog.isStopped(now) { publish(pending) }
        if dog.isStopped(now) { return }
        if now >= dog.nextEndAt { return restart() }
        let clockFirst = sabotage != .foldsBeforeItReadsTheClock
        if let held = dog.held {
            dog.held = nil
            return try judge(held, hasFolded: !clockFirst)
        }
        guard now >= dog.nextTickAt else { return }
        if !clockFirst { try fold() }
        if now >= dog.nextStopAt {
            // Between the two steps of a tick: the worst moment.
            dog.stop(from: now, for: 3_000 + upTo(17_000), holding: now)
            dog.nextStopAt = dog.stoppedUntil + upTo(60_000)
            count("stops of the watchdog")
            return
        }
        try judge(now, hasFolded: !clockFirst)
    }

    private mutating func restart() {
        count("restarts of the watchdog")
        let from = dog
        dog = SimulatedWatchdog()
        now += WatchdogWorld.step
        start()
        dog.nextTickAt = now + upTo(3_000)
        dog.startedAt = dog.nextTickAt
        // An append that was handed over may be done although its process is dead.
        if let pending = from.pending, upTo(1) == 0 { publish(pending) }
    }

    private mutating func fold() throws {
        for bytes in records[Int(dog.state.asOf.rawValue)...] {
            try dog.state.apply(try RecordView(checking: bytes.span.bytes))
        }
    }

    private mutating func judge(_ read: Int64, hasFolded: Bool = false) throws {
        if !hasFolded { try fold() }
        let late = now - max(dog.nextTickAt, dog.stoppedUntil)
        if late > WatchdogWorld.step { fail("a tick came \(late) ms late") }
        dog.nextTickAt = now + upTo(WatchdogWorld.tickMax)
        var policy = WatchPolicy()
        if sabotage == .raisedThreshold { (policy.missingMax, policy.unguardedMax) = (5_500, 3_500) }
        let clock = WatchClock(
            now: instant(hasFolded ? now : read), bootID: "boot-\(oracle.boot)", startedAt: instant(dog.startedAt))
        let found = Watching.judge(dog.state, clock, policy)
        let wanted = oracle.failure(now: read, watchdogStartedAt: dog.startedAt)
        guard dog.pending == nil else { return }
        guard let found else {
            if let wanted { fail("silent, but \(wanted)") }
            return
        }
        guard let wanted else { return fail("fired \(found.reason), but nothing is wrong") }
        if !found.reason.contains(wanted) { fail("fired \(found.reason), but it is \(wanted)") }
        if isHealthy { fail("fired \(found.reason) in a healthy case") }
        dog.pending = SimulatedWatchdog.Pending(reason: found.reason, at: now + upTo(40))
        count("triggers \(wanted)")
    }

    private mutating func publish(_ pending: SimulatedWatchdog.Pending) {
        dog.pending = nil
        if oracle.lastTrigger > 0, oracle.lastResume < oracle.lastTrigger { fail("two triggers for one failure") }
        var message = EventPanicRequested()
        (message.reason, message.issuer) = (pending.reason, "watchdog")
        append(.panicRequested(message))
        oracle.lastTrigger = records.count
        resumeAt = now + upTo(20_000)
    }

    // MARK: Records

    /// Ages by the wall clock: what the control does, and the watchdog must not.
    private func instant(_ milliseconds: Int64) -> BootInstant {
        let wall = sabotage == .agesByTheWallClock ? wallOffset : 0
        return BootInstant(nanoseconds: UInt64(wall + milliseconds) * 1_000_000)
    }

    private mutating func append(_ event: Event) {
        if session == 0 { newSession() }
        let body = Body(fields: FieldMap([("f", "v")]), typed: event.typed)
        let header = Header(
            kind: event.kind.kind, flags: 0, sequence: SequenceNumber(UInt64(records.count) + 1),
            session: SequenceNumber(UInt64(session)), recordedAt: Timestamp(milliseconds: wallOffset + now),
            monotonicAt: instant(now), cause: .none, basis: .none, stream: .none, entryID: .zero, keyLength: 0,
            traceLength: 0, producerLength: 0, bodyLength: body.bytes.count, content: .zero, hash: .zero)
        records.append(header.encodedWithoutHash() + Digest.zero.bytes + body.bytes)
    }
}

struct SimulatedHeart {
    enum Mode: String { case well, dead, degraded, stagnant }

    let service: String
    let interval: Int64
    var nextAt: Int64
    var decided: Int64 = 1
    var positions = 0
    private(set) var mode = Mode.well
    private(set) var modeUntil = Int64.max

    init(service: String, interval: Int64, nextAt: Int64) {
        (self.service, self.interval, self.nextAt) = (service, interval, nextAt)
    }

    var isOddly: Bool { mode != .well }

    func isDue(_ now: Int64) -> Bool { now >= nextAt }

    mutating func becomes(_ mode: Mode, until: Int64) { (self.mode, modeUntil) = (mode, until) }

    mutating func rebooted(at now: Int64, silentFor: Int64) {
        nextAt = now + silentFor
        becomes(.well, until: .max)
    }

    var message: EventHeartbeat {
        var message = EventHeartbeat()
        message.serviceID = service
        message.status = mode == .degraded ? .degraded : .alive
        message.activePositions = UInt32(positions)
        message.lastDecisionAtNs = decided
        return message
    }
}

/// Its process: what it has folded, and when it does what.
struct SimulatedWatchdog {
    struct Pending {
        let reason: String
        let at: Int64
    }
    var state = State()
    var startedAt: Int64 = 0
    var nextTickAt: Int64 = 0
    var nextStopAt = Int64.max
    var nextEndAt = Int64.max
    /// The clock that was read before the stop.
    var held: Int64?
    var pending: Pending?
    private(set) var stoppedUntil: Int64 = 0

    func isStopped(_ now: Int64) -> Bool { now < stoppedUntil }

    mutating func stop(from now: Int64, for milliseconds: Int64, holding: Int64) {
        stoppedUntil = now + milliseconds
        held = holding
    }
}
