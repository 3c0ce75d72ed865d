// The streams that Backstop knows: their names in both naming families, what kind their entries are, who
// writes them, and whether entries may be hidden. An unknown stream is not an error: its entries are
// untyped. Names are an interface; a name that was published here must never come to mean another stream.

package import Records

package enum StreamCatalogue {
    package struct Entry: Sendable {
        /// Canonical.
        package let name: StreamName
        package let aliases: [String]
        /// Of its entries; panic triggers that are not accepted become `panicRefused`.
        package let kind: EventKind
        /// Roles, for people and for access rules.
        package let writers: [String]
        /// Whether XTRIM, XDEL and MAXLEN may hide entries.
        package let mayBeTrimmed: Bool
    }

    package static let decisions = StreamName(literal: "quantum:stream:ai.decision.made")
    package static let intents = StreamName(literal: "quantum:stream:trade.intent")
    package static let results = StreamName(literal: "quantum:stream:execution.result")
    package static let panics = StreamName(literal: "system:panic_close")
    package static let panicCompletions = StreamName(literal: "system:panic_close:completed")
    package static let heartbeats = StreamName(literal: "exit_brain:heartbeat")
    package static let orderRequests = StreamName(literal: "backstop:stream:order.requested")
    package static let orderOutcomes = StreamName(literal: "backstop:stream:order.outcome")
    package static let fills = StreamName(literal: "backstop:stream:fill")
    package static let fillDetails = StreamName(literal: "backstop:stream:fill.detail")
    package static let attestedPositions = StreamName(literal: "backstop:stream:position.attested")
    package static let decisionRefusals = StreamName(literal: "backstop:stream:decision.refused")
    package static let messageRefusals = StreamName(literal: "backstop:stream:message.refused")

    package static let entries: [Entry] = [
        entry(decisions, .decision, writers: ["ai_engine"], mayBeTrimmed: true),
        entry(intents, .tradeIntent, writers: ["router"], mayBeTrimmed: true),
        entry(results, .executionResult, writers: ["execution"], mayBeTrimmed: false),
        entry(
            panics, .panicRequested, aliases: ["quantum:stream:system.panic_close"],
            writers: PanicTrigger.issuers, mayBeTrimmed: false),
        entry(
            panicCompletions, .panicCompleted, aliases: ["quantum:stream:panic_close.completed"],
            writers: ["exit_worker"], mayBeTrimmed: false),
        entry(
            heartbeats, .heartbeat, aliases: ["quantum:stream:exit_brain.heartbeat"],
            writers: ["exit_brain"], mayBeTrimmed: true),
        entry(orderRequests, .orderRequested, writers: ["execution", "exit_worker"], mayBeTrimmed: false),
        entry(orderOutcomes, .orderOutcome, writers: ["execution", "exit_worker", "recovery"], mayBeTrimmed: false),
        entry(fills, .fill, writers: ["execution", "recovery"], mayBeTrimmed: false),
        entry(fillDetails, .fillDetail, writers: ["execution", "recovery"], mayBeTrimmed: false),
        entry(attestedPositions, .positionAttested, writers: ["execution", "recovery"], mayBeTrimmed: true),
        entry(decisionRefusals, .decisionRefused, writers: ["router"], mayBeTrimmed: true),
        entry(messageRefusals, .messageRefused, writers: ["backstop"], mayBeTrimmed: true),
    ]

    /// The canonical name. A name that is not in the catalogue stands for itself.
    package static func resolve(_ name: String) throws(BoundError) -> StreamName {
        if let known = byName[name] { return known.name }
        return try StreamName(name)
    }

    /// Nil: the stream is not in the catalogue, and its entries are untyped.
    package static func entry(for stream: StreamName) -> Entry? {
        guard let known = byName[stream.text], known.name == stream else { return nil }
        return known
    }

    private static let byName: [String: Entry] = {
        var table: [String: Entry] = [:]
        for entry in entries {
            for name in [entry.name.text] + entry.aliases {
                precondition(table.updateValue(entry, forKey: name) == nil, "two streams of one name in the catalogue")
            }
        }
        return table
    }()

    private static func entry(
        _ name: StreamName, _ kind: EventKind, aliases: [String] = [], writers: [String], mayBeTrimmed: Bool
    ) -> Entry {
        Entry(name: name, aliases: aliases, kind: kind, writers: writers, mayBeTrimmed: mayBeTrimmed)
    }
}
