// Printing records as they are found: JSON lines and CSV for machines, aligned lines for people.

import ArgumentParser
import EventLog
import Events
import Records

enum RecordFormat: String, ExpressibleByArgument, CaseIterable {
    case table, json, csv
}

struct RecordPrinter {
    private let format: RecordFormat
    private let log: EventLog
    private let sequenceWidth: Int
    private(set) var count = 0
    private(set) var isOpen = true
    private var streams: [StreamNumber: StreamName] = [:]
    private static let kindWidth = EventKind.allCases.map(\.name.count).max() ?? 0

    /// - Parameter widest: the largest sequence that is likely to come.
    init(_ format: RecordFormat, _ log: EventLog, widest: SequenceNumber) {
        self.format = format
        self.log = log
        sequenceWidth = max(6, widest.description.count)
    }

    mutating func shown(_ record: Record) throws -> ShownRecord {
        ShownRecord(record: record, stream: try stream(of: record))
    }

    private mutating func stream(of record: Record) throws -> StreamName? {
        let number = record.header.stream
        guard number != .none else { return nil }
        if let known = streams[number] { return known }
        let name = try log.snapshot { try $0.stream(number).name }
        streams[number] = name
        return name
    }

    mutating func show(_ shown: ShownRecord) {
        if count == 0 { showHead() }
        count += 1
        switch format {
        case .json: isOpen = Output.line(Output.tameJSON(JSONText.render(shown.json)))
        case .csv: isOpen = Output.text(CSV.line(shown.cells))
        case .table:
            let cause = shown.record.header.cause.isNone ? "" : Output.styled("  ← \(shown.record.header.cause)", .dim)
            isOpen = Output.line(
                pad(shown.record.sequence.description, sequenceWidth, right: true) + "  "
                    + TimeText.render(shown.record.header.recordedAt) + "  "
                    + pad(shown.kind, RecordPrinter.kindWidth) + "  " + shown.summary + cause + trace(shown))
        }
    }

    /// As a line of a tree.
    mutating func show(_ shown: ShownRecord, in node: CausalTree.Node, isAsked: Bool) {
        guard format == .table else { return show(shown) }
        count += 1
        isOpen = Output.line(
            node.indent + Output.styled("#\(shown.record.sequence)", .bold) + " " + shown.kind + "  " + shown.summary
                + Output.styled("  " + TimeText.render(shown.record.header.recordedAt), .dim)
                + (isAsked ? Output.styled(" ◀", .bold) : ""))
    }

    /// - Parameter hint: why there may be nothing.
    func finish(isCut: Bool, hint: String?) {
        if count == 0 {
            if format == .csv { showHead() }
            say("no record matches" + (hint.map { ": \($0)" } ?? ""))
        }
        if isCut { say("… stopped at \(grouped(count)) records, and there are more; see --limit") }
    }

    /// A remark; never among the lines that a machine reads.
    func say(_ text: String) {
        if format == .table { Output.line(Output.styled(text, .dim)) } else if count > 0 { Output.error(text) }
    }

    private func showHead() {
        switch format {
        case .json: break
        case .csv: Output.text(CSV.line(ShownRecord.columns))
        case .table:
            let titles =
                pad("SEQ", sequenceWidth, right: true) + "  " + pad("RECORDED AT", 27) + "  "
                + pad("KIND", RecordPrinter.kindWidth) + "  WHAT"
            Output.line(Output.styled(titles, .dim))
        }
    }

    private func trace(_ shown: ShownRecord) -> String {
        shown.record.traceID.isEmpty ? "" : Output.styled("  " + Output.tame(shown.record.traceID), .dim)
    }

    private func pad(_ text: String, _ width: Int, right: Bool = false) -> String {
        let gap = String(repeating: " ", count: max(0, width - text.count))
        return right ? gap + text : text + gap
    }
}

/// RFC 4180: lines end with CR LF, a cell with a comma, a quote or an end of line is quoted.
enum CSV {
    static func line(_ cells: [String]) -> String { cells.map(cell).joined(separator: ",") + "\r\n" }

    private static func cell(_ text: String) -> String {
        let safe = isFormula(text) ? "'" + text : text
        guard safe.unicodeScalars.contains(where: { ["\"", ",", "\r", "\n"].contains($0) }) else { return safe }
        return "\"" + safe.replacing("\"", with: "\"\"") + "\""
    }

    /// What a spreadsheet would compute instead of showing it. A plain number is none.
    private static func isFormula(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, ["=", "+", "-", "@", "\t", "\r"].contains(first) else {
            return false
        }
        do {
            _ = try ExactDecimal(text)
            return false
        } catch { return true }
    }
}
