// A record as a line of `query`: the same object for machines everywhere.

import Events
import Records

struct ShownRecord {
    let record: Record
    let stream: StreamName?

    var kind: String { EventKind(record.kind)?.name ?? "kind \(record.kind.rawValue)" }

    /// A body that this version cannot read is shown as such, never left out.
    var data: JSONValue {
        do { return try EventRecord.json(of: record) } catch {
            return .object([JSONMember("unreadable", .string("\(error)"))])
        }
    }

    var json: JSONValue {
        .object([
            JSONMember("seq", .number(record.sequence.description)),
            JSONMember("id", stream == nil ? .null : .string(record.header.entryID.description)),
            JSONMember("stream", stream.map { .string($0.text) } ?? .null),
            JSONMember("kind", .string(kind)),
            JSONMember("recorded_at", .string(TimeText.render(record.header.recordedAt))),
            JSONMember("key", record.key.map { .string($0.qualified(stream: stream)) } ?? .null),
            JSONMember("trace", record.traceID.isEmpty ? .null : .string(record.traceID)),
            JSONMember("cause", record.header.cause.isNone ? .null : .number(record.header.cause.description)),
            JSONMember("producer", .string(record.producer)),
            JSONMember("data", data),
        ])
    }

    /// The most telling members, for people.
    var summary: String {
        guard case .object(let members) = data else { return "" }
        let names = EventKind(record.kind).flatMap { ShownRecord.telling[$0] } ?? members.prefix(4).map(\.name)
        let bare: Set<String> = ["symbol", "action", "side", "name", "host", "detail", "stream", "key", "event_id"]
        let shown = names.compactMap { name in
            members.first { $0.name == name }.map {
                bare.contains(name) ? plain($0.value) : "\(name)=\(plain($0.value))"
            }
        }
        let text = shown.joined(separator: " ")
        return text.count <= 120 ? text : text.prefix(119) + "…"
    }

    private static let telling: [EventKind: [String]] = [
        .sessionStarted: ["host", "pid", "version"], .streamCreated: ["name", "number"],
        .groupChanged: ["stream", "group", "change", "id", "consumer", "reason"],
        .streamHidden: ["stream", "before_id", "entry_ids"], .logRestored: ["verdict", "log_id", "parent_head"],
        .conflict: ["key", "first_sequence"],
        .configApplied: ["settings"], .messageRefused: ["stream", "reason", "count"],
        .evidence: ["rule", "about", "part"], .stateDigest: ["as_of_seq"],
        .decision: ["symbol", "action", "quantity", "position_size_usd", "confidence"],
        .decisionRefused: ["symbol", "action", "reason", "detail"],
        .tradeIntent: ["symbol", "action", "quantity", "position_size_usd", "sized_by", "confidence"],
        .executionResult: ["symbol", "side", "state", "reason", "filled_quantity"],
        .orderRequested: ["symbol", "side", "quantity", "price", "client_order_id"],
        .orderOutcome: ["symbol", "state", "executed_quantity", "error_text"],
        .fill: ["symbol", "side", "quantity", "price", "trade_id"],
        .fillDetail: ["symbol", "trade_id", "fee", "fee_asset"],
        .positionAttested: ["symbol", "position_side", "quantity"],
        .heartbeat: ["service_id", "status", "active_positions"],
        .panicRequested: ["issuer", "reason", "event_id"], .panicRefused: ["reason", "detail", "issuer"],
        .panicCompleted: ["positions_total", "positions_closed", "positions_failed"], .halt: ["source", "reason"],
        .resume: ["scope", "operator", "reason"], .reducingRaised: ["cause", "detail"], .reducingEnded: ["cause"],
    ]

    /// A field must not draw lines or colours of its own.
    private func plain(_ value: JSONValue) -> String {
        guard case .string(let text) = value else { return Output.tame(JSONText.render(value)) }
        return Output.tame(text)
    }

    // MARK: CSV

    static let columns = [
        "seq", "id", "stream", "kind", "recorded_at", "key", "trace", "cause", "producer", "data",
    ]

    /// As `columns` names them; what is not there is empty.
    var cells: [String] {
        [
            record.sequence.description, stream == nil ? "" : record.header.entryID.description, stream?.text ?? "",
            kind, TimeText.render(record.header.recordedAt), record.key?.qualified(stream: stream) ?? "",
            record.traceID, record.header.cause.isNone ? "" : record.header.cause.description, record.producer,
            JSONText.render(data),
        ]
    }
}
