// The log: append-only, in LMDB, opened by any number of processes, once by each. Bodies are bytes with a
// kind; what they mean is supplied once, as `LogRules`. It never reads a clock or a setting of its own
// accord, never decides anything about trading, and never acknowledges before the commit is on disk.

internal import Dispatch
internal import LMDB
package import Records
internal import Synchronization

package struct LogOptions: Sendable {
    /// The log's own maximum, in bytes; the disk's free space bounds it further.
    package var bytesMax: Int
    /// Bytes with real blocks that emergencies may use when the disk is full; 0 for none.
    package var reserveBytes: Int
    package var clock: LogClock
    /// Of the software, for `session.started`.
    package var version: String
    package var keys: KeyIndexOptions
    /// Called now and then while an open has to build the key index again: records read, records there are.
    package var indexing: @Sendable (SequenceNumber, SequenceNumber) -> Void

    package init(
        bytesMax: Int, reserveBytes: Int, clock: LogClock, version: String, keys: KeyIndexOptions = .standard,
        indexing: @escaping @Sendable (SequenceNumber, SequenceNumber) -> Void = { _, _ in }
    ) {
        self.bytesMax = bytesMax
        self.reserveBytes = reserveBytes
        self.clock = clock
        self.version = version
        self.keys = keys
        self.indexing = indexing
    }
}

package enum AccessMode: Sendable {
    case reading, writing
    /// Reading, without the look at the newest records that every opening takes: `verify` looks at all of them, and names
    /// the first that is bad.
    case verifying
}

