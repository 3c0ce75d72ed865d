// The sorted runs of a log's keys, as the processes of one log share them: found, checked against the log, and, where
// they are not its own or damaged, replaced by empty ones, to be built again. Nobody is told "not there" by runs that
// do not say up to which record they know every key.

internal import Glibc
internal import LMDB
internal import Records
internal import SortedRuns
internal import Synchronization

final class KeyRuns: Sendable {
    private let path: String
    private let log: LogID
    private let isWritable: Bool
    /// Held while the folder is opened or replaced: both files of an environment must be of one making.
    private let opening: FileLock?
    /// Whether the log has that record with that hash.
    private let belongs: @Sendable (SequenceNumber, Digest) throws -> Bool
    private let current: Mutex<Current>
    /// The lock on the file is the process'; this one is the thread's.
    private let replacing = Mutex(())

    private struct Current {
        var store: RunStore?
        var covers: Covered?
    }

    /// What the manifest of that generation covers; looked at once.
    private struct Covered {
        let generation: UInt64
        let upTo: SequenceNumber
    }

    /// The runs' answer, and what it is worth: every key up to that record was looked for.
    struct Answer {
        let upTo: SequenceNumber
        let first: SequenceNumber?
    }

    /// Not this log's, or another version's: as good as none.
    private struct Foreign: Error {}

    init(
        folder: LogFolder, log: LogID, isWritable: Bool,
        belongs: @escaping @Sendable (SequenceNumber, Digest) throws -> Bool
    ) {
        path = folder.keys
        self.log = log
        self.isWritable = isWritable
        self.belongs = belongs
        // A reader that may not write has no lock: the worst that it can meet is an environment that it cannot open.
        opening = try? FileLock(path: folder.log + "/keys.opening", readOnly: !isWritable)
        current = Mutex(Current())
        open()
    }

    /// Every call must have ended.
    func close() {
        current.withLock { current in
            current.store?.close()
            current.store = nil
        }
    }

    var store: RunStore? { current.withLock { $0.store } }

    /// For who writes runs: tries again where there was no place for them.
    func openedStore() -> RunStore? {
        if store == nil { replace(nil) }
        return store
    }

    var usedBytes: Int { store?.usedBytes ?? 0 }

    // MARK: Reading

    /// Up to which record the runs know every key.
    func coverage() -> SequenceNumber { read { _, upTo in upTo } ?? .none }

    func find(_ key: KeyHash) -> Answer {
        if KeyRuns.isBlind { return Answer(upTo: coverage(), first: nil) }
        return read { runs, upTo in Answer(upTo: upTo, first: try runs.first(key)) } ?? Answer(upTo: .none, first: nil)
    }

    /// The answers for many keys at once; nil where there are no runs.
    func find(_ keys: [KeyHash]) -> (upTo: SequenceNumber, firsts: [UInt64])? {
        if KeyRuns.isBlind { return (coverage(), keys.map { _ in 0 }) }
        return read { runs, upTo in
            var firsts = [UInt64](repeating: 0, count: keys.count)
            try runs.firsts(keys, &firsts)
            return (upTo, firsts)
        }
    }

    #if FAILPOINTS
        /// BACKSTOP_KEYS_BLIND=yes in a test build: runs that say "not there", the control of the programme `keys`.
        private static let isBlind = getenv("BACKSTOP_KEYS_BLIND") != nil
    #else
        @inline(__always) private static var isBlind: Bool { false }
    #endif

    /// Calls `body` with the runs and what they cover. Nil where there are none, or they turned out not to be right:
    /// then they are replaced.
    func read<R>(_ body: (borrowing RunSnapshot, SequenceNumber) throws -> R) -> R? {
        guard let store else { return nil }
        do {
            return try store.read { runs in try body(runs, try covered(runs, store)) }
        } catch {
            if !isPassing(error) { replace(store) }
            return nil
        }
    }

    /// As `read`, for who wants to know what is wrong: nothing is replaced. Nil where there are no runs of this log.
    func check<R>(_ body: (borrowing RunSnapshot, SequenceNumber) throws -> R) throws -> R? {
        try store?.read { runs in
            let upTo: SequenceNumber
            do { upTo = try checked(runs.note) } catch is Foreign { return nil }
            return try body(runs, upTo)
        }
    }

