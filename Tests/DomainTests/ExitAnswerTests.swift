// What the answers to closes lead to: refusals, throttling, answers that say nothing, fills in part.

import Events
import Records
import Testing

@testable import Domain
@testable import Exchange

@Suite struct ExitAnswerTests {
    private let btc = ExitWorld.symbols[0]
    private let eth = ExitWorld.symbols[1]

    private func world(_ fates: [CloseFate], quantity: Int64 = 2_000) -> ExitWorld {
        var market = ExitMarket()
        market.hold(btc, quantity)
        market.hold(eth, -1_000)
        var world = ExitWorld(market)
        world.fates[btc] = fates
        return world
    }

    private func count(_ world: ExitWorld) -> Int { world.sent.filter { $0.close.place.symbol == btc }.count }

    /// Every code that refuses, as the fact sheet lists them.
    static let refusing = [
        -1002, -1010, -1013, -1014, -1016, -1020, -1022, -1100, -1102, -1106, -1111, -1116, -1121, -1122, -1130, -2010,
        -2014, -2015, -2018, -2019, -2020, -2023, -2024, -2027, -2028, -4003, -4004, -4005, -4015, -4023, -4061, -4062,
        -4087, -4088, -4118, -4120, -4131, -4140, -4141, -4164, -4192, -4400,
    ]

    @Test(arguments: refusing) func whatIsRefusedIsNeverSentAgainAndNamed(code: Int) {
        var world = world([.rejected(code)])
        world.finish()
        #expect(count(world) == 1 && world.again.isEmpty)
        #expect(world.run.completion?.failedSymbols == ["BTCUSDT"] && world.run.completion?.positionsFailed == 1)
        #expect(world.run.completion?.positionsClosed == 1 && world.market.open.map(\.symbol) == [btc])
        #expect(world.journal.first { $0.close.place.symbol == btc }?.end?.errorCode == code)
    }

    /// Also by another life: a refusal without a code (a firewall's page) is one.
    @Test(arguments: [Int?.none, -2019]) func whatWasRefusedIsNotSentAgainAfterARestart(code: Int?) {
        var world = world([CloseFate(told: .rejected(code: code, status: 403, text: "blocked"))])
        world.start()
        world.go(for: 200)
        world.restart(after: 500, haltedAt: ExitFirstPassTests.halt)
        world.finish()
        #expect(count(world) == 1, "\(world.sent.map(\.close))")
        #expect(world.run.completion?.failedSymbols == ["BTCUSDT"])
    }

    @Test(arguments: [
        (-2022, "ReduceOnly Order is rejected."), (-2021, "Order would immediately trigger."),
        (-4118, "Position already closed"), (-4003, "No position to reduce"),
    ])
    func harmlessAnswersAreBelievedAfterALook(code: Int, text: String) {
        var gone = world([.rejected(code, text)])
        gone.start()
        gone.goUntilSent(2)
        gone.market.hold(btc, 0)
        gone.finish()
        #expect(gone.run.completion?.isFlat == true && gone.run.completion?.positionsClosed == 2)

        var there = world([.rejected(code, text)])
        there.finish()
        #expect(there.run.completion?.failedSymbols == ["BTCUSDT"], "it is open, whatever the answer said")
        #expect(count(there) == 1)
    }

    /// After a restart the harmless answer is no refusal: an exchange that shows the closed position for a while yet
    /// must not make it one.
    @Test func aHarmlessAnswerIsNoRefusalAfterARestart() {
        var world = world([.rejected(-2022)])
        world.start()
        world.go(for: 100)
        world.stale = (world.market.rows(), 4)
        world.market.hold(btc, 0)
        world.restart(after: 3_000, haltedAt: ExitFirstPassTests.halt)
        world.finish()
        #expect(world.run.completion?.isFlat == true, "\(String(describing: world.run.completion))")
    }

    // MARK: Not taken

    @Test(arguments: [
        CloseFate.Told.throttled(wait: 1_000), .notSent, .rejected(code: -1021, status: 400, text: "late"),
    ])
    func whatWasNotTakenLeavesOnceMoreUnderItsName(told: CloseFate.Told) {
        var world = world([CloseFate(told: told)])
        world.finish()
        #expect(count(world) == 1 && world.again.count == 1 && world.again[0] == world.sent[0].close)
        #expect(world.run.completion?.isFlat == true)
    }

    @Test func theWaitOfAThrottlingIsKept() {
        var world = world([CloseFate(told: .throttled(wait: 3_000))])
        world.start()
        world.go(for: 2_900)
        #expect(world.again.isEmpty)
        world.go(for: 300)
        #expect(world.again.count == 1)
    }

