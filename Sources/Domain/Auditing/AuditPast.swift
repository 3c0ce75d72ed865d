// What an audit asks for beside the record that it reads: earlier records, the policies that a configuration's record
// meant, and the rules themselves. The rules can be exchanged, so that a test can show that an audit notices.

package import Events
package import Records

package protocol AuditPast {
    func record(_ sequence: SequenceNumber) throws -> Record?
    /// The record that has the key, and stands no later than `sequence`.
    func first(_ key: String, before sequence: SequenceNumber) throws -> Record?
    /// Nil: no record says so, or not in words that this version knows.
    func routing(_ config: SequenceNumber) throws -> RoutingPolicy?
    func execution(_ config: SequenceNumber) throws -> ExecutionPolicy?
    func watch(_ config: SequenceNumber) throws -> WatchPolicy?
    /// The log's id when that record was written: a restored log has another one.
    func logID(at sequence: SequenceNumber) -> LogID
    /// Whether, when `now` was written, nobody knew what had become of `sequence`: a restore lies between them.
    func isBeforeRestore(_ sequence: SequenceNumber, at now: SequenceNumber) -> Bool
}

extension State {
    /// How much older the one is than the other, in nanoseconds: by the boot's clock where both are of the newest boot, so
    /// that a jump of the wall clock makes nothing old and nothing young.
    func age(of moment: Moment, at now: Moment) -> Int64 {
        if let boot = heartbeats.boot, boot.has(moment), boot.has(now) {
            let (then, now) = (moment.monotonicAt.nanoseconds, now.monotonicAt.nanoseconds)
            return now > then ? Int64(clamping: now - then) : 0
        }
        let (age, isBeyond) = now.recordedAt.nanoseconds.subtractingReportingOverflow(moment.recordedAt.nanoseconds)
        return isBeyond ? 0 : age
    }
}

package struct AuditRules: Sendable {
    package var route: @Sendable (EventDecision, SequenceNumber, RoutingPolicy) -> RoutingVerdict = {
        Routing.route(decision: $0, sequence: $1, policy: $2)
    }
    package var judge: @Sendable (State, WatchClock, WatchPolicy) -> WatchFinding? = { Watching.judge($0, $1, $2) }
    package init() {}
}

/// Sequences at which the state is to be kept for a moment, because a later record speaks of it.
package struct AuditPlan: Sendable {
    private(set) var digests: Set<SequenceNumber> = []
    private(set) var bases: Set<SequenceNumber> = []
    package init() {}

    /// Called with each record's header, in order, before the audit itself.
    package mutating func look(_ record: borrowing RecordView) {
        if record.kind == EventKind.stateDigest.kind { digests.insert(record.basis) }
        if record.kind == EventKind.panicRequested.kind, !record.basis.isNone { bases.insert(record.basis) }
    }
}
