// Appends checked drafts and tells their answers; refused triggers are recorded within a bound.

import EventLog
import Events
import Records
import Services

struct EntryWriter {
    let log: EventLog
    let producer: String
    let describes: Bool
    private var refusedTriggers = RefusedTriggers()

    init(log: EventLog, producer: String, describes: Bool) {
        self.log = log
        self.producer = producer
        self.describes = describes
    }

    private struct Entry {
        let draft: Draft
        let refused: EventPanicRefused?
    }

    /// Answers come in the order of the drafts. What differs in how far the log may fill for it is appended apart: a good
    /// trigger is not refused for its neighbours.
    mutating func write(_ drafts: [Draft], _ tally: inout AppendTally) throws {
        var entries: [Entry] = []
        for draft in drafts {
            let refused = try RefusedTriggers.refusal(of: draft)
            if let refused, try !admits(refused, draft) {
                try append(&entries, &tally)
                tally.refusedTrigger(refused, nil)
                continue
            }
            if let last = entries.last, last.draft.writeClass != draft.writeClass { try append(&entries, &tally) }
            entries.append(Entry(draft: draft, refused: refused))
        }
        try append(&entries, &tally)
        try summarize(all: false)
    }

    private mutating func admits(_ refused: EventPanicRefused, _ draft: Draft) throws -> Bool {
        refusedTriggers.admits(refused, client: producer, sample: draft.body.bytes, at: log.clock.now())
    }

    private func append(_ entries: inout [Entry], _ tally: inout AppendTally) throws {
        guard let writeClass = entries.first?.draft.writeClass else { return }
        let answers = try log.append(entries.map(\.draft), writeClass)
        for (answer, entry) in zip(answers, entries) {
            if let refused = entry.refused, case .appended(let place) = answer {
                tally.refusedTrigger(refused, place)
            } else {
                tally.add(answer, describe: describes)
            }
        }
        entries.removeAll(keepingCapacity: true)
    }

    /// What was counted and not recorded yet.
    mutating func finish() throws { try summarize(all: true) }

    private mutating func summarize(all: Bool) throws {
        let drafts = try refusedTriggers.summaries(all: all, producer: producer, at: log.clock.now())
        if !drafts.isEmpty { _ = try log.append(drafts, .ordinary) }
    }
}