    @Test func whatIsThrottledTwiceIsNotSentOverAndOver() {
        var world = world([CloseFate(told: .throttled(wait: 10)), CloseFate(told: .throttled(wait: 10))])
        world.start()
        world.go(for: 600)
        #expect(world.again.count == 1)
        world.finish()
        let ids = world.sent.filter { $0.close.place.symbol == btc }.map(\.close.clientOrderID.text)
        #expect(Set(ids).count == 2 && ids.count == 2, "a later look sends another order")
        #expect(world.run.completion?.isFlat == true)
    }

    // MARK: Answers that say nothing

    @Test func anUnknownOrderIsAskedForAndNotSentAgain() {
        var world = world([CloseFate(told: .lost(arrives: true), shownAfter: 900)])
        world.finish()
        #expect(count(world) == 1 && world.lookUps.count >= 2)
        #expect(world.run.completion?.isFlat == true)
        #expect(world.journal.first { $0.close.place.symbol == btc }?.end?.state == .filled)
    }

    /// A new order only beyond the fence, and after two look-ups that did not show the first.
    @Test func anOrderThatNobodyShowsIsReplacedBeyondTheFence() {
        var world = world([CloseFate(told: .lost(arrives: false))])
        world.finish()
        let mine = world.sent.filter { $0.close.place.symbol == btc }
        #expect(
            mine.count == 2 && mine[1].close.part == 2 && mine[0].close.clientOrderID != mine[1].close.clientOrderID)
        #expect(mine[1].at >= ExitFirstPassTests.halt + ExitRules().fenceMilliseconds)
        #expect(mine[1].at < ExitFirstPassTests.halt + ExitRules().fenceMilliseconds + 1_000)
        #expect(world.lookUps.filter { $0.at < mine[1].at }.count >= 2)
        #expect(world.run.completion?.isFlat == true)
        #expect(world.journal[0].end?.state == .notFoundAfterHorizon, "in the end it is called not found")
        #expect(world.now >= ExitFirstPassTests.halt + ExitRules().horizonMilliseconds)
    }

    /// Another hand adds as much as it closed, so the position does not show it, and its look-up shows it late: the
    /// account's trades do.
    @Test func anOrderWithATradeIsNotCalledNotFound() {
        var world = world([CloseFate(told: .lost(arrives: true), shownAfter: 120_000)])
        let halt = ExitFirstPassTests.halt
        world.land(ExitPlace(symbol: btc, side: .both), 2_000, at: halt + 15)
        world.finish()
        #expect(world.asked["witness"] ?? 0 > 1 && world.run.completion?.isFlat == true)
        #expect(world.journal[0].end?.state == .filled && world.now >= halt + 120_000)
        #expect(world.lookUps.count < 60, "beyond the horizon it is asked for seldom")
    }

    /// The same, and it is never shown: what it may be stays open for the time of a doubt.
    @Test func aTradeThatNobodyExplainsIsADoubtThatEnds() {
        var world = world([CloseFate(told: .lost(arrives: true), shownAfter: 10_000_000)])
        let halt = ExitFirstPassTests.halt
        world.land(ExitPlace(symbol: btc, side: .both), 2_000, at: halt + 15)
        world.finish()
        #expect(world.journal[0].end?.state == .notFoundAfterHorizon)
        #expect(world.now >= halt + ExitRules().doubtMilliseconds && world.run.completion?.isFlat == true)
    }

    @Test func whatIsInFlightForTwoSecondsIsAskedFor() {
        var world = world([CloseFate(answersAfter: 60_000)])
        world.start()
        world.go(for: 1_900)
        #expect(world.lookUps.isEmpty)
        world.go(for: 300)
        #expect(world.lookUps.count == 1)
        world.finish()
        #expect(count(world) == 1 && world.run.completion?.isFlat == true)
    }

    /// Its late answer changes nothing.
    @Test func aLateAnswerAfterALookUpIsIgnored() {
        var world = world([CloseFate(answersAfter: 2_500)])
        world.finish(within: 60_000)
        let filled = world.news.filter {
            if case .closed(let close, _) = $0 { close.place.symbol == btc } else { false }
        }
        #expect(filled.count == 1 && world.run.completion?.isFlat == true)
    }

    // MARK: In part

    @Test func theRestOfAPartialFillIsClosedByTheNextLook() {
        var world = world([CloseFate(share: 30), CloseFate(share: 50)])
        world.finish()
        let mine = world.sent.filter { $0.close.place.symbol == btc }
        #expect(mine.map { ExitMarket.thousandths($0.close.quantity) } == [2_000, 1_400, 700])
        #expect(mine[2].at < ExitFirstPassTests.halt + ExitRules().fenceMilliseconds, "at once, not after the fence")
        #expect(world.run.completion?.isFlat == true && world.run.completion?.positionsTotal == 2)
    }
}
