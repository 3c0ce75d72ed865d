// One order, from its request to its end: what is told, what is lost, what lies, and what never answers.

import Domain
import Events
import Records
import Testing

@testable import Exchange

@Suite struct ExecutionOrderTests {
    static func world(_ script: Placement...) -> ExecutionWorld {
        var world = ExecutionWorld()
        world.venue.script = script
        return world
    }

    @Test func aFilledOrder() throws {
        var world = ExecutionOrderTests.world()
        let result = world.run(Sample.intent())
        #expect(world.quantities == ["BUY 1 BTCUSDT"])
        #expect(result.state == .filled)
        #expect(result.intentSequence == 7)
        #expect(result.orderID == "1")
        #expect(world.fills == ["10", "11"])
        let filled = try ExactDecimal(result.filledQuantity)
        #expect(filled == decimal("1"))
    }

    @Test(arguments: [
        (Placement(share: 30), EventTerminalState.filled, "partial", EventOutcomeState.expired),
        (Placement(share: 0), .failed, "unfilled", .expired),
        (Placement(told: .rejected), .rejected, "exchange_refused: request: 400 -2019", .rejected),
        (Placement(told: .throttled), .rejected, "exchange_refused: throttled", .rejected),
        (Placement(told: .notSent), .rejected, "exchange_refused: not_sent", .rejected),
    ])
    func anEnd(placement: Placement, state: EventTerminalState, reason: String, outcome: EventOutcomeState) {
        var world = ExecutionOrderTests.world(placement)
        let result = world.run(Sample.intent())
        #expect(result.state == state)
        #expect(result.reason.hasPrefix(reason), "\(result.reason)")
        #expect(world.outcomes == [outcome])
        #expect(world.fills == world.venueTrades)
    }

    @Test func anOrderThatRestsIsCancelledAndItsFillKept() throws {
        var world = ExecutionOrderTests.world(Placement(share: 40, restsFor: 1_000_000))
        let result = world.run(Sample.intent())
        #expect(result.state == .filled)
        #expect(result.reason == "partial: 0.4 of 1 CANCELED")
        #expect(world.outcomes == [.partiallyFilled, .canceled])
        #expect(world.fills.count == 2)
        let cancels = world.steps.filter { $0.effect.word == "cancel" }
        #expect(cancels.count == 1)
        let placedAt = try #require(world.venue.orders.first).at
        let cancelledAt = try #require(cancels.first).at
        #expect(cancelledAt - placedAt >= world.policy.orderWait)
    }

    /// Cancels that do nothing, for ever: each is followed by a pause.
    @Test func anOrderThatWillNotEndIsAskedForWithPauses() {
        var world = ExecutionOrderTests.world(Placement(share: 40, restsFor: 3_600_000))
        world.venue.lies = ["status": "PARTIALLY_FILLED"]
        _ = world.live(Sample.intent(), killAfter: 300)
        let pauses = world.steps.filter { $0.effect.word == "pause" }
        #expect(pauses.count >= 90)
        #expect(world.results.isEmpty)
    }

    // MARK: Unknown

    @Test func aLostAnswerFoundFilled() {
        var world = ExecutionOrderTests.world(Placement(told: .lost, shownAfter: 2_500))
        let result = world.run(Sample.intent())
        #expect(world.placed.count == 1)
        #expect(result.state == .filled)
        #expect(world.outcomes == [.unknown, .filled])
        #expect(world.fills == world.venueTrades)
    }

    @Test func aLostAnswerFoundInPartIsCancelled() {
        var world = ExecutionOrderTests.world(Placement(share: 40, told: .lost, restsFor: 1_000_000))
        let result = world.run(Sample.intent())
        #expect(result.state == .filled)
        // Not "partially filled" in between: its symbol stays guarded until the end.
        #expect(world.outcomes == [.unknown, .canceled])
    }

