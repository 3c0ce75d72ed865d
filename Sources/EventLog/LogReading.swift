// Reading records, from any transaction.

internal import LMDB
internal import Records

/// A record whose bytes do not have the shape of one.
struct RecordDamage: Error, CustomStringConvertible {
    let sequence: SequenceNumber
    let cause: RecordError
    var description: String { "record \(sequence): \(cause)" }
}

enum LogReading {
    /// The last record's number and hash, and its time. The genesis where the log is empty.
    static func head<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, genesis: Digest
    ) throws -> (Head, Timestamp) {
        try transaction.withCursor(tables.records) { cursor in
            guard try cursor.last() else {
                return (Head(sequence: .none, hash: genesis), Timestamp(nanoseconds: .min))
            }
            let view = try placed(cursor)
            return (Head(sequence: view.sequence, hash: view.hash), view.recordedAt)
        }
    }

    static func record<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ sequence: SequenceNumber
    ) throws -> Record? {
        guard let bytes = try transaction.get(tables.records, sequence.rawValue) else { return nil }
        return try RecordView(checking: bytes).record()
    }

    /// Calls `body` with each record from `start` on until it answers false.
    static func walk<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, from start: SequenceNumber,
        _ body: (borrowing RecordView) throws -> Bool
    ) throws {
        try transaction.withCursor(tables.records) { cursor in
            var isThere = try cursor.seek(max(start.rawValue, 1))
            while isThere {
                guard try checked(cursor, body) else { return }
                isThere = try cursor.next()
            }
        }
    }

    /// The record under the cursor: of the shape of one, and the one that its place says.
    @_lifetime(borrow cursor)
    private static func placed(_ cursor: borrowing Cursor) throws -> RecordView {
        var reader = ByteReader(cursor.key)
        let place = SequenceNumber(try reader.ordered(UInt64.self))
        let view: RecordView
        do { view = try RecordView(checking: cursor.value) } catch { throw RecordDamage(sequence: place, cause: error) }
        guard view.sequence == place else {
            throw RecordDamage(sequence: place, cause: .malformed("it says that it is record \(view.sequence)"))
        }
        return view
    }

    private static func checked(
        _ cursor: borrowing Cursor, _ body: (borrowing RecordView) throws -> Bool
    ) throws -> Bool {
        let view = try placed(cursor)
        return try body(view)
    }
}
