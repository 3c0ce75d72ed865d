// The judge of a round: the whole log beside the journals. It says what is wrong, and never repairs.

struct KillJudge {
    private struct Entry {
        let sequence: Int
        let kind: String
        let stream: String
        let key: String?
        let trace: String
        let cause: Int
        let producer: String

        init(_ row: [String: Any]) throws {
            guard let sequence = row["seq"] as? Int, let kind = row["kind"] as? String,
                let producer = row["producer"] as? String
            else { throw Trouble("no record: \(row)") }
            (self.sequence, self.kind, self.producer) = (sequence, kind, producer)
            stream = row["stream"] as? String ?? ""
            key = row["key"] as? String
            trace = row["trace"] as? String ?? ""
            cause = row["cause"] as? Int ?? 0
        }
    }

    private let entries: [Entry]
    private let journal: KillJournal
    private var problems: [String] = []

    /// - Parameters:
    ///   - records: the lines of `query --limit 0 --json`.
    ///   - groups: the lines of `groups --json`.
    static func problems(records: [[String: Any]], groups: [[String: Any]], _ journal: KillJournal) throws -> [String] {
        var judge = KillJudge(entries: try records.map { try Entry($0) }, journal: journal)
        judge.checkNumbersAndKeys()
        judge.checkTold()
        judge.checkEnds()
        judge.checkProduced()
        judge.checkHeld()
        judge.checkGroups(groups)
        return judge.problems
    }

    private init(entries: [Entry], journal: KillJournal) {
        self.entries = entries
        self.journal = journal
    }

    private mutating func expect(_ isTrue: Bool, _ problem: String) {
        if !isTrue { problems.append(problem) }
    }

    private mutating func checkNumbersAndKeys() {
        expect(entries.map(\.sequence) == Array(1...max(1, entries.count)), "the sequences have a gap")
        var seen: [String: Int] = [:]
        for entry in entries {
            guard let key = entry.key else { continue }
            if let first = seen.updateValue(entry.sequence, forKey: key) {
                expect(false, "key \(key) belongs to records \(first) and \(entry.sequence)")
            }
        }
    }

    private mutating func checkTold() {
        for (key, sequences) in journal.told.sorted(by: { $0.key < $1.key }) {
            for sequence in sequences.sorted() {
                let found = sequence <= entries.count ? entries[sequence - 1].key : nil
                let isThere = found?.hasSuffix("/\(key)") == true
                expect(isThere, "\(key) was acknowledged as record \(sequence), which has key \(found ?? "none")")
            }
        }
    }

    private var decisions: [Int] { entries.filter { $0.kind == "decision" }.map(\.sequence) }

    private mutating func checkEnds() {
        let ends = entries.filter { ["trade.intent", "decision.refused"].contains($0.kind) }
        expectOneEach(Dictionary(grouping: ends, by: \.cause).mapValues(\.count), "end")
        let traces = ends.filter { $0.kind == "trade.intent" }.map(\.trace)
        expect(Set(traces).count == traces.count, "a trace has two intents")
    }

    private var produced: [Entry] { entries.filter { $0.stream == KillConsumer.made } }

    private mutating func checkProduced() {
        let byCause = Dictionary(grouping: produced, by: \.cause)
        expectOneEach(byCause.mapValues(\.count), "produced record")
        for (entry, records) in journal.done.sorted(by: { $0.key < $1.key }) {
            let found = byCause[entry]?.map(\.sequence) ?? []
            expect(records == found, "entry \(entry) was acknowledged with record \(records), the log has \(found)")
        }
        expect(journal.again.isEmpty, "entries \(journal.again) were delivered although they have their record")
    }

    private mutating func expectOneEach(_ counts: [Int: Int], _ what: String) {
        let decisions = decisions
        let wrong = decisions.filter { counts[$0] != 1 }.map { "\($0): \(counts[$0] ?? 0)" }
        expect(wrong.isEmpty, "\(wrong.count) decisions have not one \(what): \(wrong.prefix(5))")
        expect(Set(counts.keys).isSubset(of: decisions), "a \(what) belongs to no decision")
    }

    /// A delivery sees the log as it is: whoever is given an entry after its record was written holds what
    /// another has acknowledged. And whoever produces is the last to whom the entry was given.
    private mutating func checkHeld() {
        for record in produced {
            let holders = journal.held[record.cause] ?? []
            let late = holders.filter { $0.head >= record.sequence }
            expect(
                late.isEmpty,
                "entry \(record.cause) was acknowledged by record \(record.sequence), then held by \(late)")
            let before = holders.filter { $0.head < record.sequence }
            let last = before.map(\.head).max()
            let isLast = before.contains { $0.head == last && $0.consumer == record.producer }
            expect(isLast, "entry \(record.cause) was acknowledged by \(record.producer), held by \(before)")
        }
    }

    private mutating func checkGroups(_ groups: [[String: Any]]) {
        expect(groups.count == 2, "two groups are expected: \(groups)")
        for group in groups {
            let isDone = group["lag"] as? Int == 0 && group["pending"] as? Int == 0
            expect(isDone, "something is left in a group: \(group)")
        }
    }
}
