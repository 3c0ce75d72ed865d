// What an execution was told, kept beside the records that it led to, and read again by an audit. A step names the
// question, so that an audit sees at once where its own rules ask another one.

package import Events
internal import Exchange
package import Records

/// One life of the work on one subject, as evidence: what is not recorded yet, in bounded parts.
package struct EvidenceTrail: Sendable {
    private let about: SequenceNumber
    private let rule: String
    private let startedAt: Milliseconds
    private var waiting: [String] = []
    private var recorded: UInt32 = 0

    /// - Parameter begin: what the work began with.
    package init(about: SequenceNumber, rule: String, startedAt: Milliseconds, begin: JSONValue) {
        self.about = about
        self.rule = rule
        self.startedAt = startedAt
        add(begin)
    }

    package mutating func add(_ said: JSONValue) {
        let text = JSONText.render(said)
        let bytes = text.utf8.count
        waiting.append(bytes > Limits.evidenceBytesPerStepMax ? EvidenceTrail.leftOut(said, bytes) : text)
    }

    /// A record has its bound, and whoever acts must not depend on what an audit would like to have.
    private static func leftOut(_ said: JSONValue, _ bytes: Int) -> String {
        JSONText.render(.members([("asked", said["asked"] ?? .null), ("left_out_bytes", .whole(bytes))]))
    }

    /// What is to be recorded with the next records. Nothing waits: nothing.
    package var parts: [EventEvidence] {
        var parts: [EventEvidence] = []
        var texts: [String] = []
        var bytes = 0
        for text in waiting {
            if bytes + text.utf8.count > Limits.evidenceBytesPerPartMax, !texts.isEmpty {
                parts.append(part(texts, after: parts.count))
                (texts, bytes) = ([], 0)
            }
            texts.append(text)
            bytes += text.utf8.count + 1
        }
        if !texts.isEmpty { parts.append(part(texts, after: parts.count)) }
        return parts
    }

    private func part(_ texts: [String], after earlier: Int) -> EventEvidence {
        var evidence = EventEvidence()
        evidence.about = about.rawValue
        evidence.rule = rule
        evidence.startedAtMs = startedAt
        evidence.part = recorded + UInt32(earlier) + 1
        evidence.said = "[" + texts.joined(separator: ",") + "]"
        return evidence
    }

    /// What `parts` gave stands in the log.
    package mutating func isRecorded() {
        recorded += UInt32(parts.count)
        waiting = []
    }
}

extension Execution {
    /// The question and its answer.
    static func evidence(_ effect: ExecutionEffect, _ answer: ExecutionAnswer, _ at: Milliseconds) -> JSONValue {
        .members([("asked", .text(effect.label)), ("answer", answer.evidence), ("at_ms", .whole(at))])
    }

    static func begin(_ intent: IntentToExecute, _ policy: ExecutionPolicy) -> JSONValue {
        .members([
            ("config", .whole(policy.configSequence.rawValue)), ("recorded_at_ms", .whole(intent.recordedAt)),
            ("requests", .array(intent.requests.map(\.evidence))),
            ("taken_over_at_ms", intent.takenOverAt.map { .whole($0) } ?? .null),
            ("before_restore", intent.isBeforeRestore ? .bool(true) : .null),
        ])
    }
}

/// One step of a story, as it was kept.
package struct EvidentStep: Sendable {
    package let asked: String
    package let answer: ExecutionAnswer
    package let at: Milliseconds

    package init(evidence: JSONValue) throws(MessageError) {
        let fields = try AnswerFields(evidence)
        asked = try fields.kept("asked")
        if let bytes = try fields.optionalWhole("left_out_bytes", 0...Int64.max) {
            throw MessageError("answer", "had \(bytes) bytes, and was not kept")
        }
        answer = try ExecutionAnswer(evidence: try fields.required("answer"))
        at = try fields.whole("at_ms", AnswerFields.moments)
    }
}

/// What a life began with, as it was kept.
package struct EvidentBeginning: Sendable {
    package let config: SequenceNumber
    package let recordedAt: Milliseconds
    package let requests: [RequestedOrder]
    package let takenOverAt: Milliseconds?
    package let isBeforeRestore: Bool

    package init(evidence: JSONValue) throws(MessageError) {
        let fields = try AnswerFields(evidence)
        config = SequenceNumber(UInt64(try fields.whole("config", 0...Int64.max)))
        recordedAt = try fields.whole("recorded_at_ms", AnswerFields.moments)
        requests = try fields.list("requests")
        takenOverAt = try fields.optionalWhole("taken_over_at_ms", AnswerFields.moments)
        isBeforeRestore = try fields.optionalFlag("before_restore") ?? false
    }
}

extension AnswerFields {
    /// What altered evidence may say of a moment, too: the rules add and subtract them.
    static let moments = -Limits.evidenceMillisecondsMax...Limits.evidenceMillisecondsMax
}

