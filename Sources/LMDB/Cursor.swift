// A cursor over one table. Its key and value are lent until it moves: moving is mutating, so the compiler
// refuses a span that would outlive its page.

internal import CLMDB

/// The corresponding C type is `MDB_cursor`.
package struct Cursor: ~Copyable {
    let handle: OpaquePointer
    let table: TableHandle
    private var currentKey = MDB_val()
    private var currentValue = MDB_val()

    init(handle: OpaquePointer, table: TableHandle) {
        self.handle = handle
        self.table = table
    }

    /// Each move answers whether there is an entry; after false, key and value are empty.
    package mutating func first() throws -> Bool { try move(MDB_FIRST) }
    package mutating func last() throws -> Bool { try move(MDB_LAST) }
    package mutating func next() throws -> Bool { try move(MDB_NEXT) }
    package mutating func previous() throws -> Bool { try move(MDB_PREV) }

    /// To the first entry whose key is `key` or larger.
    package mutating func seek<Key: TableKey>(_ key: Key) throws -> Bool {
        let handle = handle
        let name = table.name
        var value = MDB_val()
        var found = MDB_val()
        let isThere = try key.withKeyBytes { bytes throws(LMDBError) in
            found = MDB_val(bytes)
            return try LMDB.found(mdb_cursor_get(handle, &found, &value, MDB_SET_RANGE), "mdb_cursor_get \(name)")
        }
        (currentKey, currentValue) = isThere ? (found, value) : (MDB_val(), MDB_val())
        return isThere
    }

    /// To the last entry whose key is `key` or smaller.
    package mutating func seekBack<Key: TableKey>(_ key: Key) throws -> Bool {
        guard try seek(key) else { return try last() }
        let isExact = key.withKeyBytes { bytes in
            UnsafeRawBufferPointer(start: currentKey.mv_data, count: currentKey.mv_size).elementsEqual(bytes)
        }
        return isExact ? true : try previous()
    }

    /// Deletes the entry, in a write transaction; the next move is from its place.
    mutating func delete() throws {
        try check(mdb_cursor_del(handle, 0), "mdb_cursor_del \(table.name)")
        (currentKey, currentValue) = (MDB_val(), MDB_val())
    }

    package var key: RawSpan {
        @_lifetime(borrow self) get {
            let span = RawSpan(
                _unsafeStart: currentKey.mv_data ?? UnsafeMutableRawPointer(bitPattern: 8)!,
                byteCount: currentKey.mv_size)
            return _overrideLifetime(span, borrowing: self)
        }
    }

    package var value: RawSpan {
        @_lifetime(borrow self) get {
            let span = RawSpan(
                _unsafeStart: currentValue.mv_data ?? UnsafeMutableRawPointer(bitPattern: 8)!,
                byteCount: currentValue.mv_size)
            return _overrideLifetime(span, borrowing: self)
        }
    }

    private mutating func move(_ operation: MDB_cursor_op) throws -> Bool {
        let status = mdb_cursor_get(handle, &currentKey, &currentValue, operation)
        guard try found(status, "mdb_cursor_get \(table.name)") else {
            (currentKey, currentValue) = (MDB_val(), MDB_val())
            return false
        }
        return true
    }
}
