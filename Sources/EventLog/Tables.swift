// The tables of log/, with their keys and rows. Precious: meta, records, groups, consumers, pending,
// dead_letters; all but the records, which the chain covers, are sealed. Derived in the same transaction, and
// recomputed by `verify`: the rest.

internal import LMDB
package import Records

struct Tables: Sendable {
    /// Name → one row of each: see `metaRows`.
    let meta: TableHandle
    /// u64 sequence → record.
    let records: TableHandle
    /// Name → u32 number.
    let streamNames: TableHandle
    /// u32 number → StreamState.
    let streams: TableHandle
    /// BlockKey → Block.
    let blocks: TableHandle
    /// (u32 stream, first id) → HiddenRun.
    let hidden: TableHandle
    /// KeyHash → 16-byte digests of the contents that are recorded as conflicts.
    let conflicts: TableHandle
    /// Name → holders.
    let guards: TableHandle
    /// (u32 stream, name) → GroupState.
    let groups: TableHandle
    /// (u32 group, name) → ConsumerState.
    let consumers: TableHandle
    /// (u32 group, first id) → PendingRun.
    let pending: TableHandle
    /// (u32 group, id) → DeadLetter.
    let deadLetters: TableHandle

    static let names = [
        "meta", "records", "stream_names", "streams", "blocks", "conflicts", "guards", "groups", "consumers",
        "pending", "hidden", "dead_letters",
    ]

    /// LogIdentity's three; GroupNumbers.
    static let metaRows: Set<String> = ["log_id", "origin", "barrier", "groups"]

    init(_ environment: Environment) throws {
        let opened = try environment.openTables(Tables.names)
        var tables: [TableHandle] = []
        for (name, table) in zip(Tables.names, opened) {
            guard let table else { throw LogError.damaged("table \(name) is missing") }
            tables.append(table)
        }
        meta = tables[0]
        records = tables[1]
        streamNames = tables[2]
        streams = tables[3]
        blocks = tables[4]
        conflicts = tables[5]
        guards = tables[6]
        groups = tables[7]
        consumers = tables[8]
        pending = tables[9]
        hidden = tables[10]
        deadLetters = tables[11]
    }
}

/// A key of two parts: a number, then bytes that sort as memcmp does.
struct PrefixedKey: TableKey {
    let prefix: UInt32
    let rest: [UInt8]

    init(_ prefix: UInt32, _ rest: [UInt8]) {
        self.prefix = prefix
        self.rest = rest
    }

    init(_ prefix: UInt32, _ id: EntryID) {
        self.init(prefix, id.orderedBytes)
    }

    init(reading bytes: RawSpan) throws(RecordError) {
        var reader = ByteReader(bytes)
        prefix = try reader.ordered(UInt32.self)
        rest = try reader.raw(reader.remaining)
    }

    var entryID: EntryID {
        get throws(RecordError) { try EntryID(ordered: rest) }
    }

    func withKeyBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        var writer = ByteWriter(capacity: 4 + rest.count)
        writer.ordered(prefix)
        writer.raw(rest)
        return try writer.bytes.withKeyBytes(body)
    }
}

extension KeyHash: TableKey {
    package func withKeyBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        var words = (high.bigEndian, low.bigEndian)
        return try Swift.withUnsafeBytes(of: &words) { bytes throws(E) in try body(bytes) }
    }
}

extension EntryID {
    var orderedBytes: [UInt8] {
        var writer = ByteWriter(capacity: 16)
        writer.ordered(milliseconds)
        writer.ordered(counter)
        return writer.bytes
    }

    init(ordered bytes: [UInt8]) throws(RecordError) {
        var reader = ByteReader(bytes.span.bytes)
        self.init(try reader.ordered(UInt64.self), try reader.ordered(UInt64.self))
        try reader.finish()
    }
}

extension ByteWriter {
    mutating func fixed(_ id: EntryID) {
        fixed(id.milliseconds)
        fixed(id.counter)
    }
}

extension ByteReader {
    @_lifetime(self: copy self)
    mutating func entryID() throws(RecordError) -> EntryID {
        EntryID(try fixed(UInt64.self), try fixed(UInt64.self))
    }
}
