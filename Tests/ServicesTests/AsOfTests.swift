// Answers "as of" are what a fresh fold up to that record gives, whatever snapshots there are and in whatever state.

import Domain
import EventLog
import Events
import Foundation
import LMDB
import Records
import Testing

@testable import Services

@Suite struct AsOfTests {
    @Test func asOfAnswersAreWhatAFreshFoldGivesAtAThousandRandomSequences() throws {
        try withTradedLog(records: 1_500) { log, views in
            let digests = try foldedDigests(log)
            let head = digests.count - 1
            for sequence in [head / 7, head / 3, head / 2, head - 5] {
                try views.keepSnapshot(try fresh(log, sequence), log)
            }
            try views.save(try fresh(log, head * 3 / 4), log)
            for _ in 0..<1_000 {
                let sequence = Int.random(in: 0...head)
                let state = try StateReader.state(log, views: views, asOf: SequenceNumber(UInt64(sequence)))
                #expect(state.asOf.rawValue == UInt64(sequence))
                #expect(state.digest == digests[sequence], "as of \(sequence)")
            }
            // The table of digests itself is what folds from zero give.
            for sequence in [0, 1, head / 2, head] {
                let digest = try fresh(log, sequence).digest
                #expect(digest == digests[sequence])
            }
        }
    }

    @Test func aDamagedOrForeignSnapshotIsSaidAndNeverBelieved() throws {
        try withTradedLog(records: 300) { log, views in
            let digests = try foldedDigests(log)
            let said = Said()
            views.close()
            let listening = try Views(for: log) { said.add($0) }
            defer { listening.close() }
            try listening.keepSnapshot(try fresh(log, 100), log)
            let good = try row(listening, 100)
            // Every byte of it, one at a time.
            for place in stride(from: 0, to: good.count, by: 7) {
                var bad = good
                bad[place] ^= 0x10
                try put(listening, 100, bad)
                let state = try StateReader.state(log, views: listening, asOf: SequenceNumber(150))
                #expect(state.digest == digests[150], "byte \(place)")
            }
            #expect(said.texts.contains { $0.contains("damaged") })
            for bad in [[], Array(good.prefix(40)), good + [0]] {
                try put(listening, 100, bad)
                let digest = try StateReader.state(log, views: listening, asOf: SequenceNumber(150)).digest
                #expect(digest == digests[150])
            }
            // A whole one of another log, and a whole one of another place.
            try withTradedLog(records: 200) { other, theirs in
                try theirs.keepSnapshot(try fresh(other, 100), other)
                try put(listening, 100, try row(theirs, 100))
            }
            let digest = try StateReader.state(log, views: listening, asOf: SequenceNumber(150)).digest
            #expect(digest == digests[150])
            #expect(said.texts.contains { $0.contains("another log") })
            try put(listening, 120, good)
            let moved = try StateReader.state(log, views: listening, asOf: SequenceNumber(150)).digest
            #expect(moved == digests[150])
            try listening.dropBadSnapshots(log, edition: 1)
            let left = try listening.snapshotSequences()
            #expect(left.isEmpty)
        }
    }

    @Test func snapshotsThinOutAndStaySpread() {
        var random = SystemRandomNumberGenerator()
        var kept: [SequenceNumber] = []
        var sequence: UInt64 = 0
        for _ in 0..<5_000 {
            sequence += UInt64.random(in: 50...150, using: &random)
            kept.append(SequenceNumber(sequence))
            let dropped = SnapshotThinning.dropped(kept, keeping: 64)
            kept.removeAll { dropped.contains($0) }
            #expect(kept.count <= 64 && kept.last == SequenceNumber(sequence))
        }
        let holes = zip([SequenceNumber.none] + kept, kept).map { $1.rawValue - $0.rawValue }
        #expect(holes.max()! < 4 * sequence / 64, "\(holes)")
        #expect(SnapshotThinning.dropped([SequenceNumber(1), SequenceNumber(5)], keeping: 0) == [SequenceNumber(1)])
        #expect(SnapshotThinning.dropped([], keeping: 3).isEmpty)
    }

    // MARK: Parts

    private func fresh(_ log: EventLog, _ sequence: Int) throws -> State {
        try StateReader.fold(log, through: SequenceNumber(UInt64(sequence)))
    }

    /// By sequence, from one fold.
    private func foldedDigests(_ log: EventLog) throws -> [Digest] {
        var state = State()
        var digests = [state.digest]
        try log.walk(from: SequenceNumber(1), through: nil) { record in
            try state.apply(record)
            digests.append(state.digest)
            return true
        }
        return digests
    }

    private func key(_ sequence: UInt64) -> [UInt8] {
        SnapshotKey(edition: 1, sequence: SequenceNumber(sequence)).bytes
    }

    private func row(_ views: Views, _ sequence: UInt64) throws -> [UInt8] {
        try #require(try views.read { try $0.get(views.tables.snapshots, key(sequence))?.array() })
    }

    private func put(_ views: Views, _ sequence: UInt64, _ row: [UInt8]) throws {
        try views.write { try $0.put(views.tables.snapshots, key(sequence), row) }
    }
}

/// What views said, from whichever thread.
final class Said: @unchecked Sendable {
    private let lock = NSLock()
    private var all: [String] = []
    var texts: [String] { lock.withLock { all } }
    func add(_ text: String) { lock.withLock { all.append(text) } }
}

/// Lends a log of decisions, intents, fills, heartbeats, halts and resumes, and its views.
func withTradedLog(records: Int, lot: Int = 0, _ body: (EventLog, Views) throws -> Void) throws {
    try withRoutedLog { log, route in
        var trade = 0
        while try log.head().sequence.rawValue < UInt64(records) {
            trade += 1
            try log.decide("t\(trade)", "0.9", side: trade.isMultiple(of: 2) ? "BUY" : "SELL")
            try log.fill(trade, lot: lot)
            if trade.isMultiple(of: 5) { try route() }
        }
        let views = try Views(for: log)
        defer { views.close() }
        try body(log, views)
    }
}

extension EventLog {
    fileprivate func fill(_ trade: Int, lot: Int) throws {
        let symbol = "S\(trade % 5)USDT"
        let fill = FieldMap([
            ("venue", "v"), ("account", "a"), ("symbol", symbol), ("trade_id", "\(trade)"), ("order_id", "\(trade)"),
            ("side", trade.isMultiple(of: 3) ? "SELL" : "BUY"), ("quantity", "\(lot).\(trade % 9 + 1)"),
            ("price", "100.5"),
        ])
        let beat = FieldMap([("status", "ALIVE"), ("active_positions", "2"), ("ts", "1763818338282")])
        let drafts = try [(StreamCatalogue.fills, fill), (StreamCatalogue.heartbeats, beat)].map { stream, fields in
            try Intake.draft(
                stream: stream.text, fields: fields, key: nil, traceID: nil, producer: "test", recordedAt: clock.now())
        }
        for answer in try append(drafts) { #expect(answer.isAppended) }
    }
}
