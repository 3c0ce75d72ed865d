// Writes runs: adds one, merges several into one, deletes those that no manifest lists. Any number of keepers, in any
// processes, may add: that is one transaction. To merge and to delete, the owner holds a lock that only one keeper has.
// Each step is a transaction of a bounded size, synced; a run counts from the manifest on that is put with its last
// rows. So a process that dies anywhere leaves rows of runs that are not listed, which the next one that merges
// deletes, and nothing else. Numbers of runs are given by the manifest and never again, whatever became of them.
//
// Replaced runs need not be kept for a while: who reads does so inside a read transaction, in which their pages stay
// what they are, and looks at the manifest of that same transaction.

internal import LMDB
internal import Records

/// Where a keeper has come to; tests end it there, by a kill or a throw.
package enum RunStep: Sendable {
    /// Before the commit that adds a run.
    case adding
    case added
    /// Some rows of a merged run are on disk, which no manifest lists yet.
    case partMerged
    /// Before the commit that lists a merged run.
    case merging
    case merged
    /// Some rows of runs that are listed no more are gone.
    case partDeleted
}

/// One for each time that the lock is held: what another keeper did meanwhile is not known to it.
package final class RunKeeper {
    private let store: RunStore
    private let stepped: (RunStep) throws -> Void
    private let rowsPerTransaction: Int
    private let tiers: RunTiers
    /// Being merged, or being written: neither merged again nor deleted.
    private var busy: Set<UInt32> = []

    package init(
        _ store: RunStore, tiers: RunTiers, rowsPerTransaction: Int,
        stepped: @escaping (RunStep) throws -> Void = { _ in }
    ) {
        self.store = store
        self.tiers = tiers
        self.rowsPerTransaction = rowsPerTransaction
        self.stepped = stepped
    }

    // MARK: Adding

    /// Adds a run of these pairs, which are in order, in one transaction. `decide` gets the owner's note and answers
    /// after which sequence the pairs are to be taken, and the new note; nil: nothing is to be done.
    package func add(_ pairs: [RunPair], _ decide: ([UInt8]) throws -> (after: UInt64, note: [UInt8])?) throws {
        precondition(pairs.count <= RunKeeper.pairsPerAddMax, "a run that is added fits into one transaction")
        let isAdded = try store.environment.write { transaction in
            var manifest = try store.tables.manifest(transaction)
            guard let (after, note) = try decide(manifest.note) else { return false }
            let writer = RunWriter(number: manifest.nextRun, tables: store.tables, expected: pairs.count)
            for pair in pairs where pair.sequence > after { try writer.add(pair, &transaction) }
            manifest.nextRun += 1
            manifest.note = note
            if let run = try writer.finish(&transaction) { manifest.runs.append(run) }
            try put(manifest, &transaction)
            try stepped(.adding)
            return true
        }
        if isAdded { try stepped(.added) }
    }

    private static let pairsPerAddMax = 1_500_000

    private func put(_ manifest: RunManifest, _ transaction: inout WriteTransaction) throws {
        var next = manifest
        next.generation += 1
        try transaction.put(store.tables.manifest, RunManifest.key, next.encoded())
    }

    // MARK: Merging

    /// Merges the runs of one tier where one is full; false where none is. `between` is called after each transaction
    /// of it, and may add runs and merge smaller ones. A merge of more pairs than `pairsMax` is not begun.
    package func mergeOne(below pairsMax: UInt64 = .max, between: (_ pairs: UInt64) throws -> Void) throws -> Bool {
        let (manifest, runs) = try store.read { snapshot in (snapshot.manifest, snapshot.runs) }
        let candidates = manifest.runs.map { (pairs: $0.pairs, isBusy: busy.contains($0.number)) }
        guard let range = tiers.fullTier(candidates) else { return false }
        let inputs = Array(runs[range])
        let expected = inputs.reduce(0) { $0 + $1.pairs }
        guard expected < pairsMax else { return false }
        let number = try takeNumber()
        let taken = inputs.map(\.number) + [number]
        busy.formUnion(taken)
        defer { busy.subtract(taken) }
        try merge(inputs, Int(expected), number) { try between(expected) }
        return true
    }

    private func takeNumber() throws -> UInt32 {
        try store.environment.write { transaction in
            var manifest = try store.tables.manifest(transaction)
            let number = manifest.nextRun
            manifest.nextRun += 1
            try transaction.put(store.tables.manifest, RunManifest.key, manifest.encoded())
            return number
        }
    }

    private func merge(_ inputs: [Run], _ expected: Int, _ number: UInt32, between: () throws -> Void) throws {
        let merged = try MergedRuns(inputs)
        let writer = RunWriter(number: number, tables: store.tables, expected: expected)
        while true {
            let isDone = try store.environment.write { transaction in
                let limit = writer.rows + rowsPerTransaction
                while writer.rows < limit {
                    guard let pair = try merged.next() else {
                        try list(try writer.finish(&transaction), instead: inputs, &transaction)
                        try stepped(.merging)
                        return true
                    }
                    try writer.add(pair, &transaction)
                }
                return false
            }
            try stepped(isDone ? .merged : .partMerged)
            if isDone { return }
            try between()
        }
    }

    private func list(
        _ run: RunDescription?, instead inputs: [Run], _ transaction: inout WriteTransaction
    ) throws {
        var manifest = try store.tables.manifest(transaction)
        let numbers = inputs.map(\.number)
        guard let run, run.pairs == inputs.reduce(0, { $0 + $1.pairs }),
            let first = manifest.runs.firstIndex(where: { $0.number == numbers[0] }),
            manifest.runs[first...].prefix(numbers.count).map(\.number) == numbers
        else { throw RunDamage("the runs that were merged are not those that the manifest lists") }
        manifest.runs.replaceSubrange(first..<first + numbers.count, with: [run])
        try put(manifest, &transaction)
    }

    // MARK: Deleting

    /// Deletes the rows of runs that are not listed, some at a time.
    package func sweep() throws {
        for table in [store.tables.blocks, store.tables.filters] {
            while try sweepSome(table) { try stepped(.partDeleted) }
        }
    }

    private func sweepSome(_ table: TableHandle) throws -> Bool {
        try store.environment.write { transaction in
            let listed = Set(try store.tables.manifest(transaction).runs.map(\.number))
            guard let run = try firstUnlisted(table, listed, transaction) else { return false }
            let deleted = try transaction.delete(table, from: RunKey(run, page: 0), rowsMax: rowsPerTransaction) {
                key in
                try RunKey(reading: key).run == run
            }
            return deleted > 0
        }
    }

    private func firstUnlisted(
        _ table: TableHandle, _ listed: Set<UInt32>, _ transaction: borrowing WriteTransaction
    ) throws -> UInt32? {
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
