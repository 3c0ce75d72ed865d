// A disk that fills: the log refuses with its own words before LMDB meets the end of the disk, and goes on
// being readable. On a small tmpfs; skipped, and said so, where mounting is not permitted.

import Foundation
import Glibc
import Programmes
import Testing

@Suite(.repeatable) struct FullDiskTests {
    @Test func aFullDiskIsRefusedInWordsAndTheLogStaysReadable() throws {
        try withSmallDisk(mebibytes: 12, reserve: 0) { log in
            let told = try fill(log)
            try expectReadable(log, told)
            // Nothing was half done: what is refused now is taken once there is room.
            #expect(try log.run("append", "fill", "--from", "more.jsonl", "--key-from", "k").status == 1)
        }
    }

    @Test func theReserveIsKeptWhileOrdinaryAppendsAreRefused() throws {
        try withSmallDisk(mebibytes: 16, reserve: 1 << 20) { log in
            let told = try fill(log)
            try expectReadable(log, told)
            #expect(try log.status().row("disk").number("reserve_bytes") == 1 << 20)
        }
    }

    @Test func aPanicTriggerIsTakenAlthoughTheDiskIsFull() throws {
        try withSmallDisk(mebibytes: 16, reserve: 1 << 20) { log in
            _ = try fill(log)
            try log.expect(1, "append", "fill", "a=b")  // even the smallest ordinary one
            let now = Int(Date().timeIntervalSince1970 * 1_000)
            let panic = try log.run(
                "append", Messages.panics, "event_id=e1", "reason=full", "severity=CRITICAL", "issued_by=ops",
                "ts=\(now)")
            #expect(panic.status == 0, "an emergency goes before the limit: \(panic)")
            #expect(try log.status().text("trading") == "HALTED")
        }
    }

    @Test func aBatchThatDoesNotFitIntoOneTransactionIsRoutedInParts() throws {
        try withSmallDisk(mebibytes: 40, reserve: 0) { log in
            let note = String(repeating: "n", count: 100_000)
            let lines = (0..<64).map {
                #"{"trace_id":"t\#($0)","symbol":"BTCUSDT","side":"BUY","confidence":"0.9","note":"\#(note)"}"#
            }
            let file = try log.file("large.jsonl", lines)
            try log.expect(0, "append", Messages.decisions, "--from", file, "--key-from", "trace_id")
            let router = try log.start("serve", "--roles", "router")
            try log.wait("all 64 are routed") { try log.records("--kind", "trade.intent").count == 64 }
            router.send(SIGTERM)
            #expect(try router.finish().status == 0)
        }
    }

    // MARK: Parts

    /// Imports until it is refused; the answers until then.
    private func fill(_ log: ScratchLog) throws -> [String: Int] {
        var told: [String: Int] = [:]
        let filler = String(repeating: "x", count: 2_000)
        for round in 0..<100 {
            let keys = (0..<256).map { "r\(round)-\($0)" }
            let file = try log.file("more.jsonl", keys.map { #"{"k":"\#($0)","filler":"\#(filler)"}"# })
            let finished = try log.run("append", "fill", "--from", file, "--key-from", "k", "--json")
            for (key, line) in zip(keys, finished.lines) {
                let answer = try Answer(line)
                if answer.outcome == "appended" { told[key] = answer.sequence }
            }
            if finished.status == 0 { continue }
            #expect(finished.status == 1, "\(finished)")
            #expect(
                finished.errors.contains("that it may use") && finished.errors.contains("log-full.md"), "\(finished)")
            return told
        }
        throw Trouble("the disk never filled")
    }

    private func expectReadable(_ log: ScratchLog, _ told: [String: Int]) throws {
        #expect(!told.isEmpty)
        #expect(try log.sequences(ofKeysIn: "fill") == told.mapValues { [$0] })
        let status = try log.status()
        #expect(status.text("trading") == "ACTIVE")
        #expect(status.row("disk").number("used_bytes") > 0)
        try log.verify()
        for verb in ["positions", "groups", "rebuild"] { try log.expect(0, verb) }
    }

    /// A log on a tmpfs of its own; files to import and outputs stand beside it, on the ordinary disk.
    private func withSmallDisk(mebibytes: Int, reserve: Int, _ body: (ScratchLog) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.path + "/backstop-test-" + UUID().uuidString
        let log = ScratchLog(folder: folder, seed: Seed.value)
        try FileManager.default.createDirectory(atPath: log.path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // what cannot be removed harms no test
        let options = "size=\(mebibytes)m"
        let status = mount("backstop-test", log.path, "tmpfs", 0, options)
        guard status == 0 else {
            print("skipped: a tmpfs cannot be mounted here: \(String(cString: strerror(errno)))")
            return
        }
        defer { umount2(log.path, Int32(MNT_DETACH)) }
        let made = try log.run(["init"], environment: ["BACKSTOP_LOG_RESERVE_BYTES": "\(reserve)"])
        guard made.status == 0 else { throw Trouble("\(made)") }
        try body(log)
        try log.verify()
    }
}
