// How what Backstop itself makes looks to a stream's readers: rendered to fields once, at append, by this
// table (schemas/fields.md is its documentation). What is rendered here, Intake reads back to the same
// message. A rendered record never changes, whatever a later version of this table says.

import Records

enum Rendering {
    /// The listing's values as flat fields, then what the caller adds.
    static func flat(_ listing: Listing, _ more: [(String, String)] = []) throws(MessageError) -> FieldMap {
        var fields = FieldMap()
        for item in listing.items { fields.append(item.name, try item.value.fieldText()) }
        for (name, value) in more where !value.isEmpty { fields.append(name, value) }
        return fields
    }

    /// The wire's envelope of a trade intent.
    static func intent(
        _ intent: EventTradeIntent, traceID: String, producer: String, at: Timestamp
    ) throws(MessageError) -> FieldMap {
        let time = TimeText.render(at)
        let payload = JSONText.render(try intentPayload(intent, time: time))
        return FieldMap([
            ("event_type", "trade.intent"), ("payload", payload), ("trace_id", traceID),
            ("correlation_id", intent.correlationID.isEmpty ? traceID : intent.correlationID),
            ("timestamp", time), ("source", producer),
        ])
    }

    private static func intentPayload(_ intent: EventTradeIntent, time: String) throws(MessageError) -> JSONValue {
        var members = [
            JSONMember("symbol", .string(intent.symbol)),
            JSONMember("side", .string(intent.action.word.uppercased())),
        ]
        let numbers: [(String, EventDecimal?)] = [
            ("quantity", intent.hasQuantity ? intent.quantity : nil),
            ("position_size_usd", intent.hasPositionSizeUsd ? intent.positionSizeUsd : nil),
            ("confidence", intent.hasConfidence ? intent.confidence : nil),
            ("entry_price", intent.hasEntryPrice ? intent.entryPrice : nil),
            ("stop_loss", intent.hasStopLoss ? intent.stopLoss : nil),
            ("take_profit", intent.hasTakeProfit ? intent.takeProfit : nil),
        ]
        for (name, value) in numbers {
            if let value { members.append(JSONMember(name, .number(try ListedValue.exact(value).description))) }
        }
        if intent.hasPair { members += try pair(intent) }
        if intent.leverage > 0 { members.append(JSONMember("leverage", .number(String(intent.leverage)))) }
        members.append(JSONMember("reduce_only", .bool(intent.reduceOnly)))
        let texts = [
            ("position_side", intent.positionSide.word.uppercased()), ("sized_by", intent.sizedBy.word),
            ("reason", intent.reason), ("rule", intent.rule), ("model", intent.model), ("timestamp", time),
        ]
        for (name, text) in texts where !text.isEmpty { members.append(JSONMember(name, .string(text))) }
        return .object(members + (try kept(intent.members, beside: members)))
    }

    private static func pair(_ intent: EventTradeIntent) throws(MessageError) -> [JSONMember] {
        let ratio = intent.pair.hasRatio ? try ListedValue.exact(intent.pair.ratio).description : "1"
        return [
            JSONMember("pair_x", .string(intent.symbol)), JSONMember("pair_y", .string(intent.pair.symbolY)),
            JSONMember("side_x", .string(intent.action.word.uppercased())),
            JSONMember("side_y", .string(intent.pair.sideY.word.uppercased())), JSONMember("ratio", .number(ratio)),
        ]
    }

    /// A kept member never replaces one of ours: the intent's words win, the decision has the others.
    private static func kept(
        _ kept: [EventMember], beside own: [JSONMember]
    ) throws(MessageError) -> [JSONMember] {
        guard case .object(let all) = try ListedValue.members(kept).json() else { return [] }
        let reserved = Set(own.map(\.name) + reservedNames)
        return all.filter { !reserved.contains($0.name) }
    }

    /// Names that an intent's reader knows, whether or not this intent has them.
    private static let reservedNames = [
        "payload", "event_type", "trace_id", "correlation_id", "source", "timestamp", "ts", "action", "quantity",
        "position_size_usd", "confidence", "entry_price", "stop_loss", "take_profit", "leverage", "reduceOnly",
        "position_side", "positionSide", "sized_by", "reason", "rule", "model", "pair_x", "pair_y", "side_x", "side_y",
        "ratio",
    ]

    /// The wire's fields of a panic's completion.
    static func panicCompleted(_ completed: EventPanicCompleted) -> FieldMap {
        let failed = JSONText.render(.array(completed.failedSymbols.map { .string($0) }))
        return FieldMap([
            ("event_id", completed.eventID),
            ("positions_total", String(completed.positionsTotal)),
            ("positions_found", String(completed.positionsTotal)),
            ("positions_closed", String(completed.positionsClosed)),
            ("positions_failed", String(completed.positionsFailed)),
            ("failed_symbols", failed),
            ("ts_started", String(Timestamp(nanoseconds: completed.startedAtNs).milliseconds)),
            ("ts_completed", String(Timestamp(nanoseconds: completed.completedAtNs).milliseconds)),
            ("execution_time_ms", String(completed.executionTimeMs)),
        ])
    }
}
