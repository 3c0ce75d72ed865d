// Reads a heartbeat in either family's spelling. A heart that does not say how many positions it guards
// is no heart: a missing count is an error, never zero.

import Records

extension EventHeartbeat {
    init(reading incoming: inout Incoming) throws(MessageError) {
        self.init()
        guard let status = try incoming.word("status", as: EventHeartStatus.self) else {
            throw Incoming.missing("status")
        }
        self.status = status
        serviceID = try incoming.text("service_id", max: Limits.producerBytesMax)
        let range = UInt64(0)...UInt64(UInt32.max)
        guard let count = try incoming.whole("active_positions", "active_positions_count", range: range) else {
            throw Incoming.missing("active_positions")
        }
        activePositions = UInt32(count)
        lastDecisionAtNs = try incoming.timeOrZero("last_decision_ts")
        if let value = try incoming.decimal("latency_ms", "loop_cycle_ms", rule: .notNegative) { latencyMs = value }
        producedAtNs = try incoming.time("ts", "timestamp")?.nanoseconds ?? 0
    }
}

extension Incoming {
    /// A heart that has decided nothing yet says 0, or null.
    fileprivate mutating func timeOrZero(_ name: String) throws(MessageError) -> Int64 {
        guard let found = try take([name]) else { return 0 }
        switch found.value {
        case .string(let text), .number(let text):
            return ["0", "0.0"].contains(text) ? 0 : try TimeText.read(text, field: name).nanoseconds
        case .null, .bool, .array, .object: throw MessageError(name, "must be a time, found \(found.value.typeName)")
        }
    }
}
