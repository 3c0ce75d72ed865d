// When a run ends, and what it then says: the fence, two looks, what cannot be read, what is stale, the deadline; and
// how another life goes on.

import Events
import Records
import Testing

@testable import Domain
@testable import Exchange

@Suite struct ExitEndTests {
    private let btc = ExitWorld.symbols[0]
    private let eth = ExitWorld.symbols[1]
    private let fence = ExitFirstPassTests.halt + ExitRules().fenceMilliseconds

    private func world(_ haltedAt: Milliseconds? = ExitFirstPassTests.halt, quantity: Int64 = 2_000) -> ExitWorld {
        var market = ExitMarket()
        market.hold(btc, quantity)
        return ExitWorld(haltedAt: haltedAt, market)
    }

    @Test func nothingIsCompleteBeforeTheFence() {
        var world = world()
        world.start()
        while world.run.completion == nil, world.step(until: fence + 60_000) {}
        #expect(world.now >= fence && world.now < fence + 1_000, "\(world.now - fence)")
        #expect(world.run.completion?.positionsClosed == 1)
    }

    /// All was flat from the beginning, long after the halt: two looks, and no more.
    @Test func aRunBeyondTheFenceNeedsTwoLooks() {
        var world = world(ExitFirstPassTests.halt - 60_000, quantity: 0)
        world.finish()
        #expect(world.asked["positions"] == 2)
        #expect(world.now - ExitFirstPassTests.halt < 500)
        #expect(world.run.completion?.positionsTotal == 0 && world.run.completion?.isFlat == true)
    }

    /// Long after the halt there are two looks, too, and time for what is cancelled.
    @Test func aRunBeyondTheFenceWaitsForItsCancels() {
        var world = world(ExitFirstPassTests.halt - 60_000)
        world.market.algos = [eth]
        world.cancelTakes = 800
        world.stale = (world.market.rows(), 3)
        world.finish()
        #expect(world.run.completion?.isFlat == true, "\(String(describing: world.run.completion))")
        #expect(world.market.open.isEmpty && world.market.algos.isEmpty)
    }

    @Test func anOrderThatLandsLateIsClosed() {
        var world = world()
        world.land(ExitPlace(symbol: eth, side: .both), 700, at: fence - 5)
        world.land(ExitPlace(symbol: btc, side: .both), -900, at: fence - 2_000)
        world.finish()
        #expect(world.market.open.isEmpty && world.run.completion?.isFlat == true)
        #expect(world.run.completion?.positionsTotal == 2 && world.sent.count == 3)
    }

    // MARK: What cannot be read

    @Test func unreadableRowsAreNeverFlat() {
        var world = world()
        world.unreadable = [btc]
        world.finish()
        #expect(world.run.completion?.failedSymbols == ["BTCUSDT"] && world.run.completion?.positionsFailed == 1)
    }

    /// Orders that rest may open positions: where they cannot be read, or stay, it is not flat.
    @Test func restingOrdersThatStayOrCannotBeReadAreNotFlat() {
        var staying = world()
        staying.market.algos = [eth]
        staying.algosStay = true
        staying.finish()
        #expect(staying.run.completion?.failedSymbols == ["ETHUSDT"] && staying.market.open.isEmpty)
        var unreadable = world()
        unreadable.ordersAreUnreadable = true
        unreadable.finish()
        #expect(unreadable.run.completion?.failedSymbols == ["SOLUSDT"] && unreadable.market.open.isEmpty)
    }

    @Test func positionsThatNobodyShowsAreNotFlatAndUnknown() {
        var world = world()
        world.deafLooks = .max
        world.finish()
        #expect(world.run.completion?.failedSymbols == ["UNKNOWN"] && world.run.completion?.positionsFailed == 1)
        #expect(world.sent.isEmpty && world.now - ExitFirstPassTests.halt < ExitRules().runMilliseconds + 5_000)
    }

    @Test func anExchangeThatComesBackInTimeIsUsed() {
        var world = world()
        world.deafLooks = 6
        world.finish()
        #expect(world.run.completion?.isFlat == true && world.market.open.isEmpty)
    }

    @Test func positionsThatStayStaleAreNotFlat() {
        var world = world()
        world.stale = (world.market.rows(), .max)
        world.finish()
        #expect(world.market.open.isEmpty, "closed all the same")
        #expect(world.run.completion?.failedSymbols == ["BTCUSDT"], "what is shown open counts as open")
        #expect(world.now < ExitFirstPassTests.halt + ExitRules().runMilliseconds + 5_000)
    }

