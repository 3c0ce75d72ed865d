// The search index against a plain look at every record, while it is built, merged, cleared and damaged.

import Dispatch
import EventLog
import Events
import Foundation
import LMDB
import Processes
import Records
import Testing

@testable import Services

@Suite struct SearchIndexTests {
    private static let small = SearchSizes(recordsMin: 8, recordsMax: 40)

    @Test func whatTheIndexFindsIsWhatALookAtEveryRecordFinds() throws {
        try withSearchLog { log, index in
            var random = SystemRandomNumberGenerator()
            for round in 0..<40 {
                try log.fill(Int.random(in: 1...120, using: &random), &random)
                let isBuilt = try index.catchUp()
                #expect(isBuilt)
                try compare(log, index, questions: 25, &random, "round \(round)")
            }
            let differences = try index.check()
            #expect(differences.isEmpty, "\(differences)")
            let runs = try index.views.read { try index.runs(1, $0) }
            #expect(runs.first?.first == SequenceNumber(1) && runs.count < 40, "\(runs.count) runs")
            for (one, next) in zip(runs, runs.dropFirst()) { #expect(one.last.next == next.first) }
        }
    }

    @Test func nothingIsLessThanTheLogHoldsAlthoughTheViewsAreClearedBesideIt() throws {
        try withSearchLog { log, index in
            var random = SystemRandomNumberGenerator()
            try log.fill(400, &random)
            let isDone = NSLock()
            nonisolated(unsafe) var stop = false
            let ended = DispatchSemaphore(value: 0)
            OSThread.start("clearing") {
                while !isDone.withLock({ stop }) { try! index.views.clear() }
                ended.signal()
            }
            for _ in 0..<30 {
                _ = try index.catchUp()
                try compare(log, index, questions: 5, &random, "cleared")
            }
            isDone.withLock { stop = true }
            ended.wait()
            let isBuilt = try index.catchUp()
            #expect(isBuilt)
            let (reached, head) = (try index.reached(), try log.head().sequence)
            #expect(reached.rawValue + SearchIndexTests.small.recordsMin > head.rawValue)
            let differences = try index.check()
            #expect(differences.isEmpty)
        }
    }

    @Test func aSecondBuilderDoesNotWait() throws {
        try withSearchLog { log, index in
            var random = SystemRandomNumberGenerator()
            try log.fill(50, &random)
            let lock = try index.views.lock(SearchIndex.lockName)
            lock.lock()
            let isBuilt = try index.catchUp()
            #expect(!isBuilt)
            lock.unlock()
        }
    }

    @Test func aDamagedBlockIsFoundByCheckAndNotBelieved() throws {
        try withSearchLog { log, index in
            var random = SystemRandomNumberGenerator()
            try log.fill(200, &random)
            _ = try index.catchUp()
            let tables = index.views.tables
            let (key, bytes) = try index.views.read { transaction in
                try transaction.withCursor(tables.blocks) { cursor -> ([UInt8], [UInt8]) in
                    _ = try cursor.first()
                    return (cursor.key.array(), cursor.value.array())
                }
            }
            for damage in [Array(bytes.dropLast(3)), bytes.map { $0 ^ 1 }, [UInt8](repeating: 0xff, count: 100)] {
                try index.views.write { try $0.put(tables.blocks, key, damage) }
                let differences = try index.check()
                #expect(!differences.isEmpty)
            }
            // Cut in the middle of an entry: whoever asks looks at the records instead.
            try index.views.write { try $0.put(tables.blocks, key, Array(bytes.dropLast(3))) }
            let last = try #require(try SearchIndex.entries(bytes).last).term
            var asked: SearchTerm?
            try log.walk(from: SequenceNumber(1), through: nil) { record in
                SearchTerm.each(of: record) { if $0.hash == last { asked = $0 } }
                return true
            }
            let page = try index.page(
                [try #require(asked)], in: SequenceNumber(1)...(try index.reached()), newestFirst: false)
            #expect(page?.sequences == nil)
            _ = try Rebuilding(log: log, views: index.views, step: 20).search { _ in }
            let differences = try index.check()
            #expect(differences.isEmpty)
        }
    }

    @Test func blocksOfABuilderThatWasKilledAreClearedAway() throws {
        try withSearchLog { log, index in
            var random = SystemRandomNumberGenerator()
            try log.fill(100, &random)
            _ = try index.catchUp()
            let blocks = index.views.tables.blocks
            let before = try index.views.read { try $0.count(blocks) }
            for number in 0..<50 {
                let key = SearchBlockKey(run: 900, term: UInt64(number), sequence: 1)
                try index.views.write { try $0.put(blocks, key, [1, 2, 3]) }
            }
            _ = try index.catchUp()
            let after = try index.views.read { try $0.count(blocks) }
            #expect(after == before)
        }
    }

    @Test func runsStayFewHoweverTheyGrow() {
        var random = SystemRandomNumberGenerator()
        for least in [1 as UInt64, 4_096] {
            var runs: [UInt64] = []
            var written: UInt64 = 0
            var added: UInt64 = 0
            var runsMax = 0
            for _ in 0..<1_000 {
                let records = least * UInt64.random(in: 1...(Bool.random(using: &random) ? 1 : 40), using: &random)
                runs.append(records)
                added += records
                while let range = SearchMerge.next(runs, least: least) {
                    let sum = runs[range].reduce(0, +)
                    if range.count < 2 { Issue.record("a merge of \(range)") }
                    written += sum
                    runs.replaceSubrange(range, with: [sum])
                }
                runsMax = max(runsMax, runs.count)
            }
            #expect(runsMax <= 64)
            #expect(written < added * 8, "each record was written \(written / added) times")
        }
    }

    // MARK: Parts

    /// Random questions, in both directions, against a look at every record.
    private func compare(
        _ log: EventLog, _ index: SearchIndex, questions: Int, _ random: inout SystemRandomNumberGenerator,
        _ what: String
    ) throws {
        var terms: [Set<SearchTerm>] = []
        try log.walk(from: SequenceNumber(1), through: nil) { record in
            var all: Set<SearchTerm> = []
            SearchTerm.each(of: record) { all.insert($0) }
            terms.append(all)
            return true
        }
        for _ in 0..<questions {
            let reached = try index.reached().rawValue
            guard reached > 0 else { return }
            let (a, b) = (
                UInt64.random(in: 1...reached, using: &random), UInt64.random(in: 1...reached, using: &random)
            )
            let range = SequenceNumber(min(a, b))...SequenceNumber(max(a, b))
            let some = terms[Int.random(in: 0..<Int(reached), using: &random)].sorted { $0.hash < $1.hash }
            let wanted = Array(some.shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random)))
            let newestFirst = Bool.random(using: &random)
            var found: [SequenceNumber] = []
            var rest: ClosedRange<SequenceNumber>? = range
            while let left = rest {
                guard let page = try index.page(wanted, in: left, newestFirst: newestFirst) else { return }
                found += page.sequences
                rest = page.rest
            }
            let all = (range.lowerBound.rawValue...range.upperBound.rawValue).filter { sequence in
                wanted.allSatisfy { terms[Int(sequence) - 1].contains($0) }
            }
            let expected = (newestFirst ? all.reversed() : all).map { SequenceNumber($0) }
            #expect(found == expected, "\(what): \(range), \(newestFirst ? "newest first" : "in order")")
        }
    }
}

/// Lends a log and an index of small runs over it.
private func withSearchLog(_ body: (EventLog, SearchIndex) throws -> Void) throws {
    try withRoutedLog { log, _ in
        let views = try Views(for: log)
        defer { views.close() }
        try body(
            log, SearchIndex(views: views, log: log, sizes: SearchSizes(recordsMin: 8, recordsMax: 40)))
    }
}

extension EventLog {
    /// Records of several kinds, with few symbols and many traces; some share a trace, some a cause.
    fileprivate func fill(_ count: Int, _ random: inout SystemRandomNumberGenerator) throws {
        let head = try head().sequence.rawValue
        let drafts = try (0..<count).map { number in
            let symbol = "S\(Int.random(in: 0..<4, using: &random))USDT"
            if Bool.random(using: &random) {
                let fields = FieldMap([
                    ("symbol", symbol), ("side", "BUY"), ("trace_id", "t\(number % 7) \(head % 50)"),
                ])
                return try Intake.draft(
                    stream: StreamCatalogue.decisions.text, fields: fields, key: nil, traceID: nil,
                    producer: "p\(number % 3)", recordedAt: clock.now())
            }
            let fields = FieldMap([("symbol", symbol), ("order_id", "\(Int.random(in: 0..<30, using: &random))")])
            return try Intake.draft(
                stream: "notes", fields: fields, key: nil, traceID: nil, producer: "notes", recordedAt: clock.now())
        }
        for answer in try append(drafts) { #expect(answer.isAppended) }
    }
}
