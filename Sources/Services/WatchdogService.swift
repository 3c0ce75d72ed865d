// The watchdog: fires the panic trigger when a heart is dead, once for each failure, and wakes the exit worker
// itself when the log does not take the trigger or cannot be read. Its loop never touches the log, so nothing
// that holds the log up holds it up. What must not be added: a grace period, a condition, a second opinion, a
// strategy, or anything that waits for another process without a limit.

internal import Dispatch
package import Domain
package import EventLog
internal import Events
package import Logging
package import Processes
package import Records
internal import Synchronization

package struct WatchdogOptions: Sendable {
    package var policy: WatchPolicy
    package var socketPath: String
    package var bootID: String
    package var startedAt: BootInstant
    package var clock: LogClock
    /// Opens the log for writing; called again, on another thread, for as long as it throws.
    package var open: @Sendable () throws -> EventLog
    /// Whether it says who is watched.
    package var speaks = true

    package init(
        policy: WatchPolicy, socketPath: String, clock: LogClock, open: @escaping @Sendable () throws -> EventLog
    ) {
        self.policy = policy
        self.socketPath = socketPath
        self.clock = clock
        self.open = open
        bootID = SessionInfo.current(version: "").bootID
        startedAt = clock.boot()
    }
}

package final class WatchdogService: Sendable {
    private let options: WatchdogOptions
    private let notifier: ServiceNotifier
    private let logger: Logger
    private let isStopping = Atomic<Bool>(false)
    private let news = DispatchSemaphore(value: 0)

    package init(_ options: WatchdogOptions, notifier: ServiceNotifier, logger: Logger) {
        self.options = options
        self.notifier = notifier
        self.logger = logger
    }

    package func stop() {
        isStopping.store(true, ordering: .releasing)
        news.signal()
    }

    /// Runs until `stop`. It never gives up by itself.
    @available(*, noasync)
    package func run() {
        let reader = WatchReader(options, news: news, logger: logger)
        var round = WatchRound(options: options, reader: reader, notifier: notifier, logger: logger)
        notifier.ready("starting")
        while !isStopping.load(ordering: .acquiring) {
            _ = news.wait(timeout: .now() + .milliseconds(Limits.watchdogTickMillisecondsMax))
            round.tick()
            notifier.alive()
        }
        notifier.stopping()
        // A log that is stuck would not let itself be closed; the process ends all the same.
        let isDone = reader.stop(milliseconds: Limits.watchdogRetryMilliseconds)
        if isDone, !round.isPublishing { reader.current.log?.close() }
        logger.info("watchdog stopped")
    }
}

/// The loop's own memory: what was fired, and for how long the reader has said nothing.
private struct WatchRound {
    let options: WatchdogOptions
    let reader: WatchReader
    let notifier: ServiceNotifier
    let logger: Logger

    private var fired: FiredTrigger?
    private var unreadable: FiredTrigger?
    private var silence: SilenceMeter
    private var said = ""
    private var isListening = false
    private var lastWordsAt = BootInstant(nanoseconds: 0)
    private static let unreadableReason = "LOG_UNREADABLE"

    init(options: WatchdogOptions, reader: WatchReader, notifier: ServiceNotifier, logger: Logger) {
        self.options = options
        self.reader = reader
        self.notifier = notifier
        self.logger = logger
        silence = SilenceMeter(at: options.clock.boot())
    }

    var isPublishing: Bool { fired?.isPending ?? false }

    mutating func tick() {
        let report = reader.current
        let now = options.clock.boot()
        setLastWords(now)
        silence.tick(progress: report.progress, at: now)
        say(report)
        if fired == nil, let finding = report.finding, let log = report.log {
            logger.critical("FAILURE DETECTED: \(finding.text)")
            let trigger = PanicMessage(
                reason: finding.reason, issuer: PanicTrigger.watchdogIssuer, at: options.clock.now())
            announce(trigger)
            let evidence = report.clock.map { Watching.evidence($0, options.policy) }
            fired = FiredTrigger(trigger, log, basis: report.asOf, evidence)
            fired?.waitForLog()
        }
        if var trigger = fired {
            trigger.goOn(report, self, now)
            fired = trigger.isDone(report) ? nil : trigger
        }
        watchTheReader(report, now)
    }

    /// Its own time must be fresh when they are read. Each life of the watchdog on this boot has the same, so that one
    /// that dies at each start asks for one run.
    private mutating func setLastWords(_ now: BootInstant) {
        guard now >= lastWordsAt else { return }
        lastWordsAt = now.after(milliseconds: Limits.watchdogRetryMilliseconds)
        let message = PanicMessage(
            reason: WatchRound.unreadableReason, issuer: PanicTrigger.watchdogIssuer, at: options.clock.now(),
            cause: "\(options.bootID) \(options.socketPath)")
        do { try message.setLastWords(to: options.socketPath) } catch {
            logger.error("whoever dies of SIGBUS here wakes nobody: \(error)")
        }
    }

