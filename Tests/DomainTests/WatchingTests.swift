// The watchdog's rules by tables: at the threshold nothing, a nanosecond later the reason, word for word.

import Domain
import Events
import Records
import SwiftProtobuf
import Testing

/// A log of one boot, written line by line; what the rules say of it at a time.
private struct Scene {
    var log = TestLog()
    var startedAt: UInt64 = 0
    var bootID = "boot-1"
    var policy = WatchPolicy()

    init() { boot("boot-1", atMilliseconds: 0) }

    mutating func boot(_ id: String, atMilliseconds: UInt64) {
        log.nowMilliseconds = atMilliseconds
        log.session = SequenceNumber(UInt64(log.records.count) + 1)
        log.append(.sessionStarted(.with { $0.bootID = id }))
        bootID = id
    }

    mutating func beat(
        _ milliseconds: UInt64, _ status: EventHeartStatus = .alive, positions: UInt32 = 0, decided: Int64 = 0,
        service: String = "exit_brain"
    ) {
        log.nowMilliseconds = milliseconds
        log.append(
            .heartbeat(
                .with {
                    $0.serviceID = service
                    $0.status = status
                    $0.activePositions = positions
                    $0.lastDecisionAtNs = decided
                }))
    }

    mutating func fill(_ milliseconds: UInt64, _ side: EventSide) {
        log.nowMilliseconds = milliseconds
        log.append(
            .fill(
                .with {
                    $0.venue = "v"
                    $0.account = "a"
                    $0.symbol = "BTCUSDT"
                    $0.side = side
                    $0.positionSide = .both
                    $0.quantity = decimal("1").event
                    $0.price = decimal("2").event
                }))
    }

    mutating func attest(_ milliseconds: UInt64, _ quantity: String) {
        log.nowMilliseconds = milliseconds
        log.append(
            .positionAttested(
                .with {
                    $0.symbol = "BTCUSDT"
                    $0.positionSide = .both
                    $0.quantity = decimal(quantity).event
                }))
    }

    mutating func trigger(_ milliseconds: UInt64, by issuer: String = "watchdog") {
        log.nowMilliseconds = milliseconds
        log.append(
            .panicRequested(
                .with {
                    $0.reason = "why"
                    $0.issuer = issuer
                }))
    }

    mutating func resume(_ milliseconds: UInt64, _ scope: EventResumeScope = .halt) {
        log.nowMilliseconds = milliseconds
        log.append(.resume(.with { $0.scope = scope }))
    }

    func finding(_ milliseconds: UInt64, plus nanoseconds: UInt64 = 0) throws -> WatchFinding? {
        let clock = WatchClock(
            now: BootInstant(nanoseconds: milliseconds * 1_000_000 + nanoseconds), bootID: bootID,
            startedAt: BootInstant(nanoseconds: startedAt * 1_000_000))
        return Watching.judge(try log.fold(State.self), clock, policy)
    }

    func reason(_ milliseconds: UInt64, plus nanoseconds: UInt64 = 0) throws -> String? {
        try finding(milliseconds, plus: nanoseconds)?.reason
    }

    /// At `milliseconds` nothing, a nanosecond later this.
    func expect(_ reason: String, justAfter milliseconds: UInt64) throws {
        #expect(try self.reason(milliseconds) == nil)
        #expect(try self.reason(milliseconds, plus: 1) == reason)
    }
}

@Suite struct WatchingTests {
    @Test func aSilentHeartIsMissing() throws {
        var scene = Scene()
        scene.beat(1_000)
        try scene.expect("EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)", justAfter: 6_000)
        #expect(try scene.finding(6_080)?.text == "Heartbeat missing (5.1s > 5.0s)")
        #expect(try scene.reason(1_000 + 12_345) == "EXIT_BRAIN_HEARTBEAT_MISSING_(12.4S_>_5.0S)")
        scene.beat(5_999)
        #expect(try scene.reason(6_500) == nil)
    }

