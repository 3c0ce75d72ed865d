// Copies of a log: what speaks against one is said before anything is made, a copy that was stopped passes for nothing,
// and what becomes a log of its own says whose child it is.

import EventLog
import Foundation
import Glibc
import LMDB
import Records
import Testing

@Suite struct CopyTests {
    private func made(_ records: Int) throws -> String {
        let path = temporaryFolder() + "/log"
        _ = try EventLog.create(at: path, options: testOptions())
        let log = try open(path)
        _ = try log.append((0..<records).map { draft("record number \($0)", key: "k\($0)") })
        log.close()
        return path
    }

    private func open(_ path: String, _ mode: AccessMode = .writing) throws -> EventLog {
        try EventLog(at: path, mode: mode, rules: testRules, options: testOptions())
    }

    private func openUnfinished(_ path: String) throws -> EventLog {
        try EventLog(
            in: LogFolder(unfinished: path), mode: .writing, rules: testRules, options: testOptions())
    }

    private func unfinished(_ path: String, of log: EventLog, free: Int = 1 << 40) throws -> UnfinishedLog {
        try UnfinishedLog(at: path, from: log.folder, needed: log.copyBytesMax, diskFree: { _ in free })
    }

    private func backup(_ log: EventLog) throws -> String {
        let copy = temporaryFolder() + "/copy"
        let target = try unfinished(copy, of: log)
        try log.copy(into: copy)
        try target.finishBackup(of: log.id, try log.head())
        return copy
    }

    /// As `restore` does it.
    private func restore(_ backup: String, _ verdict: Restoration.Verdict) throws -> (String, Restoration) {
        let path = temporaryFolder() + "/restored"
        let cold = try ColdCopy(backup)
        let target = try UnfinishedLog(at: path, from: cold.source, needed: cold.byteCount, diskFree: { _ in 1 << 40 })
        try cold.write(into: target) { _ in }
        let log = try openUnfinished(path)
        let restoration = Restoration(
            id: LogID.random(), parent: log.id, parentHead: try log.head(), verdict: verdict, known: [])
        let halt = verdict == .current ? nil : draft("halted", kind: TestKind.halt, stream: nil)
        #expect(try log.become(restoration, halt: halt) == log.head())
        log.close()
        try target.finish()
        return (path, restoration)
    }

    @Test func aBackupIsReadVerifiedAndNeverWrittenTo() throws {
        let path = try made(500)
        let log = try open(path)
        let copy = try backup(log)
        let opened = try open(copy, .reading)
        #expect(try opened.head() == log.head())
        #expect(try opened.verify(known: try log.head()) { _ in }.isClean)
        opened.close()
        #expect(throws: LogError.isBackup(path: copy)) { _ = try open(copy) }
        log.close()
    }

    @Test func aBackupBesideAWriterIsOneStateOfTheLog() throws {
        let path = try made(10)
        let log = try open(path)
        let isDone = DispatchSemaphore(value: 0)
        let writer = Thread {
            for round in 0..<200 { _ = try? log.append([draft("beside \(round)", key: "b\(round)")]) }  // seen below
            isDone.signal()
        }
        writer.start()
        for _ in 0..<5 {
            let copy = try backup(log)
            let opened = try open(copy, .reading)
            let report = try opened.verify(known: nil) { _ in }
            #expect(report.isClean, "\(report.findings)")
            #expect(try log.verify(known: report.head) { _ in }.isClean)
            opened.close()
        }
        isDone.wait()
        #expect(try log.head().sequence.rawValue >= 210)
        log.close()
    }

    @Test(arguments: [Restoration.Verdict.current, .behind, .unknown])
    func whatIsRestoredIsALogOfItsOwnThatKnowsItsParent(_ verdict: Restoration.Verdict) throws {
        let log = try open(try made(50))
        let copy = try backup(log)
        let before = try log.head()
        let (path, restoration) = try restore(copy, verdict)
        let child = try open(path)
        defer { child.close() }
        #expect(child.id == restoration.id && child.id != log.id && child.identity.origin == log.id)
        #expect(try child.verify(known: before) { _ in }.findings == [])
        #expect(try child.append([draft("record number 3", key: "k3")])[0].isDuplicate)
        let opening = try child.append([draft("opens", kind: TestKind.opening)])[0]
        #expect(opening.isAppended == (verdict == .current), "\(opening)")
        #expect(child.identity.isBeforeRestore(SequenceNumber(5)) == (verdict != .current))
        #expect(!child.identity.isBeforeRestore(try child.head().sequence))
        #expect(try child.verify(known: nil) { _ in }.findings == [])
        log.close()
    }

