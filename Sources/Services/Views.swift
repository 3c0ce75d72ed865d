// views/: everything in it is derived from the log and may be deleted at any time. A checkpoint is a state,
// its sequence, that record's hash, the log's id and the fold's version, committed together; where the log
// does not have that hash there, the view is dropped and built again. What is damaged is never believed.

internal import Domain
package import EventLog
internal import LMDB
internal import Records

package final class Views: Sendable {
    private let environment: Environment
    let tables: ViewTables
    private let logID: LogID
    private let folder: String
    /// Hears what is not used and why, for people.
    let note: @Sendable (String) -> Void

    /// Opens views/, and makes it where it is missing.
    @available(*, noasync)
    package init(for log: EventLog, note: @escaping @Sendable (String) -> Void = { _ in }) throws {
        try LogFolder.makeFolder(log.folder.views)
        environment = try Environment(
            at: log.folder.views,
            options: EnvironmentOptions(
                mapBytes: Limits.mapBytes, readersMax: Limits.readersMax, tablesMax: 16, readOnly: false))
        tables = try ViewTables(environment)
        logID = log.id
        folder = log.folder.views
        self.note = note
    }

    @available(*, noasync)
    package func close() { environment.close() }

    func read<R>(_ body: (borrowing ReadTransaction) throws -> R) throws -> R { try environment.read(body) }

    @available(*, noasync)
    func write<R>(_ body: (inout WriteTransaction) throws -> R) throws -> R { try environment.write(body) }

    /// Held by whoever builds what has this name, in all processes.
    func lock(_ name: String) throws -> FileLock { try FileLock(path: folder + "/\(name).lock") }

    /// Forgets every view. Waits for whoever builds the search index.
    @available(*, noasync)
    package func clear() throws {
        let lock = try lock(SearchIndex.lockName)
        lock.lock()
        defer { lock.unlock() }
        try environment.write { transaction in
            for table in tables.all { try transaction.clear(table) }
        }
    }

    // MARK: Checkpoints

    /// Nil where there is none that this log and this version can use; the note says why.
    func checkpoint<T: ReadableTransaction & ~Copyable>(
        _ name: String, version: UInt32, _ log: EventLog, _ transaction: borrowing T
    ) throws -> Checkpoint? {
        guard let row = try transaction.get(tables.checkpoints, name)?.array() else { return nil }
        return try usable(row, version, log, "the view \(name)")
    }

    func usable(_ row: [UInt8], _ version: UInt32, _ log: EventLog, _ name: String) throws -> Checkpoint? {
        let checkpoint: Checkpoint
        do { checkpoint = try Checkpoint(decoding: row, version: version) } catch {
            note("\(name) is not used: \(error)")
            return nil
        }
        guard try checkpoint.belongs(to: log) else {
            note("\(name) is not used: it is of another log, or of a log that went on otherwise")
            return nil
        }
        return checkpoint
    }

    func put(
        _ name: String, _ head: Head, version: UInt32, _ payload: [UInt8], _ transaction: inout WriteTransaction
    ) throws {
        let checkpoint = Checkpoint(logID: logID, head: head, version: version, payload: payload)
        try transaction.put(tables.checkpoints, name, checkpoint.encoded())
    }

    func snapshotRow(_ head: Head, _ payload: [UInt8]) -> [UInt8] {
        Checkpoint(logID: logID, head: head, version: State.version, payload: payload).encoded()
    }
}

struct ViewTables: Sendable {
    /// Name → Editions or Checkpoint.
    let checkpoints: TableHandle
    /// SnapshotKey → Checkpoint.
    let snapshots: TableHandle
    /// SearchRunKey → SearchRun.
    let runs: TableHandle
    /// SearchBlockKey → SearchBlock.
    let blocks: TableHandle

    var all: [TableHandle] { [checkpoints, snapshots, runs, blocks] }

    init(_ environment: Environment) throws {
        var opened: [TableHandle] = []
        for table in try environment.openTables(["checkpoints", "snapshots", "search_runs", "search_blocks"]) {
            guard let table else { preconditionFailure("a writable environment makes its tables") }
            opened.append(table)
        }
        checkpoints = opened[0]
        snapshots = opened[1]
        runs = opened[2]
        blocks = opened[3]
    }
}
