// Makers of Backstop's own records: the typed message in, a whole draft out, with its stream, its key and
// its rendered fields. A maker checks what the log will check, so that a refusal for a broken message
// comes here and not on the writer's thread. It must never read a clock: the caller gives the time.

package import Records

package enum Drafts {
    package static func intent(
        _ intent: EventTradeIntent, traceID: String, cause: SequenceNumber, basis: SequenceNumber,
        producer: String, at: Timestamp
    ) throws(MessageError) -> Draft {
        guard !traceID.isEmpty else { throw MessageError("trace_id", "an intent needs one, it is its key") }
        let fields = try Rendering.intent(intent, traceID: traceID, producer: producer, at: at)
        return try draft(
            .tradeIntent(intent), StreamCatalogue.intents, key: "trade.intent/\(traceID)", fields: fields,
            Origin(traceID, cause, basis, producer))
    }

    package static func decisionRefused(
        _ refused: EventDecisionRefused, traceID: String, cause: SequenceNumber, basis: SequenceNumber,
        producer: String, at: Timestamp
    ) throws(MessageError) -> Draft {
        guard refused.decisionSequence > 0 else { throw Incoming.missing("decision_sequence") }
        guard refused.reason.isKnown else { throw Incoming.missing("reason") }
        return try draft(
            .decisionRefused(refused), StreamCatalogue.decisionRefusals,
            key: "decision.refused/\(refused.decisionSequence)",
            fields: try Rendering.flat(refused.listing, [("trace_id", traceID), ("timestamp", TimeText.render(at))]),
            Origin(traceID, cause, basis, producer))
    }

    package static func messageRefused(
        _ refused: EventMessageRefused, producer: String, at: Timestamp
    ) throws(MessageError) -> Draft {
        try draft(
            .messageRefused(refused), StreamCatalogue.messageRefusals, key: nil,
            fields: try Rendering.flat(refused.listing, [("timestamp", TimeText.render(at))]),
            Origin("", .none, .none, producer))
    }

    /// A trigger that an exit worker took while no log could: judged when it came, whatever its age is now.
    package static func panicRequested(
        _ request: EventPanicRequested, key: String, producer: String
    ) throws(MessageError) -> Draft {
        let fields = FieldMap([
            ("event_id", request.eventID), ("reason", request.reason), ("severity", request.severity),
            ("issued_by", request.issuer), ("ts", String(Timestamp(nanoseconds: request.producedAtNs).milliseconds)),
        ])
        return try draft(
            .panicRequested(request), StreamCatalogue.panics, key: key, fields: fields,
            Origin("", .none, .none, producer))
    }

    package static func panicCompleted(
        _ completed: EventPanicCompleted, traceID: String, cause: SequenceNumber, basis: SequenceNumber,
        producer: String
    ) throws(MessageError) -> Draft {
        guard completed.panicSequence > 0 else { throw Incoming.missing("panic_sequence") }
        return try draft(
            .panicCompleted(completed), StreamCatalogue.panicCompletions,
            key: "panic.completed/\(completed.panicSequence)", fields: Rendering.panicCompleted(completed),
            Origin(traceID, cause, basis, producer))
    }

    package static func halt(
        _ halt: EventHalt, traceID: String, cause: SequenceNumber, basis: SequenceNumber, producer: String,
        at: Timestamp
    ) throws(MessageError) -> Draft {
        guard !halt.reason.isEmpty else { throw Incoming.missing("reason") }
        return try standing(.halt(halt), at, Origin(traceID, cause, basis, producer))
    }

    package static func resume(
        _ resume: EventResume, cause: SequenceNumber, basis: SequenceNumber, producer: String, at: Timestamp
    ) throws(MessageError) -> Draft {
        guard !resume.operator.isEmpty else { throw Incoming.missing("operator") }
        guard !resume.reason.isEmpty else { throw Incoming.missing("reason") }
        return try standing(.resume(resume), at, Origin("", cause, basis, producer))
    }

    package static func reducingRaised(
        _ raised: EventReducingRaised, traceID: String, cause: SequenceNumber, basis: SequenceNumber,
        producer: String, at: Timestamp
    ) throws(MessageError) -> Draft {
        try standing(.reducingRaised(raised), at, Origin(traceID, cause, basis, producer))
    }

    package static func reducingEnded(
        _ ended: EventReducingEnded, traceID: String, cause: SequenceNumber, basis: SequenceNumber,
        producer: String, at: Timestamp
    ) throws(MessageError) -> Draft {
        try standing(.reducingEnded(ended), at, Origin(traceID, cause, basis, producer))
    }

    package static func configApplied(
        _ applied: EventConfigApplied, producer: String, at: Timestamp
    ) throws(MessageError) -> Draft {
        let names = applied.settings.map(\.name)
        guard zip(names, names.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw MessageError("settings", "must be sorted by name, each once")
        }
        return try standing(.configApplied(applied), at, Origin("", .none, .none, producer))
    }
}

// MARK: - Helpers

extension Drafts {
    /// What a draft says of where it comes from.
    struct Origin {
        let traceID: String
        let cause: SequenceNumber
        let basis: SequenceNumber
        let producer: String
        init(_ traceID: String, _ cause: SequenceNumber, _ basis: SequenceNumber, _ producer: String) {
            self.traceID = traceID
            self.cause = cause
            self.basis = basis
            self.producer = producer
        }
    }

    /// A record in no stream, without a key.
    private static func standing(_ event: Event, _ at: Timestamp, _ origin: Origin) throws(MessageError) -> Draft {
        let more = [("trace_id", origin.traceID), ("timestamp", TimeText.render(at))]
        return try draft(event, nil, key: nil, fields: try Rendering.flat(event.listing, more), origin)
    }

    static func draft(
        _ event: Event, _ stream: StreamName?, key: String?, fields: FieldMap, _ origin: Origin
    ) throws(MessageError) -> Draft {
        let draft = Draft(
            kind: event.kind.kind, stream: stream, key: key.map { .own($0) }, traceID: origin.traceID,
            producer: origin.producer, cause: origin.cause, basis: origin.basis,
            body: Body(fields: fields, typed: event.typed))
        do {
            try fields.check()
            try draft.check()
        } catch {
            throw MessageError(error)
        }
        _ = try EventRules.facts(draft.kind, body: draft.body.bytes)  // throws where the log would
        return draft
    }
}
