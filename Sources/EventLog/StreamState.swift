// A stream's row and its index blocks. The index is derived from the records: (stream, first id) → up to
// 256 (id, sequence) pairs, delta-coded, so that one append costs a fraction of a row. Each entry also has
// an ordinal, its number in the stream from 1: with it, lag is a subtraction.

package import Records

/// Redis' own numbers of a stream.
package struct StreamState: Equatable, Sendable {
    package let number: StreamNumber
    package let name: StreamName
    package var lastID: EntryID = .zero
    /// Of the first visible entry; zero where none is.
    package var firstID: EntryID = .zero
    /// The largest that was hidden by id (trimming does not count).
    package var maxDeletedID: EntryID = .zero
    /// Visible entries.
    package var length: UInt64 = 0
    package var entriesAdded: UInt64 = 0
    /// The ordinal of the last entry, hidden or not.
    package var lastOrdinal: UInt64 = 0

    init(number: StreamNumber, name: StreamName) {
        self.number = number
        self.name = name
    }

    mutating func add(_ id: EntryID) {
        if length == 0 { firstID = id }
        lastID = id
        length += 1
        entriesAdded += 1
        lastOrdinal += 1
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        for id in [lastID, firstID, maxDeletedID] { writer.fixed(id) }
        for number in [length, entriesAdded, lastOrdinal] { writer.fixed(number) }
        writer.sized(name.text)
        return writer.bytes
    }

    init(number: StreamNumber, decoding bytes: RawSpan) throws {
        var reader = ByteReader(bytes)
        lastID = try reader.entryID()
        firstID = try reader.entryID()
        maxDeletedID = try reader.entryID()
        length = try reader.fixed(UInt64.self)
        entriesAdded = try reader.fixed(UInt64.self)
        lastOrdinal = try reader.fixed(UInt64.self)
        name = try StreamName(try reader.text(max: Limits.streamNameBytesMax))
        self.number = number
        try reader.finish()
    }
}

/// An entry's three names.
package struct IndexEntry: Hashable, Sendable {
    package let id: EntryID
    package let sequence: SequenceNumber
    package let ordinal: UInt64
}

/// Up to `Limits.blockEntriesMax` entries of one stream, in order.
struct Block: Sendable {
    let baseOrdinal: UInt64
    private(set) var count: Int
    private(set) var last: IndexEntry
    let firstID: EntryID
    private var deltas: ByteWriter

    init(first entry: IndexEntry) {
        baseOrdinal = entry.ordinal
        count = 1
        last = entry
        firstID = entry.id
        deltas = ByteWriter(capacity: 64)
        deltas.varint(entry.sequence.rawValue)
    }

    var isFull: Bool { count >= Limits.blockEntriesMax }

    mutating func append(_ entry: IndexEntry) {
        precondition(!isFull && entry.id > last.id && entry.ordinal == last.ordinal + 1, "a block grows in order")
        let step = entry.id.milliseconds - last.id.milliseconds
        deltas.varint(step)
        deltas.varint(step == 0 ? entry.id.counter - last.id.counter : entry.id.counter)
        deltas.varint(entry.sequence.rawValue - last.sequence.rawValue)
        last = entry
        count += 1
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 10 + deltas.bytes.count)
        writer.fixed(baseOrdinal)
        writer.fixed(UInt16(count))
        writer.raw(deltas.bytes)
        return writer.bytes
    }

    /// Calls `body` with each entry until it answers false.
    static func each(_ bytes: RawSpan, firstID: EntryID, _ body: (IndexEntry) throws -> Bool) throws {
        var reader = ByteReader(bytes)
        let base = try reader.fixed(UInt64.self)
        let count = Int(try reader.fixed(UInt16.self))
        var id = firstID
        var sequence = try reader.varint()
        guard count > 0, count <= Limits.blockEntriesMax, base < 1 << 62 else {
            throw RecordError.malformed("a block of \(count) entries")
        }
        guard try body(IndexEntry(id: id, sequence: SequenceNumber(sequence), ordinal: base)) else { return }
        for place in 1..<max(count, 1) {
            let step = try reader.varint()
            let counter = try reader.varint()
            id = step == 0 ? EntryID(id.milliseconds, id.counter &+ counter) : EntryID(id.milliseconds &+ step, counter)
            sequence &+= try reader.varint()
            let entry = IndexEntry(id: id, sequence: SequenceNumber(sequence), ordinal: base + UInt64(place))
            guard try body(entry) else { return }
        }
        try reader.finish()
    }

    /// Reads a block back so that it can grow.
    init(decoding bytes: RawSpan, firstID: EntryID) throws {
        var block: Block?
        try Block.each(bytes, firstID: firstID) { entry in
            if block == nil { block = Block(first: entry) } else { block?.append(entry) }
            return true
        }
        guard let block else { throw RecordError.malformed("an empty block") }
        self = block
    }
}
