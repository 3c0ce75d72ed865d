// What recovery found and what became of it, as a table for people: requests without an outcome, intents without an end,
// ends that were not acknowledged, trades that no feed had told. The records say the same, one by one. It is pure and only
// listens: nothing that recovery does may depend on it.

internal import Events
package import Records

package struct RecoveryReport: Sendable {
    package enum Found: String, CaseIterable, Sendable {
        /// Whether it was sent, nobody alive knows.
        case request = "request without outcome"
        /// Pending with a consumer that is dead.
        case intent = "intent without end"
        /// As above, and its end stands already.
        case acknowledgement = "end not acknowledged"
        /// On the exchange before this start, and not in the log.
        case trade = "trade in the feeds' gap"
    }

    package struct Row: Hashable, Sendable {
        package let found: Found
        package let symbol: String
        /// Empty: there is none.
        package let clientOrderID: String
        package let traceID: String
        /// Nil: not yet.
        package var resolution: String?

        package init(
            _ found: Found, symbol: String, clientOrderID: String, traceID: String, resolution: String? = nil
        ) {
            self.found = found
            self.symbol = symbol
            self.clientOrderID = clientOrderID
            self.traceID = traceID
            self.resolution = resolution
        }
    }

    /// In the order in which they were found.
    private var rows: [Row] = []
    /// Of the record that a row is about: its place.
    private var open: [SequenceNumber: Int] = [:]
    /// Who has not yet looked through what it was started with.
    private var awaited: Set<String>
    private var hasTold = false

    /// - Parameter parts: who says `hasLooked` once.
    package init(awaiting parts: [String]) { awaited = Set(parts) }

    // MARK: What happens

    /// - Parameter record: the intent or the request.
    package mutating func find(_ row: Row, _ record: SequenceNumber) {
        guard open[record] == nil else { return }
        open[record] = rows.count
        rows.append(row)
    }

    /// Found, and in the log by now.
    package mutating func take(_ row: Row) { rows.append(row) }

    /// What was not found here is nobody's concern.
    package mutating func resolve(_ record: SequenceNumber, as resolution: String) {
        guard let place = open.removeValue(forKey: record) else { return }
        rows[place].resolution = resolution
    }

    package mutating func hasLooked(_ part: String) { awaited.remove(part) }

    // MARK: Telling

    /// Once everybody has looked and all that was found has its end; nil: not yet, or nothing is new. Then it begins anew.
    package mutating func takeTable() -> [String]? {
        guard awaited.isEmpty, open.isEmpty, !rows.isEmpty || !hasTold else { return nil }
        defer {
            rows = []
            hasTold = true
        }
        return rows.isEmpty ? ["nothing was left unfinished"] : lines
    }

    /// What was not told, because it has no end yet; nil: there is nothing.
    package mutating func takeRest() -> [String]? {
        guard !rows.isEmpty else { return nil }
        defer { (rows, open) = ([], [:]) }
        return lines
    }

    private var lines: [String] {
        let head = ["FOUND", "SYMBOL", "CLIENT ORDER ID", "TRACE ID", "RESOLVED AS"]
        let shown = rows.prefix(Limits.recoveryRowsShownMax).map { row in
            [row.found.rawValue, row.symbol, row.clientOrderID, row.traceID, row.resolution ?? "UNRESOLVED"]
                .map { $0.isEmpty ? "-" : $0 }
        }
        let widths = head.indices.map { column in ([head] + shown).map { $0[column].count }.max() ?? 0 }
        let table = ([head] + shown).map { cells in
            let padded = zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            return "  " + padded.joined(separator: "  ").trimmedEnd
        }
        let unresolved = rows.filter { $0.resolution == nil }.count
        let more = rows.count > shown.count ? ["  and \(rows.count - shown.count) more"] : []
        return ["\(rows.count) found, \(rows.count - unresolved) resolved"] + table + more
    }
}

extension String {
    fileprivate var trimmedEnd: String { String(reversed().drop { $0 == " " }.reversed()) }
}
