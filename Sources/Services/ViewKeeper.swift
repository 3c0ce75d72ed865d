// Keeps the views near the head while `serve` runs: folds as records come, saves now and then, so that a
// restart folds a tail and not the log.

package import EventLog
internal import Domain
internal import Events
package import Logging
internal import Records
internal import Synchronization

package final class ViewKeeper: Sendable {
    private let log: EventLog
    private let views: Views
    private let logger: Logger
    private let recordsPerSave: UInt64
    /// 0: no digests.
    private let recordsPerDigest: UInt64
    private let isStopping = Atomic<Bool>(false)

    package init(log: EventLog, views: Views, recordsPerSave: Int, recordsPerDigest: Int, logger: Logger) {
        self.log = log
        self.views = views
        self.logger = logger
        self.recordsPerSave = UInt64(recordsPerSave)
        self.recordsPerDigest = UInt64(recordsPerDigest)
    }

    package func stop() {
        isStopping.store(true, ordering: .releasing)
        log.waker.wake()
    }

    /// Runs until `stop`. What is derived must stop nothing: where a view cannot be written (its disk is full,
    /// say) the reason is logged and it is tried again, later each time.
    @available(*, noasync)
    package func run() {
        var pause = 1
        while !isStopping.load(ordering: .acquiring) {
            do {
                try keep()
                return
            } catch {
                logger.error("views wait, and are tried again in \(pause) s: \(error)")
                pauseSeconds(pause)
                pause = min(pause * 2, 60)
            }
        }
    }

    private func pauseSeconds(_ seconds: Int) {
        let end = log.clock.boot().nanoseconds + UInt64(seconds) * 1_000_000_000
        while !isStopping.load(ordering: .acquiring), log.clock.boot().nanoseconds < end {
            log.waker.wait(milliseconds: Limits.wakeIntervalMillisecondsMax) { isStopping.load(ordering: .acquiring) }
        }
    }

    private func keep() throws {
        let index = SearchIndex(views: views, log: log)
        var work = try begin()
        var nextCareAt: UInt64 = 0
        while !isStopping.load(ordering: .acquiring) {
            let end = nextStop(after: work.state.asOf)
            let before = work.state.asOf
            work.state = try StateReader.fold(log, from: work.state, through: end)
            if work.state.asOf == end, isRound(end) { try record(work.state) }
            try takeCare(&nextCareAt)
            let head = work.state.asOf
            let isQuiet = head == before
            if head > work.saved, isQuiet || head.rawValue - work.saved.rawValue >= recordsPerSave {
                guard try save(&work) else { continue }
                // Where another process builds it, it is up to date all the same.
                _ = try index.catchUp()
            }
            if head == end { continue }
            try log.waker.wait(milliseconds: Limits.wakeIntervalMillisecondsMax) {
                try isStopping.load(ordering: .acquiring) || log.head().sequence > head
            }
        }
        guard try save(&work) else { return }
        logger.debug("views saved as of \(work.saved)")
    }

    private struct Work {
        var state: State
        /// Whose checkpoints these are.
        let edition: UInt32
        var saved: SequenceNumber
    }

    private func begin() throws -> Work {
        let edition = try views.stateEdition()
        try views.dropBadSnapshots(log, edition: edition)
        let state = try views.loadState(log) ?? State()
        return Work(state: state, edition: edition, saved: state.asOf)
    }

    /// False where a rebuild has put another state in the place of this one: then that one is gone on with.
    private func save(_ work: inout Work) throws -> Bool {
        guard try views.save(work.state, log, edition: work.edition) else {
            logger.notice("the views were rebuilt; going on with what was built")
            work = try begin()
            return false
        }
        work.saved = work.state.asOf
        return true
    }

    /// A bounded step, and no further than where a digest is due.
    private func nextStop(after asOf: SequenceNumber) -> SequenceNumber {
        let step = asOf.rawValue + Limits.foldStepRecords
        guard recordsPerDigest > 0 else { return SequenceNumber(step) }
        return SequenceNumber(min(step, (asOf.rawValue / recordsPerDigest + 1) * recordsPerDigest))
    }

    private func isRound(_ sequence: SequenceNumber) -> Bool {
        recordsPerDigest > 0 && sequence.rawValue.isMultiple(of: recordsPerDigest)
    }

    /// The digest at each round number, for audits. Whoever else records it says the same, or a conflict is on record.
    private func record(_ state: State) throws {
        var digest = EventStateDigest()
        digest.asOf = state.asOf.rawValue
        for part in state.parts { digest.add(part.name, version: part.version, part.digest) }
        let draft = try Drafts.stateDigest(digest, producer: "backstop")
        if case .refused(let refusal) = try log.append([draft], .ordinary)[0] {
            logger.warning("the digest as of \(state.asOf) is not recorded: \(refusal)")
        }
    }

    /// Once a minute: reader slots of dead processes (they keep pages from being reused), and the reserve.
    private func takeCare(_ nextAt: inout UInt64) throws {
        let now = log.clock.boot().nanoseconds
        guard now >= nextAt else { return }
        nextAt = now + 60_000_000_000
        let dead = try log.clearDeadReaders()
        if dead > 0 { logger.notice("freed the reader slots of \(dead) dead processes") }
        do { try log.restoreReserve() } catch { logger.warning("the reserve for emergencies is missing: \(error)") }
    }
}
