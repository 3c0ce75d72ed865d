// The router: every decision ends in exactly one intent or one recorded refusal. The intent's key is the
// trace id, the check and the append are one transaction, and the guards are the log's: no race decides.

package import Domain
package import EventLog
internal import Events
package import Records

package struct Router: Role {
    package let name = "router"
    package let stream = StreamCatalogue.decisions
    package let group = "router"
    private let policy: RoutingPolicy

    package init(policy: RoutingPolicy) { self.policy = policy }

    package func handle(_ record: Record, _ transaction: inout LogTransaction) throws -> [String] {
        let trace = trace(of: record)
        let decision: EventDecision
        do { decision = try Router.decision(record) } catch {
            let unreadable = Refused(.unreadable, "\(error)", refersTo: .none)
            return try refuse(unreadable, EventDecision(), record, trace, &transaction)
        }
        if try transaction.first(.own("decision.refused/\(record.sequence)"), stream: nil) != nil { return [] }
        if let first = try transaction.first(.own("trade.intent/\(trace)"), stream: nil) {
            if first.header.cause == record.sequence { return [] }  // this very decision's
            return try refuse(try duplicate(of: first, record, &transaction), decision, record, trace, &transaction)
        }
        if transaction.isBeforeRestore(record.sequence) {
            let why = "it is from before a restore: what became of it is not known here; decide again"
            return try refuse(Refused(.beforeRestore, why, refersTo: .none), decision, record, trace, &transaction)
        }
        switch Routing.route(decision: decision, sequence: record.sequence, policy: policy) {
        case .refused(let reason, let detail):
            return try refuse(Refused(reason, detail, refersTo: .none), decision, record, trace, &transaction)
        case .intent(let intent):
            return try publish(intent, decision, record, trace, &transaction)
        }
    }

    /// A decision that kills its router must have its end, too.
    package func giveUp(_ record: Record, _ reason: String, _ transaction: inout LogTransaction) throws -> [String] {
        let trace = trace(of: record)
        // Unreadable ones end here, too.
        let decision = (try? Router.decision(record)) ?? EventDecision()
        let refused = Refused(.deliveredTooOften, reason, refersTo: .none)
        return try refuse(refused, decision, record, trace, &transaction)
    }

    private func trace(of record: Record) -> String {
        record.traceID.isEmpty ? "\(stream)/\(record.header.entryID)" : record.traceID
    }

    private static func decision(_ record: Record) throws -> EventDecision {
        guard case .decision(let decision) = try EventRecord.decode(record) else {
            throw MessageError("kind", "a decision is expected")
        }
        return decision
    }

    // MARK: The two ends

    private func publish(
        _ intent: EventTradeIntent, _ decision: EventDecision, _ record: Record, _ trace: String,
        _ transaction: inout LogTransaction
    ) throws -> [String] {
        let draft: Draft
        do {
            draft = try Drafts.intent(
                intent, traceID: trace, cause: record.sequence, basis: transaction.head.sequence, producer: name,
                at: transaction.now)
        } catch {
            return try refuse(Refused(.outOfBounds, "\(error)", refersTo: .none), decision, record, trace, &transaction)
        }
        switch try transaction.append(draft) {
        case .appended:
            return ["INTENT \(intent.symbol) \(record.sequence) trace_id=\(trace)"]
        case .refused(let refusal):
            guard let why = Routing.reason(for: refusal) else { throw LogError.refused(refusal) }  // tried again
            let refused = Refused(why.reason, why.detail, refersTo: why.refersTo)
            return try refuse(refused, decision, record, trace, &transaction)
        case .duplicate, .conflict, .unknown:
            preconditionFailure("the key was looked up in this transaction, and inside one nothing is unknown")
        }
    }

    private func refuse(
        _ refused: Refused, _ decision: EventDecision, _ record: Record, _ trace: String,
        _ transaction: inout LogTransaction
    ) throws -> [String] {
        let event = Routing.refusal(
            of: decision, sequence: record.sequence, reason: refused.reason, detail: refused.detail,
            refersTo: refused.refersTo, policy: policy)
        let draft = try Drafts.decisionRefused(
            event, traceID: trace, cause: record.sequence, basis: transaction.head.sequence, producer: name,
            at: transaction.now)
        switch try transaction.append(draft) {
        case .appended: break
        case .duplicate, .conflict: break  // this decision was refused before; once is enough
        case .refused(let refusal): throw LogError.refused(refusal)
        case .unknown(let why): throw LogError.poisoned(why)
        }
        if refused.isDuplicate { return ["DUPLICATE_SKIP trace_id=\(trace) (first intent \(refused.refersTo))"] }
        return ["REFUSED \(refused.detail) trace_id=\(trace)"]
    }

    /// The same content as the decision behind the first intent, or another's.
    private func duplicate(
        of intent: Record, _ record: Record, _ transaction: inout LogTransaction
    ) throws -> Refused {
        let first = try transaction.record(intent.header.cause)
        let isSame = first?.header.content == record.header.content
        let what = isSame ? "the same decision" : "another decision"
        return Refused(
            isSame ? .duplicate : .duplicateConflicting,
            "\(what) with this trace id has its intent already, record \(intent.sequence)", refersTo: intent.sequence)
    }
}

/// Why a decision gets no intent.
private struct Refused {
    let reason: EventDecisionRefusalReason
    let detail: String
    let refersTo: SequenceNumber

    init(_ reason: EventDecisionRefusalReason, _ detail: String, refersTo: SequenceNumber) {
        self.reason = reason
        self.detail = detail
        self.refersTo = refersTo
    }

    var isDuplicate: Bool { reason == .duplicate || reason == .duplicateConflicting }
}
