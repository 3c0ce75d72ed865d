// The audit of behaviour: reads a log from its beginning, record by record, and computes every decision again with the
// same folds and rules that made them. It finds what differs, and says of what it cannot compute why. It changes nothing,
// and repairs nothing.

internal import Events
package import Records

package struct Audit: Sendable {
    package private(set) var book: AuditBook
    package private(set) var state = State()
    private let plan: AuditPlan
    private let since: SequenceNumber
    private var routing: RoutingAudit
    private var execution = ExecutionAudit()
    private var watch: WatchAudit
    private var exits = ExitAudit()
    private var orders = OrderAudit()
    private var intents = IntentAudit()
    private var ledgers = LedgerAudit()
    private var digests = DigestAudit()
    private var watchPolicy = WatchPolicy()
    /// Of the last record.
    private var now = Moment(
        recordedAt: Timestamp(nanoseconds: 0), monotonicAt: BootInstant(nanoseconds: 0), session: .none)

    /// - Parameters:
    ///   - plan: made by one look at all headers.
    ///   - since: earlier records are folded and not judged.
    package init(_ rules: AuditRules, _ plan: AuditPlan, since: SequenceNumber) {
        book = AuditBook(since: since)
        self.plan = plan
        self.since = since
        routing = RoutingAudit(rules)
        watch = WatchAudit(rules)
    }

    /// Each record once, in order. Throws where a body cannot be read; `verify` says more of it.
    package mutating func take(_ view: borrowing RecordView, _ past: any AuditPast) throws {
        watch.look(view, state, watchPolicy, &book)
        if let kind = EventKind(view.kind) { try judge(view, kind, past) }
        try state.apply(view)
        now = Moment(of: view)
        if plan.digests.contains(state.asOf) { digests.keep(state) }
        if plan.bases.contains(state.asOf) { watch.keep(state) }
        if let kind = EventKind(view.kind) { ledgers.look(view, kind, state, &book) }
    }

    /// What can be said only at the end.
    package mutating func finish() {
        routing.finish(state.asOf, state, &book)
        watch.finish(&book)
        exits.finish(&book)
        intents.finish(now, state, &book)
        orders.finish(now, state, &book)
        book.sort()
    }

    private mutating func judge(_ view: borrowing RecordView, _ kind: EventKind, _ past: any AuditPast) throws {
        switch kind {
        case .sessionStarted, .streamCreated, .streamHidden, .groupChanged, .logRestored, .untyped, .messageRefused,
            .heartbeat,
            .panicRefused, .fillDetail, .positionAttested:
            return
        case .fill:
            // The most frequent kind that is looked into: nothing but its message is needed.
            try orders.traded(view, try FillFacts(reading: view), &book)
        case .conflict, .configApplied, .evidence, .stateDigest, .decision, .decisionRefused, .tradeIntent,
            .executionResult,
            .orderRequested, .orderOutcome, .panicRequested, .panicCompleted, .halt, .resume, .reducingRaised,
            .reducingEnded:
            try judge(try view.record(), kind, past)
        }
    }

    private mutating func judge(_ record: Record, _ kind: EventKind, _ past: any AuditPast) throws {
        switch try EventRecord.decode(record) {
        case .configApplied: watchPolicy = try past.watch(record.sequence) ?? watchPolicy
        case .decision: routing.decided(record)
        case .decisionRefused(let refused): try routing.refused(record, refused, intents.guards, past, &book)
        case .tradeIntent(let intent): try routing.intended(record, intent, past, &book)
        case .executionResult(let result):
            try intents.concluded(record, result, state, past, &book)
            if isOurs(record) { execution.concluded(record, result, &book) }
        case .orderRequested(let request):
            try orders.requested(record, request, &book)
            if request.rule == ExitRun.rule {
                try exits.requested(record, request, past, &book)
            } else if request.rule == Execution.rule {
                execution.requested(record, request, past, &book)
            } else if !request.rule.isEmpty {
                book.cannotReplay(record.sequence, request.rule, "decided by a rule that this version does not have")
            }
        case .orderOutcome(let outcome):
            try orders.ended(record, outcome, &book)
            if isOurs(record) { try ended(record, outcome, past) }
        case .evidence(let evidence):
            if evidence.rule == Execution.rule {
                try execution.said(record, evidence, past, &book)
            } else if evidence.rule == Watching.rule {
                try watch.said(record, evidence, &book)
            } else if evidence.rule == ExitRun.rule {
                exits.said(record, evidence)
            } else {
                book.cannotReplay(record.sequence, evidence.rule, "decided by a rule that this version does not have")
            }
        case .stateDigest(let digest): digests.recorded(record, digest, &book)
        case .conflict(let conflict): digests.contradicted(record, conflict, &book)
        case .panicRequested(let request): watch.requested(record, request, &book)
        case .panicCompleted(let completed): try exits.completed(record, completed, past, &book)
        case .sessionStarted, .streamCreated, .streamHidden, .groupChanged, .logRestored, .untyped, .messageRefused,
            .heartbeat,
            .panicRefused, .fill, .fillDetail, .positionAttested, .halt, .resume, .reducingRaised,
            .reducingEnded:
            break
        }
        if IntentAudit.kinds.contains(kind) { try intents.guarded(record, &book) }
    }

    /// Own records have own keys; what others append is theirs to explain.
    private func isOurs(_ record: Record) -> Bool {
        if case .own = record.key { true } else { false }
    }

    private mutating func ended(_ record: Record, _ outcome: EventOrderOutcome, _ past: any AuditPast) throws {
        guard let request = try past.record(SequenceNumber(outcome.requestSequence)),
            case .orderRequested(let message) = try EventRecord.decode(request)
        else {
            return book.find(
                record.sequence, OrderAudit.outcome, expected: "a request",
                found: "record \(outcome.requestSequence) is none")
        }
        let work = SequenceNumber(message.intentSequence)
        if message.rule == Execution.rule { execution.ended(record, outcome, work, &book) }
        if message.rule == ExitRun.rule { exits.ended(record, outcome, work) }
    }
}