    @Test func positionsThatAreStaleForAWhileAreFlatInTheEnd() {
        var world = world()
        world.stale = (world.market.rows(), 4)
        world.finish()
        #expect(world.run.completion?.isFlat == true && world.market.problems.isEmpty)
    }

    @Test func anAnswerOfAnOldLookIsIgnored() {
        var world = world()
        let old = world.market.rows()
        world.start()
        world.go(for: 300)  // the second look is on its way
        let count = world.sent.count
        world.answer(.positions(1, .accepted(old)))
        #expect(world.sent.count == count)
        world.finish()
        #expect(world.run.completion?.isFlat == true && world.sent.count == 1)
    }

    // MARK: The halt

    /// Without a record of the halt it closes and rests, and does not end.
    @Test func aRunWithoutAHaltClosesAndRests() {
        var world = world(nil)
        world.start()
        world.go(for: 10_000)
        #expect(world.market.open.isEmpty && world.run.completion == nil && world.run.isResting)
        world.land(ExitPlace(symbol: eth, side: .both), 500, at: world.now + 100)
        world.go(for: 12_000)
        #expect(world.market.open.isEmpty, "what was committed while the log was away is closed, too")
        let (halted, looks) = (world.now, world.asked["positions"] ?? 0)
        world.halt(at: halted)
        world.land(ExitPlace(symbol: btc, side: .both), 300, at: halted + 2_900)
        world.finish()
        #expect(world.run.completion?.isFlat == true && world.market.open.isEmpty)
        #expect(world.now >= halted + ExitRules().fenceMilliseconds)
        #expect((world.asked["positions"] ?? 0) >= looks + 2)
    }

    @Test func aLaterHaltForcesAnotherLook() {
        var world = world()
        world.start()
        world.go(for: 2_500)
        world.halt(at: world.now)
        let end = world.now + ExitRules().fenceMilliseconds
        world.finish()
        #expect(world.now >= end && world.run.completion?.isFlat == true)
    }

    /// The boot clock began anew: what the journal says of the halt lies in the future.
    @Test func aHaltOfAnEarlierBootIsInThePast() {
        var world = world(900_000_000)
        world.finish()
        #expect(world.run.completion?.isFlat == true, "\(String(describing: world.run.completion))")
        #expect(world.now - ExitFirstPassTests.halt < 10_000)
    }

    // MARK: Another life

    @Test func whatHasNoEndIsAskedForAndPartsGoOnCounting() {
        var world = world(quantity: 300_000)
        world.fates[btc] = [CloseFate(), CloseFate(travels: 50)]
        world.start()
        world.goUntilSent(2)
        world.restart(after: 1_000, haltedAt: ExitFirstPassTests.halt)
        #expect(world.lookUps.map(\.close.part) == [2])
        world.finish()
        #expect(world.sent.map(\.close.part) == [1, 2, 3] && world.market.open.isEmpty)
        #expect(world.run.completion?.isFlat == true && world.run.completion?.positionsTotal == 1)
    }

    /// Journaled, and killed before it was sent: its name is not used again, and it is closed beyond the fence.
    @Test func whatWasJournaledAndNotSentIsReplaced() {
        var world = world()
        world.fates[btc] = [CloseFate(told: .lost(arrives: false))]
        world.start()
        world.goUntilSent(1)
        world.restart(after: 10_000, haltedAt: ExitFirstPassTests.halt)
        let began = world.now
        while world.run.completion == nil, world.step(until: began + 60_000) {}
        #expect(world.sent.map(\.close.part) == [1, 2] && world.market.open.isEmpty)
        #expect(world.now - began < 2_000, "the fence is long past")
    }

    /// The outcome is journaled, its trades are not: they are asked for by the next life.
    @Test func tradesThatAreMissingAreAskedForByTheNextLife() {
        var world = world()
        world.start()
        world.go(for: 45)
        #expect(world.journal[0].end != nil && world.journal[0].traded == 0)
        world.restart(after: 100, haltedAt: ExitFirstPassTests.halt)
        world.finish()
        #expect(world.journal[0].traded == 2_000)
    }

    @Test func aCompletedRunOnlyAsksForWhatIsOpen() {
        var world = world()
        world.fates[btc] = [CloseFate(told: .lost(arrives: false))]
        world.start()
        while world.run.completion == nil, world.step(until: fence + 60_000) {}
        #expect(!world.run.isOver)
        let (sent, looks) = (world.sent.count, world.asked["positions"])
        world.restart(after: 100, haltedAt: ExitFirstPassTests.halt)
        world.finish()
        #expect(world.run.isOver && world.sent.count == sent && world.asked["positions"] == looks)
    }
}
