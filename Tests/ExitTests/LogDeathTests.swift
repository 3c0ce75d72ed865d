// The deaths of the log: whatever it does, the closes leave in time and stand in the journal; once it works again,
// everything becomes records, and the positions of the log and of the exchange are equal.

import Foundation
import Glibc
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct LogDeathTests {
    /// From the trigger on; the exchange takes 50 ms a call.
    static let flatSecondsMax = 8.0

    private func withDeadLog(_ body: (TradingLog) throws -> Void) throws {
        try withTradingLog(try Exchange(["--latency", "50"])) { log in
            try log.open(TradingLog.four)
            try body(log)
        }
    }

    /// Triggers by the socket: all is closed in time, and the journal holds every close.
    private func exit(_ log: TradingLog, _ worker: RunningProgram) throws {
        try log.expectTaken(TradingLog.formA("dead"))
        try log.waitUntilFlat(within: LogDeathTests.flatSecondsMax, worker)
        try log.wait("the journal holds each close and its end") {
            let lines = log.journal()
            let ends = lines.filter { $0.contains(#""line":"outcome""#) && $0.contains("filled") }
            return lines.filter { $0.contains(#""line":"request""#) }.count >= 4 && ends.count >= 4
        }
    }

    private func expectImported(_ log: TradingLog, _ worker: RunningProgram) throws {
        let end = try log.wait(for: 1, "panic.completed", [worker])[0].row("data")
        #expect(end.number("positions_total") == 4 && end.text("event_id") == "dead", "\(end)")
        do { try log.wait("the journal goes", within: 60) { log.journal().isEmpty } } catch {
            throw Trouble("\(error)\n\(log.journal())\n\(worker.errors.suffix(4_000))")
        }
        try log.end(worker)
        let judgement = try ExitJudgement(log)
        try judgement.expectFlat(completions: 1)
        #expect(judgement.closes.count == 4 && judgement.of("panic.requested").count == 1)
        #expect(judgement.of("panic.requested")[0].row("data").text("event_id") == "dead")
    }

    /// The write lock is held by a process that stands still.
    @Test func itsLockIsHeldByAStoppedProcess() throws {
        try withDeadLog { log in
            let worker = try log.exit()
            try log.wait("the recorder answers") { worker.errors.contains("the recorder has log") }
            let holder = try log.start(
                ["append", "other", "a=b"], environment: ["BACKSTOP_FAILPOINT": "transaction.begun@1@stop"])
            try log.wait("the holder stands still") { Children.stands(holder.pid) }
            try exit(log, worker)
            holder.send(SIGCONT)
            #expect(try holder.finish().status == 0)
            try expectImported(log, worker)
        }
    }

    /// Its own maximum is reached: nothing ordinary is taken any more, and emergencies go before the limit.
    @Test func itsMaximumIsReached() throws {
        try withDeadLog { log in
            let full = ["--set", "log.size_max_bytes=1"]
            let worker = try log.exit(full)
            let refused = try log.run(["append", "other", "a=b"] + full)
            #expect(refused.status == 1 && refused.errors.contains("log-full.md"), "\(refused)")
            let panic = TradingLog.formA("dead").map { "\($0.0)=\($0.1)" }
            #expect(try log.run(["append", TradingLog.Stream.panics] + panic + full).status == 0)
            try log.waitUntilFlat(within: LogDeathTests.flatSecondsMax, worker)
            try expectImported(log, worker)
        }
    }

    /// Not a byte is free on its disk, for its journal neither. On a tmpfs; skipped, and said so, where mounting is not
    /// permitted.
    @Test func itsDiskIsFull() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/backstop-test-" + UUID().uuidString
        let log = TradingLog(folder: folder, exchange: try Exchange(["--latency", "50"]))
        try FileManager.default.createDirectory(atPath: log.path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // harms no test
        guard mount("backstop-test", log.path, "tmpfs", 0, "size=24m") == 0 else {
            print("skipped: a tmpfs cannot be mounted here: \(String(cString: strerror(errno)))")
            return
        }
        defer { umount2(log.path, Int32(MNT_DETACH)) }
        #expect(try log.run("init").status == 0)
        try log.open(TradingLog.four)
        let worker = try log.exit()
        try log.wait("the recorder answers") { worker.errors.contains("the recorder has log") }
        let filler = try fill(log.path)
        try exit(log, worker)
        let folders = worker.errors.contains("journal \(log.path)/exit-journal: it takes no write")
        #expect(folders, "the disk is not full: \(worker.errors)")
        unlink(filler)
        try expectImported(log, worker)
        try log.verify()
    }

    private func fill(_ folder: String) throws -> String {
        let path = folder + "/filler"
        let file = creat(path, 0o600)
        defer { close(file) }
        for size in [1 << 16, 1 << 12, 1] {
            let bytes = [UInt8](repeating: 1, count: size)
            while write(file, bytes, size) == size {}
        }
        return path
    }

    /// Each life of the recorder fails at its n-th call; later ones find a log that works.
    @Test(arguments: ["sync:2:EIO", "sync:7:EIO", "write:2:EIO", "write:9:EIO", "write:6:ENOSPC"])
    func itsDiskFails(fault: String) throws {
        try withDeadLog { log in
            let shim = URL(fileURLWithPath: Program.path).deletingLastPathComponent().path + "/libCallShim.so"
            let worker = try log.exit(environment: [
                "LD_PRELOAD": shim, "CALL_SHIM_FOLDER": log.path + "/log", "CALL_SHIM_FAIL": fault,
            ])
            try exit(log, worker)
            try log.end(worker)
            try expectImported(log, try log.exit())
        }
    }

    /// Whoever touches a page of it dies by SIGBUS.
    @Test func itsFileIsTruncatedUnderIt() throws {
        try withDeadLog { log in
            let data = log.path + "/log/data.mdb"
            let worker = try log.exit()
            try log.wait("the recorder answers") { worker.errors.contains("the recorder has log") }
            let whole = try Data(contentsOf: URL(fileURLWithPath: data))
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: data))
            try file.truncate(atOffset: 4_096)
            try exit(log, worker)
            try file.truncate(atOffset: 0)
            try file.write(contentsOf: whole)
            try file.close()
            try expectImported(log, worker)
        }
    }

    /// Nor do the journal's places take a line: the closes leave all the same.
    @Test func neitherLogNorJournalTakeAnything() throws {
        try withDeadLog { log in
            try FileManager.default.createDirectory(atPath: log.runFolder, withIntermediateDirectories: true)
            for folder in log.journalFolders { try Data().write(to: URL(fileURLWithPath: folder)) }
            let worker = try log.exit()
            let recorder = try log.recorder(of: worker)
            kill(recorder, SIGSTOP)
            try log.expectTaken(TradingLog.formA("bare"))
            try log.waitUntilFlat(within: LogDeathTests.flatSecondsMax, worker)
            let told = worker.errors.split(separator: "\n").filter {
                $0.hasPrefix("journal ") && $0.contains(#""line":"request""#)
            }
            #expect(told.count >= 4, "standard error is the last place")
            kill(recorder, SIGCONT)
            _ = try log.wait(for: 1, "panic.completed", [worker])
            try log.end(worker)
            try ExitJudgement(log).expectFlat(completions: 1)
        }
    }
}
