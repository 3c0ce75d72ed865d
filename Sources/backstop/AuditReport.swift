// The result of an audit, for people and for machines.

import Domain
import Events
import Records

struct AuditReport {
    let audit: Audit
    let head: Head
    let logID: LogID
    let timeline: AuditTimeline
    /// When the first findings' records were written.
    let findingTimes: [(sequence: SequenceNumber, at: Timestamp)]
    let since: Timestamp?

    var book: AuditBook { audit.book }
    var hasPassed: Bool { book.findingCount == 0 }
    var replayed: [(rule: String, count: Int)] {
        book.replayed.sorted { $0.key < $1.key }.map { (rule: $0.key, count: $0.value) }
    }

    // MARK: For people

    func print(verbose: Bool, seconds: Double) {
        if !book.findings.isEmpty {
            var table = Table([("SEQ", .right), ("RULE", .left), ("EXPECTED", .left), ("FOUND", .left)])
            for finding in book.findings.prefix(verbose ? .max : AuditReport.shownMax) {
                table.add([
                    finding.sequence.description, finding.rule, Output.oneLine(finding.expected),
                    Output.oneLine(finding.found),
                ])
            }
            table.print()
            more(book.findingCount - min(book.findings.count, verbose ? .max : AuditReport.shownMax), "findings")
        }
        if verbose, !book.gaps.isEmpty {
            var table = Table([("SEQ", .right), ("RULE", .left), ("NOT REPLAYABLE", .left)])
            for gap in book.gaps { table.add([gap.sequence.description, gap.rule, Output.oneLine(gap.why)]) }
            table.print()
            more(book.gapCount - book.gaps.count, "not replayable")
        }
        for (rule, count) in replayed { Output.line("\(rule.padding(22)) \(grouped(count)) as recorded") }
        if book.gapCount > 0 {
            let hint = verbose ? "" : "  (--verbose lists them, with the reason)"
            Output.line("\("not replayable".padding(22)) \(grouped(book.gapCount))\(hint)")
        }
        let rate = seconds > 0 ? Int(Double(head.sequence.rawValue) / seconds) : 0
        let word = hasPassed ? Output.styled("passed", .green) : Output.styled("FAILED", .red)
        let findings = hasPassed ? "" : "  \(grouped(book.findingCount)) findings"
        Output.line(
            "\(word)\(findings)  \(grouped(head.sequence.rawValue)) records in \(seconds.seconds), \(grouped(rate)) a second  head \(head)"
        )
    }

    private static let shownMax = 50

    private func more(_ count: Int, _ what: String) {
        if count > 0 { Output.line(Output.styled("… and \(grouped(count)) more \(what)", .dim)) }
    }

    // MARK: For machines

    func printJSON() {
        for finding in book.findings {
            Output.json(
                .object([
                    JSONMember(
                        "finding",
                        .object([
                            JSONMember("seq", number(finding.sequence.rawValue)),
                            JSONMember("rule", .string(finding.rule)),
                            JSONMember("expected", .string(finding.expected)),
                            JSONMember("found", .string(finding.found)),
                        ]))
                ]))
        }
        for gap in book.gaps {
            Output.json(
                .object([
                    JSONMember(
                        "not_replayable",
                        .object([
                            JSONMember("seq", number(gap.sequence.rawValue)), JSONMember("rule", .string(gap.rule)),
                            JSONMember("why", .string(gap.why)),
                        ]))
                ]))
        }
        Output.json(
            .object([
                JSONMember("audit", .string(hasPassed ? "passed" : "failed")),
                JSONMember("as_of_seq", number(head.sequence.rawValue)),
                JSONMember("head_hash", .string(head.hash.hex)),
                JSONMember("log_id", .string(logID.description)),
                JSONMember("since", since.map { .string(TimeText.render($0)) } ?? .null),
                JSONMember("findings", number(UInt64(book.findingCount))),
                JSONMember("not_replayable", number(UInt64(book.gapCount))),
                JSONMember(
                    "as_recorded", .object(replayed.map { JSONMember($0.rule, number(UInt64($0.count))) })),
            ]))
    }
}
