// Budgets over fixed windows, the share that is kept for emergencies, silences that the exchange asks for, and
// the offset of its clock. Pure: the time is what the test says.

import Testing

@testable import Exchange
@testable import ExchangeClient

@Suite struct BudgetTests {
    static let order = RequestPlan.Cost(weight: 0, orders: 1)
    static let minute: Int64 = 1_763_818_320_000  // begins a minute

    static func cost(_ weight: Int) -> RequestPlan.Cost { RequestPlan.Cost(weight: weight, orders: 0) }

    @Test func ordinaryRequestsStopAtTheirShareAndEmergenciesGoOn() {
        let budget = Box(Budget())
        for _ in 0..<156 { #expect(budget.admit(Self.cost(10), .ordinary, at: Self.minute) == nil) }
        let refused = budget.admit(Self.cost(10), .ordinary, at: Self.minute + 20_000)
        #expect(refused?.cause == .ownBudget && refused?.retryAfterMilliseconds == 40_000)
        for _ in 0..<84 { #expect(budget.admit(Self.cost(10), .emergency, at: Self.minute) == nil) }
        #expect(budget.admit(Self.cost(1), .emergency, at: Self.minute)?.cause == .ownBudget)
        #expect(budget.admit(Self.cost(1), .ordinary, at: Self.minute + 60_000) == nil)
    }

    @Test func ordersHaveTwoWindows() {
        let budget = Box(Budget())
        for _ in 0..<195 { #expect(budget.admit(Self.order, .ordinary, at: Self.minute) == nil) }
        #expect(budget.admit(Self.order, .ordinary, at: Self.minute + 9_999)?.retryAfterMilliseconds == 1)
        // What was refused was not counted.
        for _ in 0..<105 { #expect(budget.admit(Self.order, .emergency, at: Self.minute) == nil) }
        #expect(budget.admit(Self.order, .emergency, at: Self.minute)?.cause == .ownBudget)
        // 300 of the minute's 1,200 are gone; ordinary orders stop at 780.
        for step in 1...2 {
            for _ in 0..<195 {
                #expect(budget.admit(Self.order, .ordinary, at: Self.minute + Int64(step) * 10_000) == nil)
            }
        }
        for _ in 0..<90 { #expect(budget.admit(Self.order, .ordinary, at: Self.minute + 30_000) == nil) }
        #expect(budget.admit(Self.order, .ordinary, at: Self.minute + 30_000)?.retryAfterMilliseconds == 30_000)
    }

    @Test func whatTheExchangeCountsRaisesWhatWeCount() {
        let budget = Box(Budget())
        var headers = AnswerHeaders()
        headers.read(line: Array("X-MBX-USED-WEIGHT-1M: 1559\r\n".utf8))
        #expect(headers.usedWeight == 1_559)
        budget.value.take(headers, sentAt: Self.minute + 1, receivedAt: Self.minute + 50)
        #expect(budget.admit(Self.cost(1), .ordinary, at: Self.minute + 60) == nil)
        #expect(budget.admit(Self.cost(1), .ordinary, at: Self.minute + 60)?.cause == .ownBudget)
        // An older answer cannot lower it, and one of the window before says nothing about this one.
        headers.usedWeight = 3
        budget.value.take(headers, sentAt: Self.minute + 1, receivedAt: Self.minute + 70)
        #expect(budget.admit(Self.cost(1), .ordinary, at: Self.minute + 70)?.cause == .ownBudget)
        headers.usedWeight = 2_399
        budget.value.take(headers, sentAt: Self.minute + 59_990, receivedAt: Self.minute + 60_010)
        #expect(budget.admit(Self.cost(1), .ordinary, at: Self.minute + 60_020) == nil)
    }

    @Test func theExchangesOwnLimitsReplaceTheDefaults() {
        let budget = Box(Budget())
        budget.value.limits.weightPerMinute = 100
        for _ in 0..<65 { #expect(budget.admit(Self.cost(1), .ordinary, at: Self.minute) == nil) }
        #expect(budget.admit(Self.cost(1), .ordinary, at: Self.minute) != nil)
    }

    static func said(_ cause: Throttling.Cause, _ milliseconds: Int64?, _ text: String = "") -> Throttling {
        Throttling(cause: cause, retryAfterMilliseconds: milliseconds, text: text)
    }

    /// What was said, for how many milliseconds questions and orders must be silent.
    static let silences: [(Throttling, Int64, Int64)] = [
        (said(.weight, 7_000), 7_000, 7_000),
        (said(.weight, 0), 1_000, 1_000),
        (said(.weight, nil), 40_000, 40_000),  // the rest of the minute
        (said(.banned, 300_000), 300_000, 300_000),
        (said(.banned, nil), 120_000, 120_000),
        (said(.banned, nil, "IP banned until \(minute + 20_000 + 500_000)."), 500_000, 500_000),
        (said(.banned, nil, "IP banned until \(minute - 1)."), 120_000, 120_000),
        (said(.orders, 5_000), 0, 5_000),
        (said(.orders, nil), 0, 10_000),
        (said(.unavailable, nil), 0, 0),
        (said(.overloaded, nil), 0, 0),
    ]

    @Test(arguments: silences)
    func whenTheExchangeSaysWaitEvenEmergenciesWait(_ said: Throttling, _ questions: Int64, _ orders: Int64) {
        let now = Self.minute + 20_000
        for (cost, silent) in [(Self.cost(1), questions), (Self.order, orders)] {
            let budget = Box(Budget())
            budget.value.take(said, at: now)
            if silent > 0 {
                let last = budget.admit(cost, .emergency, at: now + silent - 1)
                #expect(last?.cause == said.cause && last?.retryAfterMilliseconds == 1)
            }
            #expect(budget.admit(cost, .emergency, at: now + silent) == nil)
        }
    }

    @Test func aShorterSilenceDoesNotEndALongerOne() {
        let budget = Box(Budget())
        budget.value.take(Self.said(.banned, 300_000), at: Self.minute)
        budget.value.take(Self.said(.weight, 1_000), at: Self.minute)
        #expect(budget.admit(Self.cost(1), .emergency, at: Self.minute + 299_000)?.cause == .banned)
    }
}

@Suite struct ClockOffsetTests {
    @Test func aSampleIsTheMiddleOfItsRoundTrip() {
        let clock = Box(ClockOffset())
        #expect(clock.value.serverMilliseconds(at: 1_000) == 1_000)
        #expect(clock.take(sentAt: 10_000, receivedAt: 10_200, server: 15_100))
        #expect(clock.value.milliseconds == 5_000 && clock.value.serverMilliseconds(at: 20_000) == 25_000)
    }

    @Test func absurdSamplesAreLeftOut() {
        let clock = Box(ClockOffset())
        #expect(!clock.take(sentAt: 10_000, receivedAt: 9_999, server: 10_000), "our clock went back")
        #expect(!clock.take(sentAt: 10_000, receivedAt: 12_001, server: 10_000), "a round trip of two seconds")
        #expect(!clock.take(sentAt: 10_000, receivedAt: 10_000, server: .max), "a hostile answer")
        #expect(!clock.take(sentAt: 10_000, receivedAt: 10_000, server: 610_001), "ten minutes")
        #expect(clock.value.milliseconds == nil)
    }

    @Test func doubtEndsWithTheNextSample() {
        let clock = Box(ClockOffset())
        clock.value.doubt()
        #expect(clock.value.isDoubted)
        #expect(clock.take(sentAt: 1, receivedAt: 1, server: 1) && !clock.value.isDoubted)
    }
}

/// #expect takes no mutating call.
private final class Box<Value> {
    var value: Value
    init(_ value: Value) { self.value = value }
}

extension Box<Budget> {
    func admit(_ cost: RequestPlan.Cost, _ budgetClass: BudgetClass, at now: Int64) -> Throttling? {
        value.admit(cost, budgetClass, at: now)
    }
}

extension Box<ClockOffset> {
    func take(sentAt: Int64, receivedAt: Int64, server: Int64) -> Bool {
        value.take(sentAt: sentAt, receivedAt: receivedAt, server: server)
    }
}
