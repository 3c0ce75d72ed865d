// kill -9 of routers: at every failpoint, between delivery and acknowledgement, beside living ones. Every
// decision has exactly one end all the same.

import EventLog
import Foundation
import Glibc
import Programmes
import Testing

@Suite(.repeatable) struct RouterCrashTests {
    /// The router passes every place that has a failpoint; a new one must be reached, or be named here.
    private static func counts(_ failpoint: Failpoint) -> [Int] {
        failpoint == .recordPut ? [1, 2, 5, 30] : [1, 2, 3]
    }

    @Test(arguments: Failpoint.ofTheLog)
    func everyDecisionHasOneEndAfterKillsAtAFailpoint(_ failpoint: Failpoint) throws {
        try withScratchLog { log in
            var decisions = 0
            for round in 1...scaled(1) {
                for count in RouterCrashTests.counts(failpoint) {
                    let label = "\(failpoint.rawValue)@\(count)"
                    let lines = Messages.mixedDecisions(scaled(200), prefix: "\(round)-\(label)")
                    decisions += lines.count
                    let appenders = try append(lines, "\(round)-\(label)", log)
                    let router = try log.start("serve", "--roles", "router", failpoint: label)
                    let finished = try router.finish()
                    #expect(finished.signal == SIGKILL, "\(label) must be reached: \(finished)")
                    for appender in appenders {
                        let ended = try appender.finish()
                        #expect(ended.status == 0, "\(ended)")
                    }
                    try log.verify()
                }
            }
            try finishRouting(log)
            try log.expectEveryDecisionHasOneEnd(decisions)
            try log.expectRebuildIsEqual()
        }
    }

