// What a caller may do inside one write transaction of the log. Everything in one closure commits together
// or not at all; the closure may run again after an abort, so it must not act on the outside.

internal import LMDB
package import Records

/// Lent to the closure of `EventLog.transact`; it cannot be stored.
package struct LogTransaction: ~Copyable {
    let transaction: UnsafeMutablePointer<WriteTransaction>
    let state: UnsafeMutablePointer<WriterState>
    let stamp: Stamp

    var tables: Tables { state.pointee.tables }
    /// The wall clock's reading that stamps this transaction's records.
    package var now: Timestamp { stamp.recordedAt }
    package var head: Head { state.pointee.head }

    /// Whether a restore has left open what became of that record.
    package func isBeforeRestore(_ sequence: SequenceNumber) -> Bool { sequence < state.pointee.barrier }

    /// Checks everything, then puts. `.conflict` leaves its evidence; `.duplicate` and `.refused` write nothing.
    package mutating func append(_ draft: Draft) throws -> AppendAnswer {
        do {
            return try append(PreparedDraft(draft, rules: state.pointee.rules))
        } catch let refusal as Refusal {
            return .refused(refusal)
        }
    }

    package mutating func append(_ prepared: PreparedDraft) throws -> AppendAnswer {
        if let hash = prepared.keyHash,
            let first = try state.pointee.keys.find(hash, prepared.runsAnswer, in: transaction.pointee)
        {
            return try answer(prepared, hash, hasRecord: first)
        }
        if let refusal = originRefusal(prepared.draft) { return .refused(refusal) }
        if state.pointee.bytesPut + prepared.tail.count > state.pointee.bytesAllowed {
            state.pointee.wasShortOfRoom = true
            return .refused(.tooMuchAtOnce(bytesAllowed: state.pointee.bytesAllowed))
        }
        if let refusal = try state.pointee.refusal(prepared.guards, transaction.pointee) { return .refused(refusal) }
        guard let name = prepared.draft.stream else {
            return .appended(try put(prepared, stream: nil, entryID: .zero))
        }
        let known = try state.pointee.stream(name, transaction.pointee)
        let last = known?.lastID ?? .zero
        guard let id = prepared.draft.entryID.resolved(after: last, now: stamp.recordedAt), id > .zero else {
            return .refused(.entryID(requested: "\(prepared.draft.entryID)", last: last))
        }
        let stream = try known ?? create(name)
        return .appended(try put(prepared, stream: stream, entryID: id))
    }

    /// The record that has the key.
    package func first(_ key: IdempotencyKey, stream: StreamName?) throws -> Record? {
        let hash = key.hash(stream: stream)
        guard let sequence = try state.pointee.keys.find(hash, nil, in: transaction.pointee) else { return nil }
        return try record(sequence)
    }

    package func record(_ sequence: SequenceNumber) throws -> Record? {
        try LogReading.record(transaction.pointee, tables, sequence)
    }

    /// Who holds the guard, first.
    package mutating func holder(of name: String) throws -> GuardHolder? {
        _ = try state.pointee.refusal([.requireLowered(name)], transaction.pointee)  // loads it
        return try GuardTable.holders(of: name, tables, transaction.pointee).first
    }

    /// Moves a group's offset on to `id`, as if all up to it had been delivered and acknowledged; never back. State, not a
    /// command: whoever copies a stream elsewhere saves there how far the copy goes.
    package mutating func passOver(_ stream: StreamName, _ group: String, upTo id: EntryID, consumer: String) throws {
        while let state = try groupState(stream, group), state.lastDeliveredID < id,
            let from = state.lastDeliveredID.next, let number = try self.stream(stream)?.number
        {
            let limit = Limits.groupReadEntriesMax
            let count = try StreamIndex.entries(transaction.pointee, tables, number, from...id, limit: limit).count
            guard count > 0 else { return }
            _ = try readNew(stream, group, consumer: consumer, count: count, noAck: true)
        }
    }

    // MARK: The parts of an append

    /// Causes and bases lie in the past: chains of causes end.
    private func originRefusal(_ draft: Draft) -> Refusal? {
        if draft.cause > head.sequence { return .bound(BoundError("cause", "record \(draft.cause) is not there yet")) }
        if draft.basis > head.sequence { return .bound(BoundError("basis", "record \(draft.basis) is not there yet")) }
        return nil
    }

    private mutating func put(_ prepared: PreparedDraft, stream: StreamState?, entryID: EntryID) throws -> Place {
        try state.pointee.put(prepared, stream: stream, entryID: entryID, &transaction.pointee, stamp)
    }

    mutating func create(_ name: StreamName) throws -> StreamState {
        try state.pointee.create(name, &transaction.pointee, now: stamp)
    }

    /// A key that is there already: the same content, or a conflict that is recorded once per content.
    private mutating func answer(
        _ prepared: PreparedDraft, _ hash: KeyHash, hasRecord first: SequenceNumber
    ) throws -> AppendAnswer {
        guard let record = try record(first) else { throw LogError.damaged("key of record \(first), which is missing") }
        guard record.key == prepared.draft.key else {
            throw LogError.damaged("record \(first) does not have the key that the index gives it")
        }
        let place = Place(sequence: first, entryID: record.header.entryID)
        if record.header.content == prepared.content { return .duplicate(first: place) }
        try recordConflict(prepared, hash, first)
        return .conflict(first: place)
    }

    private mutating func recordConflict(_ prepared: PreparedDraft, _ hash: KeyHash, _ first: SequenceNumber) throws {
        let digest = ConflictDigest(prepared.content)
        let row = try transaction.pointee.get(tables.conflicts, hash)?.array() ?? []
        let known = try ConflictDigest.read(row)
        guard !known.contains(digest), known.count < Limits.conflictsPerKeyMax else { return }
        let name = prepared.draft.key?.qualified(stream: prepared.draft.stream) ?? ""
        let offered = prepared.draft.body.bytes
        let event = LogEvent.conflict(
            key: name, first: first, offered: prepared.content,
            body: offered.count <= Limits.conflictBodyBytesMax ? offered : [])
        try state.pointee.appendOwn(event, cause: first, &transaction.pointee, stamp)
        try transaction.pointee.put(tables.conflicts, hash, row + digest.bytes)
    }
}
