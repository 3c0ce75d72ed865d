// Reads the completion of a panic, as another exit worker wrote it. Which of our records it completes is
// not read from outside; its event id says it.

import Records

extension EventPanicCompleted {
    init(reading incoming: inout Incoming) throws(MessageError) {
        self.init()
        let counts = UInt64(0)...UInt64(UInt32.max)
        eventID = try incoming.text("event_id", max: Limits.traceBytesMax)
        guard let total = try incoming.whole("positions_total", "positions_found", range: counts) else {
            throw Incoming.missing("positions_total")
        }
        positionsTotal = UInt32(total)
        guard let closed = try incoming.whole("positions_closed", range: counts) else {
            throw Incoming.missing("positions_closed")
        }
        positionsClosed = UInt32(closed)
        positionsFailed = UInt32(try incoming.whole("positions_failed", range: counts) ?? 0)
        failedSymbols = try incoming.symbols("failed_symbols")
        startedAtNs = try incoming.time("ts_started")?.nanoseconds ?? 0
        completedAtNs = try incoming.time("ts_completed", "ts", "timestamp")?.nanoseconds ?? 0
        executionTimeMs = try incoming.whole("execution_time_ms", range: 0...UInt64(Int64.max)) ?? 0
    }
}

extension Incoming {
    /// A JSON array of symbols, in a payload or as text.
    fileprivate mutating func symbols(_ name: String) throws(MessageError) -> [String] {
        guard let found = try take([name]) else { return [] }
        var value = found.value
        if case .string(let text) = value {
            do {
                value = try JSONText.read(text)
            } catch {
                throw MessageError(name, "not readable as JSON: \(error)")
            }
        }
        guard case .array(let items) = value else {
            throw MessageError(name, "must be a JSON array, found \(value.typeName)")
        }
        var symbols: [String] = []
        for item in items {
            guard case .string(let text) = item else {
                throw MessageError(name, "must hold texts, found \(item.typeName)")
            }
            symbols.append(try Symbol.canonical(text, field: name))
        }
        return symbols
    }
}
