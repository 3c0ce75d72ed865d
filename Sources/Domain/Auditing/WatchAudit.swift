// The dead man's switch, again: each of the watchdog's triggers from the state and the clock that it judged by; and at
// each record, whether a trigger was due by then and did not come.

internal import Events
internal import Records

struct WatchAudit: Sendable {
    static let missed = "heartbeat.has_trigger"
    private let rules: AuditRules
    /// As the watchdog judged it, by the trigger's basis.
    private var states: [SequenceNumber: State] = [:]
    private var triggers: [SequenceNumber: (reason: String, basis: SequenceNumber)] = [:]
    /// One gap is one finding.
    private var isMissing = false
    private var bootSession = SequenceNumber.none
    private var bootedAt = BootInstant(nanoseconds: 0)
    private var lookedAt = BootInstant(nanoseconds: 0)

    init(_ rules: AuditRules) { self.rules = rules }

    /// A trigger's basis is reached.
    mutating func keep(_ state: State) { states[state.asOf] = state }

    // MARK: What fired

    mutating func requested(_ record: Record, _ message: EventPanicRequested, _ book: inout AuditBook) {
        guard message.issuer == PanicTrigger.watchdogIssuer else {
            states[record.header.basis] = nil
            return
        }
        isMissing = false
        if record.header.basis.isNone {
            return book.cannotReplay(
                record.sequence, Watching.rule, "the trigger names no basis: it came over the socket, or from outside")
        }
        // Its evidence follows in the same transaction.
        triggers[record.sequence] = (message.reason, record.header.basis)
    }

    mutating func said(_ record: Record, _ evidence: EventEvidence, _ book: inout AuditBook) throws {
        let panic = SequenceNumber(evidence.about)
        guard let trigger = triggers.removeValue(forKey: panic) else {
            return book.cannotReplay(
                record.sequence, evidence.rule, "evidence about record \(panic), which is no trigger")
        }
        let state = states.removeValue(forKey: trigger.basis)
        guard let state else {
            return book.cannotReplay(panic, evidence.rule, "the state as of \(trigger.basis) lies before this audit")
        }
        do {
            let judgedBy = try Watching.judgedBy(evidence)
            let expected = rules.judge(state, judgedBy.clock, judgedBy.policy)?.reason ?? "no trigger"
            if expected == trigger.reason { return book.isAsRecorded(panic, evidence.rule) }
            book.find(panic, evidence.rule, expected: expected, found: trigger.reason)
        } catch {
            book.cannotReplay(panic, evidence.rule, "its evidence cannot be read: \(error)")
        }
    }

    // MARK: What did not fire

    /// Before the record is folded. A trigger that is itself the record comes in time.
    mutating func look(_ record: borrowing RecordView, _ state: State, _ policy: WatchPolicy, _ book: inout AuditBook) {
        guard let boot = state.heartbeats.boot, boot.has(Moment(of: record)), !state.heartbeats.all.isEmpty else {
            return
        }
        if bootSession != boot.firstSession { (bootSession, bootedAt) = (boot.firstSession, record.monotonicAt) }
        let margin = Limits.auditWatchMarginNanoseconds
        // After a start of the machine its watchdog has to be started, too.
        guard record.kind != EventKind.panicRequested.kind, record.kind != EventKind.sessionStarted.kind,
            record.monotonicAt.nanoseconds >= bootedAt.nanoseconds + policy.firstHeartbeatMax * 1_000_000 + margin
                || !hasHeartsOfEarlierBoots(state, boot),
            record.monotonicAt.nanoseconds >= lookedAt.nanoseconds + margin / 4
                || record.monotonicAt < lookedAt, record.monotonicAt.nanoseconds > margin
        else { return }
        lookedAt = record.monotonicAt
        let clock = WatchClock(
            now: BootInstant(nanoseconds: record.monotonicAt.nanoseconds - margin), bootID: boot.id,
            startedAt: BootInstant(nanoseconds: .max))
        // Where a trigger stands and has no completion yet, everything is being closed already.
        guard state.trading.panics.open.isEmpty, let finding = rules.judge(state, clock, policy) else {
            isMissing = false
            return
        }
        if isMissing { return }
        isMissing = true
        book.find(record.sequence, WatchAudit.missed, expected: "a trigger before it: \(finding.reason)", found: "none")
    }

    private func hasHeartsOfEarlierBoots(_ state: State, _ boot: Boot) -> Bool {
        state.heartbeats.all.contains { !boot.has($0.heart.moment) }
    }

    func finish(_ book: inout AuditBook) {
        for (sequence, _) in triggers.sorted(by: { $0.key < $1.key }) {
            book.cannotReplay(sequence, Watching.rule, "there is no evidence of what it was judged by")
        }
    }
}
