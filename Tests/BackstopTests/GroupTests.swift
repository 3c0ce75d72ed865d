// Consumer groups across processes: what one call delivered, another sees as pending, and acknowledges.

import Foundation
import Programmes
import Testing

@Suite(.repeatable) struct GroupTests {
    private static let panics = "quantum:stream:system.panic_close"  // the alias; the group is the stream's

    @Test func deliveredEntriesOutliveTheProcessThatReadThem() throws {
        try withScratchLog { log in
            for number in 1...5 { try log.expect(0, "append", "orders", "n=\(number)") }
            try log.expect(0, "groups", "create", "orders", "desk")
            let delivered = try log.rows("groups", "read", "orders", "desk", "anna", "--count", "3")
            #expect(delivered.map { $0.row("data").text("n") } == ["1", "2", "3"], "\(delivered)")
            #expect(delivered.allSatisfy { $0.number("deliveries") == 1 })
            let others = try log.rows("groups", "read", "orders", "desk", "ben", "--count", "10")
            #expect(others.map { $0.row("data").text("n") } == ["4", "5"], "nobody else holds an entry")
            try expectPending(log, "anna", delivered.map { $0.text("id") }, deliveries: 1)
            let again = try log.rows("groups", "read", "orders", "desk", "anna", "--own")
            #expect(again.map { $0.text("id") } == delivered.map { $0.text("id") })
            #expect(again.allSatisfy { $0.number("deliveries") == 2 }, "\(again)")
            try expectPending(log, "anna", delivered.map { $0.text("id") }, deliveries: 2)
            // One in the middle, then the rest, then once more: twice is once.
            let ids = delivered.map { $0.text("id") }
            try log.expect(0, "groups", "ack", "orders", "desk", ids[1])
            try expectPending(log, "anna", [ids[0], ids[2]], deliveries: 2)
            try log.expect(0, "groups", "ack", "orders", "desk", ids[0], ids[2])
            try log.expect(1, "groups", "ack", "orders", "desk", ids[0], ids[2])
            try log.expect(0, "groups", "ack", "orders", "desk", others[0].text("id"), others[1].text("id"))
            #expect(try log.rows("groups", "pending", "orders", "desk").isEmpty)
            let group = try #require(try log.rows("groups").first)
            #expect(group.number("pending") == 0 && group.number("lag") == 0, "\(group)")
        }
    }

    @Test func aReaderThatIsKilledAtAnyPlaceLosesNothing() throws {
        try withScratchLog { log in
            let file = try log.file("entries.jsonl", (0..<40).map { Messages.entry(key: "k\($0)", value: $0) })
            try log.expect(0, "append", "orders", "--from", file, "--key-from", "k")
            try log.expect(0, "groups", "create", "orders", "desk")
            for failpoint in ["transaction.begun", "commit.before", "commit.after", "reply.after"] {
                let reader = try log.start(
                    "groups", "read", "orders", "desk", "anna", "--count", "5", failpoint: failpoint)
                #expect(try reader.finish().signal == SIGKILL, "\(failpoint) must be reached")
                try log.verify()
            }
            let group = try #require(try log.rows("groups").first)
            #expect(group.number("lag") + group.number("pending") == 40, "\(group)")
            #expect(group.number("pending") == 10, "two of four reads were committed: \(group)")
            let own = try log.rows("groups", "read", "orders", "desk", "anna", "--own", "--count", "100")
            let new = try log.rows("groups", "read", "orders", "desk", "anna", "--count", "100")
            #expect((own + new).map { $0.row("data").text("v") } == (0..<40).map { "\($0)" })
            for failpoint in ["commit.before", "commit.after"] {
                let ack = try log.start("groups", "ack", "orders", "desk", own[0].text("id"), failpoint: failpoint)
                #expect(try ack.finish().signal == SIGKILL)
                let left = try log.rows("groups", "pending", "orders", "desk").count
                #expect(left == (failpoint == "commit.before" ? 40 : 39), "\(failpoint)")
            }
        }
    }

