// From an intent's size to an order: every refusal by its reason, filters, and rounding that never goes up.

import Events
import Exchange
import Records
import SwiftProtobuf
import Testing

@testable import Domain

@Suite struct ExecutionSizingTests {
    struct Refusal: CustomTestStringConvertible {
        let reason: String
        let intent: EventTradeIntent
        var change: @Sendable (inout ExecutionWorld) -> Void = { _ in }
        var age: Milliseconds = 0
        var testDescription: String { reason }
    }

    static let refusals: [Refusal] = [
        Refusal(reason: "no_instrument", intent: Sample.intent(symbol: "DOGEUSDT")),
        Refusal(reason: "no_instrument", intent: Sample.intent(symbol: "btc/usdt")),
        Refusal(reason: "no_action", intent: Sample.intent(.hold)),
        Refusal(reason: "no_action", intent: Sample.intent(.unspecified)),
        Refusal(reason: "no_position_side", intent: Sample.intent(positionSide: .UNRECOGNIZED(9))),
        Refusal(reason: "stale_intent", intent: Sample.intent(), age: 300_001),
        Refusal(reason: "leverage_over_limit", intent: Sample.intent(leverage: 21)),
        Refusal(
            reason: "leverage_refused", intent: Sample.intent(leverage: 5),
            change: { $0.venue.leverageAnswer = .declined("no") }),
        Refusal(
            reason: "rate_over_limit", intent: Sample.intent(),
            change: { ($0.policy.ordersPerMinuteMax, $0.ordersOfTheLastMinute) = (3, 3) }),
        Refusal(
            reason: "rate_over_limit", intent: Sample.pair(),
            change: { ($0.policy.ordersPerMinuteMax, $0.ordersOfTheLastMinute) = (3, 2) }),
        Refusal(
            reason: "not_trading", intent: Sample.intent(),
            change: { $0.venue.instruments[Sample.btc] = Sample.instrument(Sample.btc, status: "SETTLING") }),
        Refusal(
            reason: "not_trading", intent: Sample.pair(),
            change: { $0.venue.instruments[Sample.eth] = Sample.instrument(Sample.eth, status: "SETTLING") }),
        Refusal(reason: "exchange_unavailable", intent: Sample.intent(), change: { $0.venue.prices = [:] }),
        Refusal(reason: "exchange_unavailable", intent: Sample.pair(), change: { $0.venue.prices[Sample.eth] = nil }),
        Refusal(reason: "exchange_unavailable", intent: Sample.intent(), change: { $0.venue.isDeafUntil = .max }),
        Refusal(
            reason: "exchange_unavailable", intent: Sample.intent(),
            change: { $0.venue.prices[Sample.btc] = .zero }),
        Refusal(reason: "below_minimum", intent: Sample.intent(quantity: "0.0009")),
        Refusal(reason: "below_minimum", intent: Sample.intent(quantity: "-1")),
        // Worth 4.9 of 5.
        Refusal(reason: "below_minimum", intent: Sample.intent(quantity: "0.049")),
        Refusal(reason: "above_maximum", intent: Sample.intent(quantity: "120.001")),
        Refusal(reason: "size_out_of_range", intent: Sample.intent(quantity: nil)),
        Refusal(
            reason: "size_out_of_range", intent: Sample.intent(quantity: nil, usd: "1000000000000000000"),
            change: { $0.venue.prices[Sample.btc] = decimal("0.000000000000000001") }),
        Refusal(
            reason: "order_over_limit", intent: Sample.intent(),
            change: { $0.policy.orderUSDMax = decimal("99.99") }),
        // The second leg is worth 500.
        Refusal(
            reason: "order_over_limit", intent: Sample.pair(ratio: "10"),
            change: { $0.policy.orderUSDMax = decimal("499") }),
        Refusal(
            reason: "position_over_limit", intent: Sample.intent(),
            change: {
                $0.policy.positionUSDMax = decimal("250")
                $0.venue.hold(Sample.btc, .both, "1.6")
            }),
        Refusal(
            reason: "position_over_limit", intent: Sample.pair(),
            change: {
                $0.policy.positionUSDMax = decimal("200")
                $0.venue.hold(Sample.eth, .both, "-3.1")
            }),
        Refusal(reason: "no_pair", intent: Sample.pair(second: "BTCUSDT")),
        Refusal(reason: "no_pair", intent: Sample.pair(second: "eth usdt")),
        Refusal(
            reason: "no_pair",
            intent: {
                var pair = Sample.pair(); pair.pair.sideY = .unspecified; return pair
            }()),
        Refusal(
            reason: "no_pair",
            intent: {
                var pair = Sample.pair(); pair.reduceOnly = true; return pair
            }()),
        Refusal(reason: "below_minimum", intent: Sample.pair(ratio: "0.0001")),
        Refusal(reason: "size_out_of_range", intent: Sample.pair(ratio: "1000000000000000000")),
        Refusal(reason: "cannot_reduce", intent: Sample.intent(.buy, reduceOnly: true, positionSide: .long)),
        Refusal(reason: "nothing_to_reduce", intent: Sample.intent(.sell, reduceOnly: true)),
        Refusal(
            reason: "nothing_to_reduce", intent: Sample.intent(.buy, reduceOnly: true),
            change: { $0.venue.hold(Sample.btc, .both, "1") }),
        Refusal(reason: "nothing_to_close", intent: Sample.intent(.close, quantity: nil)),
        Refusal(
            reason: "nothing_to_close", intent: Sample.intent(.close, quantity: nil, positionSide: .short),
            change: { $0.venue.hold(Sample.btc, .both, "1") }),
        Refusal(
            reason: "below_minimum", intent: Sample.intent(.close, quantity: nil),
            change: { $0.venue.hold(Sample.btc, .both, "0.0005") }),
        Refusal(reason: "halted", intent: Sample.intent(), change: { $0.refusals[1] = "halted" }),
        Refusal(reason: "halted", intent: Sample.pair(), change: { $0.refusals[1] = "halted" }),
    ]

