// Intents from before a restore that left open what had followed: what was requested gets its end, and nothing is ordered.

import Domain
import Events
import Exchange
import Records
import Testing

@Suite struct ExecutionRestoreTests {
    @Test(arguments: [
        Sample.intent(), Sample.intent(.close, quantity: nil), Sample.intent(.sell, quantity: "2", reduceOnly: true),
        Sample.pair(),
    ]) func nothingIsOrderedForAnIntentFromBeforeTheRestore(_ intent: EventTradeIntent) {
        var world = ExecutionWorld()
        world.venue.hold(Sample.btc, .both, "250")
        world.isBeforeRestore = true
        let result = world.run(intent)
        #expect(result.state == .failed && result.reason.hasPrefix("before_restore"), "\(result)")
        #expect(world.placed.isEmpty && world.requests.isEmpty)
    }

    /// Its request stands in the backup; what became of it is asked for by the name that it bears.
    @Test(arguments: ExecutionResumeTests.scenes) func whatWasRequestedIsAskedForAndNothingFollows(
        scene: ExecutionResumeTests.Scene
    ) throws {
        var whole = scene.world
        whole.run(scene.intent)
        for killAfter in 1...whole.steps.count {
            var world = scene.world
            if world.live(scene.intent, killAfter: killAfter) || !world.results.isEmpty { continue }
            let (before, requested) = (world.placed.count, world.requests.count)
            world.isBeforeRestore = true
            world.now += 20_000
            let result = world.run(scene.intent)
            #expect(world.placed.count == before && world.requests.count == requested, "killed after \(killAfter)")
            let executed = world.requests.keys.isEmpty ? "" : result.reason
            #expect(requested > 0 || result.reason.hasPrefix("before_restore"), "\(executed)")
            try ExecutionAuditor(
                world: world, intent: scene.intent, story: "\(scene.testDescription), restored after \(killAfter)"
            ).check()
        }
    }
}
