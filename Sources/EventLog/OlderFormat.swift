// A log of the version before. Its keys stood in a table of log/ as well, which this version neither reads nor writes: an
// older process would take a key that it does not find there. So FORMAT changes first, while nobody has the log open, and
// from then on older software refuses it; then the table goes. A crash in between leaves a log of this version with a
// table that nobody reads, and the next one that opens it for writing goes on.

internal import LMDB
internal import Records

enum OlderFormat {
    private static let table = "keys"

    /// Makes a log of the version before one of ours. For the time before it is opened.
    static func raise(_ folder: LogFolder) throws(LogError) {
        let lock = try FileLock(path: folder.path + "/init.lock")  // one at a time; a killed one's is free
        lock.lock()
        defer { lock.unlock() }
        guard try LogFolder(existing: folder.path, writable: true).isOlder else { return }
        // Whoever has the log open holds this file.
        let users = try FileLock(path: folder.log + "/namespace")
        guard users.tryLock() else { throw .olderInUse(path: folder.path) }
        defer { users.unlock() }
        try folder.finish()
    }

    /// Removes the table where it is still there, in transactions of a bounded size.
    static func removeTable(_ environment: Environment, _ folder: LogFolder) throws {
        guard try environment.openPresentTables([table])[0] != nil else { return }
        let lock = try FileLock(path: folder.path + "/init.lock")
        lock.lock()
        defer { lock.unlock() }
        guard let keys = try environment.openPresentTables([table])[0] else { return }
        var isEmpty = false
        while !isEmpty {
            try environment.write { transaction in
                let deleted = try transaction.delete(
                    keys, from: [0] as [UInt8], rowsMax: Limits.scanRecordsPerTransactionMax
                ) { _ in true }
                isEmpty = deleted < Limits.scanRecordsPerTransactionMax
                if isEmpty { try transaction.remove(keys) }
            }
        }
    }
}