    @Test func oneGroupIsSeenByEitherNameOfItsStream() throws {
        try withScratchLog { log in
            try log.expect(0, "groups", "create", Messages.panics, "audit_logger")
            let second = try log.expect(1, "groups", "create", GroupTests.panics, "audit_logger")
            #expect(second.errors.contains("already there"), "\(second)")
            try log.expect(1, "append", GroupTests.panics, "event_id=e1", "reason=r", "issued_by=nobody", "ts=1")
            let read = try log.rows("groups", "read", GroupTests.panics, "audit_logger", "me")
            #expect(read.count == 1 && read.allSatisfy { $0.text("stream") == Messages.panics }, "\(read)")
            try log.expect(0, "groups", "ack", Messages.panics, "audit_logger", read.first?.text("id") ?? "none")
        }
    }

    @Test func everyChangeByCommandIsARecord() throws {
        try withScratchLog { log in
            for number in 1...6 { try log.expect(0, "append", "orders", "n=\(number)") }
            try log.expect(0, "groups", "create", "orders", "desk", "--dead-after", "2")
            let ids = try log.rows("groups", "read", "orders", "desk", "anna", "--count", "4").map { $0.text("id") }
            let claimed = try log.rows("groups", "claim", "orders", "desk", "ben", ids[0], ids[1])
            #expect(claimed.map { $0.number("deliveries") } == [2, 2])
            let none = try log.expect(1, "groups", "claim", "orders", "desk", "ben", ids[2], "--idle", "3600000")
            #expect(none.errors.contains("1 were not claimed"), "\(none)")
            let swept = try log.rows("groups", "auto-claim", "orders", "desk", "carl", "--idle", "0", "--count", "9")
            #expect(swept.filter { $0.names.contains("deliveries") }.map { $0.text("id") } == [ids[2], ids[3]])
            #expect(swept.filter { $0.names.contains("dead") }.map { $0.text("id") } == [ids[0], ids[1]])
            #expect(swept.last?.text("cursor") == "0-0")
            let dead = try log.rows("groups", "dead", "orders", "desk")
            #expect(dead.map { $0.text("id") } == [ids[0], ids[1]])
            #expect(dead.allSatisfy { $0.text("consumer") == "ben" && $0.number("deliveries") == 2 })
            try log.expect(0, "groups", "dead", "orders", "desk", "--retry", ids[0], "--consumer", "anna")
            try log.expect(0, "groups", "dead", "orders", "desk", "--drop", ids[1])
            try log.expect(1, "groups", "dead", "orders", "desk", "--drop", ids[1])
            try log.expect(0, "groups", "dead", "orders", "desk", "--bury", ids[2], "--reason", "symbol is gone")
            try log.expect(0, "groups", "delete-consumer", "orders", "desk", "carl")
            let consumers = try log.rows("groups", "consumers", "orders", "desk")
            #expect(
                consumers.map { "\($0.text("name")) \($0.number("pending")) \($0.flag("deleted") ?? false)" }
                    == ["anna 1 false", "ben 0 false", "carl 1 true"])
            try log.expect(0, "groups", "ack", "orders", "desk", ids[3])
            #expect(try log.rows("groups", "consumers", "orders", "desk").count == 2, "carl owns nothing any more")
            try log.expect(0, "groups", "create-consumer", "orders", "desk", "dora")
            try log.expect(1, "groups", "create-consumer", "orders", "desk", "dora")
            try log.expect(0, "groups", "dead-after", "orders", "desk", "0")
            try log.expect(0, "groups", "set-id", "orders", "desk", "0")
            #expect(try log.rows("groups").first?.number("lag") == 6)
            let unkept = try log.rows("groups", "read", "orders", "desk", "anna", "--count", "2", "--no-ack")
            #expect(unkept.count == 2)
            try log.expect(0, "groups", "destroy", "orders", "desk")
            try log.expect(1, "groups", "destroy", "orders", "desk")
            #expect(try log.rows("groups").isEmpty)
            let changes = try log.records("--kind", "group.changed").map { $0.row("data").text("change") }
            #expect(
                changes == [
                    "created", "claimed", "dead_lettered", "claimed", "dead_letters_retried", "dead_letters_dropped",
                    "dead_lettered", "consumer_deleted", "acknowledged", "consumer_created", "dead_after_set", "id_set",
                    "destroyed",
                ])
        }
    }

    @Test func whatIsTakenFromARolesGroupIsTakenKnowingly() throws {
        try withScratchLog { log in
            try log.expect(0, "append", Messages.decisions, "symbol=BTCUSDT", "side=buy", "trace_id=t")
            let router = try log.start("serve", "--roles", "router", failpoint: "decision.before@1")
            #expect(try router.finish().signal == SIGKILL)
            let pending = try log.rows("groups", "pending", Messages.decisions, "router")
            let id = try #require(pending.first).text("id")
            for arguments in [
                ["ack", Messages.decisions, "router", id], ["claim", Messages.decisions, "router", "me", id],
                ["auto-claim", Messages.decisions, "router", "me", "--idle", "0"],
                ["read", Messages.decisions, "router", "me"],
                ["dead", Messages.decisions, "router", "--bury", id, "--reason", "r"],
            ] {
                let refused = try log.run(["groups"] + arguments)
                #expect(refused.status == 2 && refused.errors.contains("--on-role"), "\(refused)")
            }
            #expect(try log.rows("groups", "pending", Messages.decisions, "router").count == 1)
            try log.expect(0, "groups", "ack", Messages.decisions, "router", id, "--on-role")
        }
    }

    @Test func wrongInputToGroupsIsOneSentenceAndChangesNothing() throws {
        try withScratchLog { log in
            try log.expect(0, "append", "orders", "n=1")
            try log.expect(0, "groups", "create", "orders", "desk")
            let head = try log.head()
            for (arguments, status, says) in [
                (["groups", "read", "orders", "none", "a"], 2, "no consumer group none"),
                (["groups", "read", "nothing", "desk", "a"], 2, "no stream nothing"),
                (["groups", "set-id", "orders", "desk", "12x"], 2, "an entry id is needed"),
                (["groups", "ack", "orders", "desk", "x"], 2, "no entry id"),
                (["groups", "read", "orders", "desk", "a", "--own", "--no-ack"], 2, "exclude each other"),
                (["groups", "dead", "orders", "desk", "--retry", "1-1"], 2, "needs --consumer"),
                (["groups", "dead", "orders", "desk", "--bury", "1-1"], 2, "needs --reason"),
                (["groups", "auto-claim", "orders", "desk", "a", "--count", "0"], 2, "at least 1"),
                (["groups", "pending", "orders", "none"], 2, "no consumer group"),
                (["groups", "pending", "orders", "desk", "--idle", "9223372036854775807"], 2, "--idle must be"),
                (["groups", "pending", "orders", "desk", "--count=-1"], 2, "at least 1"),
                (["groups", "dead", "orders", "desk", "--count", "0"], 2, "at least 1"),
                (["groups", "delete-consumer", "orders", "desk", "nobody"], 1, "no consumer nobody"),
            ] {
                let finished = try log.run(arguments)
                #expect(finished.status == Int32(status) && finished.errors.contains(says), "\(finished)")
            }
            #expect(try log.head() == head)
        }
    }

    private func expectPending(_ log: ScratchLog, _ consumer: String, _ ids: [String], deliveries: Int) throws {
        let pending = try log.rows("groups", "pending", "orders", "desk", "--consumer", consumer)
        #expect(pending.map { $0.text("id") } == ids, "\(pending)")
        #expect(pending.allSatisfy { $0.text("consumer") == consumer }, "\(pending)")
        #expect(pending.allSatisfy { $0.number("deliveries") == deliveries && $0.number("idle_ms") >= 0 }, "\(pending)")
    }
}
