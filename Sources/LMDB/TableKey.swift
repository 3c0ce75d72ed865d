// How keys become bytes: in an order that memcmp understands, so that a cursor walks in key order.

/// A key of a table, at most 511 bytes.
package protocol TableKey {
    func withKeyBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R
}

extension UInt64: TableKey {
    /// Big-endian: byte order is number order.
    package func withKeyBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        var ordered = bigEndian
        return try Swift.withUnsafeBytes(of: &ordered) { bytes throws(E) in try body(bytes) }
    }
}

extension UInt32: TableKey {
    package func withKeyBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        var ordered = bigEndian
        return try Swift.withUnsafeBytes(of: &ordered) { bytes throws(E) in try body(bytes) }
    }
}

extension [UInt8]: TableKey {
    package func withKeyBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try span.bytes.withUnsafeBytes { bytes throws(E) in try body(bytes) }
    }
}

extension String: TableKey {
    /// UTF-8.
    package func withKeyBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        try Array(utf8).withKeyBytes(body)
    }
}
