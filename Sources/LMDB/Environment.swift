// One LMDB environment: a folder with a data file and a lock file, opened once per process.
//
// Hazards that bite here, and what this type does about them:
// - A second open of one path in one process breaks the lock: refused (`alreadyOpen`).
// - Nothing of LMDB survives fork(): start new processes with posix_spawn only.
// - A dead process leaves its reader slots: cleared on open, and when slots run out.
// - A reader held open stops pages from being reused and the file grows: `read` is a closure; keep it short.
// - Flags are 0 for everything precious: no NOSYNC, NOMETASYNC, WRITEMAP, MAPASYNC.
// - A write transaction belongs to its OS thread: `write` blocks and is not for async code.
// - The outcome of a failed commit is unknown: `write` throws `CommitError`, and the caller must poison.
// - A damaged or cut-off file may end the process with SIGBUS: the length is checked on open.

internal import CLMDB
internal import Glibc
internal import Synchronization

/// The commit failed; whether the transaction is on disk is unknown. Never retry: Linux marks dirty pages
/// clean after the first failed sync. Poison, open again, look the keys up.
package struct CommitError: Error, Equatable, Sendable, CustomStringConvertible {
    package let cause: LMDBError
    package var description: String { "commit failed, its outcome is unknown: \(cause)" }
}

package enum EnvironmentError: Error, Equatable, Sendable, CustomStringConvertible {
    case alreadyOpen(path: String)
    case truncated(path: String, needed: Int, found: Int)
    case unreadable(path: String, LMDBError)

    package var description: String {
        switch self {
        case .alreadyOpen(let path): "\(path) is already open in this process"
        case .truncated(let path, let needed, let found):
            "\(path)/data.mdb is cut off: \(found) bytes found, its last page ends at \(needed)"
        case .unreadable(let path, let error): "\(path): \(error)"
        }
    }
}

package struct EnvironmentOptions: Sendable {
    package var mapBytes: Int
    package var readersMax: UInt32
    package var tablesMax: UInt32
    /// No write transaction, no new table.
    package var readOnly: Bool

    package init(mapBytes: Int, readersMax: UInt32, tablesMax: UInt32, readOnly: Bool) {
        self.mapBytes = mapBytes
        self.readersMax = readersMax
        self.tablesMax = tablesMax
        self.readOnly = readOnly
    }
}

package struct EnvironmentInfo: Sendable {
    /// Bytes up to the last page in use.
    package let usedBytes: Int
    package let mapBytes: Int
    package let lastTransaction: Int
    package let readersMax: UInt32
    package let readersInUse: UInt32
}

