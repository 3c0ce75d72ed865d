// Sorted runs of pairs in an LMDB environment of their own, for what is derived from the log and too large for a B+tree
// of random keys: each run is written once, in one sequential pass, with a filter; runs are merged in tiers.
// This type reads; `RunKeeper` writes. Everything here is derived: damage throws `RunDamage`, never means "not there",
// and its owner builds the runs again. It knows nothing of logs or events.

internal import LMDB
internal import Synchronization

package final class RunStore: Sendable {
    let environment: Environment
    let tables: RunTables
    private let known = Mutex(Known())

    /// What was found last: where the manifest has not changed it is not looked for again.
    private struct Known {
        var transaction = -1
        var manifest = RunManifest()
        var runs: [Run] = []
    }

    /// Opens the environment in the existing folder `path`. One process opens it once. Throws `RunDamage` or what LMDB
    /// says where the file is no sound environment: the owner removes the folder and builds the runs again.
    @available(*, noasync)
    package init(at path: String, mapBytes: Int, readersMax: UInt32, readOnly: Bool) throws {
        environment = try Environment(
            at: path,
            options: EnvironmentOptions(
                mapBytes: mapBytes, readersMax: readersMax, tablesMax: 8, readOnly: readOnly))
        do {
            if let problem = try environment.metaProblem() { throw RunDamage("a torn meta page: \(problem)") }
            tables = try RunTables(environment)
            try read { _ in }
        } catch {
            environment.close()
            throw error
        }
    }

    /// Every call must have ended.
    package func close() { environment.close() }

    /// Whether its folder is still the one that the path names.
    package var isStillInPlace: Bool { environment.isStillInPlace }

    package var usedBytes: Int { environment.info().usedBytes }

    /// Runs `body` with the runs of the newest manifest, all of one moment. Keep it short.
    package func read<R>(_ body: (borrowing RunSnapshot) throws -> R) throws -> R {
        try environment.read { transaction in
            let (manifest, runs) = try find(transaction)
            return try body(RunSnapshot(manifest: manifest, runs: runs))
        }
    }

    private func find(_ transaction: borrowing ReadTransaction) throws -> (RunManifest, [Run]) {
        let number = transaction.number
        let before = known.withLock { $0 }
        if before.transaction == number { return (before.manifest, before.runs) }
        let manifest = try tables.manifest(transaction)
        var runs = before.runs
        if manifest.generation != before.manifest.generation || before.transaction < 0 {
            runs = try manifest.runs.map { description in
                try before.runs.first { $0.number == description.number }
                    ?? Run(description, tables, transaction)
            }
        }
        let found = Known(transaction: number, manifest: manifest, runs: runs)
        known.withLock { if $0.transaction < number { $0 = found } }
        return (manifest, runs)
    }
}
