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
            try log.expect(0, "append", GroupTests.panics, "event_id=e1", "reason=r", "issued_by=nobody", "ts=1")
            let read = try log.rows("groups", "read", GroupTests.panics, "audit_logger", "me")
            #expect(read.count == 1 && read.allSatisfy { $0.text("stream") == Messages.panics }, "\(read)")
            try log.expect(0, "groups", "ack", Messages.panics, "audit_logger", read.first?.text("id") ?? "none")
        }
    }

    private func expectPending(_ log: ScratchLog, _ consumer: String, _ ids: [String], deliveries: Int) throws {
        let pending = try log.rows("groups", "pending", "orders", "desk", "--consumer", consumer)
        #expect(pending.map { $0.text("id") } == ids, "\(pending)")
        #expect(pending.allSatisfy { $0.text("consumer") == consumer }, "\(pending)")
        #expect(pending.allSatisfy { $0.number("deliveries") == deliveries && $0.number("idle_ms") >= 0 }, "\(pending)")
    }
}
