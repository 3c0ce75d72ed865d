// The seven tests of the public trading system's chaos list, and what else may happen between two legs.

import Domain
import Events
import Exchange
import Records
import Testing

@Suite struct ExecutionPairTests {
    static func world(_ script: Placement...) -> ExecutionWorld {
        var world = ExecutionWorld()
        world.venue.script = script
        return world
    }

    @Test func bothLegsFilled() {
        var world = ExecutionPairTests.world()
        let result = world.run(Sample.pair(ratio: "2.5"))
        #expect(world.quantities == ["BUY 1 BTCUSDT", "SELL 2.5 ETHUSDT"])
        #expect(result.state == .filled)
        #expect(result.reason == "")
        #expect(result.hasPair)
        #expect(result.side == .buy)
        #expect(!world.hasReduced)
        #expect(world.outcomes == [.filled, .filled])
        #expect(world.fills == world.venueTrades)
    }

    @Test func aPartialFillIsHedgedByWhatWasFilled() throws {
        var world = ExecutionPairTests.world(Placement(share: 60))
        let result = world.run(Sample.pair())
        #expect(world.quantities == ["BUY 1 BTCUSDT", "SELL 0.6 ETHUSDT"])
        #expect(result.state == .filled)
        #expect(result.reason == "partial: 0.6 of 1, hedged")
        let filled = try ExactDecimal(result.filledQuantity)
        #expect(filled == decimal("0.6"))
        #expect(!world.hasReduced)
    }

    @Test func halfIsHedged() {
        var world = ExecutionPairTests.world(Placement(share: 50))
        world.run(Sample.pair())
        #expect(world.quantities == ["BUY 1 BTCUSDT", "SELL 0.5 ETHUSDT"])
    }

    @Test(arguments: [10, 49]) func aSeverePartialFillIsClosedAgain(share: Int) {
        var world = ExecutionPairTests.world(Placement(share: share))
        let result = world.run(Sample.pair())
        #expect(world.quantities == ["BUY 1 BTCUSDT", "SELL 0.\(share == 10 ? "1" : "49") BTCUSDT"])
        #expect(world.placed.last?.plan.reduceOnly == true)
        #expect(result.state == .failed)
        #expect(result.reason.hasPrefix("closed_again"))
        #expect(world.venue.held(Sample.btc).isZero)
        #expect(!world.hasReduced)
    }

    @Test func aSeverePartialFillIsLeftWhereThatIsAsked() {
        var world = ExecutionPairTests.world(Placement(share: 10))
        world.policy.severeFill = .leave
        let result = world.run(Sample.pair())
        #expect(world.quantities == ["BUY 1 BTCUSDT"])
        #expect(result.state == .failed)
        #expect(result.reason.hasPrefix("unhedged"))
        #expect(world.hasReduced)
    }

    @Test func aGhostIsLookedUpAndNeverSentAgain() {
        var world = ExecutionPairTests.world(Placement(), Placement(told: .lost, shownAfter: 3_000))
        let result = world.run(Sample.pair())
        #expect(world.placed.count == 2)
        #expect(world.lookUps > 1)
        #expect(result.state == .filled)
        #expect(world.outcomes == [.unknown, .filled, .filled])
        #expect(world.fills == world.venueTrades)
    }

    @Test func aGhostThatNeverArrivedLeavesTheFirstLegAlone() {
        var world = ExecutionPairTests.world(Placement(), Placement(told: .lost, arrives: false))
        let result = world.run(Sample.pair())
        #expect(world.placed.count == 2)
        #expect(result.state == .failed)
        #expect(result.reason.hasPrefix("unhedged"))
        #expect(world.hasReduced)
        #expect(world.outcomes.last == .notFoundAfterHorizon)
    }

    /// One intent, delivered five times at once: whoever did not commit the request does not send it.
    @Test(arguments: [100, 60]) func fiveAtOnceSendTwoOrders(share: Int) {
        var world = ExecutionPairTests.world(Placement(share: share))
        var lives = (0..<5).map { _ in world.start(Sample.pair()) }
        for _ in 0..<5_000 where lives.contains(where: { $0.effect != .finished }) {
            for life in lives.indices where lives[life].effect != .finished {
                let answer = world.perform(lives[life].effect, intent: SequenceNumber(7))
                lives[life].take(answer, at: world.now)
            }
        }
        #expect(world.quantities == ["BUY 1 BTCUSDT", "SELL \(share == 60 ? "0.6" : "1") ETHUSDT"])
        #expect(world.results.count == 5)
        #expect(world.results.allSatisfy { $0.state == .filled })
    }

    @Test func fiveAfterEachOtherAreFiveTrades() {
        var world = ExecutionPairTests.world()
        for sequence in 1...5 { world.run(Sample.pair(), sequence: UInt64(sequence)) }
        #expect(world.placed.count == 10)
        #expect(world.results.map(\.state) == Array(repeating: .filled, count: 5))
    }

    // MARK: Between the legs

    @Test func aSecondLegThatTheLogRefusesClosesTheFirst() {
        var world = ExecutionPairTests.world()
        world.refusals[2] = "halted"
        let result = world.run(Sample.pair())
        #expect(world.quantities == ["BUY 1 BTCUSDT", "SELL 1 BTCUSDT"])
        #expect(result.state == .failed)
        #expect(result.reason.contains("halted"))
        #expect(!world.hasReduced)
    }

