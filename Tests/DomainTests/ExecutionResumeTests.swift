// Killed anywhere, and taken up again by a process that knows only the requests that stand in the log.

import Domain
import Events
import Exchange
import Records
import Testing

@Suite struct ExecutionResumeTests {
    struct Scene: CustomTestStringConvertible {
        let testDescription: String
        let intent: EventTradeIntent
        var script: [Placement] = []
        var held = "0"
        var refusals: [UInt32: String] = [:]

        var world: ExecutionWorld {
            var world = ExecutionWorld()
            world.venue.script = script
            world.venue.hold(Sample.btc, .both, held)
            world.refusals = refusals
            return world
        }
    }

    static let lost = Placement(told: .lost, arrives: false)
    static let scenes = [
        Scene(testDescription: "one order", intent: Sample.intent()),
        Scene(
            testDescription: "one order, found late", intent: Sample.intent(),
            script: [Placement(told: .lost, shownAfter: 2_000)]),
        Scene(testDescription: "one order that never arrived", intent: Sample.intent(), script: [lost]),
        Scene(
            testDescription: "one order that rests", intent: Sample.intent(),
            script: [Placement(share: 40, restsFor: 900_000)]),
        Scene(testDescription: "refused", intent: Sample.intent(), script: [Placement(told: .rejected)]),
        Scene(testDescription: "a pair", intent: Sample.pair(ratio: "3")),
        Scene(testDescription: "a pair in part", intent: Sample.pair(), script: [Placement(share: 60)]),
        Scene(testDescription: "a pair, severe", intent: Sample.pair(), script: [Placement(share: 10)]),
        Scene(
            testDescription: "a pair, ghost", intent: Sample.pair(),
            script: [Placement(), Placement(told: .lost, shownAfter: 2_000)]),
        Scene(
            testDescription: "a pair, unhedged", intent: Sample.pair(),
            script: [Placement(), Placement(told: .rejected)]),
        Scene(testDescription: "a pair, second lost", intent: Sample.pair(), script: [Placement(), lost]),
        Scene(testDescription: "a pair, second refused by the log", intent: Sample.pair(), refusals: [2: "halted"]),
        Scene(testDescription: "a close", intent: Sample.intent(.close, quantity: nil), held: "250"),
        Scene(
            testDescription: "a close in part", intent: Sample.intent(.close, quantity: nil),
            script: [Placement(), Placement(share: 30)], held: "-250"),
        Scene(testDescription: "reducing", intent: Sample.intent(.sell, quantity: "2", reduceOnly: true), held: "1"),
    ]

    @Test(arguments: scenes) func killedAfterEveryEffect(scene: Scene) throws {
        var whole = scene.world
        whole.run(scene.intent)
        for killAfter in 1...whole.steps.count {
            for away in [Milliseconds(1), 11_000] {
                var world = scene.world
                let ended = world.live(scene.intent, killAfter: killAfter)
                world.now += away
                if !ended, world.results.isEmpty { world.run(scene.intent) }
                try ExecutionAuditor(
                    world: world, intent: scene.intent,
                    story: "\(scene.testDescription), killed after \(killAfter), away \(away) ms"
                ).check()
            }
        }
    }

    /// The same answers lead to the same effects.
    @Test(arguments: scenes) func theSameStoryTwice(scene: Scene) {
        var (one, two) = (scene.world, scene.world)
        one.run(scene.intent)
        two.run(scene.intent)
        #expect(one.steps == two.steps)
        #expect(one.results == two.results)
    }

    /// Whose answer to placing was never heard, because its process died: it may be on its way.
    @Test func aRequestOfADeadProcessIsNotFoundOnlyAfterTheHorizon() throws {
        var world = ExecutionWorld()
        _ = world.live(Sample.intent()) { !$0.requests.isEmpty }
        #expect(world.placed.isEmpty)
        let resumedAt = world.now
        let result = world.run(Sample.intent())
        #expect(result.reason.hasPrefix("not_found_after_horizon"))
        #expect(world.placed.isEmpty)
        let looked = try #require(world.steps.last { $0.effect.word == "lookUp" }).at
        #expect(looked == resumedAt + 12_000 + world.latency)
    }

    /// Its process was dead when it was taken over; what waited behind others since then has waited.
    @Test(arguments: [0, 5_000, 12_000, 60_000] as [Milliseconds])
    func theHorizonOfADeadProcessIsCountedFromWhenItWasTakenOver(waited: Milliseconds) throws {
        var world = ExecutionWorld()
        _ = world.live(Sample.intent()) { !$0.requests.isEmpty }
        let takenOverAt = world.now
        world.now += waited
        let startedAt = world.now
        var execution = world.start(Sample.intent(), takenOverAt: takenOverAt)
        while execution.effect != .finished {
            execution.take(world.perform(execution.effect, intent: SequenceNumber(7)), at: world.now)
        }
        #expect(try #require(world.results.last).reason.hasPrefix("not_found_after_horizon"))
        let looked = try #require(world.steps.last { $0.effect.word == "lookUp" }).at
        // What was asked before the horizon is not believed; one question after it is enough.
        #expect(looked == max(startedAt + world.latency, takenOverAt + 12_000) + world.latency)
    }

    /// But for its trades: its process may have died before it had them.
    @Test func whatIsRecordedIsNotAskedForAgain() throws {
        var world = ExecutionWorld()
        _ = world.live(Sample.intent()) { !$0.placed.isEmpty }
        let request = try #require(world.placed.first)
        let settled = SettledOrder(
            state: .filled, exchangeOrderID: "1", executed: request.plan.quantity, averagePrice: nil, reason: "")
        let known = RequestedOrder(
            sequence: request.sequence, plan: request.plan, clientOrderID: request.clientOrderID,
            requestedAt: request.requestedAt, settled: settled)
        let record = IntentToExecute(
            sequence: SequenceNumber(7), intent: Sample.intent(), recordedAt: world.now, requests: [known],
            takenOverAt: nil, isBeforeRestore: false)
        var execution = Execution(record, world.policy, at: world.now)
        #expect(execution.effect == .trades(Sample.btc, orderID: 1))
        execution.take(world.perform(execution.effect, intent: SequenceNumber(7)), at: world.now)
        guard case .conclude(let notes, let result) = execution.effect else {
            Issue.record("asks \(execution.effect)")
            return
        }
        #expect(notes.count == 2 && notes.allSatisfy { if case .fill = $0 { true } else { false } })
        #expect(result.state == .filled)
    }

    /// The log says that another request stands there than the one that was asked for: it is nobody's to send.
    @Test func aRequestThatIsNotThePlanIsNotSent() {
        var world = ExecutionWorld()
        var execution = world.start(Sample.intent())
        while execution.effect.word != "request" {
            execution.take(world.perform(execution.effect, intent: SequenceNumber(7)), at: world.now)
        }
        let answer = world.perform(execution.effect, intent: SequenceNumber(7))
        guard case .committed(let request) = answer else {
            Issue.record("\(answer)")
            return
        }
        let plan = OrderPlan(
            leg: 1, symbol: Sample.btc, side: .sell, positionSide: .both, quantity: request.plan.quantity,
            reduceOnly: false)
        let other = RequestedOrder(
            sequence: request.sequence, plan: plan, clientOrderID: request.clientOrderID, requestedAt: world.now,
            settled: nil)
        execution.take(.committed(other), at: world.now)
        #expect(execution.effect.word == "note")
    }
}