    @Test(arguments: refusals) func aRefusalSendsNothing(refusal: Refusal) {
        var world = ExecutionWorld()
        refusal.change(&world)
        let result = world.run(refusal.intent, recordedAt: world.now - refusal.age)
        #expect(result.reason.hasPrefix(refusal.reason), "\(result.reason)")
        #expect(result.state == .rejected)
        #expect(world.results.count == 1)
        #expect(world.placed.isEmpty)
        #expect(!world.hasReduced)
    }

    @Test func whatIsAllowedIsSent() {
        var world = ExecutionWorld()
        (world.policy.ordersPerMinuteMax, world.ordersOfTheLastMinute) = (3, 1)
        world.policy.orderUSDMax = decimal("500")
        world.policy.positionUSDMax = decimal("500")
        world.run(Sample.pair(ratio: "10"), recordedAt: world.now - 300_000)
        #expect(world.quantities == ["BUY 1 BTCUSDT", "SELL 10 ETHUSDT"])
    }

    @Test func aPatientWaitForAnExchangeIsBounded() {
        var world = ExecutionWorld()
        world.venue.isDeafUntil = .max
        let began = world.now
        world.run(Sample.intent())
        #expect(world.now - began < 20_000)
    }

    /// An exit does not end for want of an answer, nor for age, leverage, limits or a small size.
    @Test(arguments: [EventPositionSide.unspecified, .long])
    func whatReducesIsNotRefused(positionSide: EventPositionSide) {
        var world = ExecutionWorld()
        world.venue.isHedgeMode = positionSide == .long
        world.venue.hold(Sample.btc, positionSide == .long ? .long : .both, "0.02")
        world.venue.isDeafUntil = world.now + 600_000
        world.policy.orderUSDMax = decimal("1")
        world.policy.ordersPerMinuteMax = 0
        let intent = Sample.intent(
            .sell, quantity: "0.01", reduceOnly: positionSide != .long, positionSide: positionSide, leverage: 100)
        let result = world.run(intent, recordedAt: world.now - 10_000_000)
        #expect(world.quantities == ["SELL 0.01 BTCUSDT"])
        #expect(result.state == .filled)
    }

