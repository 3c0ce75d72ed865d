// What the log asks of the catalogue of events. The log knows bytes with a kind; these two pure
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

    package var kind: Kind {
        switch self {
        case .sessionStarted: .sessionStarted
        case .streamCreated: .streamCreated
        case .conflict: .conflict
        case .groupChanged: .groupChanged
        }
    }
}

/// A change of a group by command.
package enum GroupChange: Equatable, Sendable {
    case created(at: EntryID)
}

package struct LogRules: Sendable {
    /// Pure. Throws where the body is not of its kind.
    package var facts: @Sendable (Kind, [UInt8]) throws -> DraftFacts
    /// Pure.
    package var body: @Sendable (LogEvent) -> Body

    package init(
        facts: @escaping @Sendable (Kind, [UInt8]) throws -> DraftFacts,
        body: @escaping @Sendable (LogEvent) -> Body
    ) {
        self.facts = facts
        self.body = body
    }

    /// SHA-256 over canonical stream, kind and identity: what makes two records of one key the same.
    package static func contentDigest(stream: StreamName?, kind: Kind, identity: [UInt8]) -> Digest {
        var writer = ByteWriter(capacity: 64 + identity.count)
        writer.sized(stream?.text ?? "")
        writer.fixed(kind.rawValue)
        writer.raw(identity)
        return Digest.sha256(writer.bytes)
    }
}
