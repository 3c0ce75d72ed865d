// Which runs there are, oldest first, and what they cover in the words of their owner (`note`). One row, replaced in the
// transaction that completes a run: a run that it does not list is nobody's.

internal import LMDB
internal import Records

/// One run, as the manifest lists it.
struct RunDescription: Equatable, Sendable {
    let number: UInt32
    let pairs: UInt64
    let blocks: UInt32
    let cells: UInt32
    /// Over the first pair of each block: what leads to a block must be right, too.
    let fences: UInt64

    var filterPages: Int { (Int(cells) + RunFilter.cellsPerPage - 1) / RunFilter.cellsPerPage }
}

struct RunManifest: Equatable, Sendable {
    /// Goes up with every manifest.
    var generation: UInt64 = 0
    /// Numbers are never used again: a reader may keep what it knows of a run by its number.
    var nextRun: UInt32 = 1
    var note: [UInt8] = []
    var runs: [RunDescription] = []

    private static let version: UInt64 = 1
    private static let noteBytesMax = 1_024
    private static let runsMax = 4_096
    static let key: [UInt8] = Array("manifest".utf8)

    func encoded() -> [UInt8] {
        precondition(note.count <= RunManifest.noteBytesMax && runs.count <= RunManifest.runsMax, "a bounded manifest")
        var writer = ByteWriter(capacity: 64 + note.count + runs.count * 32)
        writer.fixed(RunManifest.version)
        writer.fixed(generation)
        writer.fixed(UInt64(nextRun))
        writer.fixed(UInt64(note.count))
        writer.fixed(UInt64(runs.count))
        for run in runs {
            for word in [UInt64(run.number), run.pairs, UInt64(run.blocks), UInt64(run.cells), run.fences] {
                writer.fixed(word)
            }
        }
        writer.raw(note)
        while !writer.bytes.count.isMultiple(of: 8) { writer.fixed(UInt8(0)) }
        writer.fixed(RunManifest.checksum(writer.bytes.span.bytes, bytes: writer.bytes.count))
        return writer.bytes
    }

    init() {}

    init(decoding row: RawSpan) throws {
        guard row.byteCount >= 48, row.byteCount.isMultiple(of: 8) else { throw RunDamage("the manifest is cut off") }
        guard row.loadUInt64(at: row.byteCount - 8) == RunManifest.checksum(row, bytes: row.byteCount - 8) else {
            throw RunDamage("the manifest does not have its checksum")
        }
        var reader = ByteReader(row)
        guard try reader.fixed(UInt64.self) == RunManifest.version else {
            throw RunDamage("the manifest is another version's")
        }
        generation = try reader.fixed(UInt64.self)
        nextRun = UInt32(truncatingIfNeeded: try reader.fixed(UInt64.self))
        let noteBytes = try reader.fixed(UInt64.self)
        let count = try reader.fixed(UInt64.self)
        guard noteBytes <= RunManifest.noteBytesMax, count <= RunManifest.runsMax else {
            throw RunDamage("the manifest lists \(count) runs")
        }
        for _ in 0..<count {
            runs.append(
                RunDescription(
                    number: UInt32(truncatingIfNeeded: try reader.fixed(UInt64.self)),
                    pairs: try reader.fixed(UInt64.self),
                    blocks: UInt32(truncatingIfNeeded: try reader.fixed(UInt64.self)),
                    cells: UInt32(truncatingIfNeeded: try reader.fixed(UInt64.self)),
                    fences: try reader.fixed(UInt64.self)))
        }
        note = try reader.raw(Int(noteBytes))
    }

    private static func checksum(_ row: RawSpan, bytes: Int) -> UInt64 {
        row.withUnsafeBytes {
            $0.baseAddress.map { RunChecksum.of($0, words: bytes / 8, seed: RunChecksum.seed(run: 0, place: bytes)) }
                ?? 0
        }
    }
}

/// The tables of an environment of runs.
struct RunTables: Sendable {
    /// "manifest" → RunManifest.
    let manifest: TableHandle
    /// RunKey (run, its first pair) → RunBlock.
    let blocks: TableHandle
    /// RunKey (run, page) → a page of RunFilter.
    let filters: TableHandle

    static let names = ["manifest", "blocks", "filters"]

    init(_ environment: Environment) throws {
        let opened = try environment.openTables(RunTables.names).compactMap { $0 }
        guard opened.count == RunTables.names.count else { throw RunDamage("a table is missing") }
        (manifest, blocks, filters) = (opened[0], opened[1], opened[2])
    }

    func manifest<T: ReadableTransaction & ~Copyable>(_ transaction: borrowing T) throws -> RunManifest {
        guard let row = try transaction.get(manifest, RunManifest.key) else { return RunManifest() }
        return try RunManifest(decoding: row)
    }
}

/// A row's key: its run, then what orders the rows inside of it. Big-endian.
struct RunKey: TableKey {
    let run: UInt32
    let high: UInt64
    let low: UInt64
    let sequence: UInt64

    static let byteCount = 28

    init(_ run: UInt32, _ pair: RunPair) {
        (self.run, high, low, sequence) = (run, pair.high, pair.low, pair.sequence)
    }

    init(_ run: UInt32, page: Int) {
        (self.run, high, low, sequence) = (run, UInt64(page), 0, 0)
    }

    init(reading bytes: RawSpan) throws {
        guard bytes.byteCount == RunKey.byteCount else { throw RunDamage("a row's key is cut off") }
        run = UInt32(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt32.self))
        high = UInt64(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 4, as: UInt64.self))
        low = UInt64(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 12, as: UInt64.self))
        sequence = UInt64(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: 20, as: UInt64.self))
    }

    func withKeyBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        func upper(_ word: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: word >> 32).bigEndian }
        func lower(_ word: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: word).bigEndian }
        var words = (
            run.bigEndian, upper(high), lower(high), upper(low), lower(low), upper(sequence), lower(sequence)
        )
        return try Swift.withUnsafeBytes(of: &words) { bytes throws(E) in try body(bytes) }
    }
}
