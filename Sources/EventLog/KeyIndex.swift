// Which record has a key. Every record holds its key, so the index is derived. The B+tree behind it costs a
// page for each random key; its replacement stands behind the same three calls.

internal import LMDB
internal import Records

/// One writer thread owns it. `find` and `stage` are called inside the write transaction; then exactly one
/// of `flush` (before the commit) and `drop` (the transaction is gone).
struct KeyIndex {
    private let table: TableHandle
    private var staged: [KeyHash: SequenceNumber] = [:]

    init(table: TableHandle) { self.table = table }

    /// The record that has the key, staged ones included; nil where the key is new.
    func find(_ key: KeyHash, in transaction: borrowing WriteTransaction) throws -> SequenceNumber? {
        if let sequence = staged[key] { return sequence }
        return try KeyIndex.find(key, table, in: transaction)
    }

    static func find<T: ReadableTransaction & ~Copyable>(
        _ key: KeyHash, _ table: TableHandle, in transaction: borrowing T
    ) throws -> SequenceNumber? {
        guard let row = try transaction.get(table, key) else { return nil }
        var reader = ByteReader(row)
        return SequenceNumber(try reader.fixed(UInt64.self))
    }

    mutating func stage(_ key: KeyHash, _ sequence: SequenceNumber) {
        staged[key] = sequence
    }

    /// Writes what was staged, in key order: neighbours share pages.
    mutating func flush(in transaction: inout WriteTransaction) throws {
        let ordered = staged.sorted { ($0.key.high, $0.key.low) < ($1.key.high, $1.key.low) }
        for (key, sequence) in ordered {
            var writer = ByteWriter(capacity: 8)
            writer.fixed(sequence.rawValue)
            try transaction.put(table, key, writer.bytes)
        }
        staged.removeAll(keepingCapacity: true)
    }

    mutating func drop() { staged.removeAll(keepingCapacity: true) }
}
