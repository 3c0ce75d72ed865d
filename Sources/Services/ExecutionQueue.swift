// Which intents may run now: several at once, those of one symbol one after the other, in the order of their delivery.
// It decides only; whoever runs them says when they have ended.

package import Domain
package import EventLog
internal import Events
package import Records

package struct QueuedIntent: Sendable {
    package let record: Record
    /// When it was taken over from a consumer that is dead; nil: it was delivered for the first time.
    package let takenOverAt: Milliseconds?
    let symbols: [String]

    package init(_ delivered: Delivered, _ log: EventLog, takenOverAt: Milliseconds?) throws {
        guard let record = try log.snapshot({ try $0.record(delivered.entry.sequence) }) else {
            throw LogError.damaged("record \(delivered.entry.sequence) of the intents is missing")
        }
        self.record = record
        self.takenOverAt = takenOverAt
        symbols = try ExecutionRole.symbols(record)
    }
}

package struct ExecutionQueue: Sendable {
    private let inFlightMax: Int
    private var queued: [QueuedIntent] = []
    private var busy: Set<String> = []
    package private(set) var running = 0

    package init(inFlightMax: Int) { self.inFlightMax = inFlightMax }

    package var waiting: Int { queued.count }

    /// How many more may be read.
    package var room: Int { inFlightMax * 4 - queued.count - running }

    package mutating func take(_ intent: QueuedIntent) { queued.append(intent) }

    /// The first that shares no symbol with one that runs, nor with one before it.
    package mutating func next() -> QueuedIntent? {
        guard running < inFlightMax else { return nil }
        var claimed = busy
        for (place, intent) in queued.enumerated() {
            if claimed.isDisjoint(with: intent.symbols) {
                queued.remove(at: place)
                busy.formUnion(intent.symbols)
                running += 1
                return intent
            }
            claimed.formUnion(intent.symbols)
        }
        return nil
    }

    package mutating func finished(_ intent: QueuedIntent) {
        running -= 1
        busy.subtract(intent.symbols)
    }
}
