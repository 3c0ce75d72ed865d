// Builds the state and the search index again, beside the ones in use: in bounded steps, each a checkpoint, so that
// a rebuild that was killed goes on where it stood. Whoever reads or writes goes on meanwhile. When it has come to the
// head, it is compared with what is in use, at one sequence, and takes its place in one transaction; what was in use
// is kept until the next rebuild, for `rollback`.

package import Domain
package import EventLog
internal import LMDB
package import Records

package struct Rebuilding {
    private let log: EventLog
    private let views: Views
    /// Records between two checkpoints.
    private let step: UInt64

    package init(log: EventLog, views: Views, step: UInt64 = Limits.foldStepRecords) {
        precondition(step > 0, "a step without a record leads nowhere")
        self.log = log
        self.views = views
        self.step = step
    }

    /// Another process rebuilds already.
    package struct Busy: Error, CustomStringConvertible {
        package let description = "another rebuild is under way; let it finish, or stop it and start again"
    }

    /// There is nothing that could be gone back to.
    package struct NothingKept: Error, CustomStringConvertible {
        package let description = "nothing is kept to go back to: views were not rebuilt, or are of another log"
    }

    package struct Progress: Sendable {
        package let what: String
        package let done: SequenceNumber
        package let head: SequenceNumber

        package init(what: String, done: SequenceNumber, head: SequenceNumber) {
            self.what = what
            self.done = done
            self.head = head
        }
    }

    package struct Result: Sendable {
        package let state: State
        /// Where it went on; none: from the beginning.
        package let continuedFrom: SequenceNumber
        /// What was in use, folded to the same record; nil where nothing was.
        package let before: State?
    }

    /// One at a time, in all processes.
    @available(*, noasync)
    @discardableResult
    package func alone<R>(_ body: () throws -> R) throws -> R {
        let lock = try views.lock("rebuild")
        guard lock.tryLock() else { throw Busy() }
        defer { lock.unlock() }
        return try body()
    }

    // MARK: The state

    /// Builds the state up to the head and puts it in the place of the one in use.
    @available(*, noasync)
    package func state(_ progress: (Progress) -> Void) throws -> Result {
        let edition = try beginState()
        try views.dropBadSnapshots(log, edition: edition)
        var state = try views.read { try views.state($0, edition, log) } ?? State()
        let continuedFrom = state.asOf
        var head = try log.head().sequence
        // Where appends go on, each round is shorter than the one before; what is left is folded by who asks.
        repeat {
            while state.asOf < head {
                let end = min(head.rawValue, state.asOf.rawValue + step)
                state = try StateReader.fold(log, from: state, through: SequenceNumber(end))
                guard try views.save(state, log, edition: edition) else { throw Busy() }
                Failpoint.foldStep.hit()
                progress(Progress(what: "folding", done: state.asOf, head: head))
            }
            head = try log.head().sequence
        } while head.rawValue - state.asOf.rawValue > step
        let before = try stateInUse(at: state.asOf)
        Failpoint.switchBefore.hit()
        try switchOver(.states, to: edition)
        Failpoint.switchAfter.hit()
        return Result(state: state, continuedFrom: continuedFrom, before: before)
    }

    /// The edition that is being built; a new one where none is.
    private func beginState() throws -> UInt32 {
        try views.write { transaction in
            var editions = try views.editions(.states, transaction)
            if editions.building == 0 {
                editions.building = editions.unused
                try views.setEditions(editions, .states, &transaction)
            }
            return editions.building
        }
    }

    /// What commands would answer with now, folded to `sequence`; nil where nothing is saved before it.
    private func stateInUse(at sequence: SequenceNumber) throws -> State? {
        guard let newest = try views.newestState(upTo: sequence, log) else { return nil }
        return try StateReader.fold(log, from: newest, through: sequence)
    }

    /// One transaction: the built edition is in use, the one that was is kept, the one before that goes.
    private func switchOver(_ line: ViewLine, to edition: UInt32) throws {
        try views.write { transaction in
            var editions = try views.editions(line, transaction)
            guard editions.building == edition else { throw Busy() }
            if editions.previous != 0 { try drop(editions.previous, of: line, &transaction) }
            (editions.previous, editions.current, editions.building) = (editions.current, edition, 0)
            try views.setEditions(editions, line, &transaction)
        }
        try views.dropOldVersions()
    }

    private func drop(_ edition: UInt32, of line: ViewLine, _ transaction: inout WriteTransaction) throws {
        try transaction.delete(views.tables.checkpoints, line.row(edition))
        switch line {
        case .state: try views.dropSnapshots(of: edition, &transaction)
        case .search:
            let index = SearchIndex(views: views, log: log)
            for run in try index.runs(edition, transaction) {
                let key = SearchRunKey(edition: edition, first: run.first)
                try transaction.delete(views.tables.runs, key.bytes)
            }
        }
    }

    // MARK: The search index

    /// Builds the search index up to the head and puts it in the place of the one in use.
    @available(*, noasync)
    package func search(_ progress: (Progress) -> Void) throws {
        let lock = try views.lock(SearchIndex.lockName)
        // Somebody who brings it up to date does so in steps, and is done soon.
        lock.lock()
        defer { lock.unlock() }
        let edition = try views.write { transaction in
            var editions = try views.editions(SearchIndex.line, transaction)
            if editions.building == 0 {
                editions.building = editions.unused
                try views.setEditions(editions, SearchIndex.line, &transaction)
            }
            return editions.building
        }
        let head = try log.head().sequence
        let sizes = SearchSizes(
            recordsMin: min(step, SearchSizes.full.recordsMin), recordsMax: min(step, SearchSizes.full.recordsMax))
        let builder = SearchBuilder(SearchIndex(views: views, log: log, sizes: sizes), edition: edition)
        try builder.build { done in
            progress(Progress(what: "indexing", done: done, head: max(head, done)))
        }
        Failpoint.switchBefore.hit()
        try switchOver(SearchIndex.line, to: edition)
        Failpoint.switchAfter.hit()
        try builder.clearLeftovers()
    }

    // MARK: Going back

    /// Puts what was in use before the last rebuild in its place again; the rebuilt one is kept in its turn. Returns
    /// what went back, by name; commands bring it up to date.
    @available(*, noasync)
    package func rollback(state: Bool, search: Bool) throws -> [String] {
        let back = try views.write { transaction in
            var back: [String] = []
            if state, try goBack(.states, &transaction) { back.append("state") }
            if search, try goBack(SearchIndex.line, &transaction) { back.append("search") }
            return back
        }
        guard !back.isEmpty else { throw NothingKept() }
        return back
    }

    /// False where nothing is kept.
    private func goBack(_ line: ViewLine, _ transaction: inout WriteTransaction) throws -> Bool {
        var editions = try views.editions(line, transaction)
        let version =
            switch line {
            case .state(let version), .search(let version): version
            }
        let name = line.row(editions.previous)
        guard editions.previous != 0, try views.checkpoint(name, version: version, log, transaction) != nil else {
            return false
        }
        (editions.current, editions.previous) = (editions.previous, editions.current)
        try views.setEditions(editions, line, &transaction)
        return true
    }
}
