import ArgumentParser
import EventLog
import Events
import Foundation
import Records
import Services

struct Query: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show records: by trace, symbol, kind, stream, time, sequence, or a chain of causes.",
        discussion: """
            Conditions are joined by AND. Times are ISO-8601 (no offset: UTC), epoch seconds or milliseconds, or
            an age: 90s, 15m, 2h, 3d.

            Examples:
              backstop query --since 15m --kind decision.refused
              backstop query --trace BTCUSDT_2026-01-17T06:27:49.791495
              backstop query --chain 1204            what led to record 1204, and all that followed from it
              backstop query --follow --json         every new record, as it comes
            """)

    @Option(help: "Records of this trace id.")
    var trace: String?
    @Option(help: "Records whose data names this symbol.")
    var symbol: String?
    @Option(help: "Records of this kind, for example trade.intent.")
    var kind: String?
    @Option(help: "Records of this stream, by either of its names.")
    var stream: String?
    @Option(help: "Recorded at this time or later.")
    var since: String?
    @Option(help: "Recorded before this time.")
    var until: String?
    @Option(help: ArgumentHelp("A range of sequences, both ends included; either may be left out.", valueName: "a..b"))
    var seq: String?
    @Option(help: ArgumentHelp("The causal tree that this record belongs to.", valueName: "seq"))
    var chain: UInt64?
    @Option(help: "At most so many records (0: no limit).")
    var limit = 1_000
    @Flag(help: "Go on with new records until interrupted.")
    var follow = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if chain != nil, follow { throw ValidationError("--chain does not go with --follow") }
        if limit < 0 { throw ValidationError("--limit must be at least 0") }
    }

    func run() throws {
        let filter = try QueryFilter(self, now: LogClock.system.now())
        try common.withLog(.reading) { log in
            if let chain {
                try showChain(SequenceNumber(chain), log)
            } else {
                try showRecords(filter, log)
            }
        }
    }

    // MARK: Lists

    private func showRecords(_ filter: QueryFilter, _ log: EventLog) throws {
        var printer = RecordPrinter(json: common.json)
        let max = limit == 0 ? Int.max : limit
        var next = filter.start
        if let trace {
            let views = try Views(for: log)
            defer { views.close() }
            for sequence in try TraceIndex(views: views, log: log).sequences(of: trace, limit: .max) {
                guard printer.count < max else { break }
                guard let record = try log.snapshot({ try $0.record(sequence) }) else { continue }
                let shown = try ShownRecord(record: record, stream: printer.stream(of: record, log))
                if record.traceID == trace, filter.matches(shown) { printer.show(shown) }
                next = sequence.next
            }
        } else {
            next = try scan(filter, from: next, max: max, &printer, log)
        }
        if follow { try followOn(filter, from: next, max: max, &printer, log) }
        printer.finish(isCut: !follow && printer.count >= max)
    }

    /// Returns the first sequence that it has not looked at.
    private func scan(
        _ filter: QueryFilter, from start: SequenceNumber, max: Int, _ printer: inout RecordPrinter, _ log: EventLog
    ) throws -> SequenceNumber {
        var next = start
        var isAtEnd = false
        while !isAtEnd, printer.isOpen {
            let page = try QueryPage(from: next, filter, in: log)
            next = page.next
            isAtEnd = page.isLast
            for record in page.records {
                guard printer.count < max, printer.isOpen else { return next }
                let shown = try ShownRecord(record: record, stream: printer.stream(of: record, log))
                if filter.matches(shown) { printer.show(shown) }
            }
        }
        return next
    }

    private func followOn(
        _ filter: QueryFilter, from start: SequenceNumber, max: Int, _ printer: inout RecordPrinter, _ log: EventLog
    ) throws {
        var next = start
        while printer.count < max, printer.isOpen {
            Output.flush()
            _ = try log.wait(past: next.previous, milliseconds: Limits.wakeIntervalMillisecondsMax)
            next = try scan(filter, from: next, max: max, &printer, log)
        }
    }

    // MARK: Chains

    private func showChain(_ sequence: SequenceNumber, _ log: EventLog) throws {
        guard let tree = try CausalTree(of: sequence, in: log) else {
            throw NegativeFinding(text: "no record \(sequence); the log ends at \(try log.head().sequence)")
        }
        var printer = RecordPrinter(json: common.json)
        for node in tree.nodes {
            let shown = try ShownRecord(record: node.record, stream: printer.stream(of: node.record, log))
            if common.json {
                printer.show(shown)
            } else {
                let mark = node.record.sequence == sequence ? Output.styled(" ◀", .bold) : ""
                Output.line(
                    node.indent + Output.styled("#\(node.record.sequence)", .bold) + " "
                        + shown.kind + "  " + shown.summary
                        + Output.styled("  " + TimeText.render(node.record.header.recordedAt), .dim) + mark)
            }
        }
    }
}
