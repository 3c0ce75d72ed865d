// A panic trigger halts all processes of a log at its own sequence: afterwards no opening intent is made,
// whoever runs, and no restart forgets it.

import Foundation
import Programmes
import Testing

@Suite(.repeatable) struct HaltTests {
    @Test func noIntentFollowsAPanicInAnyProcess() throws {
        try withScratchLog { log in
            let routers = try (0..<2).map { _ in try log.start("serve", "--roles", "router") }
            try log.wait("both listen") { routers.allSatisfy { $0.errors.contains("router listening") } }
            let appenders = try (0..<3).map { try importOpenings(scaled(400), "before-\($0)", log) }
            try log.wait("some are routed") { try (log.routerGroup()?.number("entries_read") ?? 0) > 20 }
            let panic = try trigger(log)
            for appender in appenders { #expect(try appender.finish().status == 0) }
            #expect(try importOpenings(scaled(200), "after", log).finish().status == 0)
            try log.waitUntilRouted()
            try expectHalted(log, by: panic, decisions: 3 * scaled(400) + scaled(200))
            for router in routers {
                router.send(SIGTERM)
                #expect(try router.finish().status == 0)
            }
            try expectStatus(log, panic)
            // A restart forgets nothing, nor does a loss of all that is derived.
            try FileManager.default.removeItem(atPath: log.views)
            try expectStatus(log, panic)
            let again = try log.start("serve", "--roles", "router")
            #expect(try importOpenings(50, "later", log).finish().status == 0)
            try log.wait("the new router has them") { try log.records("--trace", "later-trace-49").count == 2 }
            try log.waitUntilRouted()
            _ = try again.killNow()
            try expectStatus(log, panic)
            try expectHalted(log, by: panic, decisions: 3 * scaled(400) + scaled(200) + 50)
            try log.expectRebuildIsEqual()
        }
    }

    @Test func aHaltNeverRefusesToCloseRisk() throws {
        try withScratchLog { log in
            let panic = try trigger(log)
            let lines = [
                Messages.decision(key: "1", trace: "opens"),
                Messages.decision(key: "2", trace: "closes", side: "close"),
            ]
            let file = try log.file("decisions.jsonl", lines)
            try log.expect(0, "append", Messages.decisions, "--from", file, "--key-from", "key")
            let router = try log.start("serve")
            try log.waitUntilRouted()
            router.send(SIGTERM)
            #expect(try router.finish().status == 0)
            let intents = try log.records("--kind", "trade.intent")
            #expect(intents.map { $0.text("trace") } == ["closes"], "\(intents)")
            let refusals = try log.records("--kind", "decision.refused")
            #expect(refusals.map { $0.text("trace") } == ["opens"], "\(refusals)")
            #expect(refusals.first?.row("data").number("refers_to") == panic, "\(refusals)")
        }
    }

    @Test func aTriggerThatIsNotAcceptedHaltsNothing() throws {
        try withScratchLog { log in
            let now = Int(Date().timeIntervalSince1970 * 1_000)
            let bad = [
                ["event_id=e1", "reason=r", "issued_by=stranger", "ts=\(now)"],
                ["event_id=e2", "issued_by=ops", "ts=\(now)"],
                ["event_id=e3", "reason=r", "issued_by=ops", "ts=\(now - 120_000)"],
                ["event_id=e4", "reason=r", "issued_by=ops", "ts=\(now + 60_000)"],
                ["event_id=e5", "reason=r", "issued_by=ops"],
            ]
            for fields in bad {
                let answer = try log.run(["append", Messages.panics] + fields)
                #expect(answer.status == 1 && answer.errors.contains("1 refused"), "\(answer)")
            }
            let refused = try log.records("--kind", "panic.refused").map { $0.row("data").text("reason") }
            #expect(refused == ["issuer", "no_reason", "too_old", "from_the_future", "no_time"])
            #expect(try log.status().text("trading") == "ACTIVE")
        }
    }

    // MARK: Parts

    private func importOpenings(_ count: Int, _ prefix: String, _ log: ScratchLog) throws -> RunningProgram {
        let lines = (0..<count).map { Messages.decision(key: "\(prefix)-\($0)", trace: "\(prefix)-trace-\($0)") }
        let file = try log.file("\(prefix).jsonl", lines)
        return try log.start("append", Messages.decisions, "--from", file, "--key-from", "key")
    }

    /// The trigger's sequence.
    private func trigger(_ log: ScratchLog) throws -> Int {
        let now = Int(Date().timeIntervalSince1970 * 1_000)
        let finished = try log.run(
            "append", Messages.panics, "event_id=\(UUID().uuidString)", "reason=test", "severity=CRITICAL",
            "issued_by=ops", "ts=\(now)", "--json")
        let answer = try Answer(try #require(finished.lines.first, "\(finished)"))
        #expect(answer.outcome == "appended", "\(finished)")
        return answer.sequence
    }

    private func expectHalted(_ log: ScratchLog, by panic: Int, decisions: Int) throws {
        try log.expectEveryDecisionHasOneEnd(decisions)
        let intents = try log.records("--kind", "trade.intent").map { $0.number("seq") }
        #expect(!intents.isEmpty && intents.allSatisfy { $0 < panic }, "intents after the panic at \(panic)")
        let refusals = try log.records("--kind", "decision.refused").map { $0.row("data") }
        #expect(refusals.count == decisions - intents.count)
        #expect(refusals.allSatisfy { $0.text("reason") == "halted" && $0.number("refers_to") == panic })
    }

    private func expectStatus(_ log: ScratchLog, _ panic: Int) throws {
        let status = try log.status()
        #expect(status.text("trading") == "HALTED", "\(status)")
        #expect(status.row("halt").number("panic") == panic, "\(status)")
        #expect(status.row("halt").text("reason") == "test", "\(status)")
    }
}
