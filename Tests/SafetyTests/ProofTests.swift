// The proof harness, as a user runs it, proves the built program; and its judge says FAIL where something is wrong.

import Foundation
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct ProofTests {
    @Test(arguments: ["resp", "redis"]) func decisionsGivenTwiceHaveOneIntentAndOneEnd(against: String) throws {
        try withProof("--against", against) { finished, evidence in
            #expect(finished.status == 0, "\(finished)")
            #expect(finished.lines.last == "DEDUP=PASS | TERMINAL=PASS | OVERALL=PASS")
            let summary = try JSONSerialization.jsonObject(with: Data(contentsOf: evidence("summary.json")))
            let runs = try #require((summary as? [String: Any])?["runs"] as? [[String: Any]])
            #expect(runs.map { $0["against"] as? String } == [against])
            #expect(runs.map { $0["overall"] as? Bool } == [true])
            // Ten decisions, each given twice, as they stand in the log.
            let records = try String(contentsOf: evidence(against + "/query.jsonl"), encoding: .utf8)
            #expect(records.components(separatedBy: #""kind":"decision","#).count == 21)
            #expect(records.components(separatedBy: #""kind":"trade.intent","#).count == 11)
            for name in [
                "REPORT.md", "\(against)/trading.log", "\(against)/streams-before.txt", "\(against)/streams-after.txt",
                "\(against)/groups-at-the-kill.txt", "\(against)/dedup-keys.txt",
            ] { #expect(try !Data(contentsOf: evidence(name)).isEmpty, "\(name)") }
        }
    }

    @Test(arguments: [
        ("dedup", "DEDUP=FAIL | TERMINAL=PASS | OVERALL=FAIL"),
        ("terminal", "DEDUP=PASS | TERMINAL=FAIL | OVERALL=FAIL"),
    ]) func whatIsSabotagedIsFound(part: String, verdict: String) throws {
        try withProof("--against", "resp", "--sabotage", part) { finished, _ in
            #expect(finished.status == 1, "\(finished)")
            #expect(finished.lines.last.map(String.init) == verdict, "\(finished)")
            #expect(finished.lines.filter { $0.hasSuffix("FAIL") }.count == 2, "\(finished)")
        }
    }

    @Test func withoutItsProgrammesItCouldNotRun() throws {
        try withSafetyLog { log in
            let finished = try ProofTests.harness(["--bin", log.folder], log)
            #expect(finished.status == 2 && finished.errors.contains("no such program"), "\(finished)")
        }
    }

    private static func harness(_ arguments: [String], _ log: SafetyLog) throws -> Finished {
        try RunningProgram(
            arguments, folder: log.folder, environment: log.environment(), piped: .nothing,
            program: OperationsTests.root + "/ops/proof-harness"
        ).finish()
    }

    private func withProof(
        _ arguments: String..., body: (Finished, _ evidence: (String) -> URL) throws -> Void
    ) throws {
        try withSafetyLog { log in
            let programmes = URL(fileURLWithPath: Program.path).deletingLastPathComponent().path
            let folder = URL(fileURLWithPath: log.folder + "/evidence")
            let finished = try ProofTests.harness(
                arguments + ["--bin", programmes, "--evidence", folder.path], log)
            try body(finished) { folder.appendingPathComponent($0) }
        }
    }
}