    @Test func aSilentHeartWithPositionsLeavesThemUnguarded() throws {
        var byHeart = Scene()
        byHeart.beat(1_000, positions: 1)
        try byHeart.expect("POSITIONS_UNGUARDED", justAfter: 4_000)
        #expect(try byHeart.finding(4_050)?.text == "Heartbeat missing with open positions (3.1s > 3.0s)")
        #expect(try byHeart.reason(60_000) == "POSITIONS_UNGUARDED")

        var byFills = Scene()
        byFills.fill(500, .buy)
        byFills.beat(1_000, positions: 0)
        try byFills.expect("POSITIONS_UNGUARDED", justAfter: 4_000)
        byFills.fill(1_500, .sell)
        try byFills.expect("EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)", justAfter: 6_000)

        var byExchange = Scene()
        byExchange.attest(500, "-3")
        byExchange.beat(1_000, positions: 0)
        try byExchange.expect("POSITIONS_UNGUARDED", justAfter: 4_000)
        byExchange.attest(1_500, "0")
        try byExchange.expect("EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)", justAfter: 6_000)
    }

    @Test func degradedForTooLong() throws {
        var scene = Scene()
        scene.beat(1_000)
        for second in 2...7 { scene.beat(UInt64(second) * 1_000, .degraded) }
        try scene.expect("EXIT_BRAIN_DEGRADED_TOO_LONG", justAfter: 7_000)
        #expect(try scene.finding(7_001)?.text == "Degraded without a break (5.1s > 5.0s)")
        scene.beat(7_001, .alive)
        scene.beat(7_002, .degraded)
        try scene.expect("EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)", justAfter: 12_002)
        scene.beat(12_002, .degraded)
        try scene.expect("EXIT_BRAIN_DEGRADED_TOO_LONG", justAfter: 12_002)
    }