    @Test func aChildOfAChildStillBeginsWithItsOldestAncestor() throws {
        let log = try open(try made(5))
        let (first, one) = try restore(try backup(log), .behind)
        let child = try open(first)
        let (second, two) = try restore(try backup(child), .current)
        let grandchild = try open(second)
        #expect(grandchild.identity.origin == log.id && two.parent == one.id)
        // The newest restore was current, and leaves open what the one before it left open.
        #expect(grandchild.identity.barrier == child.identity.barrier && !grandchild.identity.barrier.isNone)
        #expect(try grandchild.verify(known: try log.head()) { _ in }.findings == [])
        for log in [log, child, grandchild] { log.close() }
    }

    /// Whoever changes the rows of a log's identity, and nothing else.
    @Test(arguments: ["log_id", "origin", "barrier"])
    func anIdentityThatTheRecordsDoNotGiveIsFound(_ row: String) throws {
        let log = try open(try made(5))
        let (path, _) = try restore(try backup(log), .unknown)
        log.close()
        let options = EnvironmentOptions(mapBytes: 1 << 30, readersMax: 16, tablesMax: 32, readOnly: false)
        let environment = try Environment(at: path + "/log", options: options)
        let meta = try #require(try environment.openTables(["meta"])[0])
        try environment.write { transaction in
            var bytes = try transaction.get(meta, row)?.withUnsafeBytes { Array($0) } ?? []
            bytes[0] ^= 1
            try transaction.put(meta, row, bytes)
        }
        environment.close()
        let problem: String
        do {
            let child = try open(path, .reading)
            problem = try child.verify(known: nil) { _ in }.findings.first?.problem ?? ""
            child.close()
        } catch { problem = "\(error)" }
        #expect(!problem.isEmpty)
    }

    // MARK: What speaks against a copy

    @Test func aDiskThatIsTooSmallIsSaidBeforeAnythingIsMade() throws {
        let log = try open(try made(5))
        defer { log.close() }
        let path = temporaryFolder() + "/deep/copy"
        let needed = log.copyBytesMax + Limits.freeBytesMin
        #expect(throws: LogError.diskTooSmall(path: path, needed: needed, free: needed)) {
            _ = try unfinished(path, of: log, free: needed)
        }
        #expect(!FileManager.default.fileExists(atPath: (path as NSString).deletingLastPathComponent))
        _ = try unfinished(path, of: log, free: needed + 1)
    }

    @Test func aCopyNeverGoesWhereSomethingIs() throws {
        let log = try open(try made(5))
        defer { log.close() }
        let inside = log.folder.path + "/views/copy"
        #expect(throws: LogError.insideItself(path: inside, source: log.folder.path)) {
            _ = try unfinished(inside, of: log)
        }
        #expect(throws: LogError.alreadyThere(path: log.folder.path)) { _ = try unfinished(log.folder.path, of: log) }
        let full = temporaryFolder()
        try Data("x".utf8).write(to: URL(fileURLWithPath: full + "/file"))
        #expect(throws: LogError.notEmpty(path: full)) { _ = try unfinished(full, of: log) }
        #expect(throws: LogError.notEmpty(path: full + "/file")) { _ = try unfinished(full + "/file", of: log) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: full) == ["file"])
        _ = try unfinished(temporaryFolder(), of: log)  // an empty one will do
    }

    @Test func aCopyThatWasStoppedIsNoLogAndIsBegunAgain() throws {
        let log = try open(try made(50))
        defer { log.close() }
        let copy = temporaryFolder() + "/copy"
        var target: UnfinishedLog? = try unfinished(copy, of: log)
        try log.copy(into: copy)
        #expect(throws: LogError.beingMade(path: copy)) { _ = try unfinished(copy, of: log) }
        withExtendedLifetime(target) {}
        target = nil
        #expect(throws: LogError.notALog(path: copy)) { _ = try open(copy, .reading) }
        #expect(throws: LogError.self) { _ = try ColdCopy(copy) }
        let again = try unfinished(copy, of: log)
        try log.copy(into: copy)
        try again.finishBackup(of: log.id, try log.head())
        let names = try FileManager.default.contentsOfDirectory(atPath: copy).sorted()
        #expect(names == ["FORMAT", "consumers", "log", "views"])
        let opened = try open(copy, .reading)
        #expect(try opened.verify(known: nil) { _ in }.isClean)
        opened.close()
    }

    @Test func aLivingLogIsNotCopiedByReadingItsFile() throws {
        let path = try made(5)
        let log = try open(path)
        #expect(throws: LogError.inUse(path: path)) { _ = try ColdCopy(path) }
        log.close()
    }
}
