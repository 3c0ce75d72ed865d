// Open orders, intents, heartbeats and configuration, by example.

import Domain
import Events
import Records
import SwiftProtobuf
import Testing

@Suite struct OpenOrdersTests {
    static func request() -> Event {
        .orderRequested(
            .with {
                $0.intentSequence = 9
                $0.symbol = "BTCUSDT"
                $0.side = .buy
                $0.quantity = decimal("2").event
            })
    }
    static func outcome(_ state: EventOutcomeState, executed: String? = nil) -> Event {
        .orderOutcome(
            .with {
                $0.requestSequence = 1
                $0.symbol = "BTCUSDT"
                $0.state = state
                $0.exchangeOrderID = "77"
                if let executed { $0.executedQuantity = decimal(executed).event }
            })
    }

    @Test(
        arguments: [
            (.accepted, .accepted), (.partiallyFilled, .partiallyFilled), (.unknown, .unknown), (.filled, nil),
            (.rejected, nil),
            (.canceled, nil), (.expired, nil), (.notFoundAfterHorizon, nil),
        ] as [(EventOutcomeState, OpenOrder.State?)])
    func followsAnOrderToItsEnd(outcome: EventOutcomeState, state: OpenOrder.State?) throws {
        var log = TestLog()
        log.append(OpenOrdersTests.request())
        #expect(try log.fold(OpenOrders.self)[SequenceNumber(1)]?.state == .requested)
        log.append(OpenOrdersTests.outcome(outcome, executed: "0.5"))
        let orders: OpenOrders = try log.fold()
        #expect(orders[SequenceNumber(1)]?.state == state)
        #expect(orders.count == (state == nil ? 0 : 1))
        #expect(orders.unknown.count == (state == .unknown ? 1 : 0))
        #expect(
            orders.all.allSatisfy {
                $0.executed == decimal("0.5") && $0.outcome == SequenceNumber(2) && $0.exchangeOrderID == "77"
            })
    }

    @Test func ignoresAnOutcomeThatComesAfterTheEnd() throws {
        var log = TestLog()
        log.append(OpenOrdersTests.request())
        log.append(OpenOrdersTests.outcome(.filled))
        log.append(OpenOrdersTests.outcome(.accepted))
        #expect(try log.fold(OpenOrders.self).count == 0)
    }

    @Test func keepsWhatWasRequestedAndWhen() throws {
        var log = TestLog()
        log.append(OpenOrdersTests.request())
        let order = try #require(try log.fold(OpenOrders.self).all.first)
        #expect(
            order.quantity == decimal("2") && order.price == nil && order.side == .buy
                && order.intent == SequenceNumber(9))
        #expect(order.requestedAt.monotonicAt == BootInstant(nanoseconds: 1_000_000_000))
        #expect(order.requestedAt.session == SequenceNumber(1))
    }
}

@Suite struct IntentsTests {
    static func result(_ intent: UInt64, _ state: EventTerminalState) -> Event {
        .executionResult(
            .with {
                $0.intentSequence = intent
                $0.state = state
            })
    }

    @Test func endsAnIntentBySequenceOrByTraceID() throws {
        var log = TestLog()
        for trace in ["t1", "t2", "t3"] { log.append(.tradeIntent(.with { $0.symbol = "A" }), trace: trace) }
        log.append(IntentsTests.result(1, .filled))
        log.append(IntentsTests.result(0, .rejected), trace: "t2")
        let intents: Intents = try log.fold()
        #expect(intents.open.map(\.traceID) == ["t3"])
        #expect(intents.open(traceID: "t3")?.sequence == SequenceNumber(3))
        #expect(intents.open(traceID: "t2") == nil)
        #expect(intents.ended(.filled) == 1 && intents.ended(.rejected) == 1 && intents.ended(.failed) == 0)
        #expect(intents.unmatchedResults == 0)
    }

    @Test func countsAnIntentsEndOnce() throws {
        var log = TestLog()
        log.append(.tradeIntent(.with { $0.symbol = "A" }), trace: "t1")
        log.append(IntentsTests.result(1, .filled))
        log.append(IntentsTests.result(1, .failed))
        log.append(IntentsTests.result(0, .failed), trace: "t1")
        log.append(IntentsTests.result(0, .failed))
        let intents: Intents = try log.fold()
        #expect(intents.ended(.filled) == 1 && intents.ended(.failed) == 0)
        #expect(intents.unmatchedResults == 3)
    }

