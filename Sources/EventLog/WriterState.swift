// What the writer thread knows between transactions: head, streams with their open blocks, guards, keys.
// A cache of the tables: valid only while the log's head is the one it knows; dropped with every abort.

internal import LMDB
internal import Records

struct WriterState {
    let tables: Tables
    let rules: LogRules
    let session: SessionInfo

    /// False after an abort, and before the first transaction.
    private var isKnown = false
    private(set) var head = Head(sequence: .none, hash: .zero)
    private(set) var lastRecordedAt = Timestamp(nanoseconds: .min)
    private var streams: [StreamName: OpenStream] = [:]
    private var touched: Set<StreamName> = []
    private var guards = GuardState()
    private var loadedGuards: Set<String> = []
    private var changedGuards: [String] = []
    var keys: KeyIndex
    private(set) var sessionSequence: SequenceNumber = .none
    /// Survives an abort only where it was committed.
    private var committedSession: SequenceNumber = .none
    /// Puts of the current transaction: a job that throws after one makes the transaction start over.
    private(set) var putCount = 0
    private(set) var bytesPut = 0
    /// How many bytes of records the transaction may still put.
    private(set) var bytesAllowed = 0
    /// The last job was told `tooMuchAtOnce`.
    var wasShortOfRoom = false

    struct OpenStream {
        var state: StreamState
        var block: Block?
    }

    init(tables: Tables, rules: LogRules, session: SessionInfo, keys: KeyIndex) {
        self.tables = tables
        self.rules = rules
        self.session = session
        self.keys = keys
    }

    // MARK: One transaction

    mutating func begin(_ transaction: borrowing WriteTransaction, genesis: Digest, bytesAllowed: Int) throws {
        putCount = 0
        bytesPut = 0
        self.bytesAllowed = bytesAllowed
        wasShortOfRoom = false
        sessionSequence = committedSession
        let (found, time) = try LogReading.head(transaction, tables, genesis: genesis)
        // All that is cached is a function of the records: the same head, the same streams, guards and keys.
        if !isKnown || found != head {
            drop()
            (head, lastRecordedAt, isKnown) = (found, time, true)
        }
        try keys.begin(transaction, head: head.sequence)
    }

    /// Writes what the appends have changed in memory.
    mutating func flush(_ transaction: inout WriteTransaction) throws {
        for name in touched.sorted() {
            guard let open = streams[name] else { continue }
            try transaction.put(tables.streams, open.state.number.rawValue, open.state.encoded())
            if let block = open.block { try putBlock(block, open.state.number, &transaction) }
        }
        touched.removeAll(keepingCapacity: true)
        for name in changedGuards { try GuardTable.store(guards.holders[name] ?? [], name, tables, &transaction) }
        changedGuards.removeAll()
    }

    mutating func committed() {
        committedSession = sessionSequence
        keys.committed(head)
    }

    mutating func drop() {
        isKnown = false
        streams.removeAll()
        touched.removeAll()
        guards = GuardState()
        loadedGuards.removeAll()
        changedGuards.removeAll()
        keys.drop()
    }

    // MARK: Streams

    mutating func stream(_ name: StreamName, _ transaction: borrowing WriteTransaction) throws -> StreamState? {
        if let open = streams[name] { return open.state }
        guard let state = try StreamIndex.state(transaction, tables, name) else { return nil }
        let block = try lastBlock(of: state, transaction)
        streams[name] = OpenStream(state: state, block: block)
        return state
    }

    private func lastBlock(of state: StreamState, _ transaction: borrowing WriteTransaction) throws -> Block? {
        guard state.lastOrdinal > 0 else { return nil }
        return try transaction.withCursor(tables.blocks) { cursor in
            guard try cursor.seekBack(PrefixedKey(state.number.rawValue, state.lastID)) else { return nil }
            let key = try PrefixedKey(reading: cursor.key)
            guard key.prefix == state.number.rawValue else { return nil }
            return try Block(decoding: cursor.value, firstID: try key.entryID)
        }
    }

    /// Gives the stream its number; its `stream.created` record comes first.
    mutating func create(_ name: StreamName, _ transaction: inout WriteTransaction, now: Stamp) throws -> StreamState {
        let number = StreamNumber(UInt32(try transaction.count(tables.streamNames)) + 1)
        try appendOwn(.streamCreated(number: number, name: name), cause: .none, &transaction, now)
        var writer = ByteWriter(capacity: 4)
        writer.fixed(number.rawValue)
        try transaction.put(tables.streamNames, name.text, writer.bytes)
        let state = StreamState(number: number, name: name)
        streams[name] = OpenStream(state: state, block: nil)
        touched.insert(name)
        return state
    }

