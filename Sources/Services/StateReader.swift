// The state as of the head, or as of any record before it: the newest saved state, then the tail. What a view
// answers names its `asOf`.

package import Domain
package import EventLog
package import Records

package enum StateReader {
    /// Folds the log from `start` (a checkpoint, or an empty state) through `end`, or through its head.
    package static func fold(
        _ log: EventLog, from start: State = State(), through end: SequenceNumber? = nil,
        progress: (SequenceNumber) -> Void = { _ in }
    ) throws -> State {
        var state = start
        var seen = 0
        try log.walk(from: state.asOf.next, through: end) { record in
            try state.apply(record)
            seen += 1
            if seen.isMultiple(of: Limits.scanRecordsPerTransactionMax) { progress(state.asOf) }
            return true
        }
        return state
    }

    /// The state now. Views that cannot be opened cost time, not truth: then everything is folded.
    package static func current(_ log: EventLog, views: Views?) throws -> State {
        try fold(log, from: try views?.loadState(log) ?? State())
    }

    /// The state as it was after the record `sequence`. Where that took a long fold, the result is kept for the
    /// next one who asks; where it cannot be kept, it is not.
    @available(*, noasync)
    package static func state(
        _ log: EventLog, views: Views?, asOf sequence: SequenceNumber,
        progress: (SequenceNumber) -> Void = { _ in }
    ) throws -> State {
        let start = try views?.newestState(upTo: sequence, log) ?? State()
        let state = try fold(log, from: start, through: sequence, progress: progress)
        guard let views, sequence.rawValue - start.asOf.rawValue >= Limits.snapshotRecordsMin else { return state }
        do { try views.keepSnapshot(state, log) } catch { views.note("no snapshot of \(sequence) is kept: \(error)") }
        return state
    }
}
