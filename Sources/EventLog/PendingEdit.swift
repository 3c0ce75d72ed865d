// The pending entries that one operation touches, taken out of their runs and put back as few runs as
// possible. Whoever edits says which runs; everything else of the group stays as it is.

internal import LMDB
internal import Records

struct PendingEdit {
    private let group: UInt32
    private var loaded: [EntryID: PendingRun] = [:]
    private var entries: [EntryID: (entry: IndexEntry, delivery: Delivery)] = [:]
    private(set) var countBefore = 0

    init(group: UInt32) { self.group = group }

    var count: Int { entries.count }

    func delivery(_ id: EntryID) -> (entry: IndexEntry, delivery: Delivery)? { entries[id] }

    mutating func set(_ entry: IndexEntry, _ delivery: Delivery) { entries[entry.id] = (entry, delivery) }

    mutating func remove(_ id: EntryID) { entries[id] = nil }

    /// Takes the run's entries out of it.
    mutating func load<T: ReadableTransaction & ~Copyable>(
        _ run: PendingRun, _ transaction: borrowing T, _ tables: Tables, _ stream: StreamNumber
    ) throws {
        guard loaded.updateValue(run, forKey: run.firstID) == nil else { return }
        for entry in try run.entries(transaction, tables, stream) { entries[entry.id] = (entry, run.delivery) }
        countBefore += Int(run.entries)
    }

    /// Writes what is left; how many entries came or went.
    func store(_ transaction: inout WriteTransaction, _ tables: Tables) throws -> Int {
        let sorted = entries.values.sorted { $0.entry.id < $1.entry.id }
        let runs = PendingRun.runs(sorted)
        let kept = Set(runs.map(\.firstID))
        for id in loaded.keys.sorted() where !kept.contains(id) {
            try transaction.delete(tables.pending, PrefixedKey(group, id))
        }
        for run in runs where loaded[run.firstID] != run {
            try transaction.putSealed(tables.pending, PrefixedKey(group, run.firstID), run.encoded())
        }
        return entries.count - countBefore
    }
}

extension PendingRun {
    /// Its entries, from the stream's index.
    func entries<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamNumber
    ) throws -> [IndexEntry] {
        let found = try StreamIndex.entries(
            transaction, tables, stream, firstID...lastID, limit: Int(entries) + 1)
        guard found.count == Int(entries), found.first?.ordinal == firstOrdinal else {
            throw LogError.damaged("pending entries \(firstID) to \(lastID) are not in their stream's index")
        }
        return found
    }
}
