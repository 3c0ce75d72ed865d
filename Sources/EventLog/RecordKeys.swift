// The keys that records hold, by walking records: the truth from which the index is derived.

internal import LMDB
internal import Records

/// Streams' namespaces by number, as far as they were needed. A stream's name never changes.
struct KeyNamespaces {
    private var known: [StreamNumber: StreamName] = [:]

    mutating func hash<T: ReadableTransaction & ~Copyable>(
        _ record: borrowing RecordView, _ tables: Tables, _ transaction: borrowing T
    ) throws -> KeyHash? {
        guard record.keyLength > 0 else { return nil }
        guard record.flags & Header.Flag.userKey != 0 else {
            return KeyHash(namespaceOf: nil, key: record.bytes, record.keyRange)
        }
        if known[record.stream] == nil {
            known[record.stream] = try StreamIndex.state(transaction, tables, record.stream).name
        }
        return KeyHash(namespaceOf: known[record.stream], key: record.bytes, record.keyRange)
    }
}

enum RecordKeys {
    /// Calls `body` with every record from `start` on, and its key where it has one, until it answers false.
    static func walk<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, from start: SequenceNumber, _ namespaces: inout KeyNamespaces,
        _ body: (borrowing RecordView, KeyHash?) throws -> Bool
    ) throws {
        try LogReading.walk(transaction, tables, from: start) { record in
            try body(record, try namespaces.hash(record, tables, transaction))
        }
    }

    /// The first record after `after` and up to `last` that has the key: as slow as reading all of them.
    static func scan<T: ReadableTransaction & ~Copyable>(
        _ key: KeyHash, after: SequenceNumber, upTo last: SequenceNumber, _ transaction: borrowing T, _ tables: Tables
    ) throws -> SequenceNumber? {
        guard after < last else { return nil }
        var namespaces = KeyNamespaces()
        var found: SequenceNumber?
        try walk(transaction, tables, from: after.next, &namespaces) { record, hash in
            guard record.sequence <= last else { return false }
            if hash == key { found = record.sequence }
            return found == nil
        }
        return found
    }
}
