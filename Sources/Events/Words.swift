// The words of the schemas' enumerations: how they are read (any case) and shown (lower case). Where two
// words mean the same, the first is shown. A word that was published is never given another meaning,
// because identities are made of them.

protocol Worded: Equatable {
    /// In upper case. Zero, "not given", has no word.
    static var words: [(String, Self)] { get }
    var rawValue: Int { get }
}

extension Worded {
    /// Lower case; empty where nothing was given.
    var word: String {
        if let hit = Self.words.first(where: { $0.1 == self }) { return hit.0.lowercased() }
        return rawValue == 0 ? "" : "unknown-\(rawValue)"
    }

    /// False for zero, and for what a later version wrote.
    var isKnown: Bool { Self.words.contains { $0.1 == self } }
}

extension EventSide: Worded {
    static let words: [(String, EventSide)] = [("BUY", .buy), ("SELL", .sell)]
}

extension EventPositionSide: Worded {
    static let words: [(String, EventPositionSide)] = [("BOTH", .both), ("LONG", .long), ("SHORT", .short)]
}

extension EventAction: Worded {
    static let words: [(String, EventAction)] = [("BUY", .buy), ("SELL", .sell), ("CLOSE", .close), ("HOLD", .hold)]
}

extension EventDecisionRefusalReason: Worded {
    static let words: [(String, EventDecisionRefusalReason)] = [
        ("HOLD", .hold), ("LOW_CONFIDENCE", .lowConfidence), ("DUPLICATE", .duplicate),
        ("DUPLICATE_CONFLICTING", .duplicateConflicting), ("NO_SIZE", .noSize), ("HALTED", .halted),
        ("REDUCING", .reducing), ("SYMBOL_GUARDED", .symbolGuarded), ("NO_CONFIDENCE", .noConfidence),
        ("UNREADABLE", .unreadable), ("OUT_OF_BOUNDS", .outOfBounds),
        ("DELIVERED_TOO_OFTEN", .deliveredTooOften),
        ("PAIR_BUSY", .pairBusy), ("BEFORE_RESTORE", .beforeRestore),
    ]
}

extension EventSizedBy: Worded {
    static let words: [(String, EventSizedBy)] = [
        ("DECISION_QUANTITY", .decisionQuantity), ("DECISION_USD", .decisionUsd), ("CONFIG", .config),
        ("POSITION", .position),
    ]
}

extension EventTerminalState: Worded {
    static let words: [(String, EventTerminalState)] = [
        ("FILLED", .filled), ("REJECTED", .rejected), ("FAILED", .failed),
    ]
}

extension EventOutcomeState: Worded {
    static let words: [(String, EventOutcomeState)] = [
        ("ACCEPTED", .accepted), ("PARTIALLY_FILLED", .partiallyFilled), ("FILLED", .filled), ("REJECTED", .rejected),
        ("CANCELED", .canceled), ("EXPIRED", .expired), ("UNKNOWN", .unknown),
        ("NOT_FOUND_AFTER_HORIZON", .notFoundAfterHorizon),
    ]
}

extension EventHeartStatus: Worded {
    static let words: [(String, EventHeartStatus)] = [("ALIVE", .alive), ("OK", .alive), ("DEGRADED", .degraded)]
}

extension EventPanicRefusalReason: Worded {
    static let words: [(String, EventPanicRefusalReason)] = [
        ("ISSUER", .issuer), ("NO_REASON", .noReason), ("NO_TIME", .noTime), ("TOO_OLD", .tooOld),
        ("FROM_THE_FUTURE", .fromTheFuture), ("UNREADABLE", .unreadable),
    ]
}

extension EventRestoreVerdict: Worded {
    static let words: [(String, EventRestoreVerdict)] = [
        ("CURRENT", .current), ("BEHIND", .behind), ("UNKNOWN", .unknown),
    ]
}

extension EventResumeScope: Worded {
    static let words: [(String, EventResumeScope)] = [("HALT", .halt), ("REDUCING", .reducing), ("SYMBOL", .symbol)]
}

extension EventPanicRefusalReason {
    /// In lower case, as records show it.
    package var text: String { word }
}
