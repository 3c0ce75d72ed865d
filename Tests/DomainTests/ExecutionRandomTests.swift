// Random intents, exchanges, faults and deaths, by seed. A failure names its seed; run it alone with
// `swift test --filter ExecutionRandomTests` after putting that seed into `seeds`.

import Domain
import Events
import Exchange
import Records
import Testing

@Suite struct ExecutionRandomTests {
    static let seeds: Range<UInt64> = 0..<1_500

    @Test func randomWorlds() throws {
        var ends: [String: Int] = [:]
        for seed in ExecutionRandomTests.seeds {
            let (world, intent) = ExecutionRandomTests.live(seed)
            try ExecutionAuditor(world: world, intent: intent, story: "seed \(seed)").check()
            let result = world.results.first ?? EventExecutionResult()
            let reason = result.reason.split(separator: ":").first.map(String.init) ?? "whole"
            ends["\(intent.hasPair ? "pair" : "\(intent.action)") \(result.state) \(reason)", default: 0] += 1
        }
        // What no world reaches is not tested by them.
        for end in [
            "pair filled whole", "pair filled partial", "pair failed unhedged", "pair failed closed_again",
            "pair failed first_leg_unfilled", "pair failed not_found_after_horizon", "pair rejected exchange_refused",
            "close filled whole", "close failed partial", "close rejected nothing_to_close", "buy filled whole",
            "sell filled partial", "buy failed unfilled", "buy failed not_found_after_horizon",
        ] { #expect(ends[end, default: 0] > 0, "\(end) is not among \(ends.keys.sorted())") }
    }

    @Test func theSameSeedIsTheSameWorld() {
        for seed in ExecutionRandomTests.seeds.prefix(50) {
            let (one, two) = (ExecutionRandomTests.live(seed).world, ExecutionRandomTests.live(seed).world)
            #expect(one.steps == two.steps, "seed \(seed)")
        }
    }

    /// Whatever is answered to whatever is asked: the process goes on, and nothing is sent that was not just committed.
    @Test(arguments: 0..<200) func anyAnswerToAnything(seed: UInt64) {
        var numbers = SeededNumbers(seed: seed)
        var world = ExecutionRandomTests.world(&numbers)
        let intent = ExecutionRandomTests.intent(&numbers)
        var (execution, mayPlace) = (world.start(intent), false)
        var sent = 0
        for _ in 0..<150 where execution.effect != .finished {
            if execution.effect.word == "place" {
                #expect(mayPlace, "seed \(seed)")
                sent += 1
            }
            var answer = world.perform(execution.effect, intent: SequenceNumber(7))
            mayPlace = false
            if case .committed = answer {
                mayPlace = true
            } else if execution.effect.word != "request", numbers.chance(40) {
                answer = numbers.pick([
                    .unanswered("no"), .done, .notSeen, .declined("no"), .trades([]), .price(.zero), .instrument(nil),
                    .holdings([], isHedgeMode: true), .count(.max), .count(.min), .seen("x"),
                    .lookedUp(.notSent(NotSent(reason: .busy, text: ""))),
                    .placed(.unknown(Unknown(reason: .closed, text: ""))),
                ])
            }
            execution.take(answer, at: world.now + Milliseconds(numbers.upTo(100)) - 50)
        }
        #expect(intent.action == .close || sent <= (intent.hasPair ? 2 : 1), "seed \(seed)")
    }

    /// Lives until the intent has its end.
    static func live(_ seed: UInt64) -> (world: ExecutionWorld, intent: EventTradeIntent) {
        var numbers = SeededNumbers(seed: seed)
        var world = world(&numbers)
        let intent = intent(&numbers)
        let recordedAt = world.now
        for _ in 0..<numbers.upTo(3) where world.results.isEmpty {
            _ = world.live(intent, recordedAt: recordedAt, killAfter: 1 + numbers.upTo(25))
            world.now += Milliseconds(numbers.upTo(20_000))
        }
        if world.results.isEmpty { world.run(intent, recordedAt: recordedAt) }
        return (world, intent)
    }

    static func world(_ numbers: inout SeededNumbers) -> ExecutionWorld {
        var world = ExecutionWorld()
        world.latency = Milliseconds(1 + numbers.upTo(numbers.chance(20) ? 3_000 : 100))
        world.policy.severeFill = numbers.chance(50) ? .close : .leave
        world.venue.script = (0..<6).map { _ in placement(&numbers) }
        world.venue.isHedgeMode = numbers.chance(30)
        let held = { (numbers: inout SeededNumbers) in "\(numbers.upTo(260))" }
        if world.venue.isHedgeMode {
            world.venue.hold(Sample.btc, .long, held(&numbers))
            world.venue.hold(Sample.btc, .short, "-" + held(&numbers))
        } else if numbers.chance(70) {
            world.venue.hold(Sample.btc, .both, (numbers.chance(50) ? "-" : "") + held(&numbers))
        }
        if numbers.chance(40) {
            world.venue.isDeafFrom = world.now + Milliseconds(numbers.upTo(5_000))
            world.venue.isDeafUntil = world.venue.isDeafFrom + Milliseconds(numbers.upTo(60_000))
        }
        world.venue.tradesShownAfter = Milliseconds(numbers.upTo(3_000))
        if numbers.chance(10) { world.refusals[UInt32(1 + numbers.upTo(2))] = "halted" }
        return world
    }

    private static func placement(_ numbers: inout SeededNumbers) -> Placement {
        var placement = Placement()
        placement.share = numbers.pick([100, 100, 100, 95, 60, 50, 49, 10, 0])
        placement.told = numbers.pick([.wholly, .wholly, .wholly, .wholly, .lost, .lost] + Placement.Told.allCases)
        placement.arrives = numbers.chance(60)
        if numbers.chance(20) { placement.restsFor = Milliseconds(numbers.upTo(20_000)) }
        // Longer than the horizon, too: then the other witnesses must save it.
        if numbers.chance(40) { placement.shownAfter = Milliseconds(numbers.upTo(40_000)) }
        return placement
    }

    static func intent(_ numbers: inout SeededNumbers) -> EventTradeIntent {
        let quantity = "\(1 + numbers.upTo(3)).\(numbers.upTo(999))"
        let side: EventPositionSide = numbers.pick([.unspecified, .unspecified, .both, .long, .short])
        switch numbers.upTo(9) {
        case 0...4:
            return Sample.pair(quantity: quantity, ratio: numbers.pick([nil, "0.5", "2.345", "0.0011"]))
        case 5...6: return Sample.intent(.close, quantity: nil, positionSide: side)
        default:
            let isInDollars = numbers.chance(30)
            return Sample.intent(
                numbers.pick([.buy, .sell]), quantity: isInDollars ? nil : quantity,
                usd: isInDollars ? "\(50 + numbers.upTo(400))" : nil, reduceOnly: numbers.chance(30),
                positionSide: side)
        }
    }
}
