// What a run of the emergency exit was told, from its beginning to its end, as one JSON document: the audit runs the same
// machine on it. It is made when the run is over, never while something is still to be closed, and it decides nothing.

package import Events
package import Exchange
package import Records

/// One thing that was told to a run.
package enum ExitInput: Sendable {
    case take(ExitAnswer)
    case tick
    case learn(ExchangeInfo)
    case halted(Milliseconds)
}

/// How a run began.
package struct ExitBeginning: Sendable {
    package let trigger: String
    package let haltedAt: Milliseconds?
    package let instruments: ExchangeInfo?
    package let rules: ExitRules
    package let journal: [ExitPast]
    package let completion: ExitCompletion?
    package let at: Milliseconds
}

package struct ExitDocument: Sendable {
    package let begin: ExitBeginning
    package let inputs: [(input: ExitInput, at: Milliseconds)]

    /// As records: fragments of one text. Empty: it is larger than evidence may be.
    /// - Parameter panic: the trigger's record.
    package func parts(about panic: SequenceNumber, _ symbols: Set<SymbolName>) -> [EventEvidence] {
        let text = Array(JSONText.render(json(symbols)).utf8)
        guard text.count <= Limits.exitEvidenceBytesMax else { return [] }
        var parts: [EventEvidence] = []
        var start = 0
        while start < text.count {
            var end = min(start + Limits.exitEvidenceBytesPerPartMax, text.count)
            // Not inside a character.
            while end < text.count, text[end] & 0xc0 == 0x80 { end -= 1 }
            var part = EventEvidence()
            part.about = panic.rawValue
            part.rule = ExitRun.rule
            part.startedAtMs = begin.at
            part.part = UInt32(parts.count + 1)
            part.said = String(decoding: text[start..<end], as: UTF8.self)
            parts.append(part)
            start = end
        }
        for place in parts.indices { parts[place].parts = UInt32(parts.count) }
        return parts
    }

    private func json(_ symbols: Set<SymbolName>) -> JSONValue {
        .members([
            ("trigger", .text(begin.trigger)), ("halted_at_ms", begin.haltedAt.map { .whole($0) } ?? .null),
            ("at_ms", .whole(begin.at)), ("rules", begin.rules.evidence),
            ("instruments", begin.instruments?.evidence(of: symbols) ?? .null),
            ("past", .array(begin.journal.map(\.evidence))),
            ("completion", begin.completion?.evidence ?? .null),
            (
                "inputs",
                .array(
                    inputs.map { input, at in
                        .members([("at_ms", .whole(at)), ("input", .text(input.name)), ("value", input.value(symbols))])
                    })
            ),
        ])
    }

    /// - Parameter text: of all its parts, joined.
    package init(_ text: String) throws(MessageError) {
        let json: JSONValue
        do throws(JSONError) { json = try JSONText.read(text) } catch { throw MessageError("said", "\(error)") }
        let fields = try AnswerFields(json)
        let trigger = try fields.text("trigger")
        var instruments: ExchangeInfo?
        if let kept = fields.member("instruments") { instruments = try ExchangeInfo(evidence: kept) }
        var journal: [ExitPast] = []
        for row in try AnswerFields.rows(try fields.required("past")) {
            journal.append(try ExitPast(evidence: row, trigger))
        }
        var completion: ExitCompletion?
        if let kept = fields.member("completion") { completion = try ExitCompletion(evidence: kept) }
        begin = ExitBeginning(
            trigger: trigger, haltedAt: try fields.optionalWhole("halted_at_ms", Int64.min...Int64.max),
            instruments: instruments, rules: try ExitRules(evidence: try fields.required("rules")), journal: journal,
            completion: completion, at: try fields.whole("at_ms", Int64.min...Int64.max))
        var inputs: [(input: ExitInput, at: Milliseconds)] = []
        for row in try AnswerFields.rows(try fields.required("inputs")) {
            let input = try AnswerFields(row)
            inputs.append(
                (try ExitInput(input, trigger), try input.whole("at_ms", Int64.min...Int64.max)))
        }
        self.inputs = inputs
    }

    package init(_ begin: ExitBeginning, _ inputs: [(input: ExitInput, at: Milliseconds)]) {
        self.begin = begin
        self.inputs = inputs
    }
}

extension ExitInput {
    fileprivate var name: String {
        switch self {
        case .take: "answer"
        case .tick: "tick"
        case .learn: "instruments"
        case .halted: "halted"
        }
    }

    fileprivate func value(_ symbols: Set<SymbolName>) -> JSONValue {
        switch self {
        case .take(let answer): answer.evidence
        case .tick: .null
        case .learn(let info): info.evidence(of: symbols)
        case .halted(let at): .whole(at)
        }
    }

    fileprivate init(_ fields: AnswerFields, _ trigger: String) throws(MessageError) {
        switch try fields.text("input") {
        case "answer": self = .take(try ExitAnswer(try AnswerFields(try fields.required("value")), trigger))
        case "tick": self = .tick
        case "instruments": self = .learn(try ExchangeInfo(evidence: try fields.required("value")))
        case "halted": self = .halted(try fields.whole("value", Int64.min...Int64.max))
        case let other: throw MessageError("input", "unknown word \(ForeignText.tame(other))")
        }
    }
}