extension ExecutionEffect {
    /// In one line; equal effects have equal labels.
    package var label: String {
        switch self {
        case .instrument(let symbol): "instrument \(symbol)"
        case .price(let symbol): "price \(symbol)"
        case .holdings(let symbol): "holdings \(symbol)"
        case .lookUp(let symbol, let id): "look_up \(symbol) \(id)"
        case .trades(let symbol, let orderID): "trades \(symbol) \(orderID)"
        case .witnesses(let request): "witnesses \(request.clientOrderID)"
        case .leverage(let symbol, let leverage): "leverage \(symbol) \(leverage)"
        case .cancel(let symbol, let id): "cancel \(symbol) \(id)"
        case .place(let request): "place \(request.clientOrderID)"
        case .ordersOfTheLastMinute: "orders_of_the_last_minute"
        case .request(let plan): "request \(plan.label)"
        case .note(let notes): "note \(notes.count)"
        case .conclude(let notes, let result): "conclude \(notes.count) \(result.state.text)"
        case .pause(let milliseconds): "pause \(milliseconds)"
        case .finished: "finished"
        }
    }

    /// Whether the answer is one to this question; the rules may rely on it.
    package func takes(_ answer: ExecutionAnswer) -> Bool {
        switch (self, answer) {
        case (.request(let plan), .committed(let request)), (.request(let plan), .stoodAlready(let request)):
            request.plan.leg == plan.leg
        case (.request, .requestRefused): true
        case (.request, _): false
        case (.finished, _): false
        case (_, .committed), (_, .stoodAlready), (_, .requestRefused): false
        case (.instrument, _), (.price, _), (.holdings, _), (.lookUp, _), (.trades, _), (.witnesses, _),
            (.leverage, _), (.cancel, _), (.place, _), (.ordersOfTheLastMinute, _), (.note, _), (.conclude, _),
            (.pause, _):
            true
        }
    }
}

extension OrderPlan: Evident {
    var label: String { "\(leg) \(symbol) \(side.rawValue) \(positionSide.rawValue) \(quantity)" }

    package var evidence: JSONValue {
        .members([
            ("leg", .whole(leg)), ("symbol", .text(symbol.text)), ("side", .text(side.rawValue)),
            ("position_side", .text(positionSide.rawValue)), ("quantity", .amount(quantity)),
            ("reduce_only", .bool(reduceOnly)), ("price", .amount(price)), ("holding", .amount(holding)),
        ])
    }

    package init(evidence: JSONValue) throws(MessageError) {
        let fields = try AnswerFields(evidence)
        self.init(
            leg: UInt32(try fields.whole("leg", 0...Limits.evidenceLegMax)),
            symbol: try SymbolName(fields.text("symbol")),
            side: try fields.word("side", as: OrderSide.self),
            positionSide: try fields.word("position_side", as: PositionSide.self),
            quantity: try fields.decimal("quantity"), reduceOnly: try fields.flag("reduce_only"),
            price: try fields.optionalDecimal("price"), holding: try fields.optionalDecimal("holding"))
    }
}

extension RequestedOrder: Evident {
    package var evidence: JSONValue {
        .members([
            ("seq", .whole(sequence.rawValue)), ("plan", plan.evidence),
            ("client_order_id", .text(clientOrderID.text)), ("requested_at_ms", .whole(requestedAt)),
            ("settled", settled?.evidence ?? .null),
        ])
    }

    package init(evidence: JSONValue) throws(MessageError) {
        let fields = try AnswerFields(evidence)
        var settled: SettledOrder?
        if let kept = fields.member("settled") { settled = try SettledOrder(evidence: kept) }
        self.init(
            sequence: SequenceNumber(UInt64(try fields.whole("seq", 0...Int64.max))),
            plan: try OrderPlan(evidence: try fields.required("plan")),
            clientOrderID: try ClientOrderID(fields.text("client_order_id")),
            requestedAt: try fields.whole("requested_at_ms", AnswerFields.moments), settled: settled)
    }
}

extension SettledOrder: Evident {
    package var evidence: JSONValue {
        .members([
            ("state", .text(state.text)), ("exchange_order_id", .text(exchangeOrderID)),
            ("executed", .amount(executed)), ("average_price", .amount(averagePrice)), ("reason", .text(reason)),
        ])
    }

    package init(evidence: JSONValue) throws(MessageError) {
        let fields = try AnswerFields(evidence)
        let word = try fields.text("state")
        guard let state = EventOutcomeState.allCases.first(where: { $0.text == word }) else {
            throw MessageError("state", "unknown word \(ForeignText.tame(word))")
        }
        self.init(
            state: state, exchangeOrderID: try fields.kept("exchange_order_id"),
            executed: try fields.decimal("executed"), averagePrice: try fields.optionalDecimal("average_price"),
            reason: try fields.kept("reason"))
    }
}
