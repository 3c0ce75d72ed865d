// What the worker says and does at its start: of a journal that is not its log's, of keys that the exchange refuses.

import Foundation
import Glibc
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct StartTests {
    /// A folder that was copied, or a log that was made anew in its place: another log's run closes nothing here.
    @Test func aJournalOfAnotherLogIsLeftAlone() throws {
        let exchange = try Exchange()
        try withTradingLogs(2, exchange) { logs in
            let (old, new) = (logs[0], logs[1])
            let dying = try old.exit()
            try old.panic(TradingLog.formA("old"))
            try old.wait("the run is journaled") { old.journal().contains { $0.contains("old") } }
            _ = try dying.killNow()
            let (from, to) = (old.journalFolders[0], new.journalFolders[0])
            try FileManager.default.copyItem(atPath: from, toPath: to)
            try new.open(TradingLog.four)
            let worker = try new.exit()
            try new.wait("it says so") { worker.errors.contains("is of another log than") }
            try new.end(worker)
            #expect(!worker.errors.contains("PANIC CLOSE EVENT RECEIVED"), "\(worker.errors)")
            let held = try exchange.positions().count
            #expect(held == 4 && !new.journal().isEmpty, "evidence stays")
            let records = try new.records("--kind", "panic.requested", "--kind", "panic.completed")
            #expect(records.isEmpty, "\(records)")
            try FileManager.default.removeItem(atPath: to)
        }
    }

    /// Known before the night in which it counts.
    @Test func aKeyThatTheExchangeRefusesIsToldAtTheStart() throws {
        try withTradingLog(try Exchange()) { log in
            let worker = try log.exit(environment: ["BACKSTOP_EXCHANGE_SECRET": "another-secret-than-it-knows"])
            try log.wait("it says so") { worker.errors.contains("NOTHING COULD BE CLOSED NOW") }
            try log.end(worker)
        }
    }
}