    @Test func decisionsThatStandStill() throws {
        var scene = Scene()
        scene.beat(1_000, positions: 1, decided: 5)
        for second in 2...31 { scene.beat(UInt64(second) * 1_000, positions: 1, decided: 5) }
        try scene.expect("EXIT_BRAIN_DECISION_STAGNANT", justAfter: 31_000)
        #expect(
            try scene.finding(31_001)?.text == "Positions are open and no decision is made (30.1s > 30.0s)")
        scene.beat(31_001, positions: 1, decided: 6)
        #expect(try scene.reason(31_002) == nil)
    }

    /// Who has idled for an hour and then opens has half a minute from then on, whoever knows of the positions.
    @Test(arguments: ["heart", "fills", "exchange"])
    func stagnationCountsFromWhenPositionsBecameOpen(teller: String) throws {
        var scene = Scene()
        scene.beat(0, decided: 5)
        let opened: UInt64 = 3_600_000
        switch teller {
        case "fills": scene.fill(opened, .sell)
        case "exchange": scene.attest(opened, "1")
        default: scene.beat(opened, positions: 2, decided: 5)
        }
        let positions: UInt32 = teller == "heart" ? 2 : 0
        for second in 1...30 { scene.beat(opened + UInt64(second) * 1_000, positions: positions, decided: 5) }
        try scene.expect("EXIT_BRAIN_DECISION_STAGNANT", justAfter: opened + 30_000)
        switch teller {
        case "fills":
            scene.fill(opened + 30_000, .buy)
            scene.fill(opened + 30_000, .buy)
        case "exchange":
            scene.attest(opened + 30_000, "0")
            scene.attest(opened + 30_000, "2")
        default:
            scene.beat(opened + 30_000, positions: 0, decided: 5)
            scene.beat(opened + 30_000, positions: 1, decided: 5)
        }
        #expect(try scene.reason(opened + 30_001) == nil)
    }

    @Test func everyServiceThatBeatsIsWatched() throws {
        var scene = Scene()
        scene.beat(1_000, service: "risk-brain 2")
        scene.beat(2_000, service: "exit_brain")
        try scene.expect("RISK_BRAIN_2_HEARTBEAT_MISSING_(5.1S_>_5.0S)", justAfter: 6_000)
        scene.beat(6_000, service: "risk-brain 2")
        try scene.expect("EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)", justAfter: 7_000)
        scene.beat(6_500, service: "")
        scene.beat(7_000, service: "exit_brain")
        scene.beat(11_000, service: "exit_brain")
        scene.beat(11_000, service: "risk-brain 2")
        try scene.expect("EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)", justAfter: 11_500)
    }

    @Test func oneFailureOneTriggerAndArmedAgainByABeatAfterAResume() throws {
        var scene = Scene()
        for service in ["a", "b"] { scene.beat(1_000, service: service) }
        scene.trigger(6_001)
        #expect(try scene.reason(1_000_000) == nil)
        scene.beat(7_000, service: "a")  // beats without a resume: not armed
        #expect(try scene.reason(1_000_000) == nil)
        scene.resume(8_000, .reducing)
        scene.beat(8_100, service: "a")
        #expect(try scene.reason(1_000_000) == nil)
        scene.resume(9_000)
        #expect(try scene.reason(39_000) == nil)
        scene.beat(10_000, service: "a")  // armed; b has not beaten since
        try scene.expect("A_HEARTBEAT_MISSING_(5.1S_>_5.0S)", justAfter: 15_000)
        scene.beat(15_000, service: "a")
        scene.beat(15_000, service: "b")
        scene.beat(20_000, service: "a")
        try scene.expect("B_HEARTBEAT_MISSING_(5.1S_>_5.0S)", justAfter: 20_000)
        scene.trigger(20_001)
        scene.beat(20_002, service: "b")
        #expect(try scene.reason(1_000_000) == nil)
    }

    /// Trading goes on, and nobody guards it.
    @Test func nobodyWhoBeatsAfterAResumeIsAFailure() throws {
        var scene = Scene()
        scene.beat(1_000)
        scene.trigger(6_001)
        scene.resume(10_000)
        try scene.expect("EXIT_BRAIN_HEARTBEAT_MISSING_(NOT_SINCE_RESUME)", justAfter: 40_000)
        var open = scene
        open.fill(20_000, .buy)
        #expect(try open.reason(20_000) == "POSITIONS_UNGUARDED", "opened ten seconds after it")
        var soon = scene
        soon.fill(11_000, .buy)
        try soon.expect("POSITIONS_UNGUARDED", justAfter: 13_000)
        var again = scene
        again.trigger(40_001)
        #expect(try again.reason(1_000_000) == nil, "one trigger for it")
        again.resume(50_000)
        try again.expect("EXIT_BRAIN_HEARTBEAT_MISSING_(NOT_SINCE_RESUME)", justAfter: 80_000)
        var rebooted = scene
        rebooted.boot("boot-2", atMilliseconds: 31_000)
        #expect(try rebooted.reason(31_000) == "EXIT_BRAIN_HEARTBEAT_MISSING_(NOT_SINCE_RESUME)")
        var back = scene
        back.beat(12_000, service: "another")
        try back.expect("ANOTHER_HEARTBEAT_MISSING_(5.1S_>_5.0S)", justAfter: 17_000)
    }

    @Test func triggersOfOthersDisarmNothing() throws {
        var scene = Scene()
        scene.beat(1_000)
        scene.trigger(2_000, by: "ops")
        try scene.expect("EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)", justAfter: 6_000)
        // And a resume before the watchdog's own trigger arms nothing.
        scene.resume(2_500)
        scene.trigger(6_001)
        scene.beat(7_000)
        #expect(try scene.reason(1_000_000) == nil)
    }

    @Test func aHeartbeatOfAnotherBootCountsAsMissing() throws {
        var scene = Scene()
        scene.beat(1_000)
        scene.boot("boot-2", atMilliseconds: 500)
        #expect(try scene.reason(500) == "EXIT_BRAIN_HEARTBEAT_MISSING_(REBOOT)")
        scene.beat(600)
        try scene.expect("EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)", justAfter: 5_600)
        // Nobody has written since this boot: what the log calls its newest boot is an older one.
        scene.bootID = "boot-3"
        #expect(try scene.reason(601) == "EXIT_BRAIN_HEARTBEAT_MISSING_(REBOOT)")
    }

    @Test func sessionsOfOneBootAreOneBoot() throws {
        var scene = Scene()
        scene.beat(1_000)
        scene.boot("boot-1", atMilliseconds: 2_000)
        #expect(try scene.reason(3_000) == nil)
        try scene.expect("EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)", justAfter: 6_000)
    }

    /// What began before the machine was started is at least as old as the boot, never younger.
    @Test func whatBeganBeforeTheBootIsAsOldAsTheBoot() throws {
        var scene = Scene()
        scene.beat(9_000_000, positions: 1, decided: 5)
        scene.boot("boot-2", atMilliseconds: 10_000)
        for second in 10...30 { scene.beat(UInt64(second) * 1_000, positions: 1, decided: 5) }
        try scene.expect("EXIT_BRAIN_DECISION_STAGNANT", justAfter: 30_000)
    }

    @Test func aHeartThatWasNeverSeen() throws {
        var scene = Scene()
        scene.startedAt = 2_000
        try scene.expect("EXIT_BRAIN_HEARTBEAT_MISSING_(NEVER_SEEN)", justAfter: 32_000)
        #expect(try scene.finding(32_001)?.text == "No heartbeat ever (30.1s > 30.0s)")
        scene.policy.firstHeartbeatMax = 1_000
        try scene.expect("EXIT_BRAIN_HEARTBEAT_MISSING_(NEVER_SEEN)", justAfter: 3_000)
        scene.policy.firstHeartbeatMax = 30_000
        scene.fill(2_500, .buy)
        try scene.expect("POSITIONS_UNGUARDED", justAfter: 5_000)
        #expect(try scene.finding(5_001)?.text == "No heartbeat ever, with open positions (3.1s > 3.0s)")
        scene.trigger(5_001)
        #expect(try scene.reason(1_000_000) == nil)
    }

    @Test func lowerThresholdsHold() throws {
        var scene = Scene()
        (scene.policy.missingMax, scene.policy.unguardedMax) = (450, 200)
        scene.beat(1_000)
        try scene.expect("EXIT_BRAIN_HEARTBEAT_MISSING_(0.5S_>_0.4S)", justAfter: 1_450)
        scene.beat(1_000, positions: 3)
        try scene.expect("POSITIONS_UNGUARDED", justAfter: 1_200)
    }

    /// A record that came after `now` was read has no age yet.
    @Test func whatIsNewerThanNowIsNotOld() throws {
        var scene = Scene()
        scene.beat(1_000, .degraded, positions: 1)
        #expect(try scene.reason(0) == nil)
    }

    @Test func theSameAfterACheckpoint() throws {
        var scene = Scene()
        scene.beat(1_000)
        scene.trigger(6_001)
        scene.resume(7_000)
        scene.fill(7_500, .buy)
        scene.beat(8_000, .degraded)
        let state = try scene.log.fold(State.self)
        let restored = try State(decoding: state.encode())
        for now in stride(from: 8_000 as UInt64, to: 60_000, by: 250) {
            let clock = WatchClock(
                now: BootInstant(nanoseconds: now * 1_000_000), bootID: "boot-1", startedAt: BootInstant(nanoseconds: 0)
            )
            #expect(Watching.judge(state, clock, WatchPolicy()) == Watching.judge(restored, clock, WatchPolicy()))
        }
        #expect(try scene.reason(11_001) == "POSITIONS_UNGUARDED")
    }
}
