// The one way in for messages from outside (RESP, command line, import, bridge): fields in, a checked
// draft out. The stream decides the kind; the fields stay verbatim, the typed message stands beside them.
// A wrong message is an error that names its field. The way in must never repair, complete or drop a
// message, and never read a clock.

package import Records

package enum Intake {
    /// `traceID` and `key` are the caller's; nil where it gave none.
    package static func draft(
        stream: String, fields: FieldMap, key: String?, traceID: String?, producer: String, recordedAt: Timestamp,
        entryID: EntryIDRequest = .next
    ) throws(MessageError) -> Draft {
        let name = try resolve(stream, checking: fields)
        let kind = StreamCatalogue.entry(for: name)?.kind ?? .untyped
        if kind != .untyped { try check(entryID, recordedAt) }
        let (event, ownTrace) = try read(kind, fields, recordedAt: recordedAt)
        let draft = Draft(
            kind: event.kind.kind, stream: name, entryID: entryID, key: try idempotencyKey(event, user: key),
            traceID: traceID.flatMap { $0.isEmpty ? nil : $0 } ?? ownTrace, producer: producer,
            body: Body(fields: fields, typed: event.typed))
        do {
            try draft.check()
        } catch {
            throw MessageError(error)
        }
        return draft
    }

    /// An id far ahead of the clock would be the last one that a stream takes: no trigger, no heartbeat after it.
    private static func check(_ entryID: EntryIDRequest, _ now: Timestamp) throws(MessageError) {
        let milliseconds: UInt64
        switch entryID {
        case .next: return
        case .exactly(let id): milliseconds = id.milliseconds
        case .nextIn(let given): milliseconds = given
        }
        let latest = UInt64(max(0, now.milliseconds)) + UInt64(Limits.entryIDAheadMillisecondsMax)
        guard milliseconds > latest else { return }
        throw MessageError(
            "id", "\(milliseconds) lies ahead of this machine's clock: the stream would take no entry after it")
    }

    private static func resolve(_ stream: String, checking fields: FieldMap) throws(MessageError) -> StreamName {
        do {
            try fields.check()
            return try StreamCatalogue.resolve(stream)
        } catch {
            throw MessageError(error)
        }
    }

    /// The message, and its own trace id.
    private static func read(
        _ kind: EventKind, _ fields: FieldMap, recordedAt: Timestamp
    ) throws(MessageError) -> (Event, String) {
        switch kind {
        case .untyped: return (.untyped(EventUntyped()), lenientTrace(fields))
        case .panicRequested, .panicRefused:
            switch PanicTrigger.read(fields, recordedAt: recordedAt) {
            case .accepted(let request): return (.panicRequested(request), lenientTrace(fields))
            case .refused(let refusal): return (.panicRefused(refusal), lenientTrace(fields))
            }
        case .decision, .tradeIntent, .executionResult, .orderRequested, .orderOutcome, .fill, .fillDetail,
            .positionAttested, .heartbeat, .panicCompleted, .decisionRefused, .messageRefused, .sessionStarted,
            .streamCreated, .conflict, .streamHidden, .groupChanged, .logRestored, .configApplied, .halt, .resume,
            .reducingRaised,
            .reducingEnded, .evidence, .stateDigest:
            var incoming = try Incoming(fields)
            let trace = try incoming.firstText(["trace_id"], of: .field, max: Limits.traceBytesMax)
            return (try typed(kind, &incoming), trace)
        }
    }

    private static func typed(_ kind: EventKind, _ incoming: inout Incoming) throws(MessageError) -> Event {
        switch kind {
        case .decision: .decision(try EventDecision(reading: &incoming))
        case .tradeIntent: .tradeIntent(try EventTradeIntent(reading: &incoming))
        case .executionResult: .executionResult(try EventExecutionResult(reading: &incoming))
        case .orderRequested: .orderRequested(try EventOrderRequested(reading: &incoming))
        case .orderOutcome: .orderOutcome(try EventOrderOutcome(reading: &incoming))
        case .fill: .fill(try EventFill(reading: &incoming))
        case .fillDetail: .fillDetail(try EventFillDetail(reading: &incoming))
        case .positionAttested: .positionAttested(try EventPositionAttested(reading: &incoming))
        case .heartbeat: .heartbeat(try EventHeartbeat(reading: &incoming))
        case .panicCompleted: .panicCompleted(try EventPanicCompleted(reading: &incoming))
        case .decisionRefused: .decisionRefused(try EventDecisionRefused(reading: &incoming))
        case .messageRefused: .messageRefused(try EventMessageRefused(reading: &incoming))
        case .untyped, .panicRequested, .panicRefused, .sessionStarted, .streamCreated, .conflict, .streamHidden,
            .groupChanged, .logRestored, .configApplied, .halt, .resume, .reducingRaised, .reducingEnded, .evidence,
            .stateDigest:
            throw MessageError("stream", "entries of kind \(kind.name) are not taken from outside")
        }
    }
}

// MARK: - Keys and traces

extension Intake {
    private static func idempotencyKey(_ event: Event, user: String?) throws(MessageError) -> IdempotencyKey? {
        guard let (own, named) = ownKey(event) else { return user.map { .user($0) } }
        guard user == nil else { throw MessageError("key", "this stream's entries are keyed by their \(named)") }
        return .own(own)
    }

    /// The key that the message itself gives, and by what, for people.
    private static func ownKey(_ event: Event) -> (key: String, named: String)? {
        switch event {
        case .fill(let fill): (fill.key, "trade id")
        case .fillDetail(let detail): (detail.key, "trade id")
        case .orderRequested(let request): (request.key, "intent and leg")
        case .sessionStarted, .streamCreated, .conflict, .streamHidden, .groupChanged, .logRestored, .untyped,
            .configApplied,
            .messageRefused, .decision, .decisionRefused, .tradeIntent, .executionResult, .orderOutcome,
            .positionAttested, .heartbeat, .panicRequested, .panicRefused, .panicCompleted, .halt, .resume,
            .reducingRaised, .reducingEnded, .evidence, .stateDigest:
            nil
        }
    }

    /// In an untyped entry or a panic trigger a `trace_id` that cannot be one is no error: the first is
    /// anybody's data, the second must be taken.
    private static func lenientTrace(_ fields: FieldMap) -> String {
        guard let bytes = fields.first("trace_id"), let text = String(validating: bytes, as: UTF8.self) else {
            return ""
        }
        let fits = bytes.count <= Limits.traceBytesMax && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7f }
        return fits ? text : ""
    }
}
