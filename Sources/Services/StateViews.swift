// The saved state, by edition: the checkpoint that commands begin with, and the snapshots that answer "as of".

package import Domain
package import EventLog
internal import LMDB
package import Records

extension ViewLine {
    static let states = ViewLine.state(version: State.version)
}

extension Views {
    /// The saved state, where it belongs to this log and to this version of the fold; nil otherwise.
    package func loadState(_ log: EventLog) throws -> State? {
        try read { try state($0, try editions(.states, $0).current, log) }
    }

    /// The edition in use, for who saves it again and again.
    package func stateEdition() throws -> UInt32 { try read { try editions(.states, $0).current } }

    func state<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ edition: UInt32, _ log: EventLog
    ) throws -> State? {
        let name = ViewLine.states.row(edition)
        guard let checkpoint = try checkpoint(name, version: State.version, log, transaction) else { return nil }
        return decoded(checkpoint, name)
    }

    /// Bytes that this version cannot read are another version's, or rot: derived, so built again.
    private func decoded(_ checkpoint: Checkpoint, _ name: String) -> State? {
        do { return try State(decoding: checkpoint.payload) } catch {
            note("\(name) is not used: \(error)")
            return nil
        }
    }

    /// Saves the state with the hash of its last record, in the edition in use.
    @available(*, noasync)
    package func save(_ state: State, _ log: EventLog) throws {
        _ = try save(state, log, edition: try stateEdition())
    }

    /// As `save`, and a snapshot where one is due. False where another edition has taken this one's place.
    @available(*, noasync)
    package func save(_ state: State, _ log: EventLog, edition: UInt32) throws -> Bool {
        guard let head = try Views.head(of: state, log) else { return true }
        let bytes = state.encode()
        return try write { transaction in
            let editions = try editions(.states, transaction)
            guard editions.current == edition || editions.building == edition else { return false }
            try put(ViewLine.states.row(edition), head, version: State.version, bytes, &transaction)
            // Later ones are of another log, or of this one before it was cut.
            for later in try snapshotSequences(edition, transaction) where later > head.sequence {
                try transaction.delete(tables.snapshots, SnapshotKey(edition: edition, sequence: later).bytes)
            }
            if try isSnapshotDue(head.sequence, edition, transaction) {
                try putSnapshot(head, bytes, edition, &transaction)
            }
            return true
        }
    }

    private static func head(of state: State, _ log: EventLog) throws -> Head? {
        guard let record = try log.snapshot({ try $0.record(state.asOf) }) else { return nil }
        return Head(sequence: state.asOf, hash: record.header.hash)
    }

    // MARK: Snapshots

    /// Keeps the state as a snapshot of the edition in use, as far as the bound allows.
    @available(*, noasync)
    package func keepSnapshot(_ state: State, _ log: EventLog) throws {
        guard let head = try Views.head(of: state, log) else { return }
        let bytes = state.encode()
        try write { transaction in
            try putSnapshot(head, bytes, try editions(.states, transaction).current, &transaction)
        }
    }

    /// Removes the snapshots of an edition that cannot be believed, so that new ones take their place.
    @available(*, noasync)
    package func dropBadSnapshots(_ log: EventLog, edition: UInt32) throws {
        for sequence in try read({ try snapshotSequences(edition, $0) })
        where try snapshot(edition, sequence, log) == nil {
            _ = try write { try $0.delete(tables.snapshots, SnapshotKey(edition: edition, sequence: sequence).bytes) }
        }
    }

    /// The newest state at or before `sequence` that can be believed: a snapshot, or the checkpoint itself.
    package func newestState(upTo sequence: SequenceNumber, _ log: EventLog) throws -> State? {
        let (edition, found) = try read { transaction in
            let edition = try editions(.states, transaction).current
            return (edition, try snapshotSequences(edition, transaction))
        }
        var best: State?
        if let current = try loadState(log), current.asOf <= sequence { best = current }
        for candidate in found.reversed() where candidate <= sequence && candidate > best?.asOf ?? .none {
            if let state = try snapshot(edition, candidate, log) { return state }
        }
        return best
    }

    /// Of the edition in use, in order.
    package func snapshotSequences() throws -> [SequenceNumber] {
        try read { try snapshotSequences(try editions(.states, $0).current, $0) }
    }

    /// Nil where it cannot be believed; the note says why.
    package func snapshot(_ sequence: SequenceNumber, _ log: EventLog) throws -> State? {
        try snapshot(try stateEdition(), sequence, log)
    }

    private func snapshot(_ edition: UInt32, _ sequence: SequenceNumber, _ log: EventLog) throws -> State? {
        let key = SnapshotKey(edition: edition, sequence: sequence)
        guard let row = try read({ try $0.get(tables.snapshots, key.bytes)?.array() }) else { return nil }
        let name = "the snapshot of \(sequence)"
        guard let checkpoint = try usable(row, State.version, log, name) else { return nil }
        guard checkpoint.head.sequence == sequence else {
            note("\(name) is not used: it is of \(checkpoint.head.sequence)")
            return nil
        }
        return decoded(checkpoint, name)
    }

    func snapshotSequences<T: ReadableTransaction & ~Copyable>(
        _ edition: UInt32, _ transaction: borrowing T
    ) throws -> [SequenceNumber] {
        try transaction.withCursor(tables.snapshots) { cursor in
            var found: [SequenceNumber] = []
            var isThere = try cursor.seek(SnapshotKey(edition: edition, sequence: .none).bytes)
            while isThere {
                let key = try SnapshotKey(decoding: cursor.key.array())
                guard key.version == State.version, key.edition == edition else { break }
                found.append(key.sequence)
                isThere = try cursor.next()
            }
            return found
        }
    }

    private func isSnapshotDue<T: ReadableTransaction & ~Copyable>(
        _ sequence: SequenceNumber, _ edition: UInt32, _ transaction: borrowing T
    ) throws -> Bool {
        let last = try snapshotSequences(edition, transaction).last ?? .none
        return sequence.rawValue >= last.rawValue + Limits.snapshotRecordsMin
    }

    private func putSnapshot(
        _ head: Head, _ bytes: [UInt8], _ edition: UInt32, _ transaction: inout WriteTransaction
    ) throws {
        let row = snapshotRow(head, bytes)
        try transaction.put(
            tables.snapshots, SnapshotKey(edition: edition, sequence: head.sequence).bytes, row)
        let kept = max(Limits.snapshotsKeptMin, min(Limits.snapshotsMax, Limits.snapshotBytesMax / row.count))
        for dropped in SnapshotThinning.dropped(try snapshotSequences(edition, transaction), keeping: kept) {
            try transaction.delete(tables.snapshots, SnapshotKey(edition: edition, sequence: dropped).bytes)
        }
    }

    func dropSnapshots(of edition: UInt32, _ transaction: inout WriteTransaction) throws {
        for sequence in try snapshotSequences(edition, transaction) {
            try transaction.delete(tables.snapshots, SnapshotKey(edition: edition, sequence: sequence).bytes)
        }
    }
}

