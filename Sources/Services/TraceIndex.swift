// Trace id → sequences, as a view. Whoever asks brings it up to the head first, so that an answer is never
// less than the log holds.

package import EventLog
internal import LMDB
package import Records

package struct TraceIndex: Sendable {
    static let version: UInt32 = 1
    private static let recordsPerTransaction = 10_000
    private let views: Views
    private let log: EventLog

    package init(views: Views, log: EventLog) {
        self.views = views
        self.log = log
    }

    /// The records of the trace, in order, as of the head when it was asked.
    @available(*, noasync)
    package func sequences(of traceID: String, limit: Int) throws -> [SequenceNumber] {
        let head = try log.head().sequence
        while true {
            try catchUp { _ in }
            // Another process may have cleared the views since: rows and checkpoint are read together.
            let found = try views.read { transaction -> [SequenceNumber]? in
                guard try (reached(transaction) ?? SequenceNumber.none) >= head else { return nil }
                return try rows(of: traceID, limit: limit, transaction)
            }
            if let found { return found }
        }
    }

    private func rows(
        of traceID: String, limit: Int, _ transaction: borrowing ReadTransaction
    ) throws -> [SequenceNumber] {
        let prefix = TraceIndex.prefix(traceID)
        return try transaction.withCursor(views.traces) { cursor in
            var found: [SequenceNumber] = []
            var isThere = try cursor.seek(prefix + [UInt8](repeating: 0, count: 8))
            while isThere, found.count < limit {
                var reader = ByteReader(cursor.key)
                guard try reader.raw(prefix.count) == prefix else { break }
                found.append(SequenceNumber(try reader.ordered(UInt64.self)))
                isThere = try cursor.next()
            }
            return found
        }
    }

    /// Indexes what the log has and the index has not.
    @available(*, noasync)
    package func catchUp(progress: (SequenceNumber) -> Void) throws {
        while true {
            let position = try views.read { try reached($0) }
            let (rows, head) = try next(after: position ?? SequenceNumber.none)
            guard let head else { return }
            try views.write { transaction in
                // Others index, too, and may clear: what is added must follow what is there.
                guard try reached(transaction) == position else { return }
                if position == nil { try transaction.clear(views.traces) }
                for row in rows { try transaction.put(views.traces, row, []) }
                try views.saveTraceCheckpoint(head, &transaction)
            }
            progress(head.sequence)
        }
    }

    /// How many rows the index must have, and has, as of its own checkpoint. Nil: nothing is indexed.
    package func check() throws -> (expected: Int, found: Int)? {
        let state = try views.read { transaction -> (SequenceNumber, Int)? in
            guard let position = try reached(transaction) else { return nil }
            return (position, try transaction.count(views.traces))
        }
        guard let (position, found) = state else { return nil }
        var expected = 0
        try log.walk(from: SequenceNumber(1), through: position) { record in
            if record.traceLength > 0 { expected += 1 }
            return true
        }
        return (expected, found)
    }

    /// The sequence up to which the index is true; nil where there is none, or it belongs to another log.
    private func reached<T: ReadableTransaction & ~Copyable>(_ transaction: borrowing T) throws -> SequenceNumber? {
        guard let checkpoint = try views.loadTraceCheckpoint(transaction), try checkpoint.belongs(to: log) else {
            return nil
        }
        return checkpoint.head.sequence
    }

    private func next(after position: SequenceNumber) throws -> (rows: [[UInt8]], head: Head?) {
        var rows: [[UInt8]] = []
        var head: Head?
        var seen = 0
        try log.snapshot { snapshot in
            try snapshot.walk(from: position.next) { record in
                let trace = try record.traceID()
                if !trace.isEmpty { rows.append(TraceIndex.row(trace, record.sequence)) }
                head = Head(sequence: record.sequence, hash: record.hash)
                seen += 1
                return seen < TraceIndex.recordsPerTransaction
            }
        }
        return (rows, head)
    }

    /// 16 bytes of the trace id's SHA-256; two traces of one prefix would need a collision of them.
    private static func prefix(_ traceID: String) -> [UInt8] { Array(Digest.sha256(traceID).bytes.prefix(16)) }

    private static func row(_ traceID: String, _ sequence: SequenceNumber) -> [UInt8] {
        var writer = ByteWriter(capacity: 24)
        writer.raw(prefix(traceID))
        writer.ordered(sequence.rawValue)
        return writer.bytes
    }
}