    @Test func aReducingOrderDoesNotWaitForAPrice() {
        var world = ExecutionWorld()
        world.venue.hold(Sample.btc, .both, "1")
        world.venue.prices = [:]
        let result = world.run(Sample.intent(.sell, quantity: "0.4", reduceOnly: true))
        #expect(result.state == .filled)
    }

    /// More than there is would be refused by the exchange.
    @Test func aReducingOrderIsNotLargerThanThePosition() {
        var world = ExecutionWorld()
        world.venue.hold(Sample.btc, .both, "-0.3")
        let result = world.run(Sample.intent(.buy, quantity: "5", reduceOnly: true))
        #expect(world.quantities == ["BUY 0.3 BTCUSDT"])
        #expect(result.state == .filled)
        #expect(world.venue.held(Sample.btc).isZero)
    }

    @Test func aReducingOrderFindsItsLegInHedgeMode() {
        var world = ExecutionWorld()
        world.venue.isHedgeMode = true
        world.venue.hold(Sample.btc, .long, "2")
        world.venue.hold(Sample.btc, .short, "-1")
        world.run(Sample.intent(.sell, quantity: "0.5", reduceOnly: true))
        world.run(Sample.intent(.buy, quantity: "0.5", reduceOnly: true), sequence: 8)
        #expect(world.venue.held(Sample.btc, .long) == decimal("1.5"))
        #expect(world.venue.held(Sample.btc, .short) == decimal("-0.5"))
    }

    // MARK: Rounding

    @Test func aQuotientIsNeverMoreThanItIs() throws {
        let third = try Sizing.quotient(decimal("2"), decimal("3"))
        #expect(third == decimal("0.666666666666"))
        let nearlyOne = try Sizing.quotient(decimal("0.9999999999999"), decimal("1"))
        #expect(nearlyOne < decimal("1"))
        #expect(throws: DecimalError.self) { try Sizing.quotient(decimal("1"), .zero) }
    }

    @Test(arguments: 0..<300) func aSizeIsNeverRoundedUp(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        for _ in 0..<20 {
            let rule = StepRule(
                minimum: .zero, maximum: .zero,
                step: try ExactDecimal(coefficient: Int64(1 + numbers.upTo(8)), exponent: -numbers.upTo(6)))
            let wanted = try ExactDecimal(coefficient: Int64(1 + numbers.upTo(9_999_999)), exponent: -numbers.upTo(9))
            guard let floored = try Sizing.floored(wanted, rule) else { continue }
            let isOnAStep = try rule.holds(floored)
            let next = try Sizing.adding(floored, rule.step)
            #expect(
                floored <= wanted && isOnAStep && next > wanted, "seed \(seed): \(wanted) by \(rule.step): \(floored)")
            let price = try ExactDecimal(coefficient: Int64(1 + numbers.upTo(9_999_999)), exponent: -numbers.upTo(8))
            let intent = Sample.intent(quantity: nil, usd: "\(wanted)")
            let size = try #require(try Sizing.wanted(intent, price))
            let worth = try Sizing.product(size, price)
            #expect(worth <= ExactSum(wanted), "seed \(seed): \(wanted) at \(price) is \(size)")
        }
    }

    @Test(arguments: 0..<200) func partsAreAllThatCanBeClosed(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        let minimum = try ExactDecimal(coefficient: Int64(1 + numbers.upTo(20)), exponent: -3)
        let maximum = try ExactDecimal(coefficient: Int64(50 + numbers.upTo(500)), exponent: -3)
        let rule = StepRule(minimum: minimum, maximum: maximum, step: decimal("0.001"))
        let quantity = try ExactDecimal(coefficient: Int64(1 + numbers.upTo(3_000)), exponent: -3)
        let parts = try Sizing.parts(quantity, rule)
        for part in parts.sizes {
            let holds = try rule.holds(part)
            #expect(holds, "seed \(seed): \(part) of \(quantity)")
        }
        #expect(Sizing.sum(parts.sizes + [parts.left]) == quantity, "seed \(seed)")
        #expect(parts.left.isZero == (quantity >= minimum), "seed \(seed): \(parts) of \(quantity), \(rule)")
    }
}
