// Appending: the five answers, once per key, bounds, neighbours in a batch.

import Foundation
import Testing

import EventLog
import Records

@Suite struct AppendTests {
    @Test func whatIsReadIsWhatWasAppendedByteForByte() throws {
        var generator = SeededGenerator(seed: 1)
        try withLog { log in
            var written: [UInt64: Draft] = [:]
            _ = try log.append([draft("the first")])
            for size in [0, 1, 100, 1_900, 2_100, 5_000, 70_000] {
                let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &generator) }
                let fields = FieldMap([
                    FieldMap.Field(name: [0xff, 0], value: bytes), FieldMap.Field(name: [0xff, 0], value: [1]),
                ])
                let draft = Draft(
                    kind: TestKind.plain, stream: testStream, key: .user("k\(size)"), traceID: "t\(size)",
                    producer: "p", cause: SequenceNumber(1), basis: SequenceNumber(2),
                    body: Body(fields: fields, typed: bytes))
                let answer = try log.append([draft])[0]
                written[try #require(answer.sequence)] = draft
            }
            for (sequence, draft) in written {
                let record = try #require(try log.snapshot { try $0.record(SequenceNumber(sequence)) })
                #expect(record.body == draft.body.bytes)
                #expect(record.key == draft.key)
                #expect(record.traceID == draft.traceID)
                #expect(record.header.cause == draft.cause && record.header.basis == draft.basis)
                let (read, typed) = (try record.fields().fields[0].value, try record.typed())
                #expect(read == typed)
            }
        }
    }

    @Test func aKeyBelongsToOneRecordForEver() throws {
        try withLog { log in
            let first = try log.append([draft("a", key: "k")])[0]
            #expect(first.isAppended)
            let again = try log.append([draft("a", key: "k")])[0]
            #expect(again.isDuplicate && again.sequence == first.sequence)
            let head = try log.head()
            #expect(try log.append([draft("a", key: "k")])[0].isDuplicate)
            #expect(try log.head() == head, "a duplicate writes nothing")
            let inBatch = try log.append([draft("b", key: "x"), draft("b", key: "x")])
            #expect(inBatch[0].isAppended && inBatch[1].isDuplicate && inBatch[1].sequence == inBatch[0].sequence)
            let otherStream = StreamName(literal: "test:other")
            #expect(
                try log.append([draft("a", key: "k", stream: otherStream)])[0].isAppended,
                "a user's key is its stream's")
        }
    }

    @Test func aConflictIsRecordedOncePerContentAndAtMostSixteenTimes() throws {
        try withLog { log in
            let first = try log.append([draft("a", key: "k")])[0].sequence
            for round in 0..<20 {
                for _ in 0..<2 {
                    let answer = try log.append([draft("other \(round)", key: "k")])[0]
                    #expect(answer.isConflict && answer.sequence == first)
                }
            }
            var conflicts = 0
            try log.walk(from: SequenceNumber(1), through: nil) { record in
                if record.kind == .conflict { conflicts += 1 }
                return true
            }
            #expect(conflicts == Limits.conflictsPerKeyMax)
        }
    }

    @Test func aRecordWithoutAKeyIsNeverADuplicate() throws {
        try withLog { log in
            let answers = try log.append([draft("a"), draft("a"), draft("a")])
            #expect(Set(answers.map(\.sequence)).count == 3)
        }
    }

    /// Drafts that break one bound, by name: small arguments keep the runner's output readable.
    enum Broken: String, CaseIterable {
        case keyTooLong = "key", keyEmpty = "key ", keyWithControl = "key  "
        case trace = "trace id", producer = "producer", body = "body", entryID = "entry id"

        var draft: Draft {
            switch self {
            case .keyTooLong: make(key: String(repeating: "k", count: Limits.keyBytesMax + 1))
            case .keyEmpty: make(key: "")
            case .keyWithControl: make(key: "a\nb")
            case .trace: make(trace: String(repeating: "t", count: Limits.traceBytesMax + 1))
            case .producer: make(producer: "")
            case .body: make(typed: [UInt8](repeating: 0, count: Limits.bodyBytesMax))
            case .entryID: make(id: .exactly(.zero))
            }
        }

        private func make(
            key: String? = nil, trace: String = "", producer: String = "p", typed: [UInt8] = [],
            id: EntryIDRequest = .next
        ) -> Draft {
            Draft(
                kind: TestKind.plain, stream: testStream, entryID: id, key: key.map { .user($0) }, traceID: trace,
                producer: producer, body: Body(fields: FieldMap(), typed: typed))
        }
    }

    @Test(arguments: Broken.allCases)
    func aBoundThatIsBrokenIsRefusedAndItsNeighboursGoOn(broken: Broken) throws {
        try withLog { log in
            let answers = try log.append([draft("before"), broken.draft, draft("after")])
            #expect(answers[0].isAppended && answers[2].isAppended)
            guard case .refused(.bound(let error)) = answers[1] else {
                Issue.record("not refused: \(answers[1])")
                return
            }
            #expect(error.field == broken.rawValue.trimmingCharacters(in: .whitespaces))
        }
    }

    @Test func entryIDsGrowAsInRedisWhateverTheClockDoes() throws {
        let clock = TestClock()
        try withLog(clock: clock.clock) { log throws in
            func id(_ request: EntryIDRequest = .next) throws -> String {
                switch try log.append([draft("x", id: request)])[0] {
                case .appended(let place): return place.entryID.description
                case .refused(let refusal): return refusal.code
                default: return "?"
                }
            }
            #expect(try id() == "1700000000000-0")
            #expect(try id() == "1700000000000-1")
            clock.advance(milliseconds: -500)
            #expect(try id() == "1700000000000-2")
            clock.advance(milliseconds: 600)
            #expect(try id() == "1700000000100-0")
            #expect(try id(.exactly(EntryID(1_700_000_000_100, 7))) == "1700000000100-7")
            #expect(try id(.exactly(EntryID(1_700_000_000_100, 7))) == "entry_id")
            #expect(try id(.nextIn(milliseconds: 1_700_000_000_100)) == "1700000000100-8")
            #expect(try id(.nextIn(milliseconds: 5)) == "entry_id")
            #expect(try id(.exactly(.last)) == EntryID.last.description)
            #expect(try id() == "entry_id", "the ids are used up")
        }
    }

    @Test func stampsNeverGoBack() throws {
        let clock = TestClock()
        try withLog(clock: clock.clock) { log in
            _ = try log.append([draft("a")])
            clock.advance(milliseconds: -3_600_000)
            _ = try log.append([draft("b")])
            var stamps: [Timestamp] = []
            try log.walk(from: SequenceNumber(1), through: nil) { record in
                stamps.append(record.recordedAt)
                return true
            }
            #expect(stamps == stamps.sorted())
        }
    }

    @Test func aJobThatThrowsAfterAPutIsUndoneAndItsNeighboursStand() throws {
        struct Stop: Error {}
        try withLog { log throws in
            #expect(throws: Stop.self) {
                try log.transact { transaction in
                    _ = try transaction.append(draft("never", key: "never"))
                    throw Stop()
                }
            }
            #expect(try log.append([draft("never", key: "never")])[0].isAppended)
        }
    }

    @Test func manyThreadsRaceForTheSameKeysAndEachIsAppendedOnce() throws {
        try withLog { log in
            let appended = Counter()
            DispatchQueue.concurrentPerform(iterations: 8) { _ in
                for number in 0..<200 {
                    let answer = try! log.append([draft("same \(number)", key: "k\(number)")])[0]
                    if answer.isAppended { appended.add() } else { #expect(answer.isDuplicate) }
                }
            }
            #expect(appended.value == 200)
        }
    }

    @Test func asyncCallersAreAnsweredToo() async throws {
        let path = temporaryFolder()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let log = try openNew(path)
        let answers = try await withThrowingTaskGroup(of: AppendAnswer.self) { group in
            for number in 0..<50 { group.addTask { try await log.append([draft("x", key: "k\(number % 25)")])[0] } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.filter(\.isAppended).count == 25)
        #expect(answers.filter(\.isDuplicate).count == 25)
        closeNow(log)
    }

    private func openNew(_ path: String) throws -> EventLog {
        _ = try EventLog.create(at: path, options: testOptions())
        return try EventLog(at: path, mode: .writing, rules: testRules, options: testOptions())
    }
    private func closeNow(_ log: EventLog) { log.close() }
}

final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0
    var value: Int { lock.withLock { count } }
    func add() { lock.withLock { count += 1 } }
}
