// The one who writes runs: adds one, merges several into one, deletes those that no manifest lists. At most one keeper of
// an environment may work at a time, in all processes: its owner holds a lock for that. Each step is a transaction of a
// bounded size, synced; a run counts from the manifest on that is put with its last rows. So a process that dies
// anywhere leaves rows of runs that are not listed, which the next keeper deletes, and nothing else.
//
// Replaced runs need not be kept for a while: who reads does so inside a read transaction, in which their pages stay
// what they are, and looks at the manifest of that same transaction.

internal import LMDB
internal import Records

/// Where a keeper has come to; tests end it there, by a kill or a throw.
package enum RunStep: Sendable {
    /// Some rows of a run are on disk, which no manifest lists yet.
    case partWritten
    /// Before the commit that lists a run.
    case listing
    case listed
    /// Some rows of runs that are listed no more are gone.
    case partDeleted
}

/// One for each time that the lock is held: what another keeper did meanwhile is not known to it.
package final class RunKeeper {
    private let store: RunStore
    private let stepped: (RunStep) throws -> Void
    private let rowsPerTransaction: Int
    private let tiers: RunTiers
    /// Above every number that was used.
    private var nextRun: UInt32 = 1
    /// Being merged, or being written: neither merged again nor deleted.
    private var busy: Set<UInt32> = []
    /// A keeper that died may have left rows under the next number.
    private var isSwept = false

    package init(
        _ store: RunStore, tiers: RunTiers, rowsPerTransaction: Int,
        stepped: @escaping (RunStep) throws -> Void = { _ in }
    ) {
        self.store = store
        self.tiers = tiers
        self.rowsPerTransaction = rowsPerTransaction
        self.stepped = stepped
    }

    /// Adds a run of these pairs, which are in order, with the owner's new note.
    package func add(_ pairs: [RunPair], note: [UInt8]) throws {
        var place = 0
        try write(
            expected: pairs.count,
            next: {
                guard place < pairs.count else { return nil }
                defer { place += 1 }
                return pairs[place]
            }
        ) { manifest, run in
            manifest.note = note
            if let run { manifest.runs.append(run) }
        } between: {
        }
    }

    /// Forgets all runs: a manifest that lists none.
    package func reset(note: [UInt8]) throws {
        try store.environment.write { transaction in
            var manifest = try store.tables.manifest(transaction)
            manifest.generation += 1
            manifest.note = note
            manifest.runs = []
            try transaction.put(store.tables.manifest, RunManifest.key, manifest.encoded())
        }
        try sweep()
    }

    // MARK: Merging

    /// Merges the runs of one tier where one is full; false where none is. `between` is called after each transaction
    /// of it, and may add runs and merge smaller ones.
    package func mergeOne(below pairsMax: UInt64 = .max, between: (_ pairs: UInt64) throws -> Void) throws -> Bool {
        let (manifest, runs) = try store.read { snapshot in (snapshot.manifest, snapshot.runs) }
        guard let range = tiers.fullTier(manifest.runs.map { ($0.pairs, busy.contains($0.number)) }) else {
            return false
        }
        let inputs = Array(runs[range])
        let expected = inputs.reduce(0) { $0 + $1.pairs }
        guard expected < pairsMax else { return false }
        let numbers = inputs.map(\.number)
        busy.formUnion(numbers)
        defer { busy.subtract(numbers) }
        let merged = try MergedRuns(inputs)
        try write(expected: Int(expected), next: { try merged.next() }) { manifest, run in
            guard let first = manifest.runs.firstIndex(where: { $0.number == numbers[0] }), let run,
                run.pairs == expected, Array(manifest.runs[first...].prefix(numbers.count).map(\.number)) == numbers
            else { throw RunDamage("the runs that were merged are not those that the manifest lists") }
            manifest.runs.replaceSubrange(first..<first + numbers.count, with: [run])
        } between: {
            try between(expected)
        }
        return true
    }

    // MARK: Deleting

    /// Deletes the rows of runs that are not listed, some at a time.
    package func sweep() throws {
        isSwept = true
        for table in [store.tables.blocks, store.tables.filters] {
            while try sweepSome(table) { try stepped(.partDeleted) }
        }
    }

    private func sweepSome(_ table: TableHandle) throws -> Bool {
        let listed = Set(try store.environment.read { try store.tables.manifest($0).runs.map(\.number) })
        guard let run = try firstUnlisted(table, listed) else { return false }
        try store.environment.write { transaction in
            _ = try transaction.delete(table, from: RunKey(run, page: 0), rowsMax: rowsPerTransaction) { key in
                try RunKey(reading: key).run == run
            }
        }
        return true
    }

    private func firstUnlisted(_ table: TableHandle, _ listed: Set<UInt32>) throws -> UInt32? {
        try store.environment.read { transaction in
            try transaction.withCursor(table) { cursor in
                var isThere = try cursor.first()
                while isThere {
                    let run = try RunKey(reading: cursor.key).run
                    if !listed.contains(run), !busy.contains(run) { return run }
                    guard run < .max else { return nil }
                    isThere = try cursor.seek(RunKey(run + 1, page: 0))
                }
                return nil
            }
        }
    }

    // MARK: Writing a run

    private func write(
        expected: Int, next: () throws -> RunPair?, list: (inout RunManifest, RunDescription?) throws -> Void,
        between: () throws -> Void
    ) throws {
        if !isSwept { try sweep() }
        nextRun = max(nextRun, try store.environment.read { try store.tables.manifest($0).nextRun })
        let number = nextRun
        nextRun += 1
        busy.insert(number)
        defer { busy.remove(number) }
        let writer = RunWriter(number: number, tables: store.tables, expected: expected)
        while true {
            let isDone = try store.environment.write { transaction in
                let limit = writer.rows + rowsPerTransaction
                while writer.rows < limit {
                    guard let pair = try next() else {
                        let run = try writer.finish(&transaction)
                        try self.list(run, number, &transaction, list)
                        try stepped(.listing)
                        return true
                    }
                    try writer.add(pair, &transaction)
                }
                return false
            }
            try stepped(isDone ? .listed : .partWritten)
            if isDone { return }
            try between()
        }
    }

    private func list(
        _ run: RunDescription?, _ number: UInt32, _ transaction: inout WriteTransaction,
        _ change: (inout RunManifest, RunDescription?) throws -> Void
    ) throws {
        var manifest = try store.tables.manifest(transaction)
        try change(&manifest, run)
        manifest.generation += 1
        manifest.nextRun = max(manifest.nextRun, number + 1)
        try transaction.put(store.tables.manifest, RunManifest.key, manifest.encoded())
    }
}
