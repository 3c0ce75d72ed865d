// Makers of the records between an intent and a position: requests, outcomes, fills, results, attestations. Each
// has the key that makes it one: a process that comes again after a crash writes it again in vain.

package import Records

extension Drafts {
    /// The request's client order id must be the one that follows from its key.
    package static func orderRequested(
        _ request: EventOrderRequested, traceID: String, basis: SequenceNumber, producer: String, at: Timestamp
    ) throws(MessageError) -> Draft {
        guard request.intentSequence > 0 else { throw Incoming.missing("intent_sequence") }
        guard !request.clientOrderID.isEmpty else { throw Incoming.missing("client_order_id") }
        return try draft(
            .orderRequested(request), StreamCatalogue.orderRequests, key: request.key,
            fields: try flat(request.listing, traceID, at),
            Origin(traceID, SequenceNumber(request.intentSequence), basis, producer))
    }

    package static func orderOutcome(
        _ outcome: EventOrderOutcome, traceID: String, producer: String, at: Timestamp
    ) throws(MessageError) -> Draft {
        try draft(
            .orderOutcome(outcome), StreamCatalogue.orderOutcomes, key: outcome.key,
            fields: try flat(outcome.listing, traceID, at),
            Origin(traceID, SequenceNumber(outcome.requestSequence), .none, producer))
    }

    /// - Parameter cause: the outcome or request that it belongs to; none where the order is not known.
    package static func fill(
        _ fill: EventFill, traceID: String, cause: SequenceNumber, producer: String, at: Timestamp
    ) throws(MessageError) -> Draft {
        try draft(
            .fill(fill), StreamCatalogue.fills, key: fill.key, fields: try flat(fill.listing, traceID, at),
            Origin(traceID, cause, .none, producer))
    }

    package static func fillDetail(
        _ detail: EventFillDetail, traceID: String, cause: SequenceNumber, producer: String, at: Timestamp
    ) throws(MessageError) -> Draft {
        try draft(
            .fillDetail(detail), StreamCatalogue.fillDetails, key: detail.key,
            fields: try flat(detail.listing, traceID, at), Origin(traceID, cause, .none, producer))
    }

    /// The wire's fields of an execution result, its state in upper case.
    package static func executionResult(
        _ result: EventExecutionResult, traceID: String, basis: SequenceNumber, producer: String, at: Timestamp
    ) throws(MessageError) -> Draft {
        guard result.intentSequence > 0 else { throw Incoming.missing("intent_sequence") }
        let flat = try Rendering.flat(result.listing, [("trace_id", traceID), ("timestamp", TimeText.render(at))])
        let words = ["status", "side", "side_y"].map { Array($0.utf8) }
        let fields = FieldMap(
            flat.fields.map { field in
                FieldMap.Field(
                    name: field.name, value: words.contains(field.name) ? field.value.map(upper) : field.value)
            })
        return try draft(
            .executionResult(result), StreamCatalogue.results, key: "execution.result/\(result.intentSequence)",
            fields: fields, Origin(traceID, SequenceNumber(result.intentSequence), basis, producer))
    }

    package static func positionAttested(
        _ position: EventPositionAttested, producer: String, at: Timestamp
    ) throws(MessageError) -> Draft {
        try draft(
            .positionAttested(position), StreamCatalogue.attestedPositions, key: nil,
            fields: try flat(position.listing, "", at), Origin("", .none, .none, producer))
    }

    private static func flat(_ listing: Listing, _ traceID: String, _ at: Timestamp) throws(MessageError) -> FieldMap {
        try Rendering.flat(listing, [("trace_id", traceID), ("timestamp", TimeText.render(at))])
    }

    private static func upper(_ byte: UInt8) -> UInt8 { (0x61...0x7a).contains(byte) ? byte - 0x20 : byte }
}

extension EventOrderOutcome {
    /// One final outcome for each request; on the way there, one of each kind and executed quantity. Giving up is a
    /// word of its own: it guards the symbol again, whatever was lowered since the order was first called unknown.
    package var key: String {
        if state == .unknown, givenUp { return "order.outcome/\(requestSequence)/given_up" }
        return EventOrderOutcome.key(requestSequence, state, hasExecutedQuantity ? executedQuantity : nil)
    }

    package static func finalKey(of request: SequenceNumber) -> String { "order.outcome/\(request.rawValue)/final" }

    private static func key(_ request: UInt64, _ state: EventOutcomeState, _ executed: EventDecimal?) -> String {
        state.isFinal
            ? finalKey(of: SequenceNumber(request))
            : "order.outcome/\(request)/\(state.word)/\(executed?.coefficient ?? 0)e\(executed?.exponent ?? 0)"
    }
}

extension EventDecisionRefusalReason {
    /// In lower case, as records show it.
    package var text: String { word }
}

extension EventOutcomeState {
    /// In upper case, as terminal states are shown.
    package var text: String { word.uppercased() }

    /// Nothing follows it.
    package var isFinal: Bool {
        switch self {
        case .filled, .rejected, .canceled, .expired, .notFoundAfterHorizon: true
        case .accepted, .partiallyFilled, .unknown, .unspecified, .UNRECOGNIZED: false
        }
    }
}

extension EventTerminalState {
    /// In upper case, as the wire has it.
    package var text: String { word.uppercased() }
}
