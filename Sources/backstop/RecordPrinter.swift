// Printing records as they are found: JSON lines for machines, aligned lines for people.

import EventLog
import Events
import Records

struct RecordPrinter {
    private let json: Bool
    private(set) var count = 0
    private(set) var isOpen = true
    private var streams: [StreamNumber: StreamName] = [:]

    init(json: Bool) { self.json = json }

    mutating func stream(of record: Record, _ log: EventLog) throws -> StreamName? {
        let number = record.header.stream
        guard number != .none else { return nil }
        if let known = streams[number] { return known }
        let name = try log.snapshot { try $0.stream(number).name }
        streams[number] = name
        return name
    }

    /// False where nobody reads any more.
    @discardableResult
    mutating func show(_ shown: ShownRecord) -> Bool {
        if !json, count == 0 {
            Output.line(Output.styled("     SEQ  RECORDED AT                  KIND              WHAT", .dim))
        }
        count += 1
        if json {
            isOpen = Output.line(JSONText.render(shown.json))
        } else {
            let cause = shown.record.header.cause.isNone ? "" : Output.styled("  ← \(shown.record.header.cause)", .dim)
            let trace = shown.record.traceID.isEmpty ? "" : Output.styled("  \(shown.record.traceID)", .dim)
            isOpen = Output.line(
                pad(shown.record.sequence.description, 8, right: true) + "  "
                    + TimeText.render(shown.record.header.recordedAt) + "  " + pad(shown.kind, 16) + "  "
                    + shown.summary + cause + trace)
        }
        return isOpen
    }

    func finish(isCut: Bool) {
        guard !json else { return }
        if count == 0 { Output.line("no record matches") }
        if isCut { Output.line(Output.styled("… stopped at \(grouped(count)) records; see --limit", .dim)) }
    }

    private func pad(_ text: String, _ width: Int, right: Bool = false) -> String {
        let gap = String(repeating: " ", count: max(0, width - text.count))
        return right ? gap + text : text + gap
    }
}
