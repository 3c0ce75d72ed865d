// Makes runs of the keys of committed records, and merges them, on a thread of its own. Adding a run is one transaction, in
// which the manifest decides what is still missing, so any number of processes may add; merging and deleting are one
// process' at a time. What cannot be written stays in memory, and is tried again.

internal import Dispatch
internal import LMDB
internal import Processes
internal import Records
internal import SortedRuns
internal import Synchronization

/// The keys of the records after `after` and up to `upTo`: all are committed, none will come any more.
final class FrozenKeys: Sendable {
    let table: KeyTable
    let after: SequenceNumber
    let upTo: SequenceNumber
    /// Of record `upTo`.
    let hash: Digest

    init(table: KeyTable, after: SequenceNumber, upTo: SequenceNumber, hash: Digest) {
        self.table = table
        self.after = after
        self.upTo = upTo
        self.hash = hash
    }
}

final class KeyFlusher: Sendable {
    private let runs: KeyRuns
    private let log: LogID
    private let options: KeyIndexOptions
    private let mergeLock: FileLock
    private let state = Mutex(State())
    private let work = DispatchSemaphore(value: 0)
    private let moved = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    private struct State {
        var pending: [FrozenKeys] = []
        /// What the manifest covers, as far as this thread knows.
        var published = SequenceNumber.none
        var problem: String?
        var hasGap = false
        var isRunning = false
        var isClosed = false
    }

    private struct Closed: Error {}

    init(runs: KeyRuns, log: LogID, folder: LogFolder, options: KeyIndexOptions) throws(LogError) {
        self.runs = runs
        self.log = log
        self.options = options
        mergeLock = try FileLock(path: folder.log + "/keys.merging")
    }

    /// Takes keys that are to become a run.
    func add(_ keys: FrozenKeys) {
        let mustStart = state.withLock { state in
            state.pending.append(keys)
            defer { state.isRunning = true }
            return !state.isRunning
        }
        if mustStart { OSThread.start("backstop-keys") { self.run() } }
        work.signal()
    }

    /// What was given is of no use any more.
    func forget() {
        state.withLock { state in
            state.pending.removeAll()
            state.hasGap = false
        }
    }

    /// The runs know less than what was given begins with: somebody has begun them anew.
    var hasGap: Bool { state.withLock { $0.hasGap } }

    var published: SequenceNumber { state.withLock { $0.published } }
    /// Why the last try failed, or nil.
    var problem: String? { state.withLock { $0.problem } }

    /// Waits until fewer than `count` parts wait to be written. False where the time is over, or writing fails.
    func waitForRoom(below count: Int, milliseconds: Int) -> Bool {
        let deadline = DispatchTime.now() + .milliseconds(milliseconds)
        while true {
            let (waiting, problem) = state.withLock { ($0.pending.count, $0.problem) }
            if waiting < count { return true }
            guard problem == nil, moved.wait(timeout: deadline) == .success else { return false }
        }
    }

    /// Writes what waits; a large merge is left for another time.
    func close() {
        let isRunning = state.withLock { state in
            state.isClosed = true
            return state.isRunning
        }
        guard isRunning else { return }
        work.signal()
        ended.wait()
    }

    // MARK: Its thread

    private func run() {
        while true {
            let hasFailed = problem != nil
            _ = work.wait(timeout: hasFailed ? .now() + .milliseconds(Limits.keyRetryMilliseconds) : .distantFuture)
            do {
                try flushAll()
                try mergeAll()
                state.withLock { $0.problem = nil }
            } catch is Closed {
                // The rest is for the next process.
            } catch {
                state.withLock { $0.problem = "\(error)" }
                moved.signal()
            }
            if state.withLock({ $0.isClosed }) { break }
        }
        ended.signal()
    }

    private func flushAll() throws {
        while let keys = state.withLock({ $0.pending.first }) {
            try flush(keys)
            state.withLock { state in
                if state.pending.first === keys { state.pending.removeFirst() }
                state.problem = nil
            }
            moved.signal()
        }
    }

    private func flush(_ keys: FrozenKeys) throws {
        guard let store = runs.openedStore() else { throw LogError.notWritten("there is no place for the key index") }
        let pairs = keys.table.sortedPairs()
        var (upTo, hasGap) = (SequenceNumber.none, false)
        try keeper(store).add(pairs) { note in
            let coverage = try KeyCoverage(note)
            // What covers another log, or records that are not there any more, covers nothing of this one.
            if let coverage, try !runs.isOfThisLog(coverage) { throw LogError.notWritten("keys/ is another log's") }
            let covered = coverage?.upTo ?? .none
            upTo = max(covered, keys.upTo)
            guard covered < keys.upTo else { return nil }
            guard covered >= keys.after else {
                (upTo, hasGap) = (covered, true)
                return nil
            }
            return (after: covered.rawValue, note: KeyCoverage(log: log, upTo: keys.upTo, hash: keys.hash).encoded)
        }
        state.withLock { state in
            state.published = upTo
            if hasGap { state.hasGap = true }
        }
    }

    private func mergeAll() throws {
        guard let store = runs.store, mergeLock.tryLock() else { return }
        defer { mergeLock.unlock() }
        let keeper = keeper(store)
        // What a merge before has left goes first: one that fails must not leave more each time.
        try keeper.sweep()
        while try keeper.mergeOne(between: { pairs in try between(keeper, pairs) }) {}
        try keeper.sweep()
    }

    /// Between two transactions of a merge: new keys first, then smaller merges.
    private func between(_ keeper: RunKeeper, _ pairs: UInt64) throws {
        if pairs > Limits.keysMergedWhenClosing, state.withLock({ $0.isClosed }) { throw Closed() }
        try flushAll()
        while try keeper.mergeOne(below: pairs, between: { smaller in try between(keeper, smaller) }) {}
    }

    private func keeper(_ store: RunStore) -> RunKeeper {
        RunKeeper(
            store, tiers: RunTiers(pairsMin: options.flushKeys, fanOut: options.fanOut),
            rowsPerTransaction: options.rowsPerTransaction
        ) { step in
            switch step {
            case .adding: Failpoint.keysAdding.hit()
            case .added: Failpoint.keysAdded.hit()
            case .partMerged: Failpoint.keysPartMerged.hit()
            case .merging: Failpoint.keysMerging.hit()
            case .merged: Failpoint.keysMerged.hit()
            case .partDeleted: Failpoint.keysPartDeleted.hit()
            }
        }
    }
}
