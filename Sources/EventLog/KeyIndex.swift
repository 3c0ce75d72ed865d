// Which record has a key. Every record holds its key, so the index is derived: the newest keys stand in memory, older
// ones in sorted runs that say up to which record they know every key. Between the two there may be no gap: what neither
// knows is read from the records themselves. So the index can be slow, never wrong.

internal import LMDB
internal import Records

/// More records are unknown to the index than may be read under the write lock: read them before it, then try again.
struct KeysBehind: Error {}

/// One writer thread owns it. `find` and `stage` are called inside the write transaction; then exactly one of
/// `committed` and `drop`.
/// An object, so that looking something up copies nothing.
final class KeyIndex: @unchecked Sendable {
    private let runs: KeyRuns
    private let flusher: KeyFlusher
    private let tables: Tables
    private let options: KeyIndexOptions
    private var namespaces = KeyNamespaces()

    /// Memory holds the keys of all records after this one …
    private(set) var base = SequenceNumber.none
    /// … up to this one; and of those that the transaction has put.
    private(set) var known = SequenceNumber.none
    private var knownHash = Digest.zero
    private var active = KeyTable()
    private var activeAfter = SequenceNumber.none
    private var frozen: [FrozenKeys] = []
    /// The log's head in this transaction, before its own records.
    private var head = SequenceNumber.none
    /// An emergency would rather read a whole log than wait.
    private var mayScan = false

    init(runs: KeyRuns, flusher: KeyFlusher, tables: Tables, options: KeyIndexOptions) {
        self.runs = runs
        self.flusher = flusher
        self.tables = tables
        self.options = options
    }

    var keysInMemory: Int { frozen.reduce(active.count) { $0 + $1.table.count } }
    var isFull: Bool { keysInMemory >= options.memoryKeysMax }

    // MARK: Before the lock

    /// Reads what others have appended, in read transactions, until little is left for the write lock. False where it
    /// cannot go on: memory is full, and no run can be written.
    func approach(
        _ environment: Environment, isEmergency: Bool, progress: (SequenceNumber, SequenceNumber) -> Void = { _, _ in }
    ) throws -> Bool {
        dropPublished()
        mayScan = isEmergency
        var left = isEmergency ? Limits.keyRecordsBeforeEmergencyMax : .max
        while left > 0 {
            let covered = runs.coverage()
            if covered > known || covered < base || flusher.hasGap { restart(after: covered) }
            let reached = try environment.read { transaction in
                let head = try LogReading.head(transaction, tables, genesis: .zero).0.sequence
                guard head.rawValue > known.rawValue + Limits.keyRecordsUnderLockMax else { return head }
                try follow(transaction, upTo: head, recordsMax: min(left, Limits.scanRecordsPerTransactionMax))
                progress(known, head)
                return head
            }
            if reached.rawValue <= known.rawValue + Limits.keyRecordsUnderLockMax { break }
            left -= Limits.scanRecordsPerTransactionMax
            if !isEmergency, !makeRoom() { return false }
        }
        return isEmergency || makeRoom()
    }

    /// Why memory is full, for those who are refused.
    var problem: String {
        "the newest keys fill the memory that they may use, because the key index cannot be written"
            + (flusher.problem.map { ": \($0)" } ?? " fast enough")
    }

    /// Waits for the thread that writes runs where memory is nearly full.
    private func makeRoom() -> Bool {
        dropPublished()
        guard keysInMemory >= options.memoryKeysMax / 2, !frozen.isEmpty else { return !isFull }
        _ = flusher.waitForRoom(below: max(1, frozen.count / 2), milliseconds: Limits.keyRoomMillisecondsMax)
        dropPublished()
        return !isFull
    }

    private func restart(after covered: SequenceNumber) {
        flusher.forget()
        frozen = []
        active = KeyTable()
        (base, known, activeAfter) = (covered, covered, covered)
    }

    // MARK: In the transaction

    /// Reads the rest. The caller tells the head that it found.
    func begin(_ transaction: borrowing WriteTransaction, head: SequenceNumber) throws {
        self.head = head
        guard known < head else { return }
        if head.rawValue - known.rawValue > UInt64(Limits.scanRecordsPerTransactionMax), !mayScan { throw KeysBehind() }
        try follow(transaction, upTo: head, recordsMax: Limits.scanRecordsPerTransactionMax)
    }

    /// The record that has the key, this transaction's included; nil where the key is new.
    /// - Parameter answer: of the runs, from before the lock.
    func find(
        _ key: KeyHash, _ answer: KeyRuns.Answer?, in transaction: borrowing WriteTransaction
    ) throws -> SequenceNumber? {
        if let found = active.find(key) { return found }
        for part in frozen.reversed() { if let found = part.table.find(key) { return found } }
        var answer = answer ?? runs.find(key)
        if answer.first == nil, answer.upTo < base { answer = runs.find(key) }
        if let first = answer.first { return first }
        if answer.upTo >= base, known >= head { return nil }
        return try scan(key, from: answer.upTo, transaction)
    }

    /// What neither the runs nor memory cover.
    private func scan(
        _ key: KeyHash, from covered: SequenceNumber, _ transaction: borrowing WriteTransaction
    ) throws -> SequenceNumber? {
        let missing = (base.rawValue - min(base, covered).rawValue) + (head.rawValue - min(head, known).rawValue)
        if missing > UInt64(Limits.scanRecordsPerTransactionMax), !mayScan { throw KeysBehind() }
        return try RecordKeys.scan(key, after: covered, upTo: base, transaction, tables)
            ?? RecordKeys.scan(key, after: known, upTo: head, transaction, tables)
    }

    func stage(_ key: KeyHash, _ sequence: SequenceNumber) { active.insert(key, sequence) }

    /// The transaction's records are on disk.
    func committed(_ head: Head) {
        // Where memory was full, it has a gap, and only what came before it counts.
        if known >= self.head {
            (known, knownHash) = (head.sequence, head.hash)
            freezeIfLarge()
        } else {
            active.remove(after: known)
        }
        dropPublished()
    }

    /// The transaction is gone.
    func drop() { active.remove(after: known) }

    // MARK: Its parts

    private func follow<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, upTo head: SequenceNumber, recordsMax: Int
    ) throws {
        var left = min(recordsMax, options.memoryKeysMax - keysInMemory)
        guard left > 0 else { return }
        var (namespaces, known, hash) = (namespaces, known, knownHash)
        try RecordKeys.walk(transaction, tables, from: known.next, &namespaces) { record, key in
            if let key { active.insert(key, record.sequence) }
            (known, hash) = (record.sequence, record.hash)
            left -= 1
            return left > 0
        }
        (self.namespaces, self.known, knownHash) = (namespaces, known, hash)
        freezeIfLarge()
    }

    private func freezeIfLarge() {
        guard active.count >= options.flushKeys else { return }
        let part = FrozenKeys(table: active, after: activeAfter, upTo: known, hash: knownHash)
        frozen.append(part)
        active = KeyTable(slots: 1 << (Int.bitWidth - (part.table.count * 2).leadingZeroBitCount))
        activeAfter = known
        flusher.add(part)
    }

    private func dropPublished() {
        guard let oldest = frozen.first, oldest.upTo <= flusher.published else { return }
        // What was published into runs that were put aside since is not there any more.
        let published = min(flusher.published, runs.coverage())
        while let first = frozen.first, first.upTo <= published {
            frozen.removeFirst()
            base = first.upTo
        }
    }
}