package final class Environment: @unchecked Sendable {
    package let path: String
    package let options: EnvironmentOptions
    /// The open environment; the corresponding C type is `MDB_env`.
    let handle: OpaquePointer
    private let identity: FileIdentity
    private let idleReaders = Mutex<[SendableHandle]>([])
    private let isClosed = Mutex(false)

    /// Opens the environment in the existing folder `path`.
    @available(*, noasync)
    package init(at path: String, options: EnvironmentOptions) throws {
        self.path = path
        self.options = options
        let identity = try FileIdentity(of: path)
        self.identity = identity
        guard openEnvironments.withLock({ $0.insert(identity).inserted }) else {
            throw EnvironmentError.alreadyOpen(path: path)
        }
        do {
            handle = try Environment.opened(path, options)
        } catch {
            openEnvironments.withLock { _ = $0.remove(identity) }
            throw error
        }
        do {
            try requireWholeFile()
            _ = try clearDeadReaders()
        } catch {
            close()
            throw error
        }
    }

    deinit { close() }

    /// Every transaction must have ended.
    package func close() {
        let first = isClosed.withLock { closed in
            defer { closed = true }
            return !closed
        }
        guard first else { return }
        idleReaders.withLock { idle in
            for reader in idle { mdb_txn_abort(reader.pointer) }
            idle.removeAll()
        }
        mdb_env_close(handle)
        openEnvironments.withLock { _ = $0.remove(identity) }
    }

    private static func opened(_ path: String, _ options: EnvironmentOptions) throws -> OpaquePointer {
        var created: OpaquePointer?
        try check(mdb_env_create(&created), "mdb_env_create")
        let handle = created!  // success fills it
        do {
            try check(mdb_env_set_mapsize(handle, options.mapBytes), "mdb_env_set_mapsize")
            try check(mdb_env_set_maxreaders(handle, options.readersMax), "mdb_env_set_maxreaders")
            try check(mdb_env_set_maxdbs(handle, options.tablesMax), "mdb_env_set_maxdbs")
            let flags = UInt32(MDB_NOTLS) | (options.readOnly ? UInt32(MDB_RDONLY) : 0)
            try check(mdb_env_open(handle, path, flags, 0o640), "mdb_env_open")
            return handle
        } catch {
            mdb_env_close(handle)
            throw EnvironmentError.unreadable(path: path, error)
        }
    }

    /// A file that is shorter than its last page would end the process with SIGBUS on the first access. The last
    /// page is asked for before the length: the file only grows, and another process may commit in between.
    private func requireWholeFile() throws {
        let needed = info().usedBytes
        var status = stat()
        guard stat(path + "/data.mdb", &status) == 0 else {
            throw EnvironmentError.unreadable(path: path, LMDBError(code: errno, call: "stat"))
        }
        guard Int(status.st_size) < needed, try !lacksOnlyFreePages() else { return }
        throw EnvironmentError.truncated(path: path, needed: needed, found: Int(status.st_size))
    }

    private func lacksOnlyFreePages() throws -> Bool {
        for _ in 0..<100 {
            var begun: OpaquePointer?
            try check(mdb_txn_begin(handle, nil, UInt32(MDB_RDONLY), &begun), "mdb_txn_begin")
            defer { mdb_txn_abort(begun) }
            // success fills it
            if let answer = try FreePages.holdAllMissing(of: handle, begun!) { return answer }
        }
        return false
    }

    // MARK: Transactions

    /// Runs `body` on one snapshot. Spans that it reads cannot leave it. Keep it short.
    package func read<R>(_ body: (borrowing ReadTransaction) throws -> R) throws -> R {
        let reader = try beginRead()
        defer { endRead(reader) }
        return try body(ReadTransaction(handle: reader))
    }

    /// Runs `body`, then commits; a throw aborts and writes nothing. Throws `CommitError` where the
    /// commit itself failed. Blocks until this process has LMDB's write lock.
    @available(*, noasync)
    package func write<R>(_ body: (inout WriteTransaction) throws -> R) throws -> R {
        var begun: OpaquePointer?
        try check(mdb_txn_begin(handle, nil, 0, &begun), "mdb_txn_begin")
        var transaction = WriteTransaction(handle: begun!)  // success fills it
        let result: R
        do {
            result = try body(&transaction)
        } catch {
            mdb_txn_abort(transaction.handle)
            throw error
        }
        let status = mdb_txn_commit(transaction.handle)  // frees the handle even where it fails
        guard status == MDB_SUCCESS else {
            // Where the meta page was written and its sync failed, LMDB has put the old one back, but only into the
            // kernel's pages. It has to be on the disk before somebody uses this transaction's pages again, or the
            // disk's meta page would lead to those. This says nothing about the commit, so its failure changes nothing.
            _ = mdb_env_sync(handle, 1)
            throw CommitError(cause: LMDBError(code: status, call: "mdb_txn_commit"))
        }
        return result
    }

    private func beginRead() throws -> OpaquePointer {
        if let idle = idleReaders.withLock({ $0.popLast() }) {
            let status = mdb_txn_renew(idle.pointer)
            if status == MDB_SUCCESS { return idle.pointer }
            mdb_txn_abort(idle.pointer)
            throw LMDBError(code: status, call: "mdb_txn_renew")
        }
        var begun: OpaquePointer?
        var status = mdb_txn_begin(handle, nil, UInt32(MDB_RDONLY), &begun)
        if status == MDB_READERS_FULL {
            _ = try clearDeadReaders()
            status = mdb_txn_begin(handle, nil, UInt32(MDB_RDONLY), &begun)
        }
        try check(status, "mdb_txn_begin")
        return begun!  // success fills it
    }

    private func endRead(_ reader: OpaquePointer) {
        mdb_txn_reset(reader)
        idleReaders.withLock { $0.append(SendableHandle(pointer: reader)) }
    }

    // MARK: Tables

    /// Opens tables once, right after the environment; they are never closed.
    /// A table that is not there is made, or nil where the environment is read-only. Where all are there nothing
    /// is written: LMDB's lock is unfair, and whoever opens beside a busy writer would wait for it, out of turn.
    @available(*, noasync)
    package func openTables(_ names: [String]) throws -> [TableHandle?] {
        let opened = try openPresentTables(names)
        if options.readOnly || !opened.contains(nil) { return opened }
        return try write { transaction in
            try names.map { try openTable($0, transaction.handle, flags: UInt32(MDB_CREATE)) }
        }
    }

    /// Those that are there; none is made.
    package func openPresentTables(_ names: [String]) throws -> [TableHandle?] {
        var begun: OpaquePointer?
        try check(mdb_txn_begin(handle, nil, UInt32(MDB_RDONLY), &begun), "mdb_txn_begin")
        let opened: [TableHandle?]
        do {
            opened = try names.map { try openTable($0, begun!, flags: 0) }
        } catch {
            mdb_txn_abort(begun)
            throw error
        }
        try check(mdb_txn_commit(begun), "mdb_txn_commit")  // keeps the handles
        return opened
    }

    private func openTable(_ name: String, _ transaction: OpaquePointer, flags: UInt32) throws -> TableHandle? {
        var table: MDB_dbi = 0
        guard try found(mdb_dbi_open(transaction, name, flags, &table), "mdb_dbi_open") else { return nil }
        return TableHandle(number: table, name: name)
    }

    // MARK: Care

    /// Whether the path still names the folder that was opened.
    package var isStillInPlace: Bool {
        // Where there is no such folder, it is not the one.
        (try? FileIdentity(of: path)) == identity
    }

    package func info() -> EnvironmentInfo {
        var info = MDB_envinfo()
        mdb_env_info(handle, &info)
        var status = MDB_stat()
        mdb_env_stat(handle, &status)
        return EnvironmentInfo(
            usedBytes: (info.me_last_pgno + 1) * Int(status.ms_psize), mapBytes: info.me_mapsize,
            lastTransaction: info.me_last_txnid, readersMax: info.me_maxreaders, readersInUse: info.me_numreaders)
    }

    /// Frees the reader slots of dead processes and returns how many there were.
    @discardableResult
    package func clearDeadReaders() throws -> Int {
        var dead: Int32 = 0
        try check(mdb_reader_check(handle, &dead), "mdb_reader_check")
        return Int(dead)
    }

    /// A consistent copy of the live environment into the existing, empty folder `destination`.
    @available(*, noasync)
    package func copy(to destination: String, compact: Bool) throws {
        let flags = compact ? UInt32(MDB_CP_COMPACT) : 0
        try check(mdb_env_copy2(handle, destination, flags), "mdb_env_copy2")
    }
}

/// Which folders this process has open, by device and inode, so that two spellings of a path are one.
private let openEnvironments = Mutex<Set<FileIdentity>>([])

private struct FileIdentity: Hashable {
    let device: UInt
    let inode: UInt

    init(of path: String) throws {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw EnvironmentError.unreadable(path: path, LMDBError(code: errno, call: "stat"))
        }
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
    }
}

/// A reset read transaction; with MDB_NOTLS it may be renewed by any thread, one at a time.
private struct SendableHandle: @unchecked Sendable {
    let pointer: OpaquePointer
}
