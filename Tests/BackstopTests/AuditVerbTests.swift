// `backstop audit` as operators run it: on logs that real routers wrote, with rules that were changed, as JSON and as a
// page, and on files that are damaged.

import Foundation
import Programmes
import Testing

@Suite(.repeatable) struct AuditVerbTests {
    /// Decisions of every fate, and some that sell; routed by a real process.
    private func withRoutedLog(_ more: [String] = [], _ body: (ScratchLog) throws -> Void) throws {
        try withScratchLog { log in
            let sells = (0..<5).map { Messages.decision(key: "s-\($0)", trace: "sells-\($0)", side: "sell") }
            let lines = Messages.mixedDecisions(40, prefix: "a") + sells + Messages.mixedDecisions(40, prefix: "b")
            let file = try log.file("decisions.jsonl", lines)
            try log.expect(0, "append", Messages.decisions, "--from", file, "--key-from", "key")
            if !more.isEmpty { try log.expect(0, ["append"] + more) }
            let router = try log.start("serve", "--roles", "router")
            try log.waitUntilRouted()
            router.send(SIGTERM)
            #expect(try router.finish().status == 0)
            try body(log)
        }
    }

    private func audit(_ log: ScratchLog, rules: String) throws -> Finished {
        try log.run(["audit", "--json"], environment: ["BACKSTOP_AUDIT_RULES": rules])
    }

    @Test func aRoutersLogPassesAndChangedRulesAreFoundAtTheFirstDifference() throws {
        try withRoutedLog { log in
            let rows = try log.rows("audit")
            let last = try #require(rows.last)
            #expect(last.text("audit") == "passed" && last.number("findings") == 0, "\(rows)")
            #expect(last.row("as_recorded").number("router/1") == 85, "\(last)")
            #expect(last.number("as_of_seq") == (try log.head()))

            let changed = try audit(log, rules: "changed")
            #expect(changed.status == 1, "\(changed)")
            let findings = try changed.lines.map { try Row($0) }.filter { $0.members["finding"] != nil }
                .map { $0.row("finding") }
            let intents = try log.records("--kind", "trade.intent")
            let sells = intents.filter { $0.row("data").text("action") == "sell" }.map { $0.number("seq") }
            #expect(sells.count == 5 && findings.map { $0.number("seq") } == sells, "\(findings)")
            #expect(findings.allSatisfy { $0.text("rule") == "router/1" && !$0.text("expected").isEmpty })

            let random = try audit(log, rules: "random")
            #expect(random.status == 1, "\(random)")
        }
    }

    @Test func peopleReadTheVerdictAndTheFirstFinding() throws {
        try withRoutedLog { log in
            let passed = try log.expect(0, "audit")
            #expect(passed.lines.last?.hasPrefix("passed") == true, "\(passed)")
            let failed = try log.run(["audit"], environment: ["BACKSTOP_AUDIT_RULES": "changed"])
            #expect(failed.status == 1 && failed.out.contains("FAILED  5 findings"), "\(failed)")
        }
    }

    @Test func sinceJudgesOnlyWhatCameLater() throws {
        try withRoutedLog { log in
            let all = try log.run(["audit", "--since", "1h"], environment: ["BACKSTOP_AUDIT_RULES": "changed"])
            #expect(all.status == 1, "\(all)")
            let none = try log.run(
                ["audit", "--since", "2099-01-01T00:00:00Z"], environment: ["BACKSTOP_AUDIT_RULES": "changed"])
            #expect(none.status == 0, "\(none)")
        }
    }

    // MARK: The page