    func announce(_ trigger: PanicMessage) {
        logger.critical("TRIGGERING PANIC CLOSE")
        logger.critical("Reason: \(trigger.reason)")
    }

    /// Whoever cannot see must take it for a death.
    private mutating func watchTheReader(_ report: WatchReader.Report, _ now: BootInstant) {
        guard silence.nanoseconds > options.policy.missingMax * 1_000_000 else {
            if silence.nanoseconds == 0 { unreadable = nil }
            return
        }
        var trigger: FiredTrigger
        if let unreadable {
            trigger = unreadable
        } else {
            logger.critical("FAILURE DETECTED: the log cannot be read (\(report.problem ?? "it does not answer"))")
            let message = PanicMessage(
                reason: WatchRound.unreadableReason, issuer: PanicTrigger.watchdogIssuer, at: options.clock.now())
            announce(message)
            trigger = FiredTrigger(message)
        }
        trigger.wakeExitWorker(self, now)
        unreadable = trigger
    }

    private mutating func say(_ report: WatchReader.Report) {
        let text = report.problem.map { "the log cannot be read: \($0)" } ?? report.watched
        guard text != said, !text.isEmpty else { return }
        said = text
        notifier.status(text)
        if report.problem != nil { return logger.error("\(text)") }
        if !isListening { logger.info("watchdog listening on exit_brain:heartbeat, as of \(report.asOf)") }
        isListening = true
        logger.notice("\(text)")
    }
}

extension BootInstant {
    fileprivate func after(milliseconds: Int) -> BootInstant {
        BootInstant(nanoseconds: nanoseconds + UInt64(milliseconds) * 1_000_000)
    }
}

/// One trigger on its two ways. It is done when the fold has it.
private struct FiredTrigger {
    private var message: PanicMessage
    private let basis: SequenceNumber
    private let evidence: EventEvidence?
    private var attempt: Attempt<SequenceNumber>?
    private var appendedAt: SequenceNumber?
    private var isTaken = false
    private var nextTryAt = BootInstant(nanoseconds: 0)

    /// Without a log: for the socket alone.
    init(_ message: PanicMessage) {
        (self.message, basis, evidence) = (message, .none, nil)
    }

    init(_ message: PanicMessage, _ log: EventLog, basis: SequenceNumber, _ evidence: EventEvidence?) {
        (self.message, self.basis, self.evidence) = (message, basis, evidence)
        begin(log)
    }

    private mutating func begin(_ log: EventLog) {
        let (message, basis, evidence) = (message, basis, evidence)
        attempt = Attempt("panic-append") { try message.append(to: log, basis: basis, evidence) }
    }

    var isPending: Bool { attempt != nil && attempt?.result == nil }

    func isDone(_ report: WatchReader.Report) -> Bool { appendedAt.map { report.asOf >= $0 } ?? false }

    func waitForLog() { _ = attempt?.wait(milliseconds: Limits.triggerAppendMillisecondsMax) }

    mutating func goOn(_ report: WatchReader.Report, _ round: WatchRound, _ now: BootInstant) {
        guard appendedAt == nil else { return }
        switch attempt?.result {
        case .success(let sequence):
            appendedAt = sequence
            attempt = nil
            round.logger.critical("Panic close published to \(StreamCatalogue.panics)")
            round.logger.critical("Event ID: \(message.eventID)")
        case .failure(let error):
            round.logger.critical("the log has not taken the trigger: \(error)")
            attempt = nil
            round.reader.reopen()
            wakeExitWorker(round, now)
            nextTryAt = now.after(milliseconds: Limits.watchdogRetryMilliseconds)
        case nil:
            if attempt == nil, let log = report.log, now >= nextTryAt { begin(log) }
            wakeExitWorker(round, now)
        }
    }

    /// Once, but again for as long as nobody answers.
    mutating func wakeExitWorker(_ round: WatchRound, _ now: BootInstant) {
        guard !isTaken, now >= nextTryAt else { return }
        nextTryAt = now.after(milliseconds: Limits.watchdogRetryMilliseconds)
        let path = round.options.socketPath
        let why = attempt == nil ? "cannot take" : "has not taken"
        round.logger.critical("the log \(why) the trigger: waking the exit worker at \(path)")
        do {
            let answer = try ExitSocket.send(
                message.fields, to: path, milliseconds: Limits.exitSocketMillisecondsMax)
            isTaken = answer == .taken
            switch answer {
            case .taken: round.logger.critical("The exit worker has taken the trigger. Event ID: \(message.eventID)")
            case .refused(let reason):
                round.logger.critical("the exit worker refused the trigger: \(reason)")
                // Too old, perhaps: the next try has a time of its own.
                message = PanicMessage(reason: message.reason, issuer: message.issuer, at: round.options.clock.now())
            }
        } catch {
            round.logger.critical("the exit worker cannot be woken: \(error)")
        }
    }
}
