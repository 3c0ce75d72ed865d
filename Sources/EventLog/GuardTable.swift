// The table of guards: name → its holders, in the order in which they came.

internal import LMDB
internal import Records

enum GuardTable {
    static func holders<T: ReadableTransaction & ~Copyable>(
        of name: String, _ tables: Tables, _ transaction: borrowing T
    ) throws -> [GuardHolder] {
        guard let row = try transaction.get(tables.guards, name) else { return [] }
        return try decode(row)
    }

    static func all<T: ReadableTransaction & ~Copyable>(
        _ tables: Tables, _ transaction: borrowing T
    ) throws -> [String: [GuardHolder]] {
        try transaction.withCursor(tables.guards) { cursor in
            var found: [String: [GuardHolder]] = [:]
            var isThere = try cursor.first()
            while isThere {
                guard let name = cursor.key.text(0..<cursor.key.byteCount) else {
                    throw LogError.damaged("a guard's name is not UTF-8")
                }
                found[name] = try decode(cursor.value)
                isThere = try cursor.next()
            }
            return found
        }
    }

    static func store(
        _ holders: [GuardHolder], _ name: String, _ tables: Tables, _ transaction: inout WriteTransaction
    ) throws {
        guard !holders.isEmpty else {
            try transaction.delete(tables.guards, name)
            return
        }
        var writer = ByteWriter(capacity: 64)
        writer.varint(UInt64(holders.count))
        for holder in holders {
            writer.fixed(holder.sequence.rawValue)
            writer.sized(holder.holder)
        }
        try transaction.put(tables.guards, name, writer.bytes)
    }

    private static func decode(_ row: RawSpan) throws -> [GuardHolder] {
        var reader = ByteReader(row)
        var holders: [GuardHolder] = []
        for _ in 0..<(try reader.count(max: Limits.guardHoldersMax + 1)) {
            let sequence = SequenceNumber(try reader.fixed(UInt64.self))
            holders.append(GuardHolder(holder: try reader.text(max: Limits.guardNameBytesMax), sequence: sequence))
        }
        try reader.finish()
        return holders
    }
}
