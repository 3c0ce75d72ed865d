// Guards: who raises, who lowers, who must wait, and that nothing that reduces risk ever waits.

import Records
import SwiftProtobuf
import Testing

@testable import Events

struct GuardTableTests {
    static let opening: [GuardOperation] = [
        .requireLowered("halt"), .requireLowered("reducing"), .requireLowered("symbol/BTCUSDT"),
    ]

    @Test(arguments: [
        (EventSide.buy, EventPositionSide.unspecified, false, true), (.sell, .unspecified, false, true),
        (.buy, .both, false, true), (.sell, .both, false, true), (.buy, .long, false, true),
        (.sell, .short, false, true),
        (.sell, .long, false, false), (.buy, .short, false, false), (.buy, .both, true, false),
        (.buy, .long, true, false),
        (.sell, .short, true, false),
    ])
    func onlyWhatCanIncreaseRiskWaits(
        _ side: EventSide, _ positionSide: EventPositionSide, _ reduceOnly: Bool, _ waits: Bool
    ) throws {
        var request = SampleEvent.request
        (request.side, request.positionSide, request.reduceOnly) = (side, positionSide, reduceOnly)
        #expect(try GuardTable.operations(of: .orderRequested(request)) == (waits ? Self.opening : []))
        var intent = SampleEvent.intent
        (intent.action, intent.positionSide, intent.reduceOnly) = (
            side == .buy ? .buy : .sell, positionSide, reduceOnly
        )
        #expect(try GuardTable.operations(of: .tradeIntent(intent)) == (waits ? Self.opening : []))
    }

    /// The same signal has one trade at a time, and both of its symbols must be free of unknown orders.
    @Test func aPairTakesItsGuardAndItsResultReleasesIt() throws {
        #expect(
            try GuardTable.operations(of: .tradeIntent(SampleEvent.pairIntent)) == [
                .requireLowered("halt"), .requireLowered("reducing"), .requireLowered("symbol/BTCUSDT"),
                .requireLowered("halt"), .requireLowered("reducing"), .requireLowered("symbol/ETHUSDT"),
                .take("pair/BTCUSDT/ETHUSDT/buy/sell", holder: "trade"),
            ])
        #expect(
            try GuardTable.operations(of: SampleEvent.paired[2]) == [
                .release("pair/BTCUSDT/ETHUSDT/buy/sell", holder: "trade")
            ])
        var closing = SampleEvent.pairIntent
        closing.action = .close
        #expect(throws: MessageError.self) { try GuardTable.operations(of: .tradeIntent(closing)) }
    }

    @Test func closeNeverWaits() throws {
        var intent = SampleEvent.intent
        (intent.action, intent.positionSide, intent.reduceOnly) = (.close, .unspecified, false)
        #expect(try GuardTable.operations(of: .tradeIntent(intent)) == [])
    }

    @Test(arguments: EventKind.allCases)
    func everyKindHasItsOperations(_ kind: EventKind) throws {
        let expected: [GuardOperation] =
            switch kind {
            case .halt: [.raise("halt", holder: "halt")]
            case .panicRequested: [.raise("halt", holder: "panic")]
            case .resume: [.lower("symbol/BTCUSDT", holder: nil)]
            case .reducingRaised: [.raise("reducing", holder: "ledgers")]
            case .reducingEnded: [.lower("reducing", holder: "ledgers")]
            case .orderOutcome: [.raise("symbol/BTCUSDT", holder: "9")]
            case .tradeIntent, .orderRequested, .sessionStarted, .streamCreated, .conflict, .streamHidden,
                .groupChanged, .logRestored,
                .untyped, .configApplied, .messageRefused, .evidence, .stateDigest, .decision, .decisionRefused,
                .executionResult, .fill,
                .fillDetail, .positionAttested, .heartbeat, .panicRefused, .panicCompleted:
                []  // the samples of intent and request are reduce-only
            }
        #expect(try GuardTable.operations(of: SampleEvent.event(kind)) == expected)
    }

    @Test func everyOtherOutcomeLowersItsSymbol() throws {
        for state in EventOutcomeState.allCases where state != .unspecified && state != .unknown {
            var outcome = SampleEvent.outcome
            outcome.state = state
            #expect(try GuardTable.operations(of: .orderOutcome(outcome)) == [.lower("symbol/BTCUSDT", holder: "9")])
        }
    }

    @Test func resumeLowersWhatItsScopeSays() throws {
        for (scope, name) in [(EventResumeScope.halt, "halt"), (.reducing, "reducing"), (.symbol, "symbol/BTCUSDT")] {
            let resume = EventResume.with { ($0.scope, $0.symbol) = (scope, "BTCUSDT") }
            #expect(try GuardTable.operations(of: .resume(resume)) == [.lower(name, holder: nil)])
        }
    }

    @Test func whatIsUnclearIsAnErrorNeverNothing() {
        let unclear: [Event] = [
            .tradeIntent(.with { $0.symbol = "A" }), .tradeIntent(.with { $0.action = .buy }),
            .tradeIntent(.with { ($0.symbol, $0.action) = ("A", .hold) }),
            .tradeIntent(.with { ($0.symbol, $0.action) = ("a", .buy) }),
            .tradeIntent(.with { ($0.symbol, $0.action, $0.positionSide) = ("A", .buy, .UNRECOGNIZED(9)) }),
            .orderRequested(.with { $0.symbol = "A" }),
            .orderOutcome(.with { ($0.symbol, $0.state) = ("A", .unknown) }),
            .orderOutcome(.with { ($0.symbol, $0.requestSequence) = ("A", 4) }), .resume(EventResume()),
            .resume(.with { $0.scope = .symbol }), .reducingRaised(EventReducingRaised()),
            .reducingEnded(EventReducingEnded()),
        ]
        for event in unclear {
            #expect(throws: MessageError.self, "\(event)") { try GuardTable.operations(of: event) }
        }
    }

    @Test func unknownKindsAndBrokenBodiesAreErrors() {
        #expect(throws: MessageError("kind", "99 is not known to this version")) {
            try EventRules.facts(Kind(99), body: Body(fields: FieldMap(), typed: []).bytes)
        }
        for body in [[], [9, 0, 0, 0], Body(fields: FieldMap(), typed: [0xff]).bytes] as [[UInt8]] {
            #expect(throws: MessageError.self) { try EventRules.facts(EventKind.decision.kind, body: body) }
        }
    }
}
