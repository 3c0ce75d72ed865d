// `bundle`, `verify FILE` and tools/check-bundle: one file, two checkers that know nothing of each other, the same answers.

import Foundation
import Programmes
import Testing

@Suite(.repeatable) struct BundleCommandTests {
    private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("tools/check-bundle").path

    private func script(_ log: ScratchLog, _ arguments: String...) throws -> Finished {
        try RunningProgram(
            [BundleCommandTests.script] + arguments, folder: log.folder, environment: log.environment(),
            piped: .nothing, program: "/usr/bin/python3"
        ).finish()
    }

    private func withIncident(_ body: (ScratchLog, _ decision: Int) throws -> Void) throws {
        try withScratchLog { log in
            try log.expect(0, "append", "exit_brain:heartbeat", "service_id=h", "status=OK", "active_positions=0")
            let decision = try #require(
                try log.rows(
                    "append", Messages.decisions, "symbol=BTCUSDT", "side=buy", "confidence=0.9", "quantity=0.01",
                    "trace_id=t-1"
                ).first
            ).number("seq")
            let router = try log.start("serve", "--roles", "router")
            try log.wait("it is routed") { try log.records("--kind", "trade.intent").count == 1 }
            router.send(SIGTERM)
            _ = try router.finish()
            try body(log, decision)
        }
    }

    @Test func bothCheckersBelieveWhatWasMade() throws {
        try withIncident { log, decision in
            let made = try #require(try log.rows("bundle", "\(decision)", "incident.zip").first)
            let head = "\(made.number("head")):\(made.text("head_hash"))"
            #expect(made.number("subject") == decision && made.number("linked_from") == decision, "\(made)")
            for more in [[], ["--head", head]] {
                let ours = try log.run(["verify", "incident.zip"] + more, environment: ["BACKSTOP_LOG": "/nowhere"])
                #expect(ours.status == 0 && ours.lines.first?.hasPrefix("clean") == true, "\(ours)")
            }
            for theirs in [try script(log, "incident.zip"), try script(log, "incident.zip", "--head", head)] {
                #expect(theirs.status == 0 && theirs.lines.first?.hasPrefix("clean") == true, "\(theirs)")
            }
            let again = try log.run("bundle", "\(decision)", "incident.zip")
            #expect(again.status == 2 && again.errors.contains("--force"), "\(again)")
            let before = FileManager.default.contents(atPath: log.folder + "/incident.zip")
            try log.expect(0, "bundle", "\(decision)", "incident.zip", "--force")
            #expect(FileManager.default.contents(atPath: log.folder + "/incident.zip") == before)
            let unzipped = try RunningProgram(
                ["-c", "import zipfile,sys; print(zipfile.ZipFile('incident.zip').testzip())"], folder: log.folder,
                environment: log.environment(), piped: .nothing, program: "/usr/bin/python3"
            ).finish()
            #expect(unzipped.lines == ["None"], "any tool opens it: \(unzipped)")
        }
    }

    @Test func whatIsNoBundleOrAnothersIsSaid() throws {
        try withIncident { log, decision in
            try log.expect(0, "bundle", "\(decision)", "incident.zip")
            let head = try log.head()
            let foreign = "\(head):" + String(repeating: "ab", count: 32)
            let whole = try #require(FileManager.default.contents(atPath: log.folder + "/incident.zip"))
            var altered = whole
            altered[altered.count / 2] ^= 1
            try log.file("text", ["hello"])
            for (name, data) in [("cut", whole.prefix(whole.count / 2)), ("altered", altered), ("empty", Data())] {
                try data.write(to: URL(fileURLWithPath: log.folder + "/" + name))
            }
            for (words, status, text) in [
                (["cut"], 1, "cut"), (["altered"], 1, "altered"), (["empty"], 2, "no zip"), (["text"], 2, "no zip"),
                (["nothing"], 2, "No such file"), ([log.path], 2, "no file"),
                (["incident.zip", "--head", foreign], 1, "another log's"),
                (["incident.zip", "--head", "x"], 2, "N:HASH"),
            ] as [([String], Int32, String)] {
                let ours = try log.run(["verify"] + words)
                let said = ours.errors + ours.lines.joined()
                #expect(ours.status == status && said.contains(text), "\(words): \(ours)")
                let theirs = try RunningProgram(
                    [BundleCommandTests.script] + words, folder: log.folder, environment: log.environment(),
                    piped: .nothing, program: "/usr/bin/python3"
                ).finish()
                #expect(theirs.status == status && !theirs.errors.contains("Traceback"), "\(words): \(theirs)")
            }
            let none = try log.run("bundle", "999", "other.zip")
            #expect(none.status == 1 && none.errors.contains("no record 999; the log ends at"), "\(none)")
            #expect(!FileManager.default.fileExists(atPath: log.folder + "/other.zip"))
            let nowhere = try log.run("bundle", "\(decision)", "missing/other.zip")
            #expect(nowhere.status == 2 && nowhere.errors.contains("No such file"), "\(nowhere)")
        }
    }

    /// Every byte of a bundle, one after the other, in one process of the script.
    @Test func theScriptFindsEveryByte() throws {
        try withIncident { log, decision in
            try log.expect(0, "bundle", "\(decision)", "incident.zip")
            let sweep = """
                import importlib.machinery, importlib.util
                loader = importlib.machinery.SourceFileLoader("check", \(BundleCommandTests.script.debugDescription))
                check = importlib.util.module_from_spec(importlib.util.spec_from_loader("check", loader))
                loader.exec_module(check)
                data = open("incident.zip", "rb").read()
                check.check(data, None)
                bad = []
                for place in range(len(data)):
                    altered = bytearray(data); altered[place] ^= 1 + place % 255
                    try:
                        check.check(bytes(altered), None); bad.append(place)
                    except (check.Altered, check.NoBundle, ValueError, KeyError):
                        pass
                print(len(data), bad)
                """
            let finished = try RunningProgram(
                ["-c", sweep], folder: log.folder, environment: log.environment(), piped: .nothing,
                program: "/usr/bin/python3"
            ).finish()
            #expect(finished.status == 0 && finished.lines.first?.hasSuffix(" []") == true, "\(finished)")
        }
    }
}
