// `backup` and `restore` as commands: what they say, what they refuse, and what a kill leaves: nothing that passes for whole.

import EventLog
import Foundation
import Glibc
import Programmes
import Testing

@Suite(.repeatable) struct CopyCommandTests {
    private func fill(_ log: ScratchLog, _ count: Int = 20) throws {
        let lines = (0..<count).map { #"{"n":"\#($0)"}"# }
        try log.expect(0, "append", "s", "--from", try log.file("lines", lines), "--key-from", "n")
    }

    private func contents(_ folder: String) throws -> [String: Data] {
        var found: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
            found[name] = FileManager.default.contents(atPath: folder + "/" + name)
        }
        return found
    }

    @Test func aRestoredLogGoesOnUnderAnIDOfItsOwnAndHaltsWhereNothingIsKnown() throws {
        try withScratchLog { log in
            try fill(log)
            let head = try log.status().text("head_hash")
            let backup = try #require(try log.rows("backup", "copy").first)
            #expect(backup.number("bytes") > 0 && backup.number("copy_ms") >= 0 && backup.text("head_hash") == head)
            let before = try contents(log.folder + "/copy")
            let restored = try #require(try log.rows("restore", "copy", "new").first)
            #expect(restored.text("verdict") == "unknown" && restored.flag("halted") == true, "\(restored)")
            #expect(restored.text("parent_id") == backup.text("log_id"))
            #expect(try contents(log.folder + "/copy") == before, "the backup is touched")
            let status = try #require(try log.rows("status", "--log", "new").first)
            #expect(status.text("log_id") == restored.text("log_id") && status.text("trading") == "HALTED")
            #expect(status.row("halt").text("reason") == "RESTORED_HEAD_UNKNOWN", "\(status)")
            try log.expect(0, "verify", "--log", "new", "--head", "\(backup.number("head")):\(head)")
            try log.expect(
                0, "verify", "--log", "new", "--head", "\(restored.number("head")):\(restored.text("head_hash"))")
            let again = try log.run("append", "s", "n=3", "--key", "3", "--log", "new")
            #expect(again.status == 0 && again.lines.joined().contains("duplicate"), "\(again)")
            let resumed = try log.run(
                "resume", "--operator", "anna", "--reason", "looked", "--accept-open-risk", "--log", "new")
            #expect(resumed.status == 0, "\(resumed)")
            #expect(try #require(try log.rows("status", "--log", "new").first).text("trading") == "ACTIVE")
        }
    }