    @Test func countsDecisionsAndRefusalsByReason() throws {
        var log = TestLog()
        log.append(.decision(EventDecision()))
        log.append(.decision(EventDecision()))
        for reason in [EventDecisionRefusalReason.hold, .hold, .halted] {
            log.append(.decisionRefused(.with { $0.reason = reason }))
        }
        let intents: Intents = try log.fold()
        #expect(intents.decisions == 2)
        #expect(intents.refused(.hold) == 2 && intents.refused(.halted) == 1 && intents.refused(.noSize) == 0)
    }
}

@Suite struct HeartbeatsTests {
    struct Beat: Sendable {
        var status = EventHeartStatus.alive
        var positions: UInt32 = 0
        var decided: Int64 = 0
    }

    static func fold(_ beats: [Beat]) throws -> Heart {
        var log = TestLog()
        for beat in beats {
            log.append(
                .heartbeat(
                    .with {
                        $0.serviceID = "exit_brain"
                        $0.status = beat.status
                        $0.activePositions = beat.positions
                        $0.lastDecisionAtNs = beat.decided
                    }))
            log.nowMilliseconds += 1_000
        }
        return try #require(try log.fold(Heartbeats.self)["exit_brain"])
    }

    static func second(_ moment: Moment?) -> UInt64? { moment.map { $0.monotonicAt.nanoseconds / 1_000_000_000 } }

    @Test func remembersSinceWhenItIsDegradedWithoutABreak() throws {
        let (ok, bad) = (Beat(), Beat(status: .degraded))
        #expect(HeartbeatsTests.second(try HeartbeatsTests.fold([ok, bad, bad]).degradedSince) == 2)
        #expect(HeartbeatsTests.second(try HeartbeatsTests.fold([bad, ok, bad]).degradedSince) == 3)
        #expect(try HeartbeatsTests.fold([bad, ok]).degradedSince == nil)
    }

    @Test func remembersSinceWhenTheDecisionStands() throws {
        let heart = try HeartbeatsTests.fold([Beat(decided: 1), Beat(decided: 2), Beat(decided: 2), Beat(decided: 2)])
        #expect(HeartbeatsTests.second(heart.decidedSince) == 2)
        #expect(heart.count == 4 && heart.sequence == SequenceNumber(4))
        #expect(HeartbeatsTests.second(try HeartbeatsTests.fold([Beat(), Beat()]).decidedSince) == 1)
    }

    @Test func remembersSinceWhenPositionsAreOpen() throws {
        let heart = try HeartbeatsTests.fold([Beat(positions: 1), Beat(), Beat(positions: 1), Beat(positions: 2)])
        #expect(HeartbeatsTests.second(heart.positionsSince) == 3)
        #expect(try HeartbeatsTests.fold([Beat(positions: 1), Beat()]).positionsSince == nil)
    }

    @Test func boundsTheNumberOfServices() throws {
        var log = TestLog()
        for index in 0..<Limits.heartbeatServicesMax + 5 {
            log.append(.heartbeat(.with { $0.serviceID = "s\(index)" }))
        }
        log.append(.heartbeat(.with { $0.serviceID = "s0" }))
        let hearts: Heartbeats = try log.fold()
        #expect(hearts.all.count == Limits.heartbeatServicesMax && hearts.untracked == 5)
        #expect(hearts["s0"]?.count == 2)
    }
}

@Suite struct ConfigurationTests {
    @Test func holdsTheLastSettingsSorted() throws {
        var log = TestLog()
        for names in [["x"], ["b", "a"]] {
            log.append(
                .configApplied(
                    .with {
                        $0.settings = names.map { name in
                            EventConfigApplied.Setting.with {
                                $0.name = name
                                $0.value = "1"
                            }
                        }
                    }))
        }
        let configuration: Configuration = try log.fold()
        #expect(configuration.settings.map(\.name) == ["a", "b"])
        #expect(configuration["x"] == nil && configuration["a"] == "1")
        #expect(configuration.sequence == SequenceNumber(2))
    }
}
