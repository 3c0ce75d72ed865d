// What makes two records of one key the same: the identity fields of each kind, and their bytes.
// Frozen: another field, order or encoding makes known records look like conflicts, so a change needs a
// new version beside the old. Times, ids of transport, producer, cause and latency never belong here.

import Records

enum Identity {
    static let version: UInt8 = 1

    /// The names of a kind's identity fields, in the order in which they are encoded.
    static func fields(of kind: EventKind) -> [String] {
        switch kind {
        case .sessionStarted: ["boot_id", "host", "pid", "version"]
        case .streamCreated: ["number", "name"]
        case .conflict: ["key", "first_sequence", "offered_content"]
        case .streamHidden: ["stream", "entry_ids", "before_id"]
        case .groupChanged:
            [
                "stream", "group", "change", "start_id", "dead_after", "id", "previous_id", "consumer", "pending",
                "entries_kept", "pending_dropped", "dead_letters_dropped", "entry_ids", "reason", "deliveries",
            ]
        case .logRestored: ["log_id", "parent_id", "parent_head", "verdict"]
        case .untyped: []  // all verbatim fields; see below
        case .configApplied: ["settings"]
        case .messageRefused: ["stream", "reason", "client", "sample"]
        case .evidence: ["about", "rule", "started_at_ms", "part", "parts", "said"]
        case .stateDigest: ["as_of_seq", "parts"]
        case .decision, .tradeIntent:
            [
                "symbol", "action", "quantity", "position_size_usd", "entry_price", "stop_loss", "take_profit",
                "leverage", "reduce_only", "position_side", "pair_y", "side_y", "ratio",
            ]
        case .decisionRefused: ["decision_sequence", "reason"]
        case .executionResult:
            [
                "intent_sequence", "symbol", "side", "status", "order_id", "filled_quantity", "average_price", "pair_y",
                "side_y",
            ]
        case .orderRequested:
            [
                "intent_sequence", "leg", "venue", "account", "symbol", "side", "position_side", "quantity", "price",
                "reduce_only",
            ]
        case .orderOutcome:
            [
                "request_sequence", "symbol", "state", "exchange_order_id", "executed_quantity", "average_price",
                "error_code",
            ]
        case .fill: ["order_id", "side", "position_side", "price", "quantity"]
        case .fillDetail: ["fee", "fee_asset", "realised_profit"]
        case .positionAttested: ["venue", "account", "symbol", "position_side", "quantity", "entry_price"]
        case .heartbeat: ["service_id", "status", "active_positions"]
        case .panicRequested: ["event_id", "reason", "issued_by", "severity"]
        case .panicRefused: ["event_id", "reason", "issued_by"]
        case .panicCompleted:
            ["panic_sequence", "event_id", "positions_total", "positions_closed", "positions_failed", "failed_symbols"]
        case .halt: ["reason", "source", "panic_sequence"]
        case .resume:
            ["scope", "operator", "reason", "symbol", "ends_sequence", "override_cooldown", "accept_open_risk"]
        case .reducingRaised: ["cause", "detail"]
        case .reducingEnded: ["cause"]
        }
    }

    /// Version, then each present field: sized name, type, value.
    static func bytes(of event: Event, fields verbatim: FieldMap) throws(MessageError) -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        writer.fixed(version)
        if case .untyped = event {
            verbatim.encode(into: &writer)
            return writer.bytes
        }
        let items = event.listing.items
        for name in fields(of: event.kind) {
            guard let item = items.first(where: { $0.name == name }) else { continue }
            writer.sized(name)
            try write(item.value, to: &writer)
        }
        return writer.bytes
    }

    /// The same for an untyped body whose fields are encoded as we encode them and that has no typed part, which is nearly
    /// every one: then the fields' bytes are their own identity. Nil: do it the long way.
    static func ofPlain(_ body: [UInt8]) throws(MessageError) -> [UInt8]? {
        do {
            let (fields, typed) = try Body.parts(body.span.bytes)
            guard typed.isEmpty, try FieldMap.isCanonical(body.span.bytes.extracting(fields)) else { return nil }
            var writer = ByteWriter(capacity: 1 + fields.count)
            writer.fixed(version)
            body.span.bytes.extracting(fields).withUnsafeBytes { writer.raw($0) }
            return writer.bytes
        } catch { throw MessageError(error) }
    }

    private static func write(_ value: ListedValue, to writer: inout ByteWriter) throws(MessageError) {
        switch value {
        case .text(let text):
            writer.fixed(UInt8(1))
            writer.sized(text)
        case .decimal(let decimal):
            let canonical = try ListedValue.exact(decimal).event
            writer.fixed(UInt8(2))
            writer.fixed(canonical.coefficient)
            writer.fixed(canonical.exponent)
        case .count(let count):
            writer.fixed(UInt8(3))
            writer.fixed(count)
        case .whole(let whole):
            writer.fixed(UInt8(4))
            writer.fixed(whole)
        case .flag(let flag):
            writer.fixed(UInt8(5))
            writer.fixed(UInt8(flag ? 1 : 0))
        case .list(let items):
            writer.fixed(UInt8(6))
            writer.varint(UInt64(items.count))
            for item in items { writer.sized(item) }
        case .bytes(let bytes):
            writer.fixed(UInt8(7))
            writer.sized(bytes)
        case .json(let json):
            writer.fixed(UInt8(8))
            writer.sized(JSONText.render(json))
        case .time, .members:
            preconditionFailure("times and kept members are never identity")
        }
    }
}
