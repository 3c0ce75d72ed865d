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
        let index = TraceIndex(views: views, log: log)
        var state = try views.loadState(log) ?? State()
        var saved = state.asOf
        var nextCareAt: UInt64 = 0
        while !isStopping.load(ordering: .acquiring) {
            let before = state.asOf
            try fold(&state)
            try takeCare(&nextCareAt)
            let isQuiet = state.asOf == before
            if state.asOf > saved, isQuiet || state.asOf.rawValue - saved.rawValue >= recordsPerSave {
                try views.save(state, log)
                try index.catchUp { _ in }
                saved = state.asOf
            }
            let head = state.asOf
            try log.waker.wait(milliseconds: Limits.wakeIntervalMillisecondsMax) {
                try isStopping.load(ordering: .acquiring) || log.head().sequence > head
            }
        }
        try views.save(state, log)
        logger.debug("views saved as of \(state.asOf)")
    }

    /// To the head; the digest of the state at each round number on the way is recorded, for audits. Whoever else records
    /// it says the same, or there is a conflict on record.
    private func fold(_ state: inout State) throws {
        while recordsPerDigest > 0 {
            let round = SequenceNumber((state.asOf.rawValue / recordsPerDigest + 1) * recordsPerDigest)
            guard try log.head().sequence >= round else { break }
            state = try StateReader.fold(log, from: state, through: round)
            try record(state)
        }
        state = try StateReader.fold(log, from: state)
    }

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