    /// An opening order is stamped for 2 s; what can only reduce, for 5 s, in hedge mode too.
    @Test(arguments: [(false, Milliseconds(12_000)), (true, 15_000)])
    func notFoundExactlyAtTheHorizon(isClosing: Bool, horizon: Milliseconds) throws {
        var world = ExecutionOrderTests.world(Placement(told: .lost, arrives: false))
        world.venue.isHedgeMode = isClosing
        if isClosing { world.venue.hold(Sample.btc, .long, "1") }
        let result = world.run(Sample.intent(isClosing ? .sell : .buy, positionSide: isClosing ? .long : .unspecified))
        #expect(result.state == .failed)
        #expect(result.reason.hasPrefix("not_found_after_horizon"))
        #expect(world.outcomes == [.unknown, .notFoundAfterHorizon])
        let sent = try #require(world.steps.first { $0.effect.word == "place" }).at
        let looked = try #require(world.steps.last { $0.effect.word == "lookUp" }).at
        let witnessed = world.steps.filter { $0.effect.word == "witnesses" }
        #expect(looked == sent + horizon + world.latency)
        #expect(witnessed.count == 1)
    }

    /// The answer comes after the horizon, but the question left before it.
    @Test(arguments: [300, 700, 900, 1_300, 1_700, 2_500] as [Milliseconds])
    func aLookUpFromBeforeTheHorizonIsNoEvidence(latency: Milliseconds) throws {
        var world = ExecutionOrderTests.world(Placement(told: .lost, arrives: false))
        world.latency = latency
        world.run(Sample.intent())
        let sent = try #require(world.steps.first { $0.effect.word == "place" }).at
        let looked = try #require(world.steps.last { $0.effect.word == "lookUp" }).at
        #expect(looked - world.latency >= sent + 12_000)
    }

    @Test func aWitnessThatHasSeenItIsBelieved() {
        var world = ExecutionOrderTests.world(Placement(told: .lost, shownAfter: 100_000))
        let result = world.run(Sample.intent())
        #expect(result.state == .filled)
        #expect(world.outcomes == [.unknown, .filled])
    }

    @Test func neverAnsweredGoesOnAskingWithBoundedPauses() {
        var world = ExecutionOrderTests.world(Placement(told: .lost))
        // Sizing is heard, the order's look-ups are not.
        var execution = world.start(Sample.intent())
        while world.placed.isEmpty {
            execution.take(world.perform(execution.effect, intent: SequenceNumber(7)), at: world.now)
        }
        world.venue.isDeafUntil = world.now + 3 * 3_600_000
        let end = world.venue.isDeafUntil
        while execution.effect != .finished, world.now < end {
            execution.take(world.perform(execution.effect, intent: SequenceNumber(7)), at: world.now)
        }
        #expect(world.results.isEmpty)
        #expect(world.lookUps > 100)
        #expect(world.lookUps < 600)
        while execution.effect != .finished {
            execution.take(world.perform(execution.effect, intent: SequenceNumber(7)), at: world.now)
        }
        #expect(world.results.map(\.state) == [.filled])
    }

    // MARK: Reports that lie

    @Test func anAnswerAboutAnotherOrderIsUnknown() {
        var world = ExecutionOrderTests.world(Placement(told: .otherOrder))
        let result = world.run(Sample.intent())
        #expect(result.state == .filled)
        #expect(world.outcomes == [.unknown, .filled])
        #expect(world.placed.count == 1)
    }

    @Test(arguments: [
        ["side": "SELL"], ["symbol": "ETHUSDT"], ["positionSide": "LONG"], ["origQty": "2"],
        ["origQty": "0", "executedQty": "3"], ["clientOrderId": "web_1"],
    ])
    func anotherOrderUnderOurIDIsNoAnswer(lies: [String: String]) {
        var world = ExecutionOrderTests.world(Placement(told: .lost))
        world.venue.lies = lies
        let ended = world.live(Sample.intent(), killAfter: 200)
        #expect(!ended)
        #expect(world.results.isEmpty)
        #expect(world.outcomes == [.unknown])
        #expect(world.placed.count == 1)
    }

    /// What can only reduce may have been cut down; it cannot have grown.
    @Test func aReducingOrderThatHasGrownIsNoAnswer() {
        var world = ExecutionOrderTests.world(Placement(told: .lost))
        world.venue.hold(Sample.btc, .both, "1")
        world.venue.lies = ["origQty": "0", "executedQty": "3"]
        let ended = world.live(Sample.intent(.sell, quantity: "0.5", reduceOnly: true), killAfter: 100)
        #expect(!ended)
        #expect(world.results.isEmpty)
    }

