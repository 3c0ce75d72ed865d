// Every intent reaches one terminal state, every accepted trigger a completion, and nothing that may increase risk stands
// behind a guard. What is young at the end of the log may still come.

internal import Events
internal import Records

struct IntentAudit: Sendable {
    static let end = "intent.has_one_end"
    static let completion = "trigger.has_completion"
    static let guarded = "guard.holds"

    private(set) var guards = GuardState()
    /// Kinds whose guard operations are computed again.
    static let kinds: Set<EventKind> = [
        .tradeIntent, .executionResult, .orderRequested, .orderOutcome, .panicRequested, .halt, .resume,
        .reducingRaised, .reducingEnded,
    ]

    mutating func guarded(_ record: Record, _ book: inout AuditBook) throws {
        let operations = try EventRules.facts(record.kind, body: record.body).guards
        if let refusal = guards.refusal(operations) {
            book.find(record.sequence, IntentAudit.guarded, expected: "refused, \(refusal)", found: "recorded")
        }
        _ = guards.apply(operations, at: record.sequence)
    }

    /// Before it is folded.
    func concluded(
        _ record: Record, _ result: EventExecutionResult, _ state: State, _ past: any AuditPast, _ book: inout AuditBook
    ) throws {
        let intent = SequenceNumber(result.intentSequence)
        guard !intent.isNone, state.intents[intent] == nil else { return }
        guard let begun = try past.record(intent), begun.kind == EventKind.tradeIntent.kind,
            begun.sequence < record.sequence
        else {
            return book.find(record.sequence, IntentAudit.end, expected: "an intent", found: "record \(intent) is none")
        }
        // Beyond the bound of open intents nobody knows which are open.
        if state.intents.untracked > 0 { return }
        book.find(record.sequence, IntentAudit.end, expected: "one end of intent \(intent)", found: "another one")
    }

    func finish(_ now: Moment, _ state: State, _ book: inout AuditBook) {
        func isOld(_ moment: Moment) -> Bool { state.age(of: moment, at: now) > Limits.auditIntentGraceNanoseconds }
        for intent in state.intents.open where isOld(intent.moment) {
            if state.trading.isGuarded(intent.symbol) { continue }  // its order is looked for, and that is on record
            book.find(intent.sequence, IntentAudit.end, expected: "FILLED, REJECTED or FAILED", found: "no end")
        }
        for panic in state.trading.panics.open where isOld(panic.requestedAt) {
            book.find(panic.sequence, IntentAudit.completion, expected: "a completion", found: "none")
        }
    }
}
