// A close: whatever is there, in as many orders as it takes, in both modes.

import Domain
import Events
import Exchange
import Records
import Testing

@Suite struct ExecutionCloseTests {
    static func world(isHedgeMode: Bool = false, _ held: (PositionSide, String)...) -> ExecutionWorld {
        var world = ExecutionWorld()
        world.venue.isHedgeMode = isHedgeMode
        for (side, quantity) in held { world.venue.hold(Sample.btc, side, quantity) }
        return world
    }
    static let close = Sample.intent(.close, quantity: nil)

    @Test(arguments: [("2", "SELL 2 BTCUSDT"), ("-0.7", "BUY 0.7 BTCUSDT")])
    func oneWay(held: String, order: String) {
        var world = ExecutionCloseTests.world((.both, held))
        let result = world.run(ExecutionCloseTests.close)
        #expect(world.quantities == [order])
        #expect(world.placed.allSatisfy { $0.plan.reduceOnly && $0.plan.canOnlyReduce })
        #expect(result.state == .filled)
        #expect(world.venue.held(Sample.btc).isZero)
    }

    @Test(arguments: [EventPositionSide.both, .unspecified]) func bothLegsOfHedgeMode(side: EventPositionSide) {
        var world = ExecutionCloseTests.world(isHedgeMode: true, (.long, "2"), (.short, "-3"))
        let result = world.run(Sample.intent(.close, quantity: nil, positionSide: side))
        #expect(world.quantities == ["SELL 2 BTCUSDT", "BUY 3 BTCUSDT"])
        #expect(world.placed.map(\.plan.positionSide) == [.long, .short])
        #expect(result.state == .filled)
    }

    @Test func oneLegOfHedgeMode() {
        var world = ExecutionCloseTests.world(isHedgeMode: true, (.long, "2"), (.short, "-3"))
        world.run(Sample.intent(.close, quantity: nil, positionSide: .short))
        #expect(world.quantities == ["BUY 3 BTCUSDT"])
    }

    /// The bot speaks of a long; in one-way mode it is what is greater than zero.
    @Test func aNamedSideInOneWayMode() {
        var world = ExecutionCloseTests.world((.both, "2"))
        let result = world.run(Sample.intent(.close, quantity: nil, positionSide: .long))
        #expect(world.quantities == ["SELL 2 BTCUSDT"])
        #expect(result.state == .filled)
    }

    @Test func aLargeCloseIsSplit() throws {
        var world = ExecutionCloseTests.world((.both, "250.5"))
        let result = world.run(ExecutionCloseTests.close)
        #expect(world.quantities == ["SELL 120 BTCUSDT", "SELL 120 BTCUSDT", "SELL 10.5 BTCUSDT"])
        #expect(world.placed.map(\.plan.leg) == [1, 2, 3])
        #expect(result.state == .filled)
        let filled = try ExactDecimal(result.filledQuantity)
        #expect(filled == decimal("250.5"))
        #expect(world.fills == world.venueTrades)
    }

    /// 120 and 0.005 would leave what no order can hold.
    @Test func noPartIsUnderTheMinimum() {
        var world = ExecutionCloseTests.world((.both, "120.005"))
        world.venue.instruments[Sample.btc] = Sample.instrument(Sample.btc, minimum: "0.01")
        world.run(ExecutionCloseTests.close)
        #expect(world.quantities == ["SELL 119.995 BTCUSDT", "SELL 0.01 BTCUSDT"])
        #expect(world.venue.held(Sample.btc).isZero)
    }

    @Test func whatNoOrderCanHoldIsToldAndNotFilled() {
        var world = ExecutionCloseTests.world((.both, "1.0005"))
        let result = world.run(ExecutionCloseTests.close)
        #expect(world.quantities == ["SELL 1 BTCUSDT"])
        #expect(result.state == .failed)
        #expect(result.reason == "partial: 0.0005 BTCUSDT are left: no order can hold them")
    }

    @Test func aCloseInPartHasNotClosed() {
        var world = ExecutionCloseTests.world((.both, "250"))
        world.venue.script = [Placement(), Placement(share: 50), Placement()]
        let result = world.run(ExecutionCloseTests.close)
        #expect(world.placed.count == 3)
        #expect(result.state == .failed)
        #expect(result.reason == "partial: 60 of 120 EXPIRED")
    }

    @Test func aRefusedPartDoesNotStopTheOthers() {
        var world = ExecutionCloseTests.world((.both, "250"))
        world.venue.script = [Placement(told: .rejected)]
        let result = world.run(ExecutionCloseTests.close)
        #expect(world.placed.count == 3)
        #expect(result.state == .failed)
        #expect(result.reason.hasPrefix("partial"))
    }

    @Test func aLostPartIsNotFilled() {
        var world = ExecutionCloseTests.world((.both, "250"))
        world.venue.script = [Placement(), Placement(told: .lost, arrives: false)]
        let result = world.run(ExecutionCloseTests.close)
        #expect(result.state == .failed)
        #expect(result.reason.hasPrefix("not_found_after_horizon"))
        #expect(world.fills == world.venueTrades)
    }

    @Test func aSymbolThatDoesNotTradeIsClosedAllTheSame() {
        var world = ExecutionCloseTests.world((.both, "2"))
        world.venue.instruments[Sample.btc] = Sample.instrument(Sample.btc, status: "SETTLING")
        let result = world.run(ExecutionCloseTests.close)
        #expect(result.state == .filled)
    }

    /// Died after an order that closed in part: the rest is closed, and then it has closed.
    @Test func aCloseThatIsTakenUpAgainIsJudgedByWhatIsThere() {
        var world = ExecutionCloseTests.world((.both, "100"))
        world.venue.script = [Placement(share: 30)]
        _ = world.live(ExecutionCloseTests.close) { !$0.placed.isEmpty }
        let result = world.run(ExecutionCloseTests.close)
        #expect(world.quantities == ["SELL 100 BTCUSDT", "SELL 70 BTCUSDT"])
        #expect(result.state == .filled)
        #expect(world.fills == world.venueTrades)
    }

    /// Died, and the position went elsewhere: flat is what it was for.
    @Test func aCloseThatFindsNothingLeftHasClosed() {
        var world = ExecutionCloseTests.world((.both, "100"))
        world.venue.script = [Placement(share: 30)]
        _ = world.live(ExecutionCloseTests.close) { !$0.placed.isEmpty }
        world.venue.hold(Sample.btc, .both, "0")
        let result = world.run(ExecutionCloseTests.close)
        #expect(world.placed.count == 1)
        #expect(result.state == .filled)
    }
}
