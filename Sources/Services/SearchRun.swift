// How the search index stands on disk. A *run* holds all postings (term → sequence) of a range of records, sorted by
// term, in blocks that never change; the runs of an edition cover the log from record 1 without a gap. So the index
// is written in order, never at random, and a term costs one look a run. Runs are merged as they grow many.

internal import LMDB
internal import Records

/// Where a run's row stands: by the first record that it covers.
struct SearchRunKey {
    let version: UInt32
    let edition: UInt32
    let first: SequenceNumber

    init(edition: UInt32, first: SequenceNumber) {
        version = SearchIndex.version
        self.edition = edition
        self.first = first
    }

    init(decoding bytes: [UInt8]) throws(RecordError) {
        var reader = ByteReader(bytes.span.bytes)
        version = try reader.ordered(UInt32.self)
        edition = try reader.ordered(UInt32.self)
        first = SequenceNumber(try reader.ordered(UInt64.self))
        try reader.finish()
    }

    var bytes: [UInt8] {
        var writer = ByteWriter(capacity: 16)
        writer.ordered(version)
        writer.ordered(edition)
        writer.ordered(first.rawValue)
        return writer.bytes
    }
}

struct SearchRun: Equatable {
    /// Its blocks' prefix. Numbers grow, so blocks are always put at the end of their table.
    let number: UInt32
    let first: SequenceNumber
    let last: SequenceNumber
    let content: SearchSum

    var records: UInt64 { last.rawValue - first.rawValue + 1 }

    init(number: UInt32, first: SequenceNumber, last: SequenceNumber, content: SearchSum) {
        self.number = number
        self.first = first
        self.last = last
        self.content = content
    }

    init(first: SequenceNumber, decoding bytes: [UInt8]) throws(RecordError) {
        var reader = ByteReader(bytes.span.bytes)
        number = try reader.fixed(UInt32.self)
        self.first = first
        last = SequenceNumber(try reader.fixed(UInt64.self))
        content = SearchSum(postings: try reader.fixed(UInt64.self), sum: try reader.fixed(UInt64.self))
        try reader.finish()
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 28)
        writer.fixed(number)
        writer.fixed(last.rawValue)
        writer.fixed(content.postings)
        writer.fixed(content.sum)
        return writer.bytes
    }
}

/// What a run holds, whatever its order: for a comparison with the log.
struct SearchSum: Equatable {
    private(set) var postings: UInt64 = 0
    private(set) var sum: UInt64 = 0

    init() {}

    init(postings: UInt64, sum: UInt64) {
        self.postings = postings
        self.sum = sum
    }

    mutating func add(_ term: UInt64, _ sequence: UInt64) {
        postings += 1
        var word = term &+ sequence &* 0x9e37_79b9_7f4a_7c15
        word = (word ^ (word >> 31)) &* 0xbf58_476d_1ce4_e5b9
        sum &+= word ^ (word >> 29)
    }
}

/// A block's place: run, first term, first sequence of that term in it.
struct SearchBlockKey: TableKey {
    let run: UInt32
    let term: UInt64
    let sequence: UInt64

    func withKeyBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        var writer = ByteWriter(capacity: 20)
        writer.ordered(run)
        writer.ordered(term)
        writer.ordered(sequence)
        return try writer.bytes.withKeyBytes(body)
    }

    static func run(of key: RawSpan) throws(RecordError) -> UInt32 {
        var reader = ByteReader(key)
        return try reader.ordered(UInt32.self)
    }
}

/// Postings of one term, in order, as they stand in a block: term, first, how many, bytes of the rest, the rest as
/// differences.
struct SearchEntry {
    let term: UInt64
    let first: UInt64
    let count: Int

    @_lifetime(reader: copy reader)
    init(reading reader: inout ByteReader) throws(RecordError) {
        term = try reader.fixed(UInt64.self)
        first = try reader.varint()
        count = try reader.count(max: Limits.searchEntryPostingsMax)
        bytes = try reader.count(max: Limits.searchBlockBytesMax)
    }

    private let bytes: Int

    @_lifetime(reader: copy reader)
    func skip(_ reader: inout ByteReader) throws(RecordError) { try reader.skip(bytes) }

    @_lifetime(reader: copy reader)
    func postings(_ reader: inout ByteReader) throws(RecordError) -> [UInt64] {
        var sequences = [first]
        sequences.reserveCapacity(count)
        for _ in 1..<max(1, count) {
            let (next, isOver) = sequences[sequences.count - 1].addingReportingOverflow(try reader.varint())
            guard !isOver else { throw .malformed("a posting over 64 bits") }
            sequences.append(next)
        }
        return sequences
    }
}

/// Takes sorted postings and gives blocks.
struct SearchBlockWriter {
    struct Block {
        let key: SearchBlockKey
        let bytes: [UInt8]
    }

    private let run: UInt32
    private(set) var blocks: [Block] = []
    private(set) var bytes = 0
    private(set) var content = SearchSum()
    private var key: SearchBlockKey?
    private var block = ByteWriter(capacity: Limits.searchBlockBytesMax)
    // The entry that is open.
    private var term: UInt64 = 0
    private var first: UInt64 = 0
    private var last: UInt64 = 0
    private var count = 0
    private var rest = ByteWriter(capacity: 1_024)

    init(run: UInt32) { self.run = run }

    /// A posting that comes twice is one.
    mutating func add(_ term: UInt64, _ sequence: UInt64) {
        if count > 0, self.term == term {
            if sequence == last { return }
            if count < Limits.searchEntryPostingsMax {
                content.add(term, sequence)
                rest.varint(sequence - last)
                last = sequence
                count += 1
                return
            }
        }
        endEntry()
        content.add(term, sequence)
        (self.term, first, last, count) = (term, sequence, sequence, 1)
    }

    mutating func finish() {
        endEntry()
        endBlock()
    }

    /// What is ready to be put.
    mutating func take() -> [Block] {
        defer { (blocks, bytes) = ([], 0) }
        return blocks
    }

    private mutating func endEntry() {
        guard count > 0 else { return }
        var entry = ByteWriter(capacity: 24 + rest.bytes.count)
        entry.fixed(term)
        entry.varint(first)
        entry.varint(UInt64(count))
        entry.sized(rest.bytes)
        if block.bytes.count + entry.bytes.count > Limits.searchBlockBytesMax { endBlock() }
        if key == nil { key = SearchBlockKey(run: run, term: term, sequence: first) }
        block.raw(entry.bytes)
        rest = ByteWriter(capacity: 1_024)
        count = 0
    }

    private mutating func endBlock() {
        guard let key else { return }
        blocks.append(Block(key: key, bytes: block.bytes))
        bytes += block.bytes.count
        self.key = nil
        block = ByteWriter(capacity: Limits.searchBlockBytesMax)
    }
}
