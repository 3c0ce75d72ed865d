// What older versions of the software have left in views/: the one before this one's is kept, since whoever goes back
// to it goes on where it stood; what is older goes when something is rebuilt. A newer one's is never touched.

internal import Domain
internal import LMDB
internal import Records

extension Views {
    private static let rowsPerStep = 16

    @available(*, noasync)
    func dropOldVersions() throws {
        // Keys of both begin with the version. Blocks of runs that are gone are cleared away by the next builder.
        for (table, own) in [(tables.snapshots, State.version), (tables.runs, SearchIndex.version)] {
            for version in try versions(of: table).filter({ $0 < own }).dropLast() {
                while try dropSome(of: version, table) {}
            }
        }
    }

    /// In order.
    private func versions(of table: TableHandle) throws -> [UInt32] {
        try read { transaction in
            try transaction.withCursor(table) { cursor in
                var versions: [UInt32] = []
                var isThere = try cursor.first()
                while isThere {
                    let version = try Views.version(of: cursor.key)
                    versions.append(version)
                    isThere = try version < .max && cursor.seek(version + 1)
                }
                return versions
            }
        }
    }

    /// False where nothing is left of it.
    private func dropSome(of version: UInt32, _ table: TableHandle) throws -> Bool {
        let keys = try read { transaction in
            try transaction.withCursor(table) { cursor in
                var keys: [[UInt8]] = []
                var isThere = try cursor.seek(version)
                while try isThere && keys.count < Views.rowsPerStep && Views.version(of: cursor.key) == version {
                    keys.append(cursor.key.array())
                    isThere = try cursor.next()
                }
                return keys
            }
        }
        if keys.isEmpty { return false }
        try write { transaction in
            for key in keys { try transaction.delete(table, key) }
        }
        return true
    }

    private static func version(of key: RawSpan) throws(RecordError) -> UInt32 {
        var reader = ByteReader(key)
        return try reader.ordered(UInt32.self)
    }
}
