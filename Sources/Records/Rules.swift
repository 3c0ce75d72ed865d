// What the log asks of the catalogue of events. The log knows bytes with a kind; these five pure
// functions, supplied once at open, tell it what it must know of them.

/// What the log must know of a draft: its identity, and its operations on the guards.
package struct DraftFacts: Sendable {
    /// The identity fields in canonical form; never times, ids of transport, producer, cause or latency.
    package var identity: [UInt8]
    package var guards: [GuardOperation]
    package init(identity: [UInt8], guards: [GuardOperation]) {
        self.identity = identity
        self.guards = guards
    }
}

/// What the log itself has to say; the catalogue gives it a body.
package enum LogEvent: Equatable, Sendable {
    case sessionStarted(bootID: String, host: String, pid: UInt32, version: String)
    case streamCreated(number: StreamNumber, name: StreamName)
    case conflict(key: String, first: SequenceNumber, offered: Digest, body: [UInt8])
    case groupChanged(stream: StreamName, group: String, change: GroupChange)
    case streamHidden(stream: StreamName, hiding: Hiding)
    case restored(Restoration)

    package var kind: Kind {
        switch self {
        case .sessionStarted: .sessionStarted
        case .streamCreated: .streamCreated
        case .conflict: .conflict
        case .groupChanged: .groupChanged
        case .streamHidden: .streamHidden
        case .restored: .logRestored
        }
    }
}

/// A change of a group by command.
package enum GroupChange: Equatable, Sendable {
    case created(at: EntryID, deadAfter: UInt64)
    case idSet(EntryID, previous: EntryID)
    case destroyed(pending: UInt64, deadLetters: UInt64)
    case consumerCreated(String)
    case consumerDeleted(String, pending: UInt64, entriesKept: Bool)
    /// By an operator, as is `acknowledged`; what consumers do among themselves is state.
    case claimed(consumer: String, [EntryID])
    case acknowledged([EntryID])
    case deadLettered([EntryID], reason: String)
    case deadLettersRetried([EntryID], consumer: String)
    case deadLettersDropped([EntryID])
    case deadAfterSet(UInt64)
}

/// Which entries readers of a stream no longer see. Their records stay.
package enum Hiding: Equatable, Sendable {
    /// XDEL: these.
    case entries([EntryID])
    /// XTRIM: every one smaller than this id.
    case before(EntryID)
}

package struct LogRules: Sendable {
    /// Pure. Throws where the body is not of its kind.
    package var facts: @Sendable (Kind, [UInt8]) throws -> DraftFacts
    /// Pure.
    package var body: @Sendable (LogEvent) -> Body
    /// What a `stream.hidden` record hides. Pure. Throws where the body is none.
    package var hiding: @Sendable ([UInt8]) throws -> (stream: StreamName, hiding: Hiding)
    /// The content that a `conflict` record says was offered. Pure. Throws where the body is none.
    package var offered: @Sendable ([UInt8]) throws -> Digest
    /// What a `log.restored` record says. Pure. Throws where the body is none.
    package var restoration: @Sendable ([UInt8]) throws -> Restoration

    package init(
        facts: @escaping @Sendable (Kind, [UInt8]) throws -> DraftFacts,
        body: @escaping @Sendable (LogEvent) -> Body,
        hiding: @escaping @Sendable ([UInt8]) throws -> (stream: StreamName, hiding: Hiding),
        offered: @escaping @Sendable ([UInt8]) throws -> Digest,
        restoration: @escaping @Sendable ([UInt8]) throws -> Restoration
    ) {
        self.facts = facts
        self.body = body
        self.hiding = hiding
        self.offered = offered
        self.restoration = restoration
    }

    /// SHA-256 over canonical stream, kind and identity: what makes two records of one key the same.
    package static func contentDigest(stream: StreamName?, kind: Kind, identity: [UInt8]) -> Digest {
        identity.withUnsafeBytes { identity in
            Digest.sha256(after: identity, 16 + Limits.streamNameBytesMax) { room in
                room.sized(stream?.text ?? "")
                room.fixed(kind.rawValue)
            }
        }
    }
}
