// The kinds of event, by the number that stands in a record's header and the name that people type.
// A number or a name that was published never changes its meaning and is never used again.
// This table must not say what a kind does; that stands in Identity, GuardTable and the readers.

package import Records

package enum EventKind: UInt16, CaseIterable, Sendable {
    // What the log itself records.
    case sessionStarted = 1
    case streamCreated = 2
    case conflict = 3
    case streamHidden = 4
    case groupChanged = 5
    case logRestored = 6

    case untyped = 16
    case configApplied = 17
    case messageRefused = 18
    case evidence = 19
    case stateDigest = 20

    // From a decision to a position.
    case decision = 32
    case decisionRefused = 33
    case tradeIntent = 34
    case executionResult = 35
    case orderRequested = 40
    case orderOutcome = 41
    case fill = 42
    case fillDetail = 43
    case positionAttested = 44

    // The dead man's switch.
    case heartbeat = 56
    case panicRequested = 64
    case panicRefused = 65
    case panicCompleted = 66
    case halt = 67
    case resume = 68
    case reducingRaised = 69
    case reducingEnded = 70

    /// Nil where this version does not know the number.
    package init?(_ kind: Kind) {
        self.init(rawValue: kind.rawValue)
    }

    package var kind: Kind { Kind(rawValue) }

    /// The name in commands, queries and metrics.
    package var name: String {
        switch self {
        case .sessionStarted: "session.started"
        case .streamCreated: "stream.created"
        case .conflict: "conflict"
        case .streamHidden: "stream.hidden"
        case .groupChanged: "group.changed"
        case .logRestored: "log.restored"
        case .untyped: "untyped"
        case .configApplied: "config.applied"
        case .messageRefused: "message.refused"
        case .evidence: "evidence"
        case .stateDigest: "state.digest"
        case .decision: "decision"
        case .decisionRefused: "decision.refused"
        case .tradeIntent: "trade.intent"
        case .executionResult: "execution.result"
        case .orderRequested: "order.requested"
        case .orderOutcome: "order.outcome"
        case .fill: "fill"
        case .fillDetail: "fill.detail"
        case .positionAttested: "position.attested"
        case .heartbeat: "heartbeat"
        case .panicRequested: "panic.requested"
        case .panicRefused: "panic.refused"
        case .panicCompleted: "panic.completed"
        case .halt: "halt"
        case .resume: "resume"
        case .reducingRaised: "reducing.raised"
        case .reducingEnded: "reducing.ended"
        }
    }

    /// Nil where no kind has that name.
    package static func named(_ name: String) -> EventKind? {
        allCases.first { $0.name == name }
    }
}
