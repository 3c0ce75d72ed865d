// Entries that readers of a stream no longer see. The index keeps them, since groups and ordinals need them;
// what is hidden stands beside it as runs, derived from the `stream.hidden` records.

internal import LMDB
internal import Records

/// Hidden entries that follow each other in their stream.
struct HiddenRun: Equatable {
    let firstID: EntryID
    let lastID: EntryID
    let firstOrdinal: UInt64
    let entries: UInt64

    var lastOrdinal: UInt64 { firstOrdinal + entries - 1 }

    init(first: IndexEntry, last: IndexEntry) {
        firstID = first.id
        lastID = last.id
        firstOrdinal = first.ordinal
        entries = last.ordinal - first.ordinal + 1
    }

    init(firstID: EntryID, lastID: EntryID, firstOrdinal: UInt64, lastOrdinal: UInt64) {
        self.firstID = firstID
        self.lastID = lastID
        self.firstOrdinal = firstOrdinal
        entries = lastOrdinal - firstOrdinal + 1
    }

    init(firstID: EntryID, decoding bytes: RawSpan) throws {
        var reader = ByteReader(bytes)
        self.firstID = firstID
        lastID = try reader.entryID()
        firstOrdinal = try reader.fixed(UInt64.self)
        entries = try reader.fixed(UInt64.self)
        try reader.finish()
        guard firstID <= lastID, (1...(1 << 62)).contains(entries), (1...(1 << 62)).contains(firstOrdinal) else {
            throw RecordError.malformed("a run of hidden entries that cannot be")
        }
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 32)
        writer.fixed(lastID)
        writer.fixed(firstOrdinal)
        writer.fixed(entries)
        return writer.bytes
    }

    /// As few runs as possible for entries in order.
    static func runs(_ entries: [IndexEntry]) -> [HiddenRun] {
        var runs: [HiddenRun] = []
        for entry in entries {
            if let last = runs.last, last.lastOrdinal + 1 == entry.ordinal {
                runs[runs.count - 1] = HiddenRun(
                    firstID: last.firstID, lastID: entry.id, firstOrdinal: last.firstOrdinal,
                    lastOrdinal: entry.ordinal)
            } else {
                runs.append(HiddenRun(first: entry, last: entry))
            }
        }
        return runs
    }
}

enum HiddenEntries {
    /// Calls `body` with each run of the stream that ends at `id` or after it, in order, until it answers false.
    static func walk<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamNumber, endingFrom id: EntryID,
        _ body: (HiddenRun) throws -> Bool
    ) throws {
        try transaction.withCursor(tables.hidden) { cursor in
            var isThere = try cursor.seekBack(PrefixedKey(stream.rawValue, id))
            if !isThere { isThere = try cursor.first() }
            while isThere {
                let key = try PrefixedKey(reading: cursor.key)
                guard key.prefix <= stream.rawValue else { return }
                if key.prefix == stream.rawValue {
                    let run = try HiddenRun(firstID: try key.entryID, decoding: cursor.value)
                    if run.lastID >= id, try !body(run) { return }
                }
                isThere = try cursor.next()
            }
        }
    }

    /// The first run that ends at `id` or after it.
    static func first<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamNumber, endingFrom id: EntryID
    ) throws -> HiddenRun? {
        var found: HiddenRun?
        try walk(transaction, tables, stream, endingFrom: id) { run in
            found = run
            return false
        }
        return found
    }

    /// The last run that begins at `id` or before it.
    static func last<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamNumber, beginningUpTo id: EntryID
    ) throws -> HiddenRun? {
        try transaction.withCursor(tables.hidden) { cursor in
            guard try cursor.seekBack(PrefixedKey(stream.rawValue, id)) else { return nil }
            let key = try PrefixedKey(reading: cursor.key)
            guard key.prefix == stream.rawValue else { return nil }
            return try HiddenRun(firstID: try key.entryID, decoding: cursor.value)
        }
    }

    static func contains<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamNumber, _ id: EntryID
    ) throws -> Bool {
        guard let run = try last(transaction, tables, stream, beginningUpTo: id) else { return false }
        return run.lastID >= id
    }

    /// How many hidden entries have a larger ordinal.
    static func count<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamNumber, after ordinal: UInt64, from id: EntryID
    ) throws -> UInt64 {
        var count: UInt64 = 0
        try walk(transaction, tables, stream, endingFrom: id) { run in
            if run.lastOrdinal > ordinal { count += run.lastOrdinal - max(run.firstOrdinal - 1, ordinal) }
            return true
        }
        return count
    }
}
