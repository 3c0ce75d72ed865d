// What the runs say of themselves in their manifest: which log they are of, and up to which record they hold every key.

internal import Glibc
internal import Records

struct KeyCoverage: Equatable, Sendable {
    let log: LogID
    /// Every key of this record and those before it is in the runs.
    let upTo: SequenceNumber
    /// That record's hash: a log that was cut off, or is another one, does not have it there.
    let hash: Digest

    var encoded: [UInt8] {
        var writer = ByteWriter(capacity: 56)
        writer.raw(log.bytes)
        writer.fixed(upTo.rawValue)
        writer.raw(hash.bytes)
        return writer.bytes
    }

    init(log: LogID, upTo: SequenceNumber, hash: Digest) {
        self.log = log
        self.upTo = upTo
        self.hash = hash
    }

    /// Nil where nobody has said anything yet.
    init?(_ note: [UInt8]) throws {
        if note.isEmpty { return nil }
        var reader = ByteReader(note.span.bytes)
        guard let log = LogID(try reader.raw(LogID.byteCount)) else { return nil }
        self.log = log
        upTo = SequenceNumber(try reader.fixed(UInt64.self))
        hash = Digest(note.span.bytes, at: reader.offset)
    }
}

/// How the index is kept. Small numbers, in tests, make every append meet a flush or a merge.
package struct KeyIndexOptions: Sendable {
    /// So many keys in memory become a run.
    package var flushKeys: Int
    /// So many in memory, because none can be written, and ordinary appends are refused.
    package var memoryKeysMax: Int
    package var fanOut: Int
    package var rowsPerTransaction: Int

    package init(flushKeys: Int, memoryKeysMax: Int, fanOut: Int, rowsPerTransaction: Int) {
        self.flushKeys = flushKeys
        self.memoryKeysMax = memoryKeysMax
        self.fanOut = fanOut
        self.rowsPerTransaction = rowsPerTransaction
    }

    package static let standard =
        underTest
        ?? KeyIndexOptions(
            flushKeys: Limits.keysPerFlush, memoryKeysMax: Limits.keysInMemoryMax, fanOut: Limits.keyRunsPerTier,
            rowsPerTransaction: Limits.keyRowsPerTransaction)

    #if FAILPOINTS
        /// BACKSTOP_KEYS_FLUSH=<n> in a test build: a run of every n keys, merged in threes, a few pages at a time.
        private static let underTest = getenv("BACKSTOP_KEYS_FLUSH").flatMap { Int(String(cString: $0)) }.map {
            KeyIndexOptions(
                flushKeys: $0, memoryKeysMax: Limits.keysInMemoryMax, fanOut: 3, rowsPerTransaction: 1)
        }
    #else
        private static let underTest: KeyIndexOptions? = nil
    #endif
}
