import ArgumentParser
import EventLog
import Events
import Foundation
import Records
import Services

struct Append: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Append entries to a stream: one from arguments, or many from a file.",
        discussion: """
            A line of FILE is one flat JSON object; its members are the entry's fields. With --key-from each
            line's key is one of its fields, so that an import can be run again after any interruption: what is
            there already is answered as a duplicate and not written.

            Examples:
              backstop append quantum:stream:ai.decision.made symbol=BTCUSDT side=buy confidence=0.9 --key d1
              backstop append quantum:stream:ai.decision.made --from decisions.jsonl --key-from trace_id
              producer | backstop append my.stream --from - --json

            Answers: appended, duplicate (same key, same content), conflict (same key, other content; recorded
            as evidence), refused (says why). Exit status 1 after a conflict or a refusal.
            """)

    @Argument(help: "The stream, by either of its names.")
    var stream: String
    @Argument(help: ArgumentHelp("The entry's fields.", valueName: "field=value"))
    var fields: [String] = []
    @Option(help: "The entry's idempotency key.")
    var key: String?
    @Option(help: "The entry's trace id; its field trace_id where it is not given.")
    var trace: String?
    @Option(help: ArgumentHelp("A file of JSON lines, or - for standard input.", valueName: "file"))
    var from: String?
    @Option(help: ArgumentHelp("The field that is each line's key.", valueName: "field"))
    var keyFrom: String?
    @Flag(help: "Report bad lines and go on; without it the first one stops the import.")
    var skipBad = false
    @Option(help: "Who appends, for people.")
    var producer = "cli"
    @Flag(name: .customLong("init"), help: "Make the log where there is none.")
    var makesLog = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if from == nil, fields.isEmpty { throw ValidationError("give fields as name=value, or --from FILE") }
        if from != nil, !fields.isEmpty || key != nil {
            throw ValidationError("--from FILE takes its fields and keys from the lines; see --key-from")
        }
        if keyFrom != nil, from == nil { throw ValidationError("--key-from goes with --from") }
    }

    func run() throws {
        if makesLog { try common.makeLogIfMissing() }
        // Everything that can be refused without the log is refused before it is opened.
        let single = from == nil ? try draft(try parsedFields(), key: key) : nil
        try common.withLog(.writing) { log in
            var tally = AppendTally(json: common.json)
            if let single {
                var writer = EntryWriter(log: log, producer: producer, describes: true)
                try writer.write([single], &tally)
            } else {
                try importLines(log, &tally)
            }
            try tally.finish(isImport: from != nil)
        }
    }

    private func parsedFields() throws -> FieldMap {
        var map = FieldMap()
        for field in fields {
            guard let equals = field.firstIndex(of: "=") else {
                throw CannotRun("\"\(field)\" is no field; give name=value")
            }
            map.append(String(field[..<equals]), String(field[field.index(after: equals)...]))
        }
        return map
    }

    private func draft(_ fields: FieldMap, key: String?) throws -> Draft {
        do {
            return try Intake.draft(
                stream: stream, fields: fields, key: key, traceID: trace, producer: producer,
                recordedAt: LogClock.system.now())
        } catch {
            throw NegativeFinding(text: "refused, nothing was written: \(error)")
        }
    }

    // MARK: Import

    private func importLines(_ log: EventLog, _ tally: inout AppendTally) throws {
        let reader = try LineReader(from ?? "-")
        var writer = EntryWriter(log: log, producer: producer, describes: false)
        var batch: [Draft] = []
        var number = 0
        while let line = try nextLine(reader, &batch, &writer, &tally) {
            number += 1
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }) { continue }
            do { batch.append(try draft(ofLine: line)) } catch {
                try write(&batch, &writer, &tally)
                guard skipBad else {
                    throw NegativeFinding(
                        text: "line \(number): \(error); the \(tally.count) before it are done; "
                            + "mend it and run again, or use --skip-bad")
                }
                tally.bad(number, "\(error)")
            }
            // A producer that is slow now does not keep what it gave waiting.
            let isFull =
                batch.count >= 256 || batch.reduce(0) { $0 + $1.body.bytes.count } >= Limits.importBatchBytesMax
            if isFull || reader.wouldWait { try write(&batch, &writer, &tally) }
        }
        try write(&batch, &writer, &tally)
        try writer.finish()
    }

    /// A file that cannot be read on loses nothing of what was read before.
    private func nextLine(
        _ reader: LineReader, _ batch: inout [Draft], _ writer: inout EntryWriter, _ tally: inout AppendTally
    ) throws -> [UInt8]? {
        do { return try reader.next() } catch {
            try write(&batch, &writer, &tally)
            throw error
        }
    }

    private func write(_ batch: inout [Draft], _ writer: inout EntryWriter, _ tally: inout AppendTally) throws {
        guard !batch.isEmpty else { return }
        try writer.write(batch, &tally)
        batch.removeAll(keepingCapacity: true)
        if common.json { Output.flush() }  // what was answered is on disk: say so at once
        try tally.requireKnown()
        tally.showProgress()
    }

    private func draft(ofLine line: [UInt8]) throws -> Draft {
        let value = try JSONText.read(line)
        guard case .object(let members) = value else {
            throw MessageError("line", "a JSON object is needed, found \(value.typeName)")
        }
        var fields = FieldMap()
        for member in members { fields.append(member.name, member.value.fieldText) }
        var key: String?
        if let keyFrom {
            guard let value = value[keyFrom]?.fieldText, !value.isEmpty else {
                throw MessageError(keyFrom, "is missing, and --key-from needs it")
            }
            key = value
        }
        return try Intake.draft(
            stream: stream, fields: fields, key: key, traceID: trace, producer: producer,
            recordedAt: LogClock.system.now())
    }
}

extension JSONValue {
    /// A member's value as a stream's field: text as it is, everything else as JSON.
    var fieldText: String {
        switch self {
        case .string(let text), .number(let text): text
        case .null: ""
        case .bool, .array, .object: JSONText.render(self)
        }
    }
}
