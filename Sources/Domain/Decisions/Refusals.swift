// Refused decisions as records: the reason in one word for machines, and a sentence for people.
// A refusal of the log becomes the reason of the guard that refused; nothing is guessed: an answer that
// is no judgement of the intent (the log is full, or busy) has no reason here and must be tried again.

package import Events
package import Records

extension Routing {
    /// The record of a refusal. `refersTo`: the first intent of the trace id, or the record that raised the
    /// guard; none where there is neither.
    package static func refusal(
        of decision: EventDecision, sequence: SequenceNumber, reason: EventDecisionRefusalReason, detail: String,
        refersTo: SequenceNumber, policy: RoutingPolicy
    ) -> EventDecisionRefused {
        var refused = EventDecisionRefused()
        refused.decisionSequence = sequence.rawValue
        refused.reason = reason
        refused.detail = detail
        refused.symbol = decision.symbol
        refused.action = decision.action
        refused.refersTo = refersTo.rawValue
        refused.rule = rule
        refused.configSequence = policy.configSequence.rawValue
        return refused
    }

    /// Why the log did not take an intent.
    package struct LogRefusal: Hashable, Sendable {
        package let reason: EventDecisionRefusalReason
        package let detail: String
        /// The record that raised the guard; none: no guard refused.
        package let refersTo: SequenceNumber
    }

    /// Nil where the refusal says nothing about the intent, and the same draft may be appended later.
    package static func reason(for refusal: Refusal) -> LogRefusal? {
        switch refusal {
        case .guarded(let name, let by):
            guard let reason = reason(ofGuard: name) else { return nil }
            return LogRefusal(reason: reason, detail: refusal.description, refersTo: by)
        case .bound: return LogRefusal(reason: .outOfBounds, detail: refusal.description, refersTo: .none)
        case .entryID, .full, .tooMuchAtOnce, .busy: return nil
        }
    }

    /// Nil for a guard that intents do not require.
    private static func reason(ofGuard name: String) -> EventDecisionRefusalReason? {
        if name == "halt" { return .halted }
        if name == "reducing" { return .reducing }
        if name.hasPrefix("pair/") { return .pairBusy }
        return name.hasPrefix("symbol/") ? .symbolGuarded : nil
    }
}
