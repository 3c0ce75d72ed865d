// Transactions: what is read is lent, and the compiler keeps it inside. A put is mutating, so a span read
// before it cannot be used after it (LMDB may have moved the page).

internal import CLMDB
internal import Glibc

/// One open table; the corresponding C type is `MDB_dbi`.
package struct TableHandle: Hashable, Sendable {
    let number: UInt32
    package let name: String
}

/// What both kinds of transaction can do.
package protocol ReadableTransaction: ~Copyable {
    /// The corresponding C type is `MDB_txn`.
    var handle: OpaquePointer { get }
}

package struct ReadTransaction: ~Copyable, ReadableTransaction {
    package let handle: OpaquePointer

    /// The same transaction, to be held by another type that is lent to the same closure.
    package func alias() -> ReadTransaction { ReadTransaction(handle: handle) }
}

package struct WriteTransaction: ~Copyable, ReadableTransaction {
    package let handle: OpaquePointer
}

extension ReadableTransaction where Self: ~Copyable {
    /// The value of `key`, or nil where the key is not there.
    @_lifetime(borrow self)
    package func get<Key: TableKey>(_ table: TableHandle, _ key: Key) throws -> RawSpan? {
        var value = MDB_val()
        let isThere = try key.withKeyBytes { bytes throws(LMDBError) in
            var name = MDB_val(bytes)
            return try found(mdb_get(handle, table.number, &name, &value), "mdb_get \(table.name)")
        }
        guard isThere else { return nil }
        let span = RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size))
        return _overrideLifetime(span, borrowing: self)
    }

    package func contains<Key: TableKey>(_ table: TableHandle, _ key: Key) throws -> Bool {
        try get(table, key) != nil
    }

    package func count(_ table: TableHandle) throws -> Int {
        var status = MDB_stat()
        try check(mdb_stat(handle, table.number, &status), "mdb_stat \(table.name)")
        return status.ms_entries
    }

    /// The snapshot's number; two equal numbers of committed states are the same state.
    package var number: Int { mdb_txn_id(handle) }

    /// Runs `body` with a cursor that is closed afterwards.
    package func withCursor<R>(_ table: TableHandle, _ body: (inout Cursor) throws -> R) throws -> R {
        var opened: OpaquePointer?
        try check(mdb_cursor_open(handle, table.number, &opened), "mdb_cursor_open \(table.name)")
        var cursor = Cursor(handle: opened!, table: table)  // success fills it
        defer { mdb_cursor_close(opened) }
        return try body(&cursor)
    }
}

/// How a put treats the key.
package enum PutMode: Sendable {
    case overwrite
    /// The key must be larger than every other: fills pages to the brim.
    case append
}

extension WriteTransaction {
    package mutating func put<Key: TableKey>(
        _ table: TableHandle, _ key: Key, _ value: [UInt8], _ mode: PutMode = .overwrite
    ) throws {
        try value.span.bytes.withUnsafeBytes { bytes throws(LMDBError) in
            try key.withKeyBytes { keyBytes throws(LMDBError) in
                var name = MDB_val(keyBytes)
                var data = MDB_val(bytes)
                try check(mdb_put(handle, table.number, &name, &data, mode.flags), "mdb_put \(table.name)")
            }
        }
    }

    /// Makes room for `count` bytes and lets `fill` write them in place.
    package mutating func reserve<Key: TableKey>(
        _ table: TableHandle, _ key: Key, count: Int, _ mode: PutMode, _ fill: (UnsafeMutableRawBufferPointer) -> Void
    ) throws {
        var data = MDB_val(mv_size: count, mv_data: nil)
        try key.withKeyBytes { keyBytes throws(LMDBError) in
            var name = MDB_val(keyBytes)
            let flags = mode.flags | UInt32(MDB_RESERVE)
            try check(mdb_put(handle, table.number, &name, &data, flags), "mdb_put \(table.name)")
        }
        fill(UnsafeMutableRawBufferPointer(start: data.mv_data, count: count))
    }

    /// False where the key was not there.
    @discardableResult
    package mutating func delete<Key: TableKey>(_ table: TableHandle, _ key: Key) throws -> Bool {
        try key.withKeyBytes { bytes throws(LMDBError) in
            var name = MDB_val(bytes)
            return try found(mdb_del(handle, table.number, &name, nil), "mdb_del \(table.name)")
        }
    }

    /// Deletes rows from `key` on, in key order, while `isMeant` says so of their keys, and at most `rowsMax`; answers
    /// how many.
    package mutating func delete<Key: TableKey>(
        _ table: TableHandle, from key: Key, rowsMax: Int, while isMeant: (RawSpan) throws -> Bool
    ) throws -> Int {
        try withCursor(table) { cursor in
            var deleted = 0
            var isThere = try cursor.seek(key)
            while isThere, deleted < rowsMax, try isMeant(cursor.key) {
                try cursor.delete()
                deleted += 1
                isThere = try cursor.next()
            }
            return deleted
        }
    }

    /// Removes the table itself; its handle is of no use any more.
    package mutating func remove(_ table: TableHandle) throws {
        try check(mdb_drop(handle, table.number, 1), "mdb_drop \(table.name)")
    }

    /// Empties the table.
    package mutating func clear(_ table: TableHandle) throws {
        try check(mdb_drop(handle, table.number, 0), "mdb_drop \(table.name)")
    }
}

extension PutMode {
    fileprivate var flags: UInt32 {
        switch self {
        case .overwrite: 0
        case .append: UInt32(MDB_APPEND)
        }
    }
}

extension MDB_val {
    init(_ bytes: UnsafeRawBufferPointer) {
        self.init(mv_size: bytes.count, mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    }
}