    @Test(arguments: [Placement(told: .rejected), Placement(share: 70), Placement(told: .throttled)])
    func aSecondLegThatFailsRaisesReducing(placement: Placement) {
        var world = ExecutionPairTests.world(Placement(), placement)
        let result = world.run(Sample.pair())
        #expect(world.placed.count == 2)
        #expect(result.state == .failed)
        #expect(world.hasReduced)
        #expect(result.hasUnhedgedQuantityMs)
    }

    @Test func reducingIsRaisedBeforeTradesAreAskedFor() throws {
        var world = ExecutionPairTests.world(Placement(), Placement(told: .rejected))
        world.run(Sample.pair())
        let raised = try #require(
            world.steps.firstIndex { $0.effect.word == "reducing" })
        let asked = try #require(world.steps.firstIndex { $0.effect.word == "trades" })
        #expect(raised < asked)
    }

    @Test func aSecondLegThatStaysUnknownRaisesReducingAtOnceAfterItsTime() throws {
        var world = ExecutionPairTests.world(Placement(), Placement(told: .lost, shownAfter: 60_000))
        let result = world.run(Sample.pair())
        let raised = try #require(
            world.steps.first { $0.effect.word == "reducing" })
        let requestedAt = try #require(world.placed.last).requestedAt
        #expect(raised.at - requestedAt <= world.policy.pairExposureMax + pauseMost)
        #expect(result.state == .filled)
    }

    /// Accepted, and then nothing: cancels change nothing either.
    @Test func aSecondLegThatHangsRaisesReducing() {
        var world = ExecutionPairTests.world(Placement(), Placement(share: 0, restsFor: 10_000_000))
        world.venue.lies = ["status": "NEW"]
        let ended = world.live(Sample.pair(), killAfter: 100)
        #expect(!ended)
        #expect(world.hasReduced)
        #expect(world.outcomes == [.accepted, .filled])
    }

    /// What became of the first leg is known: it does not wait for the second, which may take for ever.
    @Test func theFirstLegsEndIsInTheLogBeforeTheSecondIsWaitedFor() throws {
        var world = ExecutionPairTests.world(Placement(), Placement(told: .lost, shownAfter: 60_000))
        _ = world.live(Sample.pair()) { $0.steps.contains { $0.effect.word == "pause" } }
        let first = try #require(world.placed.first).sequence.rawValue
        let ends = world.notes.compactMap { note in
            if case .outcome(let outcome) = note, outcome.state.isEnd { outcome.requestSequence } else { nil }
        }
        #expect(ends == [first])
        world.run(Sample.pair())
        #expect(world.outcomes.count { $0.isEnd } == 2)
        #expect(Set(world.fills) == Set(world.venueTrades))
    }

    @Test func aFirstLegThatIsKnownTooLateIsClosed() {
        var world = ExecutionPairTests.world(Placement(told: .lost, shownAfter: 11_000))
        let result = world.run(Sample.pair())
        #expect(world.quantities == ["BUY 1 BTCUSDT", "SELL 1 BTCUSDT"])
        #expect(result.reason.hasPrefix("closed_again"))
    }

    /// The prices of the second leg take longer than the first may stand alone.
    @Test func theTimeAloneIsLookedAtAfterSizingToo() {
        var world = ExecutionPairTests.world(Placement())
        world.policy.pairExposureMax = 100
        world.latency = 40
        world.run(Sample.pair())
        #expect(world.quantities == ["BUY 1 BTCUSDT", "SELL 1 BTCUSDT"])
    }

    @Test func aFirstLegWithoutFillSendsNoSecond() {
        var world = ExecutionPairTests.world(Placement(share: 0))
        let result = world.run(Sample.pair())
        #expect(world.placed.count == 1)
        #expect(result.state == .failed)
        #expect(result.reason.hasPrefix("first_leg_unfilled"))
        #expect(!world.hasReduced)
    }

    /// The first is said to have done nothing by a process that came later; the second stands.
    @Test func aSecondLegThatStandsIsSettledWhateverTheFirstDid() throws {
        var world = ExecutionPairTests.world()
        // Killed when the second is placed, and then the exchange forgets the first.
        _ = world.live(Sample.pair()) { $0.placed.count == 2 }
        let first = try #require(world.requests.values.first { $0.plan.leg == 1 })
        let second = try #require(world.requests.values.first { $0.plan.leg == 2 })
        let nothing = SettledOrder(
            state: .notFoundAfterHorizon, exchangeOrderID: "", executed: .zero, averagePrice: nil, reason: "gone")
        let known = RequestedOrder(
            sequence: first.sequence, plan: first.plan, clientOrderID: first.clientOrderID,
            requestedAt: first.requestedAt, settled: nothing)
        let record = IntentToExecute(
            sequence: SequenceNumber(7), intent: Sample.pair(), recordedAt: world.now, requests: [known, second],
            takenOverAt: nil, isBeforeRestore: false)
        var execution = Execution(record, world.policy, at: world.now)
        while execution.effect != .finished {
            execution.take(world.perform(execution.effect, intent: SequenceNumber(7)), at: world.now)
        }
        let result = try #require(world.results.last)
        #expect(result.state == .failed)
        #expect(result.reason.hasPrefix("unhedged"))
        #expect(world.hasReduced)
        #expect(world.placed.count == 2)
    }
}

private let pauseMost: Milliseconds = 5_000