    private mutating func index(
        _ name: StreamName, _ id: EntryID, _ sequence: SequenceNumber, _ transaction: inout WriteTransaction
    ) throws {
        guard var open = streams[name] else { preconditionFailure("a stream is loaded before it grows") }
        open.state.add(id)
        let entry = IndexEntry(id: id, sequence: sequence, ordinal: open.state.lastOrdinal)
        if open.block?.isFull == true, let full = open.block {
            try putBlock(full, open.state.number, &transaction)
            open.block = Block(first: entry)
        } else if open.block == nil {
            open.block = Block(first: entry)
        } else {
            open.block?.append(entry)
        }
        streams[name] = open
        touched.insert(name)
    }

    /// After entries were hidden.
    mutating func replace(_ stream: StreamState) {
        streams[stream.name]?.state = stream
        touched.insert(stream.name)
    }

    /// Writes the stream's open block now, so that a walk of the index sees this transaction's appends.
    mutating func writeIndex(of name: StreamName, _ transaction: inout WriteTransaction) throws {
        guard touched.contains(name), let open = streams[name], let block = open.block else { return }
        try putBlock(block, open.state.number, &transaction)
    }

    private func putBlock(_ block: Block, _ stream: StreamNumber, _ transaction: inout WriteTransaction) throws {
        try transaction.put(tables.blocks, PrefixedKey(stream.rawValue, block.firstID), block.encoded())
    }

    // MARK: Guards

    mutating func refusal(_ operations: [GuardOperation], _ transaction: borrowing WriteTransaction) throws -> Refusal?
    {
        for name in operations.map(\.name) where loadedGuards.insert(name).inserted {
            let holders = try GuardTable.holders(of: name, tables, transaction)
            guards.load(name, holders)
        }
        return guards.refusal(operations)
    }

    // MARK: Records

    /// Writes a record of which everything was checked.
    mutating func put(
        _ prepared: PreparedDraft, stream: StreamState?, entryID: EntryID, _ transaction: inout WriteTransaction,
        _ now: Stamp
    ) throws -> Place {
        if sessionSequence.isNone, prepared.draft.kind != .sessionStarted { try startSession(&transaction, now) }
        let sequence = head.sequence.next
        if prepared.draft.kind == .sessionStarted { sessionSequence = sequence }
        let recordedAt = max(now.recordedAt, lastRecordedAt)
        let header = prepared.header(
            sequence: sequence, session: sessionSequence, recordedAt: recordedAt, monotonicAt: now.monotonicAt,
            stream: stream?.number ?? .none, entryID: entryID)
        let encoded = header.encodedWithoutHash()
        let hash = Chain.hash(previous: head.hash, header: encoded, tailDigest: prepared.tailDigest)
        try putBytes(encoded, hash, prepared.tail, at: sequence, &transaction)
        head = Head(sequence: sequence, hash: hash)
        lastRecordedAt = recordedAt
        if let stream { try index(stream.name, entryID, sequence, &transaction) }
        if let key = prepared.keyHash { keys.stage(key, sequence) }
        changedGuards += guards.apply(prepared.guards, at: sequence)
        Failpoint.recordPut.hit()
        return Place(sequence: sequence, entryID: entryID)
    }

    private mutating func putBytes(
        _ header: [UInt8], _ hash: Digest, _ tail: [UInt8], at sequence: SequenceNumber,
        _ transaction: inout WriteTransaction
    ) throws {
        putCount += 1
        bytesPut += Header.byteCount + tail.count
        let hashBytes = hash.bytes
        try transaction.reserve(tables.records, sequence.rawValue, count: Header.byteCount + tail.count, .append) {
            room in
            room.copyBytes(from: header)
            UnsafeMutableRawBufferPointer(rebasing: room[Header.Offset.hash...]).copyBytes(from: hashBytes)
            UnsafeMutableRawBufferPointer(rebasing: room[Header.byteCount...]).copyBytes(from: tail)
        }
    }

    private mutating func startSession(_ transaction: inout WriteTransaction, _ now: Stamp) throws {
        let event = LogEvent.sessionStarted(
            bootID: session.bootID, host: session.host, pid: session.pid, version: session.version)
        try appendOwn(event, cause: .none, &transaction, now)
    }

    /// A record of the log's own, in no stream and without a key.
    mutating func appendOwn(
        _ event: LogEvent, cause: SequenceNumber, _ transaction: inout WriteTransaction, _ now: Stamp
    ) throws {
        let draft = Draft(
            kind: event.kind, stream: nil, key: nil, producer: session.producer, cause: cause, body: rules.body(event))
        let prepared = try PreparedDraft(draft, rules: rules)
        _ = try put(prepared, stream: nil, entryID: .zero, &transaction, now)
    }

    /// For jobs that change group tables and write no record.
    mutating func countPut() { putCount += 1 }
}

/// One reading of both clocks, for all records of a transaction.
struct Stamp {
    let recordedAt: Timestamp
    let monotonicAt: BootInstant
}

extension GuardOperation {
    var name: String {
        switch self {
        case .raise(let name, _), .lower(let name, _), .requireLowered(let name), .take(let name, _),
            .release(let name, _):
            name
        }
    }
}
