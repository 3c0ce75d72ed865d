// The dead man's switch: when does a heart count as dead? Rule `watching/2`, from the folded log, the boot clock and
// the policy alone; ages are differences of the records' boot clock, so a jump of the wall clock neither hides
// nor invents a death. Better a false alarm than a death that is missed: no grace period, no condition and no
// second look may be added here.

internal import Events
package import Records

package struct WatchPolicy: Hashable, Sendable {
    // Milliseconds; a rule holds as soon as an age is greater.
    package var missingMax: UInt64 = 5_000
    package var unguardedMax: UInt64 = 3_000
    package var degradedMax: UInt64 = 5_000
    package var stagnantMax: UInt64 = 30_000
    /// Since the watchdog's own start, in a log that has no heartbeat at all.
    package var firstHeartbeatMax: UInt64 = 30_000

    package init() {}
}

/// What the watchdog knows beside the log.
package struct WatchClock: Hashable, Sendable {
    /// Read before the log was, so that whatever was appended by then is in the state.
    package var now: BootInstant
    package var bootID: String
    /// When this watchdog began.
    package var startedAt: BootInstant

    package init(now: BootInstant, bootID: String, startedAt: BootInstant) {
        self.now = now
        self.bootID = bootID
        self.startedAt = startedAt
    }
}

/// A failure: the reason of the trigger, and a sentence for people.
package struct WatchFinding: Hashable, Sendable {
    package let reason: String
    package let text: String
}

package enum Watching {
    /// Name and version, as evidence and audits name it. Another outcome for any input is a new version.
    package static let rule = "watching/2"

    /// The first failure, by service; nil: nothing is wrong, or what is wrong has had its trigger.
    package static func judge(_ state: State, _ clock: WatchClock, _ policy: WatchPolicy) -> WatchFinding? {
        let watch = Watch(state: state, clock: clock, policy: policy)
        let hearts = state.heartbeats.all
        if let finding = watch.notBack(hearts.map(\.heart)) { return finding }
        if hearts.isEmpty { return watch.neverSeen }
        for (service, heart) in hearts where isArmed(heart, state.trading) {
            if let finding = watch.finding(service, heart) { return finding }
        }
        return nil
    }

    /// One failure has one trigger: after it a service is watched again once it has beaten after a resume. Where none
    /// beats after a resume, that is a failure of its own (`notBack`).
    package static func isArmed(_ heart: Heart, _ trading: TradingState) -> Bool {
        guard !trading.lastWatchdogTrigger.isNone else { return true }
        return trading.lastHaltResume > trading.lastWatchdogTrigger && heart.sequence > trading.lastHaltResume
    }
}

/// How old what the rules look at is, in nanoseconds; for metrics. Nil: there is nothing of it.
package struct HeartAges: Hashable, Sendable {
    package let service: String
    /// Nil: the last heartbeat is from before the machine was started.
    package let heartbeat: UInt64?
    package let degraded: UInt64?
    /// How long positions have been open without a decision.
    package let undecided: UInt64?
}

extension Watching {
    /// By service.
    package static func ages(_ state: State, _ clock: WatchClock) -> [HeartAges] {
        let watch = Watch(state: state, clock: clock, policy: WatchPolicy())
        return state.heartbeats.all.map { watch.ages($0.service, $0.heart) }
    }
}

// MARK: - The rules

private struct Watch {
    let state: State
    let clock: WatchClock
    let policy: WatchPolicy

    var neverSeen: WatchFinding? {
        guard state.trading.lastWatchdogTrigger.isNone else { return nil }
        let age = nanoseconds(since: clock.startedAt)
        if foldHasPositions, isOver(age, policy.unguardedMax) {
            return unguarded("No heartbeat ever, with open positions", age)
        }
        guard isOver(age, policy.firstHeartbeatMax) else { return nil }
        return WatchFinding(
            reason: "EXIT_BRAIN_HEARTBEAT_MISSING_(NEVER_SEEN)",
            text: "No heartbeat ever (\(compared(age, policy.firstHeartbeatMax, "s")))")
    }

    /// Trading goes on after a resume, and nobody guards it. One service that is back is enough: others may be retired.
    func notBack(_ hearts: [Heart]) -> WatchFinding? {
        let trading = state.trading
        guard !trading.lastWatchdogTrigger.isNone, trading.lastHaltResume > trading.lastWatchdogTrigger,
            let resumedAt = trading.haltResumedAt, trading.halt == nil,
            !hearts.contains(where: { $0.sequence > trading.lastHaltResume })
        else { return nil }
        let age = age(of: resumedAt)
        if foldHasPositions, isOver(age, policy.unguardedMax) {
            return unguarded("No heartbeat since the resume, with open positions", age)
        }
        guard isOver(age, policy.firstHeartbeatMax) else { return nil }
        return WatchFinding(
            reason: "EXIT_BRAIN_HEARTBEAT_MISSING_(NOT_SINCE_RESUME)",
            text: "No heartbeat since the resume (\(compared(age, policy.firstHeartbeatMax, "s")))")
    }