    /// The position shrank on the way, and the exchange cut the order down to it.
    @Test func aReducingOrderMayHaveBeenCutDown() {
        var world = ExecutionOrderTests.world(Placement(told: .lost))
        world.venue.hold(Sample.btc, .both, "1")
        world.venue.lies = ["origQty": "0.3", "executedQty": "0.3"]
        let result = world.run(Sample.intent(.sell, quantity: "0.5", reduceOnly: true))
        #expect(result.state == .filled)
        #expect(result.reason.hasPrefix("partial: 0.3 of 0.5"))
    }

    /// A replica that lags says "cancelled, nothing executed" of an order that has traded.
    @Test func whatWasExecutedIsNotTakenBack() {
        var world = ExecutionOrderTests.world(Placement(share: 40, restsFor: 1_000))
        world.venue.lies = ["status": "CANCELED", "executedQty": "0"]
        let ended = world.live(Sample.intent(), killAfter: 60)
        #expect(!ended)
        world.venue.lies = [:]
        let result = world.run(Sample.intent())
        #expect(result.reason == "partial: 0.4 of 1 EXPIRED")
        #expect(world.placed.count == 1)
    }

    @Test func anOrderThatVanishesGuardsItsSymbol() {
        var world = ExecutionOrderTests.world(Placement(share: 40, restsFor: 1_000_000))
        world.venue.lies = ["clientOrderId": "web_1"]
        _ = world.live(Sample.intent(), killAfter: 100)
        #expect(world.results.isEmpty)
        #expect(world.outcomes == [.partiallyFilled, .unknown])
    }

    @Test func tradesThatComeLateAreWaitedFor() {
        var world = ExecutionOrderTests.world()
        world.venue.tradesShownAfter = 2_000
        world.run(Sample.intent())
        #expect(world.fills == ["10", "11"])
        world.venue.tradesShownAfter = 1_000_000
        let result = world.run(Sample.intent(), sequence: 8)
        #expect(result.state == .filled)
        #expect(world.fills.count == 2)
    }

    /// None is noted, rather than one that is not ours: the feeds bring them.
    @Test func tradesOfAnotherOrderAreNotNoted() {
        var world = ExecutionOrderTests.world()
        world.venue.isMixingTrades = true
        let result = world.run(Sample.intent())
        #expect(result.state == .filled)
        #expect(world.fills.isEmpty)
    }

    @Test func aTradeAtTheEndOfTimeIsUnreadable() throws {
        let plan = OrderPlan(
            leg: 1, symbol: Sample.btc, side: .buy, positionSide: .both, quantity: decimal("1"), reduceOnly: false)
        let longest = Sample.tradeText(plan, time: Int64.max / 1_000_000)
        let trade = try AccountTrade(try AnswerFields(try JSONText.read(longest)))
        #expect(trade.notes(ExecutionPolicy(), clientOrderID: "bs1", of: SequenceNumber(1)).count == 1)
        let tooLong = try AnswerFields(try JSONText.read(Sample.tradeText(plan, time: .max)))
        #expect(throws: MessageError.self) { try AccountTrade(tooLong) }
    }

    @Test func foreignTextFitsIntoARecord() {
        var world = ExecutionOrderTests.world()
        world.refusals[1] = "no\n\u{1}" + String(repeating: "é", count: 2_000)
        let result = world.run(Sample.intent())
        #expect(result.reason.utf8.count <= Limits.reasonBytesMax)
        #expect(result.reason.unicodeScalars.allSatisfy { $0.value >= 0x20 })
        #expect(result.reason.hasPrefix("no  é"))
    }

    @Test func whatComesAfterTheEndChangesNothing() {
        var world = ExecutionOrderTests.world()
        var execution = world.start(Sample.intent())
        while execution.effect != .finished {
            execution.take(world.perform(execution.effect, intent: SequenceNumber(7)), at: world.now)
        }
        execution.take(.done, at: world.now)
        #expect(execution.effect == .finished)
    }
}
