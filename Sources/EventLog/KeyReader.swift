// Which record has a key, for those who only read: the runs, and the newest keys in memory, read when they are asked for.
// Where no process writes runs, or too many records are newer than they, the records themselves are read.

internal import LMDB
internal import Records
internal import Synchronization

final class KeyReader: Sendable {
    let runs: KeyRuns
    private let tables: Tables
    private let tail = Mutex(Tail())

    /// The keys of the records after `base` and up to `known`.
    private struct Tail {
        var base = SequenceNumber.none
        var known = SequenceNumber.none
        var table = KeyTable()
        var namespaces = KeyNamespaces()
    }

    init(runs: KeyRuns, tables: Tables) {
        self.runs = runs
        self.tables = tables
    }

    /// The record that has the key, in that snapshot of the log.
    func first(_ key: KeyHash, in transaction: borrowing ReadTransaction) throws -> SequenceNumber? {
        let answer = runs.find(key)
        let head = try LogReading.head(transaction, tables, genesis: .zero).0.sequence
        // What is newer than the snapshot is not there yet.
        if let first = answer.first { return first <= head ? first : nil }
        guard answer.upTo < head else { return nil }
        guard head.rawValue - answer.upTo.rawValue <= UInt64(Limits.keysInMemoryMax) else {
            return try RecordKeys.scan(key, after: answer.upTo, upTo: head, transaction, tables)
        }
        let found = try tail.withLock { tail in
            try extend(&tail, from: answer.upTo, to: head, transaction)
            return tail.table.find(key)
        }
        return found.flatMap { $0 <= head ? $0 : nil }
    }

    private func extend(
        _ tail: inout Tail, from covered: SequenceNumber, to head: SequenceNumber,
        _ transaction: borrowing ReadTransaction
    ) throws {
        let isLarge = tail.table.count > 2 * Limits.keysPerFlush && tail.base < covered
        if covered < tail.base || covered > tail.known || isLarge {
            tail.table = KeyTable()
            (tail.base, tail.known) = (covered, covered)
        }
        guard tail.known < head else { return }
        var namespaces = tail.namespaces
        let table = tail.table
        try RecordKeys.walk(transaction, tables, from: tail.known.next, &namespaces) { record, key in
            if let key { table.insert(key, record.sequence) }
            return true
        }
        tail.namespaces = namespaces
        tail.known = head
    }
}