    @Test func thePageIsWholeByItselfAndNoRecordWritesIntoIt() throws {
        let nasty = #"</title></svg><script>alert("x")</script><img src=http://example.org/x onerror='y'>"#
        try withRoutedLog([
            Messages.panics, "event_id=e1", "reason=\(nasty)", "severity=CRITICAL", "issued_by=ops",
            "ts=\(Int64(Date().timeIntervalSince1970 * 1_000))",
        ]) { log in
            let path = log.folder + "/night.html"
            let failed = try log.run(
                ["audit", "--html", path], environment: ["BACKSTOP_AUDIT_RULES": "changed"])
            #expect(failed.status == 1, "\(failed)")
            let page = try String(contentsOfFile: path, encoding: .utf8)
            #expect(page.hasPrefix("<!doctype html>") && page.contains("</html>") && page.contains("<svg"))
            #expect(page.contains("&lt;script&gt;alert(&quot;x&quot;)"), "the reason is shown, as text")
            for markup in ["<script", "<img", "<b>", "<link", "<iframe", "@import", "url(", "<object"] {
                #expect(!page.contains(markup), "\(markup)")
            }
            #expect(
                page.matches(of: /(?i)\s(src|href|xlink:href|onerror|onload)=/).allSatisfy { !isInTag($0.range, page) })
            #expect(page.contains("router/1") && page.contains("failed</span>"))
        }
    }

    /// Whether a place stands between `<` and `>`.
    private func isInTag(_ range: Range<String.Index>, _ page: String) -> Bool {
        let before = page[..<range.lowerBound]
        guard let open = before.lastIndex(of: "<") else { return false }
        return (before.lastIndex(of: ">") ?? page.startIndex) < open
    }

    @Test func whatCannotBeDoneSaysSoBeforeTheLogIsRead() throws {
        try withScratchLog { log in
            for since in ["yesterday-ish", "-5m", "2026-13-45"] {
                let finished = try log.expect(2, "audit", "--since=\(since)")
                #expect(finished.errors.contains("--since"), "\(finished)")
            }
            for path in ["/proc/nothing/night.html", log.folder, log.folder + "/missing/night.html"] {
                let finished = try log.expect(2, "audit", "--html", path)
                #expect(finished.errors.contains("cannot be written"), "\(finished)")
            }
            let missing = try log.run(["audit"], environment: ["BACKSTOP_LOG": log.folder + "/none"])
            #expect(missing.status == 2, "\(missing)")
        }
    }

    @Test func anEmptyLogPasses() throws {
        try withScratchLog { log in
            let path = log.folder + "/empty.html"
            try log.expect(0, "audit", "--html", path)
            #expect(try String(contentsOfFile: path, encoding: .utf8).contains("passed</span>"))
        }
    }

    // MARK: Damage

    @Test func aDamagedFileIsAFindingAndNeverACrash() throws {
        try withRoutedLog { log in
            var random = SeededGenerator(log.seed, for: "damage")
            let data = try Data(contentsOf: URL(fileURLWithPath: log.path + "/log/data.mdb"))
            var found = 0
            for round in 0..<scaled(24) {
                let copy = log.folder + "/copy-\(round)"
                try FileManager.default.copyItem(atPath: log.path, toPath: copy)
                defer { try? FileManager.default.removeItem(atPath: copy) }  // harms no test
                // Without its first pages it would be no LMDB file at all: that cannot be run.
                var bytes = data
                if round.isMultiple(of: 3) {
                    bytes = bytes.prefix(4096 * (2 + Int(random.next() % UInt64(data.count / 4096 - 2))))
                } else {
                    for _ in 0..<(round.isMultiple(of: 2) ? 1 : 2_000) {
                        bytes[8_192 + Int(random.next() % UInt64(bytes.count - 8_192))] = UInt8(
                            truncatingIfNeeded: random.next())
                    }
                }
                try bytes.write(to: URL(fileURLWithPath: copy + "/log/data.mdb"))
                let finished = try log.run(["audit"], environment: ["BACKSTOP_LOG": copy])
                let isTold = finished.status == 0 || finished.status == 1
                #expect(isTold, "round \(round): \(finished)\n\(finished.errors)")
                if finished.status == 1 { found += 1 }
            }
            #expect(found >= scaled(24) / 3)
        }
    }
}

extension ScratchLog {
    @discardableResult
    fileprivate func expect(
        _ status: Int32, _ arguments: [String], location: SourceLocation = #_sourceLocation
    ) throws -> Finished {
        let finished = try run(arguments)
        #expect(finished.status == status, "\(finished)", sourceLocation: location)
        return finished
    }
}
