// Every decision has one end, and it is the one that the router's rule gives: its intent or its refusal is computed
// again from the decision, the policy's record, the first intent of its trace, and the guards as they were.

internal import Events
internal import Records

struct RoutingAudit: Sendable {
    private let rules: AuditRules
    /// Decisions without an end, and when they came.
    private var waiting: [SequenceNumber: Moment] = [:]
    private var lastEndAt: Moment?

    init(_ rules: AuditRules) { self.rules = rules }

    mutating func decided(_ record: Record) {
        if waiting.count < Limits.openIntentsMax { waiting[record.sequence] = Moment(of: record) }
    }

    // MARK: Intents

    mutating func intended(
        _ record: Record, _ intent: EventTradeIntent, _ past: any AuditPast, _ book: inout AuditBook
    ) throws {
        guard intent.decisionSequence > 0 else { return }  // another router's
        end(SequenceNumber(intent.decisionSequence), record, book: &book)
        guard intent.rule == Routing.rule else {
            return book.cannotReplay(record.sequence, intent.rule, "decided by a rule that this version does not have")
        }
        guard let (decision, verdict) = try verdict(intent.decisionSequence, intent.configSequence, record, past, &book)
        else { return }
        guard case .intent(let expected) = verdict else {
            return book.find(
                record.sequence, Routing.rule, expected: RoutingAudit.text(verdict),
                found: "an intent from decision \(decision.sequence)")
        }
        let differences = Event.tradeIntent(expected).differences(from: .tradeIntent(intent))
        guard differences.isEmpty else {
            return book.find(
                record.sequence, Routing.rule,
                expected: differences.map { "\($0.name) \($0.expected)" }.joined(separator: ", "),
                found: differences.map { "\($0.name) \($0.found)" }.joined(separator: ", "))
        }
        book.isAsRecorded(record.sequence, Routing.rule)
    }

    // MARK: Refusals

    mutating func refused(
        _ record: Record, _ refused: EventDecisionRefused, _ guards: GuardState, _ past: any AuditPast,
        _ book: inout AuditBook
    ) throws {
        end(SequenceNumber(refused.decisionSequence), record, book: &book)
        guard refused.rule == Routing.rule else {
            return book.cannotReplay(record.sequence, refused.rule, "decided by a rule that this version does not have")
        }
        if refused.reason == .deliveredTooOften {
            return book.cannotReplay(record.sequence, Routing.rule, "deliveries are no records: \(refused.detail)")
        }
        if refused.reason == .unreadable, try !isReadable(refused.decisionSequence, past) {
            return book.isAsRecorded(record.sequence, Routing.rule)
        }
        guard
            let (decision, verdict) = try verdict(refused.decisionSequence, refused.configSequence, record, past, &book)
        else { return }
        let expected = try expectation(verdict, decision, record, guards, past)
        let found = RoutingEnd(reason: refused.reason, refersTo: SequenceNumber(refused.refersTo))
        guard expected == found else {
            return book.find(record.sequence, Routing.rule, expected: expected.text, found: found.text)
        }
        book.isAsRecorded(record.sequence, Routing.rule)
    }

    /// What the router had to say of it, in its order: a duplicate, the rule's own refusal, a guard's.
    private func expectation(
        _ verdict: RoutingVerdict, _ decision: Record, _ record: Record, _ guards: GuardState, _ past: any AuditPast
    ) throws -> RoutingEnd {
        if let first = try past.first("trade.intent/\(record.traceID)", before: record.sequence),
            first.header.cause != decision.sequence
        {
            let earlier = try past.record(first.header.cause)
            let isSame = earlier?.header.content == decision.header.content
            return RoutingEnd(reason: isSame ? .duplicate : .duplicateConflicting, refersTo: first.sequence)
        }
        if past.isBeforeRestore(decision.sequence, at: record.sequence) {
            return RoutingEnd(reason: .beforeRestore, refersTo: .none)
        }
        switch verdict {
        case .refused(let reason, _): return RoutingEnd(reason: reason, refersTo: .none)
        case .intent(let intent):
            let body: Draft
            do {
                body = try Drafts.intent(
                    intent, traceID: record.traceID, cause: decision.sequence, basis: record.header.basis,
                    producer: record.producer, at: record.header.recordedAt)
            } catch { return RoutingEnd(reason: .outOfBounds, refersTo: .none) }
            let operations = try EventRules.facts(body.kind, body: body.body.bytes).guards
            guard let refusal = guards.refusal(operations), let why = Routing.reason(for: refusal) else {
                return RoutingEnd(reason: nil, refersTo: .none)
            }
            return RoutingEnd(reason: why.reason, refersTo: why.refersTo)
        }
    }

    // MARK: Decisions without an end

    /// Where a router was at work a minute after it, a decision must have its end.
    func finish(_ head: SequenceNumber, _ state: State, _ book: inout AuditBook) {
        guard let lastEndAt else { return }
        for (sequence, at) in waiting.sorted(by: { $0.key < $1.key })
        where state.age(of: at, at: lastEndAt) > Limits.auditGraceNanoseconds {
            book.find(
                sequence, "decision.has_end", expected: "one intent or one refusal", found: "neither, by record \(head)"
            )
        }
    }

    private mutating func end(_ decision: SequenceNumber, _ record: Record, book: inout AuditBook) {
        waiting[decision] = nil
        lastEndAt = Moment(of: record)
    }

    // MARK: The rule, again

    private func verdict(
        _ decision: UInt64, _ config: UInt64, _ record: Record, _ past: any AuditPast, _ book: inout AuditBook
    ) throws -> (Record, RoutingVerdict)? {
        guard let behind = try past.record(SequenceNumber(decision)), behind.sequence < record.sequence,
            case .decision(let message) = try EventRecord.decode(behind)
        else {
            book.find(
                record.sequence, Routing.rule, expected: "a decision before it", found: "record \(decision) is none")
            return nil
        }
        guard let policy = try past.routing(SequenceNumber(config)) else {
            book.cannotReplay(record.sequence, Routing.rule, "its configuration, record \(config), cannot be read")
            return nil
        }
        return (behind, rules.route(message, behind.sequence, policy))
    }

    private func isReadable(_ sequence: UInt64, _ past: any AuditPast) throws -> Bool {
        guard let record = try past.record(SequenceNumber(sequence)) else { return false }
        do {
            guard case .decision = try EventRecord.decode(record) else { return false }
            return true
        } catch { return false }
    }

    private static func text(_ verdict: RoutingVerdict) -> String {
        switch verdict {
        case .intent(let intent): "an intent for \(intent.symbol)"
        case .refused(let reason, let detail): "refused, \(reason.text): \(detail)"
        }
    }
}

/// How a decision ended, without its sentence.
private struct RoutingEnd: Equatable {
    /// Nil: it was to become an intent.
    let reason: EventDecisionRefusalReason?
    let refersTo: SequenceNumber

    var text: String {
        guard let reason else { return "an intent" }
        return "refused, \(reason.text)" + (refersTo.isNone ? "" : " (record \(refersTo))")
    }
}
