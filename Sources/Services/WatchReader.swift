// The watchdog's eyes: opens the log, folds it to the head and judges, on a thread that may be held up by whatever
// holds up the log. The watchdog itself only looks at the report, so it notices when this thread says nothing.

internal import Domain
internal import EventLog
internal import Logging
internal import Processes
internal import Records
internal import Dispatch
internal import Synchronization

final class WatchReader: Sendable {
    struct Report: Sendable {
        /// Nil: it is not open.
        var log: EventLog?
        var asOf = SequenceNumber.none
        var finding: WatchFinding?
        /// What the finding was judged by.
        var clock: WatchClock?
        /// Who is watched, and who is not until he beats after a resume; for people.
        var watched = ""
        /// Grows with every round, and within a long one.
        var progress: UInt64 = 0
        /// Why nothing can be read; nil: it can.
        var problem: String?
    }

    private let options: WatchdogOptions
    private let logger: Logger
    private let report = Mutex(Report())
    private let stopped = Latch()
    private let ended = Latch()
    private let mustReopen = Atomic<Bool>(false)
    /// Signalled when there is a finding.
    private let news: DispatchSemaphore

    init(_ options: WatchdogOptions, news: DispatchSemaphore, logger: Logger) {
        self.options = options
        self.news = news
        self.logger = logger
        OSThread.start("watch-reader") {
            self.run()
            self.ended.set()
        }
    }

    var current: Report { report.withLock { $0 } }

    /// What was written may be lost, or writing is over for this opening: the log is closed and opened again.
    func reopen() { mustReopen.store(true, ordering: .releasing) }

    /// True: the thread has ended, and the log may be closed.
    func stop(milliseconds: Int) -> Bool {
        stopped.set()
        current.log?.waker.wake()
        return ended.wait(milliseconds: milliseconds)
    }

    private func run() {
        while !stopped.isSet {
            do {
                try watch(try open())
            } catch {
                note("\(error)")
                stopped.wait(milliseconds: Limits.watchdogRetryMilliseconds)
            }
        }
    }

    private func open() throws -> EventLog {
        let log = try options.open()
        report.withLock { $0.log = log }
        return log
    }

    /// Rounds until something fails; then the log is closed.
    private func watch(_ log: EventLog) throws {
        do {
            try rounds(log)
        } catch {
            close(log)
            throw error
        }
        if !stopped.isSet { close(log) }
    }

    /// A writer that is stuck must not hold up the next opening's attempts for ever: its thread is left behind.
    private func close(_ log: EventLog) {
        report.withLock { ($0.log, $0.finding) = (nil, nil) }
        let closing = Attempt("watch-close") { log.close() }
        while closing.wait(milliseconds: Limits.watchdogRetryMilliseconds) == nil {
            note("the log cannot be closed: a write does not end")
            if stopped.isSet { return }
        }
    }

    private func rounds(_ log: EventLog) throws {
        var state = checkpoint(log)
        var watched = ""
        while !stopped.isSet, !mustReopen.exchange(false, ordering: .acquiringAndReleasing) {
            // Read before the log is: whatever was appended while this process stood still is seen first.
            let now = log.clock.boot()
            state = try StateReader.fold(log, from: state) { _ in self.report.withLock { $0.progress += 1 } }
            let clock = WatchClock(now: now, bootID: options.bootID, startedAt: options.startedAt)
            let finding = Watching.judge(state, clock, options.policy)
            if options.speaks { watched = describe(state) }
            publish(state.asOf, finding, clock, watched)
            let head = state.asOf
            try log.waker.wait(milliseconds: Limits.watchdogTickMillisecondsMax) {
                try stopped.isSet || log.head().sequence > head
            }
        }
    }

    /// A view saves time; one that cannot be had soon is done without.
    private func checkpoint(_ log: EventLog) -> State {
        let loading = Attempt("watch-views") {
            let views = try Views(for: log)
            defer { views.close() }
            return try views.loadState(log)
        }
        switch loading.wait(milliseconds: Limits.watchdogRetryMilliseconds) {
        case .success(let state?): return state
        case .success(nil), nil: return State()
        case .failure(let error):
            logger.warning("views cannot be used, folding the whole log: \(error)")
            return State()
        }
    }

    private func publish(
        _ asOf: SequenceNumber, _ finding: WatchFinding?, _ clock: WatchClock, _ watched: String
    ) {
        report.withLock { report in
            (report.asOf, report.finding, report.watched, report.problem) = (asOf, finding, watched, nil)
            report.clock = clock
            report.progress += 1
        }
        if finding != nil { news.signal() }
    }

    private func note(_ problem: String) {
        report.withLock { $0.problem = problem }
    }

    private func describe(_ state: State) -> String {
        let hearts = state.heartbeats.all
        if hearts.isEmpty { return "no heartbeat was ever seen" }
        let armed = hearts.filter { Watching.isArmed($0.heart, state.trading) }
        let unarmed = hearts.count - armed.count
        let names = armed.prefix(10).map { $0.service.isEmpty ? "(no name)" : $0.service }.joined(separator: ", ")
        if unarmed == 0 { return "watching \(names)" }
        return "watching \(armed.isEmpty ? "nobody" : names); \(unarmed) not before a beat after a resume"
    }
}
