// How far the log may fill before an event is refused. What stops or closes is never refused; what has already
// happened, and what says why something did not, goes on after ordinary traffic has stopped.

package import EventLog
package import Events
package import Records

extension EventKind {
    package var writeClass: WriteClass {
        switch self {
        case .panicRequested, .panicCompleted, .halt, .resume, .reducingRaised, .reducingEnded, .logRestored:
            .emergency
        case .executionResult, .orderOutcome, .fill, .fillDetail, .configApplied, .decisionRefused: .group
        case .sessionStarted, .streamCreated, .conflict, .streamHidden, .groupChanged, .untyped, .messageRefused,
            .evidence, .stateDigest, .decision, .tradeIntent, .orderRequested, .positionAttested, .heartbeat,
            .panicRefused:
            .ordinary
        }
    }
}

extension Draft {
    /// A kind that is not known is ordinary.
    package var writeClass: WriteClass { EventKind(kind)?.writeClass ?? .ordinary }
}