struct SnapshotKey {
    let version: UInt32
    let edition: UInt32
    let sequence: SequenceNumber

    init(edition: UInt32, sequence: SequenceNumber) {
        version = State.version
        self.edition = edition
        self.sequence = sequence
    }

    init(decoding bytes: [UInt8]) throws(RecordError) {
        var reader = ByteReader(bytes.span.bytes)
        version = try reader.ordered(UInt32.self)
        edition = try reader.ordered(UInt32.self)
        sequence = SequenceNumber(try reader.ordered(UInt64.self))
        try reader.finish()
    }

    var bytes: [UInt8] {
        var writer = ByteWriter(capacity: 16)
        writer.ordered(version)
        writer.ordered(edition)
        writer.ordered(sequence.rawValue)
        return writer.bytes
    }
}

/// Which snapshots go where there are too many: always the one that leaves the smallest hole, never the newest. So
/// they stay spread over the whole log, and every question folds about as much.
package enum SnapshotThinning {
    package static func dropped(_ sequences: [SequenceNumber], keeping max: Int) -> [SequenceNumber] {
        var left = sequences
        var dropped: [SequenceNumber] = []
        while left.count > Swift.max(1, max) {
            var best = (place: 0, hole: UInt64.max)
            for place in 0..<left.count - 1 {
                let hole = left[place + 1].rawValue - (place == 0 ? 0 : left[place - 1].rawValue)
                if hole < best.hole { best = (place, hole) }
            }
            dropped.append(left.remove(at: best.place))
        }
        return dropped
    }
}
