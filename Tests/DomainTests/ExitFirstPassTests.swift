// The first pass of the emergency exit: everything at once, parts one after the other, legs of hedge mode, and what a
// close may wait for.

import Events
import Records
import Testing

@testable import Domain
@testable import Exchange

@Suite struct ExitFirstPassTests {
    static let halt: Milliseconds = 1_000_000
    private let btc = ExitWorld.symbols[0]
    private let eth = ExitWorld.symbols[1]

    @Test func everythingIsAskedForAndClosedAtOnce() {
        var market = ExitMarket()
        for (place, symbol) in ExitWorld.symbols.enumerated() {
            market.hold(symbol, place.isMultiple(of: 2) ? 1_500 : -700)
        }
        var world = ExitWorld(market)
        world.start()
        #expect(world.asked == ["positions": 1, "orders": 1, "algos": 1])
        world.goUntilSent(5)
        #expect(Set(world.sent.map(\.at)) == [ExitFirstPassTests.halt + 20], "in one turn")
        #expect(world.sent.map(\.close.side) == [.sell, .sell, .buy, .sell, .buy], "in the order of their names")
        world.finish()
        #expect(world.run.completion?.positionsTotal == 5 && world.run.completion?.positionsClosed == 5)
        #expect(world.run.completion?.isFlat == true && world.market.open.isEmpty)
        #expect(world.sent.count == 5 && Set(world.sent.map(\.close.clientOrderID.text)).count == 5)
        #expect(world.run.completion?.executionMilliseconds == 40, "until the last answer to a close")
    }

    @Test func partsAboveTheMarketMaximumFollowEachOther() {
        var market = ExitMarket()
        market.hold(btc, 300_000)
        var world = ExitWorld(market)
        world.finish()
        let sizes = world.sent.map { ExitMarket.thousandths($0.close.quantity) }
        #expect(sizes == [120_000, 120_000, 60_000] && world.market.open.isEmpty)
        #expect(world.sent.map(\.at) == [20, 40, 60].map { ExitFirstPassTests.halt + $0 }, "each after the one before")
        #expect(world.sent.map(\.close.part) == [1, 2, 3])
    }

    @Test func aPartThatIsNotFilledEndsThePlan() {
        var market = ExitMarket()
        market.hold(btc, 300_000)
        var world = ExitWorld(market)
        world.fates[btc] = [CloseFate(share: 50)]
        world.finish()
        let sizes = world.sent.map { ExitMarket.thousandths($0.close.quantity) }
        #expect(sizes == [120_000, 120_000, 120_000], "the next look plans anew for 240")
        #expect(world.run.completion?.isFlat == true)
    }

    /// The leg was closed by another hand while its first part was on its way: another part would open it anew.
    @Test(arguments: [PositionSide.long, .short, .both]) func noPartLeavesForWhatIsGone(side: PositionSide) {
        var market = ExitMarket()
        market.isHedged = side != .both
        market.hold(btc, side == .long ? 300_000 : -300_000, side)
        var world = ExitWorld(market)
        world.fates[btc] = [CloseFate(answersAfter: 1_500)]
        world.start()
        world.goUntilSent(1)
        world.go(for: 15)
        let place = ExitPlace(symbol: btc, side: side)
        world.market.move(place, by: side == .long ? -180_000 : 180_000)
        world.finish()
        #expect(world.sent.count == 1, "\(world.sent.map(\.close))")
        #expect(world.market.problems.isEmpty && world.market.open.isEmpty, "\(world.market.problems)")
        #expect(world.run.completion?.isFlat == true)
    }

    // MARK: Hedge mode

    @Test func legsAreClosedWithoutTheReduceOnlyFlag() throws {
        var market = ExitMarket()
        market.isHedged = true
        market.hold(btc, 2_000, .long)
        market.hold(btc, -1_000, .short)
        var world = ExitWorld(market)
        world.finish()
        let orders = try world.sent.map { try $0.close.order() }
        #expect(orders.map(\.side) == [.sell, .buy] && orders.map(\.positionSide) == [.long, .short])
        #expect(orders.allSatisfy { !$0.reduceOnly } && world.market.open.isEmpty)
        var oneWay = ExitMarket()
        oneWay.hold(btc, 2_000)
        var other = ExitWorld(oneWay)
        other.finish()
        #expect(try other.sent[0].close.order().reduceOnly)
    }

    /// It waits for the answer to the cancel of its resting orders, and no longer than 300 ms.
    @Test(arguments: [(takes: Milliseconds(60), after: Milliseconds(100)), (5_000, 320)])
    func aLegWaitsForItsCancelForAMoment(takes: Milliseconds, after: Milliseconds) {
        var market = ExitMarket()
        market.isHedged = true
        market.hold(btc, 2_000, .long)
        market.hold(eth, 2_000, .long)
        market.resting = [ExitPlace(symbol: btc, side: .long)]
        var world = ExitWorld(market)
        world.cancelTakes = takes
        world.start()
        world.goUntilSent(2)
        #expect(world.sent[0].close.place.symbol == eth && world.sent[0].at == ExitFirstPassTests.halt + 20)
        #expect(world.sent[1].at >= ExitFirstPassTests.halt + after - 20, "\(world.sent)")
        #expect(world.sent[1].at <= ExitFirstPassTests.halt + after, "\(world.sent)")
    }

    /// 300 ms count from the moment at which the position is known: a slow answer must not eat them up.
    @Test func theWaitForACancelBeginsWhenThePositionIsKnown() {
        var market = ExitMarket()
        market.isHedged = true
        market.hold(btc, 2_000, .long)
        market.resting = [ExitPlace(symbol: btc, side: .long)]
        var world = ExitWorld(market)
        world.latency = 250
        world.cancelTakes = 250
        world.finish()
        #expect(world.sent.count == 1 && world.run.completion?.isFlat == true, "the close came after the cancel")
        #expect(world.sent[0].at == ExitFirstPassTests.halt + 500)
    }

    @Test func inOneWayModeNothingWaitsForACancel() {
        var market = ExitMarket()
        market.hold(btc, 2_000)
        market.resting = [ExitPlace(symbol: btc, side: .both)]
        market.algos = [eth]
        var world = ExitWorld(market)
        world.cancelTakes = 1_000
        world.finish()
        #expect(world.sent[0].at == ExitFirstPassTests.halt + 20)
        #expect(world.market.resting.isEmpty && world.market.algos.isEmpty && world.run.completion?.isFlat == true)
        #expect(world.asked["cancel BTCUSDT"] ?? 0 >= 1 && world.asked["cancel algo ETHUSDT"] ?? 0 >= 1)
    }

    // MARK: The rules of symbols

    @Test func closesWaitForTheSymbolsRulesForAMoment() {
        var market = ExitMarket()
        market.hold(btc, 300_000)
        var world = ExitWorld(instruments: nil, market)
        world.start()
        world.go(for: 400)
        #expect(world.sent.isEmpty)
        world.learn(ExitWorld.info)
        world.finish()
        #expect(world.sent.count == 3 && world.run.completion?.isFlat == true)
    }

    @Test func withoutTheSymbolsRulesClosesLeaveAsTheyAreHeld() {
        var market = ExitMarket()
        market.hold(btc, 300_000)
        var world = ExitWorld(instruments: nil, market)
        world.finish()
        #expect(world.sent.map(\.at) == [ExitFirstPassTests.halt + 1_020])
        #expect(world.sent.map { ExitMarket.thousandths($0.close.quantity) } == [300_000])
    }
}