    @Test func routersAreKilledAtRandomMomentsWhileDecisionsComeAndEachHasOneEnd() throws {
        try withScratchLog { log in
            var random = SeededGenerator(log.seed, for: "random router kill")
            var decisions = 0
            for round in 0..<scaled(6) {
                let lines = Messages.mixedDecisions(300, prefix: "r\(round)")
                decisions += lines.count
                let router = try log.start("serve", "--roles", "router")
                let appenders = try append(lines, "r\(round)", log)
                let after = Int.random(in: 0...decisions, using: &random)
                try log.wait("\(after) decisions are delivered") {
                    guard let group = try log.routerGroup() else { return false }
                    return group.number("entries_read") >= after || group.number("lag") == 0
                }
                _ = try router.killNow()
                for appender in appenders { #expect(try appender.finish().status == 0) }
            }
            try finishRouting(log)
            try log.expectEveryDecisionHasOneEnd(decisions)
            try log.expectRebuildIsEqual()
        }
    }

    @Test func aDecisionThatKillsItsRouterAgainAndAgainIsRefusedAndItsNeighboursAreRouted() throws {
        try withScratchLog { log in
            let lines = Messages.mixedDecisions(100, prefix: "d")
            let file = try log.file("decisions.jsonl", lines)
            try log.expect(0, "append", Messages.decisions, "--from", file, "--key-from", "key")
            // Each dies with what it holds, so the next one must take it over. Two die over a batch; from then on
            // an entry that has failed comes alone.
            for deliveries in 1...5 {
                let router = try log.start("serve", "--roles", "router", failpoint: "decision.before@1")
                let pid = router.pid
                #expect(try router.finish().signal == SIGKILL)
                let pending = try log.rows("groups", "pending", Messages.decisions, "router", "--count", "1000")
                let held = pending.filter { $0.text("consumer").hasSuffix("-\(pid)") }
                #expect(pending.count == 64)
                #expect(held.count == (deliveries <= 2 ? 64 : 1), "\(pending)")
                #expect(held.first?.number("deliveries") == deliveries, "\(pending)")
                #expect(pending.dropFirst().allSatisfy { $0.number("deliveries") == min(deliveries, 2) }, "\(pending)")
            }
            let errors = try finishRouting(log)
            #expect(errors.contains("took over 1 unfinished entries"), "\(errors.suffix(2_000))")
            let refused = try log.records("--kind", "decision.refused").filter {
                $0.row("data").text("reason") == "delivered_too_often"
            }
            #expect(refused.count == 1)
            let dead = try log.rows("groups", "dead", Messages.decisions, "router")
            #expect(dead.map { $0.number("seq") } == refused.map { $0.number("cause") })
            #expect(dead.first?.number("deliveries") == 5)
            try log.expectEveryDecisionHasOneEnd(lines.count)
        }
    }

    @Test func routersAtOnceShareTheDecisionsAndTakeOverFromOneThatIsKilled() throws {
        try withScratchLog { log in
            let lines = Messages.mixedDecisions(scaled(900), prefix: "d")
            let survivors = try (0..<2).map { _ in try log.start("serve", "--roles", "router") }
            try log.wait("the survivors listen") { survivors.allSatisfy { $0.errors.contains("router listening") } }
            let victim = try log.start("serve", "--roles", "router", failpoint: "acknowledge.before@1")
            try log.wait("the victim listens") {
                victim.errors.contains("router listening") || !victim.isRunning
            }
            // Until the victim has died over a batch, decisions come in small imports: each wakes all three.
            var sent = 0
            while victim.isRunning, sent < lines.count {
                let some = Array(lines[sent..<min(lines.count, sent + 30)])
                let file = try log.file("some-\(sent).jsonl", some)
                try log.expect(0, "append", Messages.decisions, "--from", file, "--key-from", "key")
                sent += some.count
            }
            #expect(try victim.finish(within: 5).signal == SIGKILL, "the victim never had a batch")
            let rest = try append(Array(lines[sent...]), "rest", log)
            for appender in rest { #expect(try appender.finish().status == 0) }
            try log.waitUntilRouted()
            let said = survivors.map(\.errors).joined()
            #expect(
                said.contains("of router-") && said.contains("-\(victim.pid), which is dead"), "\(said.suffix(2_000))")
            for survivor in survivors {
                survivor.send(SIGTERM)
                #expect(try survivor.finish().status == 0)
            }
            try log.expectEveryDecisionHasOneEnd(lines.count)
        }
    }

    @Test func anIdleRouterTakesEachLoneDecisionAtOnce() throws {
        try withScratchLog { log in
            let router = try log.start("serve", "--roles", "router")
            try log.wait("the router listens") { router.errors.contains("router listening") }
            for number in 0..<scaled(40) {
                try log.expect(0, "append", Messages.decisions, "symbol=BTCUSDT", "side=buy", "trace_id=t\(number)")
                try log.wait("decision \(number) is routed", within: 10) {
                    router.errors.contains("trace_id=t\(number)\n") || !router.isRunning
                }
            }
            router.send(SIGTERM)
            let finished = try router.finish()
            #expect(finished.status == 0, "\(finished)")
            #expect(!finished.errors.contains("router waits"), "nothing was to be waited for: \(finished)")
            try log.expectEveryDecisionHasOneEnd(scaled(40))
            let late = try secondsToTheEnds(log).filter { $0 > 0.7 }
            #expect(late.count <= scaled(40) / 40, "woken by the timer of one second and not by the append: \(late)")
        }
    }

    /// From each decision to its intent, as recorded.
    private func secondsToTheEnds(_ log: ScratchLog) throws -> [Double] {
        let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        let all = try log.records()
        return try all.filter { $0.text("kind") == "trade.intent" }.map { intent in
            let decision = all[intent.number("cause") - 1]
            let (from, to) = (
                try format.parse(decision.text("recorded_at")), try format.parse(intent.text("recorded_at"))
            )
            return to.timeIntervalSince(from)
        }
    }

    @Test func stoppingDrainsWhatWasDelivered() throws {
        try withScratchLog { log in
            var decisions = 0
            for (round, signal) in [SIGTERM, SIGINT].enumerated() {
                let lines = Messages.mixedDecisions(scaled(1_000), prefix: "s\(round)")
                decisions += lines.count
                let router = try log.start("serve", "--roles", "router")
                try log.wait("the router listens") { router.errors.contains("router listening") }
                let appenders = try append(lines, "s\(round)", log)
                try log.wait("some are routed") { try (log.routerGroup()?.number("entries_read") ?? 0) > round }
                router.send(signal)
                let finished = try router.finish()
                #expect(finished.status == 0, "\(finished)")
                #expect(finished.errors.contains("nothing is left unfinished"))
                #expect(try log.routerGroup()?.number("pending") == 0)
                for appender in appenders { #expect(try appender.finish().status == 0) }
                try log.verify()
            }
            try finishRouting(log)
            try log.expectEveryDecisionHasOneEnd(decisions)
        }
    }

    /// Told to stop at any moment of its start, it ends: by the signal, or after a drained stop.
    @Test func aRouterThatIsToldToStopWhileItStartsEnds() throws {
        try withScratchLog { log in
            var random = SeededGenerator(log.seed, for: "stop while starting")
            for _ in 0..<scaled(20) {
                let router = try log.start("serve", "--roles", "router")
                for _ in 0..<Int.random(in: 0...4_000, using: &random) { sched_yield() }
                router.send(SIGTERM)
                let finished = try router.finish(within: 30)
                #expect(finished.status == 0 || finished.signal == SIGTERM, "\(finished)")
            }
        }
    }

    // MARK: Parts

    /// Two processes append the halves, and are still at it.
    private func append(_ lines: [String], _ name: String, _ log: ScratchLog) throws -> [RunningProgram] {
        let half = lines.count / 2
        return try [Array(lines[..<half]), Array(lines[half...])].enumerated().map { place, part in
            let file = try log.file("\(name)-\(place).jsonl", part)
            return try log.start("append", Messages.decisions, "--from", file, "--key-from", "key")
        }
    }

    /// A router without failpoints does what is left, and is stopped. Returns what it logged.
    @discardableResult
    private func finishRouting(_ log: ScratchLog) throws -> String {
        let router = try log.start("serve", "--roles", "router")
        try log.waitUntilRouted()
        router.send(SIGTERM)
        let finished = try router.finish()
        #expect(finished.status == 0, "\(finished)")
        return finished.errors
    }
}
