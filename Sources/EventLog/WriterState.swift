// What the writer thread knows between transactions: head, streams with their open blocks, guards, keys.
// A cache of the tables: valid only while the log's head is the one it knows; dropped with every abort.

internal import LMDB
internal import Records

struct WriterState {
    let tables: Tables
    let rules: LogRules
    let session: SessionInfo
    /// See `LogIdentity.barrier`.
    let barrier: SequenceNumber

    /// False after an abort, and before the first transaction.
    private var isKnown = false
    private(set) var head = Head(sequence: .none, hash: .zero)
    private(set) var lastRecordedAt = Timestamp(nanoseconds: .min)
    /// Changed in place: an open block grows with every record, and must not be copied.
    private var streams: [OpenStream] = []
    private var places: [StreamName: Int] = [:]
    /// The one that was asked for last, which is nearly always the next one, too.
    private var lastPlace = 0
    private var guards = GuardState()
    private var loadedGuards: Set<String> = []
    private var changedGuards: [String] = []
    let keys: KeyIndex
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
        /// Changed since its rows were written.
        var isTouched = false
    }

    init(tables: Tables, rules: LogRules, session: SessionInfo, barrier: SequenceNumber, keys: KeyIndex) {
        self.tables = tables
        self.rules = rules
        self.session = session
        self.barrier = barrier
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
        for place in streams.indices where streams[place].isTouched {
            let number = streams[place].state.number
            try transaction.put(tables.streams, number.rawValue, streams[place].state.encoded())
            if let block = streams[place].block { try putBlock(block, number, &transaction) }
            streams[place].isTouched = false
        }
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
        places.removeAll()
        guards = GuardState()
        loadedGuards.removeAll()
        changedGuards.removeAll()
        keys.drop()
    }

    // MARK: Streams

    mutating func stream(_ name: StreamName, _ transaction: borrowing WriteTransaction) throws -> StreamState? {
        if let place = place(of: name) { return streams[place].state }
        guard let state = try StreamIndex.state(transaction, tables, name) else { return nil }
        let block = try lastBlock(of: state, transaction)
        hold(OpenStream(state: state, block: block))
        return state
    }

    private mutating func place(of name: StreamName) -> Int? {
        if lastPlace < streams.count, streams[lastPlace].state.name == name { return lastPlace }
        guard let place = places[name] else { return nil }
        lastPlace = place
        return place
    }

    private mutating func hold(_ stream: OpenStream) {
        places[stream.state.name] = streams.count
        streams.append(stream)
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
        hold(OpenStream(state: state, block: nil, isTouched: true))
        return state
    }

    private mutating func index(
        _ name: StreamName, _ id: EntryID, _ sequence: SequenceNumber, _ transaction: inout WriteTransaction
    ) throws {
        guard let place = place(of: name) else { preconditionFailure("a stream is loaded before it grows") }
        streams[place].state.add(id)
        streams[place].isTouched = true
        let entry = IndexEntry(id: id, sequence: sequence, ordinal: streams[place].state.lastOrdinal)
        if streams[place].block?.isFull == true, let full = streams[place].block {
            try putBlock(full, streams[place].state.number, &transaction)
            streams[place].block = nil
        }
        if streams[place].block == nil {
            streams[place].block = Block(first: entry)
        } else {
            streams[place].block?.append(entry)
        }
    }

    /// After entries were hidden.
    mutating func replace(_ stream: StreamState) {
        guard let place = place(of: stream.name) else { return }
        streams[place].state = stream
        streams[place].isTouched = true
    }

    /// Writes the stream's open block now, so that a walk of the index sees this transaction's appends.
    mutating func writeIndex(of name: StreamName, _ transaction: inout WriteTransaction) throws {
        guard let place = place(of: name), streams[place].isTouched, let block = streams[place].block else { return }
        try putBlock(block, streams[place].state.number, &transaction)
    }

    private func putBlock(_ block: Block, _ stream: StreamNumber, _ transaction: inout WriteTransaction) throws {
        try transaction.put(tables.blocks, PrefixedKey(stream.rawValue, block.firstID), block.encoded())
    }

    // MARK: Guards

    mutating func refusal(_ operations: [GuardOperation], _ transaction: borrowing WriteTransaction) throws -> Refusal?
    {
        if operations.isEmpty { return nil }
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
        let hash = Chain.hash(previous: head.hash, tailDigest: prepared.tailDigest) { header.writeWithoutHash(to: $0) }
        try putBytes(header, hash, prepared.tail, at: sequence, &transaction)
        head = Head(sequence: sequence, hash: hash)
        lastRecordedAt = recordedAt
        if let stream { try index(stream.name, entryID, sequence, &transaction) }
        if let key = prepared.keyHash { keys.stage(key, sequence) }
        if !prepared.guards.isEmpty { changedGuards += guards.apply(prepared.guards, at: sequence) }
        Failpoint.recordPut.hit()
        return Place(sequence: sequence, entryID: entryID)
    }

    private mutating func putBytes(
        _ header: Header, _ hash: Digest, _ tail: [UInt8], at sequence: SequenceNumber,
        _ transaction: inout WriteTransaction
    ) throws {
        putCount += 1
        bytesPut += Header.byteCount + tail.count
        try transaction.reserve(tables.records, sequence.rawValue, count: Header.byteCount + tail.count, .append) {
            room in
            header.writeWithoutHash(to: UnsafeMutableRawBufferPointer(rebasing: room[..<Header.Offset.hash]))
            hash.write(to: room, at: Header.Offset.hash)
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