    func finding(_ service: String, _ heart: Heart) -> WatchFinding? {
        let name = reasonName(service)
        guard isThisBoot(heart.moment) else {
            return WatchFinding(
                reason: "\(name)_HEARTBEAT_MISSING_(REBOOT)",
                text: "Heartbeat missing (the last one is from before the machine was started)")
        }
        return missing(name, heart) ?? degraded(name, heart) ?? stagnant(name, heart)
    }

    private func missing(_ name: String, _ heart: Heart) -> WatchFinding? {
        let age = age(of: heart.moment)
        if hasPositions(heart), isOver(age, policy.unguardedMax) {
            return unguarded("Heartbeat missing with open positions", age)
        }
        guard isOver(age, policy.missingMax) else { return nil }
        return WatchFinding(
            reason: "\(name)_HEARTBEAT_MISSING_(\(compared(age, policy.missingMax, "S", "_")))",
            text: "Heartbeat missing (\(compared(age, policy.missingMax, "s")))")
    }

    private func unguarded(_ what: String, _ age: UInt64) -> WatchFinding {
        WatchFinding(
            reason: "POSITIONS_UNGUARDED", text: "\(what) (\(compared(age, policy.unguardedMax, "s")))")
    }

    private func degraded(_ name: String, _ heart: Heart) -> WatchFinding? {
        guard let since = heart.degradedSince, isOver(age(of: since), policy.degradedMax) else { return nil }
        return WatchFinding(
            reason: "\(name)_DEGRADED_TOO_LONG",
            text: "Degraded without a break (\(compared(age(of: since), policy.degradedMax, "s")))")
    }

    private func stagnant(_ name: String, _ heart: Heart) -> WatchFinding? {
        guard let age = undecided(heart) else { return nil }
        guard isOver(age, policy.stagnantMax) else { return nil }
        return WatchFinding(
            reason: "\(name)_DECISION_STAGNANT",
            text: "Positions are open and no decision is made (\(compared(age, policy.stagnantMax, "s")))")
    }

    /// From the later of: the decision's time moved, positions became open. Nil: there are none.
    private func undecided(_ heart: Heart) -> UInt64? {
        positionsOpenFor(heart).map { min($0, age(of: heart.decidedSince)) }
    }

    func ages(_ service: String, _ heart: Heart) -> HeartAges {
        HeartAges(
            service: service, heartbeat: isThisBoot(heart.moment) ? age(of: heart.moment) : nil,
            degraded: heart.degradedSince.map { age(of: $0) }, undecided: undecided(heart))
    }

    // MARK: Positions

    private var foldHasPositions: Bool { state.positions.openSince != nil || state.attested.openSince != nil }

    /// The heart or the fold says so.
    private func hasPositions(_ heart: Heart) -> Bool { heart.positionsSince != nil || foldHasPositions }

    /// For how long whoever knows it longest has seen open positions; nil: there are none.
    private func positionsOpenFor(_ heart: Heart) -> UInt64? {
        [heart.positionsSince, state.positions.openSince, state.attested.openSince].compactMap { $0 }
            .map { age(of: $0) }.max()
    }

    // MARK: Ages, in nanoseconds

    private func isThisBoot(_ moment: Moment) -> Bool {
        guard let boot = state.heartbeats.boot else { return false }
        return boot.id == clock.bootID && boot.has(moment)
    }

    /// What was written before this boot is at least as old as the boot.
    private func age(of moment: Moment) -> UInt64 {
        isThisBoot(moment) ? nanoseconds(since: moment.monotonicAt) : clock.now.nanoseconds
    }

    /// Zero for what came after `now` was read.
    private func nanoseconds(since instant: BootInstant) -> UInt64 {
        clock.now > instant ? clock.now.nanoseconds - instant.nanoseconds : 0
    }

    private func isOver(_ age: UInt64, _ milliseconds: UInt64) -> Bool { age > milliseconds * 1_000_000 }

    // MARK: Words

    /// `exit_brain` → `EXIT_BRAIN`; a service without a name is the exit brain.
    private func reasonName(_ service: String) -> String {
        if service.isEmpty { return "EXIT_BRAIN" }
        let bytes = service.uppercased().utf8.map { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
            default: UInt8(ascii: "_")
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `5.1s > 5.0s`. The age is rounded up, so that it shows as greater wherever it is.
    private func compared(_ age: UInt64, _ milliseconds: UInt64, _ unit: String, _ space: String = " ") -> String {
        let tenths = (age + 99_999_999) / 100_000_000
        let limit = milliseconds / 100
        return "\(tenths / 10).\(tenths % 10)\(unit)\(space)>\(space)\(limit / 10).\(limit % 10)\(unit)"
    }
}