    /// No slot, no memory: another time it may go. Everything else, a note that cannot be read too, is damage.
    private func isPassing(_ error: any Error) -> Bool {
        guard let error = error as? LMDBError else { return false }
        return error.isReadersFull || error.isNoMemory
    }

    /// What was found out of a store that was replaced meanwhile says nothing of the one in its place.
    private func covered(_ runs: borrowing RunSnapshot, _ store: RunStore) throws -> SequenceNumber {
        let generation = runs.generation
        let known = current.withLock { $0.store === store ? $0.covers : nil }
        if let known, known.generation == generation { return known.upTo }
        let upTo = try checked(runs.note)
        current.withLock { if $0.store === store { $0.covers = Covered(generation: generation, upTo: upTo) } }
        return upTo
    }

    private func checked(_ note: [UInt8]) throws -> SequenceNumber {
        guard let coverage = try KeyCoverage(note) else { return .none }
        guard try isOfThisLog(coverage) else { throw Foreign() }
        return coverage.upTo
    }

    /// Of the same id, and the record that it names is still there.
    func isOfThisLog(_ coverage: KeyCoverage) throws -> Bool {
        try coverage.log == log && belongs(coverage.upTo, coverage.hash)
    }

    // MARK: Opening and replacing

    private static let openingText = "opening"

    /// A page that is damaged inside LMDB's tree can end the process while it finds the runs. The file says so to the next
    /// one, which then begins anew: a process would die of it again and again.
    private func open() {
        opening?.lock(isWritable ? .exclusive : .shared)
        let hasDied = isWritable && opening?.text() == KeyRuns.openingText
        if isWritable { opening?.replaceText(KeyRuns.openingText) }
        let (opened, mustReplace) = hasDied ? (nil, true) : tryOpen()
        if isWritable { opening?.replaceText("") }
        opening?.unlock()
        if let opened { set(opened) }
        if mustReplace, isWritable { replace(nil) }
    }

    private func set(_ store: RunStore) {
        current.withLock { $0 = Current(store: store, covers: nil) }
    }

    private func tryOpen() -> (RunStore?, mustReplace: Bool) {
        if isWritable {
            // Where it cannot be made, opening fails, and all keys stay in memory.
            try? LogFolder.makeFolder(path)
        }
        do {
            let store = try RunStore(
                at: path, mapBytes: Limits.mapBytes, readersMax: Limits.readersMax, readOnly: !isWritable)
            return (store, false)
        } catch let error as LMDBError {
            return (nil, !isPassing(error) && !error.isDenied)
        } catch {
            return (nil, true)
        }
    }

    /// Puts empty runs in the place of those in `broken`, unless somebody has done so already. A process that still has
    /// the old ones open goes on with them: they are no worse than they were.
    private func replace(_ broken: RunStore?) {
        guard isWritable, let opening else {
            current.withLock { if $0.store === broken { $0 = Current() } }
            return
        }
        replacing.withLock { _ in
            guard store === broken else { return }
            opening.lock(.exclusive)
            defer { opening.unlock() }
            let isGone = broken?.isStillInPlace == false || removeFolder()
            current.withLock { $0 = Current() }
            // The same folder again would be believed for what it was put aside for.
            guard isGone else { return }
            if let fresh = tryOpen().0 { set(fresh) }
        }
    }

    /// False where it could not be moved away: then there is no index to write into.
    private func removeFolder() -> Bool {
        let (fresh, aside) = (path + ".new-\(getpid())", path + ".damaged-\(getpid())")
        // Made before the old one goes: it must not get that one's inode, by which open environments are told apart.
        mkdir(fresh, 0o750)
        // Left by a process that had this number and was killed.
        for name in ["data.mdb", "lock.mdb"] { unlink(aside + "/" + name) }
        rmdir(aside)
        guard rename(path, aside) == 0 || errno == ENOENT else {
            rmdir(fresh)
            return false
        }
        rename(fresh, path)
        for name in ["data.mdb", "lock.mdb"] { unlink(aside + "/" + name) }
        rmdir(aside)
        return true
    }
}
