// Which contents were offered under keys that have their record with another content: each is recorded once. Derived.

internal import LMDB
internal import Records

/// The first 16 bytes of a content's digest.
struct ConflictDigest: Hashable {
    let bytes: [UInt8]
    static let byteCount = 16

    init(_ content: Digest) { bytes = Array(content.bytes.prefix(ConflictDigest.byteCount)) }

    private init(bytes: ArraySlice<UInt8>) { self.bytes = Array(bytes) }

    static func read(_ row: [UInt8]) throws -> [ConflictDigest] {
        guard row.count.isMultiple(of: byteCount) else { throw LogError.damaged("a row of table conflicts is cut off") }
        return stride(from: 0, to: row.count, by: byteCount).map { ConflictDigest(bytes: row[$0..<$0 + byteCount]) }
    }
}

extension LogSnapshot {
    /// What was offered under a key, in the order of the records.
    func conflicts(_ key: KeyHash) throws -> [ConflictDigest] {
        try ConflictDigest.read(try transaction.get(tables.conflicts, key)?.array() ?? [])
    }

    /// Of all keys.
    func conflictCount() throws -> Int {
        try transaction.withCursor(tables.conflicts) { cursor in
            var count = 0
            var isThere = try cursor.first()
            while isThere {
                count += try ConflictDigest.read(cursor.value.array()).count
                isThere = try cursor.next()
            }
            return count
        }
    }
}
