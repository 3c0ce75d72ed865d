// Rows that no hash chain covers (groups, consumers, pending entries, dead letters) end with a checksum over
// table, key and row, so that rot is found and a row that stands under another's key is no row. It proves
// nothing against somebody who wants to deceive.

internal import LMDB
internal import Records

enum Seal {
    static let byteCount = 8

    /// FNV-1a, 64 bits.
    private static func checksum(
        _ table: TableHandle, _ key: UnsafeRawBufferPointer, _ row: UnsafeRawBufferPointer
    ) -> UInt64 {
        var sum: UInt64 = 0xcbf2_9ce4_8422_2325
        func mix(_ byte: UInt8) { sum = (sum ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        for byte in table.name.utf8 { mix(byte) }
        for byte in key { mix(byte) }
        for byte in row { mix(byte) }
        return sum
    }

    /// The row and its checksum.
    static func sealed<Key: TableKey>(_ table: TableHandle, _ key: Key, _ row: [UInt8]) -> [UInt8] {
        let sum = key.withKeyBytes { key in row.withUnsafeBytes { checksum(table, key, $0) } }
        var writer = ByteWriter(capacity: row.count + byteCount)
        writer.raw(row)
        writer.fixed(sum)
        return writer.bytes
    }

    /// The row without its checksum, which must be right.
    @_lifetime(copy value)
    static func open(_ table: TableHandle, key: RawSpan, value: RawSpan) throws -> RawSpan {
        let count = value.byteCount - byteCount
        guard count >= 0 else { throw LogError.damaged("a row of table \(table.name) is cut off") }
        let row = value.extracting(0..<count)
        let sum = key.withUnsafeBytes { key in row.withUnsafeBytes { checksum(table, key, $0) } }
        guard sum == value.loadUInt64(at: count) else {
            throw LogError.damaged("a row of table \(table.name) does not have its checksum")
        }
        return row
    }
}

extension ReadableTransaction where Self: ~Copyable {
    @_lifetime(borrow self)
    func getSealed<Key: TableKey>(_ table: TableHandle, _ key: Key) throws -> RawSpan? {
        guard let value = try get(table, key) else { return nil }
        let bytes = key.withKeyBytes { Array($0) }
        return try Seal.open(table, key: bytes.span.bytes, value: value)
    }
}

extension WriteTransaction {
    mutating func putSealed<Key: TableKey>(_ table: TableHandle, _ key: Key, _ row: [UInt8]) throws {
        try put(table, key, Seal.sealed(table, key, row))
    }
}

extension Cursor {
    /// Reads the current row, whose checksum must be right.
    borrowing func readSealed<R>(_ table: TableHandle, _ read: (RawSpan) throws -> R) throws -> R {
        try read(try Seal.open(table, key: key, value: value))
    }
}