package final class EventLog: Sendable {
    package let folder: LogFolder
    package let identity: LogIdentity
    package let rules: LogRules
    package let mode: AccessMode
    package let waker: Waker
    let environment: Environment
    let tables: Tables
    package let clock: LogClock
    private let capacity: Capacity
    private let namespace: NamespaceClaim
    private let keyRuns: KeyRuns
    let keyReader: KeyReader
    private let keyFlusher: KeyFlusher?
    private let writer: Writer?
    package var id: LogID { identity.id }

    // MARK: Making and opening

    /// Makes a new, empty log. Its folder may exist, but must not be a log.
    @available(*, noasync)
    package static func create(at path: String, options: LogOptions) throws -> LogID {
        try LogFolder.makeFolder(path)
        let lock = try FileLock(path: path + "/init.lock")  // one maker at a time; a killed one's is free
        lock.lock()
        defer { lock.unlock() }
        let folder = try LogFolder(creating: path)
        try folder.removeHalfMadeData()
        let environment = try Environment(at: folder.log, options: environmentOptions(.writing))
        defer { environment.close() }
        let tables = try Tables(environment)
        let id = try environment.write { transaction in
            // Without FORMAT, an id is what a maker that was killed has left; records are somebody's log.
            guard try transaction.count(tables.records) == 0 else {
                throw LogError.damaged("\(folder.log) holds records, but \(path)/FORMAT is missing")
            }
            if let left = try LogIdentity.read(transaction, tables) { return left.id }
            let id = LogID.random()
            try LogIdentity(id: id, origin: id, barrier: .none).store(&transaction, tables)
            return id
        }
        try Capacity(folder: folder, bytesMax: options.bytesMax, reserveWanted: options.reserveBytes).restoreReserve()
        try folder.finish()
        return id
    }

    /// Opens an existing log and checks its newest records' chain.
    @available(*, noasync)
    package convenience init(at path: String, mode: AccessMode, rules: LogRules, options: LogOptions) throws {
        try self.init(
            in: LogFolder(existing: path, writable: mode == .writing), mode: mode, rules: rules, options: options)
    }

    /// As `init(at:)`, in a folder that was checked: an unfinished copy, too.
    @available(*, noasync)
    package init(in folder: LogFolder, mode: AccessMode, rules: LogRules, options: LogOptions) throws {
        self.folder = folder
        if mode == .writing, folder.isOlder { try OlderFormat.raise(folder) }
        namespace = try NamespaceClaim(folder: folder, writable: mode == .writing)
        do { environment = try Environment(at: folder.log, options: EventLog.environmentOptions(mode)) } catch let error
            as EnvironmentError
        {
            guard case .truncated = error else { throw error }
            throw LogError.damaged("\(error)")
        }
        do {
            // Before anything is written: a commit on top of a torn meta page could write over live pages.
            if let problem = try environment.metaProblem() { throw LogError.damaged("a torn meta page: \(problem)") }
            tables = try Tables(environment)
            identity = try EventLog.readIdentity(environment, tables)
            capacity = Capacity(folder: folder, bytesMax: options.bytesMax, reserveWanted: options.reserveBytes)
            if mode != .verifying { try EventLog.checkNewest(environment, tables, genesis: identity.genesis) }
            // A missing reserve is no reason not to start; `status` shows it.
            if mode == .writing { try? capacity.restoreReserve() }
            if mode == .writing { try OlderFormat.removeTable(environment, folder) }
        } catch {
            environment.close()
            throw error
        }
        let runs = KeyRuns(folder: folder, log: identity.id, isWritable: mode == .writing) {
            [environment, tables] place, hash in
            try EventLog.has(place, hash, environment, tables)
        }
        keyRuns = runs
        keyReader = KeyReader(runs: runs, tables: tables)
        self.rules = rules
        self.mode = mode
        clock = options.clock
        let waker = Waker(dataFile: folder.log + "/data.mdb")
        self.waker = waker
        guard mode == .writing else {
            writer = nil
            keyFlusher = nil
            return
        }
        let flusher = try KeyFlusher(runs: runs, log: identity.id, folder: folder, options: options.keys)
        keyFlusher = flusher
        let keys = KeyIndex(runs: runs, flusher: flusher, tables: tables, options: options.keys)
        // Where memory is full, the log is open all the same: emergencies are taken, and the others are told.
        _ = try keys.approach(environment, isEmergency: false, progress: options.indexing)
        let state = WriterState(
            tables: tables, rules: rules, session: .current(version: options.version), barrier: identity.barrier,
            keys: keys)
        writer = Writer(
            environment: environment, turns: try Turns(folder: folder), capacity: capacity, clock: options.clock,
            genesis: identity.genesis, state: state,
            usedBytes: { [environment] in environment.info().usedBytes + runs.usedBytes }, committed: { waker.wake() })
    }

    private static func has(
        _ place: SequenceNumber, _ hash: Digest, _ environment: Environment, _ tables: Tables
    ) throws -> Bool {
        try environment.read { try LogReading.record($0, tables, place)?.header.hash == hash }
    }

    /// Writes what waits, then closes. No call may follow.
    @available(*, noasync)
    package func close() {
        writer?.close()
        keyFlusher?.close()
        waker.close()
        keyRuns.close()
        environment.close()
    }

    private static func environmentOptions(_ mode: AccessMode) -> EnvironmentOptions {
        EnvironmentOptions(
            mapBytes: Limits.mapBytes, readersMax: Limits.readersMax, tablesMax: 32, readOnly: mode != .writing)
    }

    private static func readIdentity(_ environment: Environment, _ tables: Tables) throws -> LogIdentity {
        try environment.read { transaction in
            guard let identity = try LogIdentity.read(transaction, tables) else {
                throw LogError.damaged("the log has no id")
            }
            return identity
        }
    }

    private static func checkNewest(_ environment: Environment, _ tables: Tables, genesis: Digest) throws {
        do { try walkNewest(environment, tables, genesis) } catch let damage as RecordDamage {
            throw LogError.damaged("\(damage)")
        }
    }

    private static func walkNewest(_ environment: Environment, _ tables: Tables, _ genesis: Digest) throws {
        try environment.read { transaction in
            let head = try LogReading.head(transaction, tables, genesis: genesis).0.sequence.rawValue
            let first = head > Limits.recentChainRecordsOnOpen ? head - Limits.recentChainRecordsOnOpen + 1 : 1
            let previous = try LogReading.record(transaction, tables, SequenceNumber(first - 1))?.header.hash
            var chain = ChainCheck(after: SequenceNumber(first - 1), hash: previous ?? genesis)
            try LogReading.walk(transaction, tables, from: SequenceNumber(first)) { record in
                if let problem = chain.problem(record) { throw LogError.damaged(problem) }
                return true
            }
            guard chain.head.sequence.rawValue == head else {
                throw LogError.damaged("the records end at \(chain.head.sequence), the last one says \(head)")
            }
        }
    }

    // MARK: Writing

    /// Runs `body` in a write transaction, shared with whatever else waits, and returns after its commit is on
    /// disk. `body` may run more than once, and must not call `transact`. Throws `LogError.outcomeUnknown` where the commit failed.
    @available(*, noasync)
    package func transact<R: Sendable>(
        _ writeClass: WriteClass = .ordinary, _ body: @escaping @Sendable (inout LogTransaction) throws -> R
    ) throws -> R {
        let semaphore = DispatchSemaphore(value: 0)
        let box = ResultBox<R>()
        try submit(writeClass, box, mayLead: true, body) { semaphore.signal() }
        semaphore.wait()
        return try box.take()
    }

    /// As the blocking form, without holding a thread.
    package func transact<R: Sendable>(
        _ writeClass: WriteClass = .ordinary, _ body: @escaping @Sendable (inout LogTransaction) throws -> R
    ) async throws -> R {
        let box = ResultBox<R>()
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            do { try submit(writeClass, box, mayLead: false, body) { continuation.resume() } } catch {
                continuation.resume(throwing: error)
            }
        }
        return try box.take()
    }

    /// As the blocking form, for event loops: `done` is called once, on the writer's thread, and must not block.
    /// Jobs of one class are written in the order of these calls.
    package func transact<R: Sendable>(
        _ writeClass: WriteClass, _ body: @escaping @Sendable (inout LogTransaction) throws -> R,
        done: @escaping @Sendable (Result<R, any Error>) -> Void
    ) {
        let box = ResultBox<R>()
        do {
            try submit(writeClass, box, mayLead: false, body) { done(Result { try box.take() }) }
        } catch { done(.failure(error)) }
    }

    private func submit<R: Sendable>(
        _ writeClass: WriteClass, _ box: ResultBox<R>, mayLead: Bool,
        _ body: @escaping @Sendable (inout LogTransaction) throws -> R,
        done: @escaping @Sendable () -> Void
    ) throws {
        guard let writer else { throw LogError.readOnly }
        let job = WriteJob(writeClass) { transaction in
            box.set(.success(try body(&transaction)))
        } done: { error in
            if let error { box.set(.failure(error)) }
            done()
        }
        writer.submit(job, mayLead: mayLead)
    }

    /// Appends the drafts in order, in one transaction, each with its own answer; digests are made before
    /// the lock. One bad draft never fails its neighbours.
    @available(*, noasync)
    package func append(_ drafts: [Draft], _ writeClass: WriteClass = .ordinary) throws -> [AppendAnswer] {
        let prepared = prepare(drafts)
        do {
            return try transact(writeClass) { transaction in try EventLog.append(prepared, &transaction) }
        } catch {
            return try EventLog.answers(error, count: drafts.count)
        }
    }

    package func append(_ drafts: [Draft], _ writeClass: WriteClass = .ordinary) async throws -> [AppendAnswer] {
        let prepared = prepare(drafts)
        do {
            return try await transact(writeClass) { transaction in try EventLog.append(prepared, &transaction) }
        } catch {
            return try EventLog.answers(error, count: drafts.count)
        }
    }

    /// Everything that can be known before the lock: digests, and what the key index' runs say.
    private func prepare(_ drafts: [Draft]) -> [Result<PreparedDraft, any Error>] {
        var prepared: [Result<PreparedDraft, any Error>] = []
        prepared.reserveCapacity(drafts.count)
        var (places, keys) = ([Int](), [KeyHash]())
        for (place, draft) in drafts.enumerated() {
            let result = Result { try PreparedDraft(draft, rules: rules) }
            if case .success(let good) = result, let key = good.keyHash {
                places.append(place)
                keys.append(key)
            }
            prepared.append(result)
        }
        guard !keys.isEmpty, let (upTo, firsts) = keyRuns.find(keys) else { return prepared }
        for (place, first) in zip(places, firsts) {
            guard case .success(let draft) = prepared[place] else { continue }
            draft.runsAnswer = KeyRuns.Answer(upTo: upTo, first: first == 0 ? nil : SequenceNumber(first))
        }
        return prepared
    }

    private static func append(
        _ prepared: [Result<PreparedDraft, any Error>], _ transaction: inout LogTransaction
    ) throws -> [AppendAnswer] {
        var answers: [AppendAnswer] = []
        answers.reserveCapacity(prepared.count)
        for draft in prepared {
            do {
                answers.append(try transaction.append(try draft.get()))
            } catch let refusal as Refusal {
                answers.append(.refused(refusal))
            }
        }
        return answers
    }

    /// What a failure of the whole transaction means for each draft.
    private static func answers(_ error: any Error, count: Int) throws -> [AppendAnswer] {
        switch error {
        case LogError.outcomeUnknown(let why): return Array(repeating: .unknown(why), count: count)
        case LogError.refused(let refusal): return Array(repeating: .refused(refusal), count: count)
        default: throw error
        }
    }

    /// Why nothing is written any more, or nil.
    package var poison: String? { writer?.poison }

    package func space() -> Space { capacity.space(used: environment.info().usedBytes + keyRuns.usedBytes) }
    /// Makes the reserve for emergencies again where it was given away and there is room.
    package func restoreReserve() throws { try capacity.restoreReserve() }

    /// Frees the reader slots of dead processes and returns how many there were.
    package func clearDeadReaders() throws -> Int { try environment.clearDeadReaders() }
    package func readers() -> (inUse: Int, max: Int) {
        let info = environment.info()
        return (Int(info.readersInUse), Int(info.readersMax))
    }
}

/// Carries one result from the writer thread to its caller.
private final class ResultBox<R: Sendable>: Sendable {
    private let result = Mutex<Result<R, any Error>?>(nil)

    func set(_ value: Result<R, any Error>) { result.withLock { $0 = value } }

    func take() throws -> R {
        guard let value = result.withLock({ $0 }) else { preconditionFailure("a job ends with a result") }
        return try value.get()
    }
}
