// The state as of the head: the checkpoint, then the tail. What a view answers names its `asOf`.

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
}
