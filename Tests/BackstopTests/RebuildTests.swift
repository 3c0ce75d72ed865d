// Nothing derived is precious: views may be lost, or be another log's, and answers stay what the log gives.

import Foundation
import Programmes
import Testing

@Suite(.repeatable) struct RebuildTests {
    @Test func deletedViewsAreBuiltAgainWithTheSameDigests() throws {
        try withScratchLog { log in
            try addFill(log, trade: 1, quantity: "1.5")
            try log.expect(0, "append", Messages.decisions, "symbol=BTCUSDT", "side=buy", "trace_id=t")
            let before = try log.rows("rebuild").map { $0.text("digest") }
            try FileManager.default.removeItem(atPath: log.views)
            #expect(try log.run("rebuild", "--check").status == 1, "nothing is saved")
            #expect(try log.rows("positions").first?.text("quantity") == "1.5")
            #expect(try log.records("--trace", "t").count == 1)
            #expect(try log.rows("rebuild").map { $0.text("digest") } == before)
            try log.expectRebuildIsEqual()
        }
    }

    @Test func anotherLogsViewsAreDroppedAndNotServed() throws {
        try withScratchLog { log in
            try log.expect(0, "init", "other")
            for trade in 1...3 { try addFill(log, "--log", "other", trade: trade, quantity: "9") }
            try log.expect(0, "append", "s", "a=b", "--trace", "t", "--log", "other")
            try log.expect(0, "rebuild", "--log", "other")
            try addFill(log, trade: 1, quantity: "1.5")
            try log.expect(0, "append", "s", "a=b", "--trace", "mine")
            try log.expect(0, "rebuild")
            try restoreViews(log, from: log.folder + "/other")
            try expectOwnState(log, quantity: "1.5", trace: "mine")
        }
    }

    @Test func viewsOfADivergedCopyAreDroppedAndNotServed() throws {
        try withScratchLog { log in
            try addFill(log, trade: 1, quantity: "1")
            // The same log id; then both go on, each its own way.
            try FileManager.default.copyItem(atPath: log.path, toPath: log.folder + "/copy")
            try addFill(log, "--log", "copy", trade: 2, quantity: "7")
            try log.expect(0, "append", "s", "a=b", "--trace", "theirs", "--log", "copy")
            try log.expect(0, "rebuild", "--log", "copy")
            try addFill(log, trade: 3, quantity: "0.5")
            try log.expect(0, "append", "s", "a=b", "--trace", "mine")
            try restoreViews(log, from: log.folder + "/copy")
            try expectOwnState(log, quantity: "1.5", trace: "mine")
            try log.expect(0, "verify", "--log", "copy")
        }
    }

    @Test func anOlderCopyOfTheViewsIsBroughtUpToDate() throws {
        try withScratchLog { log in
            try addFill(log, trade: 1, quantity: "1")
            try log.expect(0, "rebuild")
            try FileManager.default.copyItem(atPath: log.views, toPath: log.folder + "/old-views")
            try addFill(log, trade: 2, quantity: "0.5")
            try log.expect(0, "append", "s", "a=b", "--trace", "mine")
            try log.expect(0, "rebuild")
            try FileManager.default.removeItem(atPath: log.views)
            try FileManager.default.moveItem(atPath: log.folder + "/old-views", toPath: log.views)
            #expect(try log.run("rebuild", "--check").status == 0, "equal as of its own sequence")
            let status = try log.status()
            #expect(status.number("as_of_seq") == status.number("head"))
            #expect(status.rows("positions").first?.text("quantity") == "1.5", "\(status)")
            #expect(try log.records("--trace", "mine").count == 1)
        }
    }

    @Test func aBackupIsTheSameLogWithItsGroups() throws {
        try withScratchLog { log in
            for number in 1...4 { try log.expect(0, "append", "orders", "n=\(number)") }
            try log.expect(0, "groups", "create", "orders", "desk")
            try log.expect(0, "groups", "read", "orders", "desk", "anna", "--count", "3")
            let before = try log.rows("groups", "pending", "orders", "desk").map {
                "\($0.text("id")) \($0.number("deliveries"))"
            }
            try log.expect(0, "backup", "copy")
            let after = try log.rows("groups", "pending", "orders", "desk", "--log", "copy")
            #expect(after.map { "\($0.text("id")) \($0.number("deliveries"))" } == before && before.count == 3)
            let (ours, copied) = (try log.records(), try log.records("--log", "copy"))
            #expect(ours.map(\.description) == copied.map(\.description))
            try log.expect(0, "restore", "copy", "new")
            #expect(try log.rows("groups", "read", "orders", "desk", "ben", "--log", "new").count == 1)
        }
    }

    // MARK: Parts

    private func restoreViews(_ log: ScratchLog, from folder: String) throws {
        try FileManager.default.removeItem(atPath: log.views)
        try FileManager.default.copyItem(atPath: folder + "/views", toPath: log.views)
    }

    private func expectOwnState(_ log: ScratchLog, quantity: String, trace: String) throws {
        let check = try log.run("rebuild", "--check")
        #expect(check.status == 1 && check.errors.contains("nothing is saved that belongs to this log"), "\(check)")
        let positions = try log.status().rows("positions")
        #expect(positions.map { $0.text("quantity") } == [quantity], "\(positions)")
        #expect(try log.records("--trace", trace).count == 1)
        #expect(try log.records("--trace", "theirs").isEmpty)
        try log.expectRebuildIsEqual()
    }

    private func addFill(_ log: ScratchLog, _ more: String..., trade: Int, quantity: String) throws {
        let finished = try log.run(
            [
                "append", Messages.fills, "venue=v", "account=a", "symbol=BTCUSDT", "trade_id=\(trade)", "side=buy",
                "quantity=\(quantity)", "price=100",
            ] + more)
        #expect(finished.status == 0, "\(finished)")
    }
}
