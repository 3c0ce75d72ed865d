// The exit worker's recorder: has the log open, so that the worker need not. Triggers go up to the worker; the lines of
// its journal come down and become records, each under its key, so that lines that come twice are records once. It
// decides nothing and sends nothing to the exchange.

package import Domain
package import EventLog
internal import Events
package import Logging
internal import Processes
internal import Records
internal import Synchronization

package final class Recorder: Sendable {
    private enum Errand {
        case line(RecorderOrder)
        case evidence(RecorderEvidence)
    }
    private struct Inbox {
        var errands: [Errand] = []
        var isStopping = false
    }
    private let log: EventLog
    private let views: Views?
    private let policy: ExecutionPolicy
    private let name: String
    private let logger: Logger
    private let say: @Sendable (String) -> Void
    private let inbox = Mutex(Inbox())

    /// - Parameters:
    ///   - name: of the consumer in the group of triggers.
    ///   - say: one message to the worker.
    package init(
        log: EventLog, views: Views?, policy: ExecutionPolicy, name: String, logger: Logger,
        say: @escaping @Sendable (String) -> Void
    ) {
        self.log = log
        self.views = views
        self.policy = policy
        self.name = name
        self.logger = logger
        self.say = say
    }

    // MARK: From the socket's thread

    package func take(_ message: String) {
        do throws(ExitLineError) {
            let errand: Errand
            if let evidence = try RecorderEvidence(message) {
                errand = .evidence(evidence)
            } else {
                errand = .line(try RecorderOrder(message))
            }
            inbox.withLock { $0.errands.append(errand) }
            log.waker.wake()
        } catch {
            logger.error("the worker says what cannot be read: \(error)")
        }
    }

    package func stop() {
        inbox.withLock { $0.isStopping = true }
        log.waker.wake()
    }

    // MARK: Triggers up

    /// Tells each open trigger once, until `stop`. Importing has a thread of its own: a log whose lock is held can still
    /// be read.
    @available(*, noasync)
    package func run() throws {
        var state = try StateReader.current(log, views: views)
        say(RecorderNotice.opened(log: log.id.description, head: state.asOf.rawValue).text)
        OSThread.start("recorder-import") { [self] in importLines() }
        var told: Set<SequenceNumber> = []
        while !inbox.withLock({ $0.isStopping }) {
            state = try StateReader.fold(log, from: state)
            for panic in state.trading.panics.open where told.insert(panic.sequence).inserted {
                say(RecorderNotice.panic(try trigger(panic, state)).text)
            }
            let head = state.asOf
            try log.waker.wait(milliseconds: Limits.wakeIntervalMillisecondsMax) {
                try inbox.withLock { $0.isStopping } || log.head().sequence > head
            }
        }
    }

    private func trigger(_ panic: OpenPanic, _ state: State) throws -> ExitTrigger {
        var eventID = panic.eventID
        if eventID.isEmpty { eventID = try entryName(panic.sequence) }
        let record = try log.snapshot { try $0.record(panic.sequence) }
        var producedAt = panic.requestedAt.recordedAt.nanoseconds
        var severity = ""
        if let record, case .panicRequested(let request) = try EventRecord.decode(record) {
            (producedAt, severity) = (request.producedAtNs, request.severity)
        }
        return ExitTrigger(
            log: log.id, sequence: panic.sequence, eventID: eventID, reason: panic.reason, issuer: panic.issuer,
            severity: severity, producedAtNs: producedAt, acceptedAtNs: panic.requestedAt.recordedAt.nanoseconds,
            haltedAtBootNs: try haltedAt(state))
    }

    /// What its stream calls it.
    private func entryName(_ sequence: SequenceNumber) throws -> String {
        try log.snapshot { snapshot in
            guard let record = try snapshot.record(sequence) else { return "" }
            let stream = try snapshot.stream(record.header.stream).name
            return "\(stream)/\(record.header.entryID)"
        }
    }

    /// Since when no opening order can commit, by the boot clock; 0: since another boot.
    private func haltedAt(_ state: State) throws -> UInt64 {
        guard let moment = state.trading.halt?.haltedAt else { return 0 }
        return try RecordAge(log).instant(of: moment)?.nanoseconds ?? 0
    }

    // MARK: Lines down

    private struct ImportedRun {
        let trigger: ExitTrigger
        var panic = SequenceNumber.none
        var requests: [UInt32: SequenceNumber] = [:]
        var lines = 0
        var isStuck = false
    }

    private func importLines() {
        var runs: [String: ImportedRun] = [:]
        while !inbox.withLock({ $0.isStopping }) {
            let errands = inbox.withLock { inbox in
                defer { inbox.errands = [] }
                return inbox.errands
            }
            for errand in errands {
                while !inbox.withLock({ $0.isStopping }), !(take(errand, &runs)) {
                    log.waker.wait(milliseconds: Limits.wakeIntervalMillisecondsMax) { false }
                }
            }
            log.waker.wait(milliseconds: Limits.wakeIntervalMillisecondsMax) {
                inbox.withLock { $0.isStopping || !$0.errands.isEmpty }
            }
        }
    }

    /// False where the log may take it later.
    private func take(_ errand: Errand, _ runs: inout [String: ImportedRun]) -> Bool {
        switch errand {
        case .line(let order): return take(order, &runs)
        case .evidence(let evidence):
            // What cannot be recorded is missed by an audit alone, and waited for by nobody.
            do { try append(evidence, runs) } catch {
                logger.warning("evidence of run \(evidence.trigger) is not recorded: \(error)")
            }
            return true
        }
    }

    private func append(_ evidence: RecorderEvidence, _ runs: [String: ImportedRun]) throws {
        guard let panic = runs[evidence.trigger]?.panic, !panic.isNone else { return }
        var part = evidence.part
        part.about = panic.rawValue
        let draft = try Drafts.evidence(part, traceID: "", cause: panic, producer: name)
        if case .refused(let refusal) = try log.append([draft], .group)[0] { throw LogError.refused(refusal) }
    }

    /// False where the log may take it later.
    private func take(_ order: RecorderOrder, _ runs: inout [String: ImportedRun]) -> Bool {
        if order.place == 0, case .trigger(let trigger) = order.line {
            runs[order.trigger] = ImportedRun(trigger: trigger)
        }
        guard var run = runs[order.trigger], run.lines == order.place, !run.isStuck else { return true }
        do {
            try append(order.line, &run)
            run.lines += 1
            say(RecorderNotice.imported(trigger: order.trigger, lines: run.lines).text)
        } catch let error as ExitLineError {
            tellStuck(order, error, &run)
        } catch let error as MessageError {
            tellStuck(order, error, &run)
        } catch LogError.refused(let refusal) {
            logger.error("the journal's lines wait: \(refusal)")
            return false
        } catch LogError.notWritten(let why) {
            // Full, perhaps; where it is worse the next try says so.
            logger.error("the journal's lines wait: \(why)")
            return false
        } catch {
            stopWith(error)
        }
        runs[order.trigger] = run
        return true
    }

    /// Not the log's fault: it will be no better next time.
    private func tellStuck(_ order: RecorderOrder, _ why: any Error, _ run: inout ImportedRun) {
        run.isStuck = true
        say(RecorderNotice.stuck(trigger: order.trigger, line: order.place, reason: "\(why)").text)
    }

    /// A log that cannot be written any more by this process: the next one tries again.
    private func stopWith(_ error: any Error) {
        logger.critical("the log cannot go on: \(error)")
        stop()
    }

    private func append(_ line: ExitLine, _ run: inout ImportedRun) throws {
        switch line {
        case .trigger(let trigger): try bind(trigger, &run)
        case .request(let close, let number, _):
            let message = close.request(of: run.panic, number: number, policy)
            run.requests[number] = try append { [name] now in
                try Drafts.orderRequested(message, traceID: "", basis: .none, producer: name, at: now)
            }
        case .outcome(let close, let end, let number):
            guard let request = run.requests[number] else { throw ExitLineError("its request is missing") }
            _ = try append { [name] now in
                try Drafts.orderOutcome(end.outcome(of: request, close), traceID: "", producer: name, at: now)
            }
        case .trade(let trade):
            for note in trade.notes(policy, of: run.requests[trade.number] ?? .none) { try append(note) }
        case .completion(let end): try complete(end, run)
        }
    }

    private func append(_ note: ExecutionNote) throws {
        _ = try append { [name] now in
            switch note {
            case .fill(let fill, let cause):
                try Drafts.fill(fill, traceID: "", cause: cause, producer: name, at: now)
            case .detail(let detail, let cause):
                try Drafts.fillDetail(detail, traceID: "", cause: cause, producer: name, at: now)
            case .outcome, .reducing: throw ExitLineError("a trade is a fill and its detail")
            }
        }
    }

    /// - Returns: the record, or the one that has its key.
    private func append(_ draft: @escaping @Sendable (Timestamp) throws -> Draft) throws -> SequenceNumber {
        try log.transact(.emergency) { transaction in
            switch try transaction.append(try draft(transaction.now)) {
            case .appended(let place): return place.sequence
            case .duplicate(let first), .conflict(let first): return first.sequence
            case .refused(let refusal): throw LogError.refused(refusal)
            case .unknown(let why): throw LogError.poisoned(why)
            }
        }
    }

    /// The trigger's record: the one that it came from, or one of its own, under its own key, beside whatever else brought
    /// the same event. Which panic the run is of follows from the log up to there, so each life says the same.
    private func bind(_ trigger: ExitTrigger, _ run: inout ImportedRun) throws {
        if !trigger.sequence.isNone {
            guard trigger.id == "\(log.id)/\(trigger.sequence)" else { throw ExitLineError("it is of another log") }
            run.panic = trigger.sequence
            return
        }
        let own = try append { [name] _ in
            try Drafts.panicRequested(trigger.request, key: "panic.requested/\(trigger.id)", producer: name)
        }
        let then = try state(through: own)
        run.panic = then.trading.panics.open.first { $0.eventID == trigger.eventID }?.sequence ?? own
        let now = try StateReader.fold(log, from: then)
        say(
            RecorderNotice.bound(trigger: trigger.id, panic: run.panic.rawValue, haltedAtBootNs: try haltedAt(now)).text
        )
    }

    private func state(through sequence: SequenceNumber) throws -> State {
        let checkpoint = try views?.loadState(log) ?? State()
        return try StateReader.fold(
            log, from: checkpoint.asOf <= sequence ? checkpoint : State(), through: sequence)
    }

    /// The end, and the acknowledgement of its trigger, in one transaction.
    private func complete(_ end: ExitEnd, _ run: ImportedRun) throws {
        let message = end.completed(run.panic, eventID: run.trigger.eventID)
        let (stream, group, name) = (StreamCatalogue.panics, Recorder.group, name)
        try log.transact(.emergency) { transaction in
            let draft = try Drafts.panicCompleted(
                message, traceID: "", cause: run.panic, basis: transaction.head.sequence, producer: name)
            if case .refused(let refusal) = try transaction.append(draft) { throw LogError.refused(refusal) }
            try transaction.ensureGroup(stream, group, options: GroupOptions(deadAfter: 0, readsHidden: true))
            // What was refused when it came needs no run, and is acknowledged with the others.
            let new = try transaction.readNew(stream, group, consumer: name, count: Limits.groupReadEntriesMax)
            var done: [EntryID] = []
            for entry in new
            where try transaction.record(entry.entry.sequence)?.header.kind != EventKind.panicRequested.kind {
                done.append(entry.entry.id)
            }
            if let panic = try transaction.record(run.panic) { done.append(panic.header.entryID) }
            _ = try transaction.acknowledge(stream, group, done)
        }
    }

    package static let group = "emergency_exit_worker"
}
