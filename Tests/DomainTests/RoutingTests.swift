// The router's rule, by table.

import Domain
import Events
import Records
import SwiftProtobuf
import Testing

@Suite struct RoutingTests {
    static func policy(required: Bool = false, usd: String? = "100") -> RoutingPolicy {
        RoutingPolicy(
            confidenceMin: decimal("0.35"), confidenceRequired: required, defaultSizeUSD: usd.map { decimal($0) },
            sizeUSDBySymbol: [
                .init(symbol: "ETHUSDT", sizeUSD: decimal("50")), .init(symbol: "BNBUSDT", sizeUSD: decimal("20")),
            ],
            configSequence: SequenceNumber(4))
    }

    static func decision(
        _ action: EventAction, confidence: String? = "0.9", quantity: String? = nil, usd: String? = nil,
        symbol: String = "BTCUSDT"
    ) -> EventDecision {
        EventDecision.with {
            $0.symbol = symbol
            $0.action = action
            if let confidence { $0.confidence = decimal(confidence).event }
            if let quantity { $0.quantity = decimal(quantity).event }
            if let usd { $0.positionSizeUsd = decimal(usd).event }
        }
    }

    static func route(_ decision: EventDecision, _ policy: RoutingPolicy = policy()) -> RoutingVerdict {
        Routing.route(decision: decision, sequence: SequenceNumber(7), policy: policy)
    }

    static func intent(_ verdict: RoutingVerdict) throws -> EventTradeIntent {
        guard case .intent(let intent) = verdict else {
            Issue.record("refused: \(verdict)")
            throw RecordError.malformed("refused")
        }
        return intent
    }

    @Test(
        arguments: [
            (decision(.hold), false, "100", .hold, "the decision is to hold"),
            (
                decision(.buy, confidence: "0.22"), false, "100", .lowConfidence,
                "confidence 0.22 is below router.confidence_min 0.35"
            ),
            (
                decision(.sell, confidence: "0.3499999"), false, "100", .lowConfidence,
                "confidence 0.3499999 is below router.confidence_min 0.35"
            ),
            (
                decision(.buy, confidence: nil), true, "100", .noConfidence,
                "the decision gives no confidence, and router.confidence_required is set"
            ),
            (
                decision(.buy), false, nil, .noSize,
                "neither quantity nor position_size_usd is given, and sizing.default_usd is not set"
            ),
            (decision(.unspecified), false, "100", .unreadable, "the decision names no action that is known"),
            (decision(.hold, confidence: "0.1"), true, nil, .hold, "the decision is to hold"),
        ] as [(EventDecision, Bool, String?, EventDecisionRefusalReason, String)])
    func refuses(
        decision: EventDecision, required: Bool, usd: String?, reason: EventDecisionRefusalReason, detail: String
    ) {
        let verdict = RoutingTests.route(decision, RoutingTests.policy(required: required, usd: usd))
        #expect(verdict == .refused(reason, detail: detail))
    }

    @Test(
        arguments: [
            (decision(.buy, quantity: "2", usd: "300"), .decisionQuantity, "2", nil),
            (decision(.sell, usd: "300"), .decisionUsd, nil, "300"),
            (decision(.buy, confidence: "0.35"), .config, nil, "100"),
            (decision(.buy, confidence: nil), .config, nil, "100"),
            (decision(.buy, symbol: "ETHUSDT"), .config, nil, "50"),
            (decision(.close), .position, nil, nil),
            (decision(.close, quantity: "2"), .position, nil, nil),
        ] as [(EventDecision, EventSizedBy, String?, String?)])
    func sizes(decision: EventDecision, by: EventSizedBy, quantity: String?, usd: String?) throws {
        let intent = try RoutingTests.intent(RoutingTests.route(decision))
        #expect(intent.sizedBy == by)
        #expect(intent.hasQuantity == (quantity != nil) && intent.hasPositionSizeUsd == (usd != nil))
        if let quantity { #expect(intent.quantity == decimal(quantity).event) }
        if let usd { #expect(intent.positionSizeUsd == decimal(usd).event) }
        #expect(intent.rule == "router/1" && intent.configSequence == 4 && intent.decisionSequence == 7)
    }

    @Test(arguments: [decision(.close, confidence: "0"), decision(.close, confidence: nil)])
    func neverRefusesToCloseForConfidence(decision: EventDecision) throws {
        let intent = try RoutingTests.intent(
            RoutingTests.route(decision, RoutingTests.policy(required: true, usd: nil)))
        #expect(intent.reduceOnly && intent.action == .close)
    }

    @Test func neverRefusesToReduceForConfidence() throws {
        var decision = RoutingTests.decision(.sell, confidence: "0.01", quantity: "1")
        decision.reduceOnly = true
        #expect(try RoutingTests.intent(RoutingTests.route(decision, RoutingTests.policy(required: true))).reduceOnly)
    }

    @Test func carriesOverWhatTheDecisionSays() throws {
        var decision = RoutingTests.decision(.buy, quantity: "1")
        decision.entryPrice = decimal("100").event
        decision.stopLoss = decimal("90").event
        decision.takeProfit = decimal("120").event
        decision.leverage = 5
        decision.model = "m"
        decision.correlationID = "c"
        decision.positionSide = .long
        decision.members = [
            .with {
                $0.name = "regime"
                $0.json = "\"calm\""
            }
        ]
        let intent = try RoutingTests.intent(RoutingTests.route(decision))
        #expect(intent.entryPrice == decision.entryPrice && intent.stopLoss == decision.stopLoss)
        #expect(intent.takeProfit == decision.takeProfit && intent.confidence == decision.confidence)
        #expect(intent.leverage == 5 && intent.model == "m" && intent.correlationID == "c")
        #expect(intent.positionSide == .long && intent.members == decision.members && !intent.reduceOnly)
    }

    @Test func namesTheRuleInARefusal() {
        let decision = RoutingTests.decision(.buy)
        let refused = Routing.refusal(
            of: decision, sequence: SequenceNumber(7), reason: .duplicate, detail: "d", refersTo: SequenceNumber(3),
            policy: RoutingTests.policy())
        #expect(
            refused.decisionSequence == 7 && refused.refersTo == 3 && refused.reason == .duplicate
                && refused.detail == "d")
        #expect(
            refused.rule == "router/1" && refused.configSequence == 4 && refused.symbol == "BTCUSDT"
                && refused.action == .buy)
    }

    @Test(
        arguments: [
            (.guarded(name: "halt", by: SequenceNumber(5)), .halted, 5),
            (.guarded(name: "reducing", by: SequenceNumber(6)), .reducing, 6),
            (.guarded(name: "symbol/BTCUSDT", by: SequenceNumber(7)), .symbolGuarded, 7),
            (.bound(BoundError("body", "too large")), .outOfBounds, 0),
            (.guarded(name: "pair/a/b/c/d", by: SequenceNumber(7)), .pairBusy, 7),
            (.full("full"), nil, 0), (.busy(waiting: 3), nil, 0), (.entryID(requested: "1-1", last: .zero), nil, 0),
        ] as [(Refusal, EventDecisionRefusalReason?, UInt64)])
    func namesTheGuardThatRefused(refusal: Refusal, reason: EventDecisionRefusalReason?, refersTo: UInt64) {
        let answer = Routing.reason(for: refusal)
        #expect(answer?.reason == reason)
        #expect(answer?.refersTo ?? .none == SequenceNumber(refersTo))
    }
}
