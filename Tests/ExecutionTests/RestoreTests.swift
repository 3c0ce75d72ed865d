// A log that is restored from a backup, after which the old one has traded on: nothing is ordered a second time, whatever
// was pending in the backup, halted or resumed; what was requested is asked for by the name that the old log gave it.

import Foundation
import Glibc
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct RestoreTests {
    private struct Scene {
        let old: TradingLog
        let exchange: Exchange
        let backup: String

        /// A child of the old log, in a folder of its own.
        func restored(_ heads: [String] = []) throws -> TradingLog {
            let child = TradingLog(folder: old.folder + "/c", exchange: exchange)
            try FileManager.default.createDirectory(atPath: child.folder, withIntermediateDirectories: true)
            let done = try old.run(["restore", backup, child.path] + heads.flatMap { ["--head", $0] })
            guard done.status == 0 else { throw Trouble("\(done)") }
            return child
        }

        func head() throws -> String {
            let status = try old.status()
            return "\(status.number("head")):\(status.text("head_hash"))"
        }
    }

    private func withScene(_ body: (Scene) throws -> Void) throws {
        let exchange = try Exchange()
        try withTradingLog(exchange) { log in
            try body(Scene(old: log, exchange: exchange, backup: log.folder + "/backup"))
        }
    }

    private func backUp(_ scene: Scene) throws {
        let done = try scene.old.run("backup", scene.backup)
        #expect(done.status == 0, "\(done)")
    }

    private func resume(_ log: TradingLog) throws {
        let done = try log.run(
            "resume", "--operator", "anna", "--reason", "compared with the exchange", "--accept-open-risk")
        #expect(done.status == 0, "\(done)")
    }

    @Test(arguments: [false, true]) func whatWasPendingInTheBackupIsNotExecutedAgain(isResumedFirst: Bool) throws {
        try withScene { scene in
            try scene.old.intent("BTCUSDT", "buy", "0.01", trace: "opening")
            try scene.old.append(
                TradingLog.Stream.decisions, TradingLog.order("ETHUSDT", "buy", "1", "decision"))
            try backUp(scene)
            let service = try scene.old.serve()
            _ = try scene.old.wait(for: 2, "execution.result", [service])
            try scene.old.stop(service)
            #expect(try scene.exchange.orders().count == 2)

            let child = try scene.restored([try scene.head()])
            #expect(try child.status().row("halt").text("reason") == "RESTORED_BEHIND")
            if isResumedFirst { try resume(child) }
            let services = try child.serve()
            let end = try child.wait(for: 1, "execution.result", [services])[0].row("data")
            #expect(end.text("status") == "failed" && end.text("reason").hasPrefix("before_restore"), "\(end)")
            let refused = try child.wait(for: 1, "decision.refused", [services])[0].row("data")
            #expect(refused.text("reason") == "before_restore", "\(refused)")
            #expect(try scene.exchange.orders().count == 2, "ordered again")

            if !isResumedFirst { try resume(child) }
            try child.intent("BTCUSDT", "buy", "0.02", trace: "after")
            #expect(try child.wait(for: 2, "execution.result", [services])[1].row("data").text("status") == "filled")
            #expect(try scene.exchange.orders().count == 3)
            try child.stop(services)
            try child.verify()
        }
    }

    /// The position is another one by now: what the old close was for has long been closed.
    @Test func aCloseFromBeforeTheRestoreClosesNothing() throws {
        try withScene { scene in
            try scene.old.intent("BTCUSDT", "close", "", trace: "close")
            try backUp(scene)
            try scene.exchange.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01")
            let child = try scene.restored()
            let service = try child.serve()
            let end = try child.wait(for: 1, "execution.result", [service])[0].row("data")
            #expect(end.text("status") == "failed" && end.text("reason").hasPrefix("before_restore"), "\(end)")
            #expect(try scene.exchange.positions().count == 1)
            try child.stop(service)
        }
    }

    @Test func anOrderThatWasRequestedBeforeTheBackupIsFoundByItsOldName() throws {
        try withScene { scene in
            try scene.old.intent("BTCUSDT", "buy", "0.01", trace: "t")
            let killed = try scene.old.serve(failpoint: "place.after@1")
            try expectKilled([killed])
            try backUp(scene)
            let child = try scene.restored()
            let service = try child.serve()
            let end = try child.wait(for: 1, "execution.result", [service])[0].row("data")
            #expect(end.text("status") == "filled", "\(end)")
            try child.stop(service)
            #expect(try scene.exchange.orders().count == 1)
            try child.verify()
            // The old log is out of use; its own end is the same.
            let old = try scene.old.serve()
            #expect(try scene.old.wait(for: 1, "execution.result", [old])[0].row("data").text("status") == "filled")
            try scene.old.stop(old)
        }
    }

    /// A head that is exactly the restored one shows that nothing followed: what was pending goes on, under new names.
    @Test func aCurrentRestoreGoesOnWhereTheOldLogStood() throws {
        try withScene { scene in
            try scene.old.intent("BTCUSDT", "buy", "0.01", trace: "t")
            try backUp(scene)
            let child = try scene.restored([try scene.head()])
            #expect(try child.status().text("trading") == "ACTIVE")
            let service = try child.serve()
            #expect(try child.wait(for: 1, "execution.result", [service])[0].row("data").text("status") == "filled")
            try child.stop(service)
            #expect(try scene.exchange.orders().count == 1)
        }
    }
}
