// Triggers that are refused are recorded, within a bound: one record a second per reason and client; what comes in
// between is counted, and the count is a record of its own. A flood of bad triggers must neither fill the log nor hold
// up a good one.

package import Events
package import Records

package struct RefusedTriggers: Sendable {
    private struct Source: Hashable {
        let reason: String
        let client: String
    }
    private struct Tally {
        var recordedAt: Timestamp
        var suppressed: UInt64 = 0
        var sample: [UInt8] = []
    }
    private static let interval: Int64 = 1_000_000_000
    private var tallies: [Source: Tally] = [:]

    package init() {}

    /// Why the draft is a refused trigger; nil: it is none.
    package static func refusal(of draft: Draft) throws(MessageError) -> EventPanicRefused? {
        guard draft.kind == EventKind.panicRefused.kind,
            case .panicRefused(let refused) = try EventRecord.event(.panicRefused, body: draft.body.bytes)
        else { return nil }
        return refused
    }

    /// Whether it is recorded itself; otherwise it is counted.
    package mutating func admits(_ refused: EventPanicRefused, client: String, sample: [UInt8], at now: Timestamp)
        -> Bool
    {
        let source = Source(reason: refused.reason.text, client: client)
        guard var tally = tallies[source] else {
            guard tallies.count < Limits.refusalSourcesMax else { return false }
            tallies[source] = Tally(recordedAt: now)
            return true
        }
        let age = now.nanoseconds - tally.recordedAt.nanoseconds
        if age >= RefusedTriggers.interval || age < 0, tally.suppressed == 0 {
            tally.recordedAt = now
            tallies[source] = tally
            return true
        }
        tally.suppressed += 1
        if tally.sample.isEmpty { tally.sample = Array(sample.prefix(Limits.refusalSampleBytesMax)) }
        tallies[source] = tally
        return false
    }

    /// What was counted for a second or longer (`all`: whatever was counted), as drafts.
    package mutating func summaries(all: Bool, producer: String, at now: Timestamp) throws(MessageError) -> [Draft] {
        var drafts: [Draft] = []
        for (source, tally) in tallies.sorted(by: { ($0.key.reason, $0.key.client) < ($1.key.reason, $1.key.client) }) {
            let age = now.nanoseconds - tally.recordedAt.nanoseconds
            guard tally.suppressed > 0, all || age >= RefusedTriggers.interval || age < 0 else { continue }
            var message = EventMessageRefused()
            message.stream = StreamCatalogue.panics.text
            message.reason = source.reason
            message.client = source.client
            message.count = tally.suppressed
            message.sample.append(contentsOf: tally.sample)
            drafts.append(try Drafts.messageRefused(message, producer: producer, at: now))
            tallies[source] = Tally(recordedAt: now)
        }
        return drafts
    }
}