    @Test func theHeadsThatAreGivenDecide() throws {
        try withScratchLog { log in
            try fill(log)
            let old = try log.status()
            let oldHead = "\(old.number("head")):\(old.text("head_hash"))"
            try log.expect(0, "append", "s", "n=more")
            try log.expect(0, "backup", "copy")
            let now = try log.status()
            let head = "\(now.number("head")):\(now.text("head_hash"))"
            try log.expect(0, "append", "s", "n=later")
            let later = try log.status()
            let laterHead = "\(later.number("head")):\(later.text("head_hash"))"
            for (number, (heads, verdict)) in [
                ([head], "current"), ([oldHead], "unknown"), ([laterHead], "behind"), ([head, laterHead], "behind"),
            ].enumerated() {
                let row = try #require(
                    try log.rows(["restore", "copy", "new\(number)"] + heads.flatMap { ["--head", $0] }).first)
                #expect(row.text("verdict") == verdict && row.flag("halted") == (verdict != "current"), "\(row)")
                try log.expect(0, "verify", "--log", "new\(number)")
            }
            let said = try log.expect(0, "restore", "copy", "told", "--head", laterHead)
            #expect(
                said.lines.joined().contains("RESTORED_BEHIND") && said.lines.joined().contains("restored.md"),
                "\(said)")
            let foreign = "\(old.number("head")):\(later.text("head_hash"))"
            let refused = try log.run("restore", "copy", "foreign", "--head", foreign)
            #expect(refused.status == 1 && refused.errors.contains("another hash"), "\(refused)")
            #expect(try log.run("status", "--log", "foreign").status == 2)
            for wrong in ["7", "x:y", "7:abc"] {
                let answer = try log.run("restore", "copy", "wrong", "--head", wrong)
                #expect(answer.status == 2 && answer.errors.contains("N:HASH"), "\(answer)")
            }
            #expect(!FileManager.default.fileExists(atPath: log.folder + "/wrong"))
        }
    }

    @Test func whatCannotBeDoneIsSaidBeforeItIsBegun() throws {
        try withScratchLog { log in
            try fill(log)
            try log.expect(0, "backup", "copy")
            let full = log.folder + "/full"
            try FileManager.default.createDirectory(atPath: full, withIntermediateDirectories: true)
            try Data("mine".utf8).write(to: URL(fileURLWithPath: full + "/file"))
            for (words, text) in [
                (["backup", "copy"], "already a log"), (["backup", "full"], "not empty"),
                (["backup", "log/inside"], "lies inside"), (["backup", ""], "empty"),
                (["backup", "full/file/deeper"], "Not a directory"),
                (["restore", "nowhere", "new"], "no log at nowhere"),
                (["restore", "full", "new"], "no log at full"), (["restore", "copy", "full"], "not empty"),
                (["restore", "copy", "copy/new"], "lies inside"), (["restore", "copy"], "already a log"),
            ] {
                let answer = try log.run(words)
                #expect(answer.status == 2 && answer.errors.contains(text), "\(words): \(answer)")
            }
            let service = try log.start("serve", "--roles", "router")
            try log.wait("it listens") { service.errors.contains("listening") }
            let living = try log.run("restore", "log", "new")
            #expect(living.status == 2 && living.errors.contains("in use"), "\(living)")
            service.send(SIGTERM)
            _ = try service.finish()
            #expect(try FileManager.default.contentsOfDirectory(atPath: full) == ["file"])
            #expect(!FileManager.default.fileExists(atPath: log.folder + "/new"))
            let written = try log.run("append", "s", "n=1", "--log", "copy")
            #expect(written.status == 2 && written.errors.contains("backstop restore"), "\(written)")
        }
    }

    @Test func aDiskThatIsTooSmallIsSaidBeforeItBegins() throws {
        try withScratchLog { log in
            let filler = String(repeating: "x", count: 4_000)
            let lines = (0..<1_500).map { #"{"n":"\#($0)","filler":"\#(filler)"}"# }
            try log.expect(0, "append", "s", "--from", try log.file("lines", lines))
            try log.expect(0, "backup", "copy")
            let small = log.folder + "/small"
            try FileManager.default.createDirectory(atPath: small, withIntermediateDirectories: true)
            guard mount("backstop-test", small, "tmpfs", 0, "size=4m") == 0 else {
                print("skipped: a tmpfs cannot be mounted here: \(String(cString: strerror(errno)))")
                return
            }
            defer { umount2(small, Int32(MNT_DETACH)) }
            for words in [["backup", "small/copy"], ["restore", "copy", "small/new"]] {
                let answer = try log.run(words)
                #expect(answer.status == 2 && answer.errors.contains("bytes are needed"), "\(answer)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: small) == [])
        }
    }

    @Test func aBackupThatIsDamagedIsNotRestored() throws {
        try withScratchLog { log in
            try fill(log, 200)
            try log.expect(0, "backup", "copy")
            let path = log.folder + "/copy/log/data.mdb"
            var bytes = try #require(FileManager.default.contents(atPath: path))
            let place = try #require(
                bytes.range(of: Data("\"n\"".utf8)) ?? bytes.range(of: Data("untyped".utf8))
                    ?? bytes.range(of: Data([1, 0, 16, 0]))
            ).lowerBound
            bytes[place + 100] ^= 1
            try bytes.write(to: URL(fileURLWithPath: path))
            let answer = try log.run("restore", "copy", "new")
            #expect(answer.status == 1 && answer.errors.contains("damaged"), "\(answer)")
            #expect(try log.run("status", "--log", "new").status == 2)
            try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: path))
            let cut = try log.run("restore", "copy", "new")
            #expect(cut.status == 1 && cut.errors.contains("cut off"), "\(cut)")
        }
    }

    @Test(.enabled(if: Failpoint.isCompiledIn), arguments: Failpoint.ofCopies, ["backup", "restore"])
    func aKillLeavesNothingThatPassesForWhole(_ place: Failpoint, _ verb: String) throws {
        try withScratchLog { log in
            try fill(log)
            try log.expect(0, "backup", "source")
            let words = verb == "backup" ? ["backup", "made"] : ["restore", "source", "made"]
            let killed = try log.run(words, environment: ["BACKSTOP_FAILPOINT": "\(place.rawValue)@1"])
            // The child that writes a backup's copy is killed in its parent's place, which then says so.
            #expect(killed.signal == SIGKILL || killed.status == 2, "\(killed)")
            let isWhole = place == .copyRenamed || place == .copyFinished
            let verified = try log.run("verify", "--log", "made")
            #expect(verified.status == (isWhole ? 0 : 2), "\(place): \(verified)")
            if !isWhole {
                let used = try log.run("restore", "made", "other")
                #expect(used.status == 2, "\(used)")
                let again = try log.run(words)
                #expect(again.status == 0, "\(again)")
            }
            try log.expect(0, "verify", "--log", "made")
        }
    }
}
