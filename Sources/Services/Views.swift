// views/: everything in it is derived from the log and may be deleted at any time. A checkpoint is a state,
// its sequence, that record's hash, the log's id and the fold's version, committed together; where the log
// does not have that hash there, the view is dropped and built again.

package import Domain
package import EventLog
internal import LMDB
internal import Records

package final class Views: Sendable {
    private let environment: Environment
    private let checkpoints: TableHandle
    let traces: TableHandle
    private let logID: LogID

    /// Opens views/, and makes it where it is missing.
    @available(*, noasync)
    package init(for log: EventLog) throws {
        try LogFolder.makeFolder(log.folder.views)
        environment = try Environment(
            at: log.folder.views,
            options: EnvironmentOptions(
                mapBytes: Limits.mapBytes, readersMax: Limits.readersMax, tablesMax: 8, readOnly: false))
        let opened = try environment.openTables(["checkpoints", "traces"])
        guard let checkpoints = opened[0], let traces = opened[1] else {
            preconditionFailure("a writable environment makes its tables")
        }
        self.checkpoints = checkpoints
        self.traces = traces
        logID = log.id
    }

    @available(*, noasync)
    package func close() { environment.close() }

    func read<R>(_ body: (borrowing ReadTransaction) throws -> R) throws -> R { try environment.read(body) }

    @available(*, noasync)
    func write<R>(_ body: (inout WriteTransaction) throws -> R) throws -> R { try environment.write(body) }

    // MARK: Checkpoints

    /// The saved state, where it belongs to this log and to this version of the fold; nil otherwise.
    package func loadState(_ log: EventLog) throws -> State? {
        let row = try environment.read { try $0.get(checkpoints, "state")?.array() }
        guard let row, let checkpoint = Checkpoint(decoding: row, version: State.version) else { return nil }
        guard try checkpoint.belongs(to: log) else { return nil }
        // Bytes that this version cannot read are another version's, or rot: derived, so built again.
        do { return try State(decoding: checkpoint.payload) } catch { return nil }
    }

    /// Saves the state with the hash of its last record.
    @available(*, noasync)
    package func save(_ state: State, _ log: EventLog) throws {
        guard let head = try Views.head(of: state, log) else { return }
        let checkpoint = Checkpoint(logID: logID, head: head, version: State.version, payload: state.encode())
        try environment.write { try $0.put(checkpoints, "state", checkpoint.encoded()) }
    }

    /// Forgets every view.
    @available(*, noasync)
    package func clear() throws {
        try environment.write { transaction in
            try transaction.clear(checkpoints)
            try transaction.clear(traces)
        }
    }

    private static func head(of state: State, _ log: EventLog) throws -> Head? {
        guard let record = try log.snapshot({ try $0.record(state.asOf) }) else { return nil }
        return Head(sequence: state.asOf, hash: record.header.hash)
    }

    // MARK: The trace index's own checkpoint, in the transaction of its rows

    func loadTraceCheckpoint<T: ReadableTransaction & ~Copyable>(_ transaction: borrowing T) throws -> Checkpoint? {
        guard let row = try transaction.get(checkpoints, "traces")?.array() else { return nil }
        return Checkpoint(decoding: row, version: TraceIndex.version)
    }

    func saveTraceCheckpoint(_ head: Head, _ transaction: inout WriteTransaction) throws {
        let checkpoint = Checkpoint(logID: logID, head: head, version: TraceIndex.version, payload: [])
        try transaction.put(checkpoints, "traces", checkpoint.encoded())
    }
}

/// How far a view has come, and in which log.
struct Checkpoint {
    let logID: LogID
    let head: Head
    let version: UInt32
    let payload: [UInt8]

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + payload.count)
        writer.fixed(version)
        writer.raw(logID.bytes)
        writer.fixed(head.sequence.rawValue)
        writer.raw(head.hash.bytes)
        writer.raw(payload)
        return writer.bytes
    }

    init(logID: LogID, head: Head, version: UInt32, payload: [UInt8]) {
        self.logID = logID
        self.head = head
        self.version = version
        self.payload = payload
    }

    /// Nil where another version wrote it: the view is built again.
    init?(decoding bytes: [UInt8], version expected: UInt32) {
        do { try self.init(reading: bytes, expected) } catch { return nil }
    }

    private init?(reading bytes: [UInt8], _ expected: UInt32) throws(RecordError) {
        var reader = ByteReader(bytes.span.bytes)
        version = try reader.fixed(UInt32.self)
        guard version == expected, let id = LogID(try reader.raw(LogID.byteCount)) else { return nil }
        logID = id
        let sequence = SequenceNumber(try reader.fixed(UInt64.self))
        let hash = try reader.raw(Digest.byteCount)
        head = Head(sequence: sequence, hash: Digest(hash.span.bytes, at: 0))
        payload = try reader.raw(reader.remaining)
    }

    /// Whether the log is the same, and still has that record there.
    func belongs(to log: EventLog) throws -> Bool {
        guard logID == log.id else { return false }
        return try log.snapshot { try $0.record(head.sequence)?.header.hash } == head.hash
    }
}
