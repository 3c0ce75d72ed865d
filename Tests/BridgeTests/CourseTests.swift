// The pure halves of the bridge: what is asked next, what an answer means, what is done about the halt keys.

import Domain
import Events
import Records
import Testing

@testable import RedisBridge

@Suite struct ImportCourseTests {
    private static let start = BootInstant(nanoseconds: 1_000_000_000)

    @Test func eachStreamHasItsGroupThenWhatWasLeftThenNewEntries() {
        var course = ImportCourse(streams: 2)
        let all = Limits.bridgeReadEntriesMax
        #expect(course.next(at: Self.start) == .makeGroup(0))
        course.groupMade(0)
        #expect(course.next(at: Self.start) == .claim(0, from: .zero, count: all))
        course.claimed(0, cursor: EntryID(5, 0))
        #expect(course.next(at: Self.start) == .claim(0, from: EntryID(5, 0), count: all))
        course.claimed(0, cursor: .zero)
        #expect(course.next(at: Self.start) == .makeGroup(1))
        course.groupMade(1)
        course.claimed(1, cursor: .zero)
        #expect(course.next(at: Self.start) == .read([0, 1], count: all))
        course.connected()
        #expect(course.next(at: Self.start) == .makeGroup(0))
    }

    @Test func aStreamThatWaitsHoldsUpNoOther() {
        var course = ImportCourse(streams: 2)
        for place in 0...1 {
            course.groupMade(place)
            course.claimed(place, cursor: .zero)
        }
        course.wait(0, at: Self.start)
        let all = Limits.bridgeReadEntriesMax
        #expect(course.next(at: Self.start) == .read([1], count: all))
        let later = BootInstant(
            nanoseconds: Self.start.nanoseconds + UInt64(Limits.bridgeWaitMilliseconds) * 1_000_000)
        #expect(course.next(at: later) == .claim(0, from: .zero, count: all))
        course.wait(1, at: later)
        course.wait(0, at: later)
        #expect(course.next(at: later) == .wait(milliseconds: Limits.bridgeWaitMilliseconds))
    }

    @Test func anAnswerThatIsTooLargeIsAskedForInHalves() {
        var course = ImportCourse(streams: 1)
        course.groupMade(0)
        course.claimed(0, cursor: .zero)
        var asked: [Int] = []
        while true {
            let step = course.next(at: Self.start)
            if case .passOver(0, let from) = step {
                #expect(from == .zero)
                break
            }
            guard case .read(_, let count) = step else {
                guard case .claim(_, _, let count) = step else { Issue.record("\(step)"); return }
                asked.append(count)
                course.tooLarge(step)
                course.connected()
                course.groupMade(0)
                continue
            }
            asked.append(count)
            course.tooLarge(step)
            course.connected()
            course.groupMade(0)
        }
        #expect(asked == [128, 64, 32, 16, 8, 4, 2, 1])
        course.passedOver(0, cursor: .zero)
        #expect(course.next(at: Self.start) == .read([0], count: 1))
        course.read()
        #expect(course.next(at: Self.start) == .read([0], count: 2))
    }
}

@Suite struct ExportCourseTests {
    private static let ours = FieldMap([("a", "1")])

    @Test func aStreamThatIsNotThereIsSentFromItsBeginning() {
        var course = ExportCourse()
        #expect(course.looked(lastID: .zero) == .send(after: .zero))
        course.sent(through: EntryID(5, 1))
        #expect(course.looked(lastID: EntryID(5, 1)) == .send(after: EntryID(5, 1)))
    }

    @Test func overANewConnectionTheLastEntryIsCompared() {
        var course = ExportCourse()
        #expect(course.looked(lastID: EntryID(5, 1)) == .compare(EntryID(5, 1)))
        let step = course.compared(EntryID(5, 1), ours: Self.ours, theirs: Self.ours)
        #expect(step == .send(after: EntryID(5, 1)))
        course.connected()
        #expect(course.looked(lastID: EntryID(5, 1)) == .compare(EntryID(5, 1)))
        // Trimmed there: the id is enough.
        #expect(course.compared(EntryID(5, 1), ours: Self.ours, theirs: nil) == .send(after: EntryID(5, 1)))
    }

    @Test func whatRedisHasLostIsSentAgain() {
        var course = ExportCourse()
        _ = course.looked(lastID: .zero)
        course.sent(through: EntryID(9, 0))
        #expect(course.looked(lastID: EntryID(4, 0)) == .compare(EntryID(4, 0)))
        #expect(
            course.compared(EntryID(4, 0), ours: Self.ours, theirs: Self.ours) == .send(after: EntryID(4, 0)))
        #expect(course.looked(lastID: .zero) == .send(after: .zero))
    }

    @Test func anotherWriterIsFoundByIdAndByFields() {
        var course = ExportCourse()
        _ = course.looked(lastID: EntryID(7, 0))
        guard case .stop = course.compared(EntryID(7, 0), ours: nil, theirs: Self.ours) else {
            Issue.record("an id that is not ours is another's")
            return
        }
        #expect(course.stopped != nil)
        _ = course.looked(lastID: EntryID(7, 0))
        guard case .stop = course.compared(EntryID(7, 0), ours: Self.ours, theirs: FieldMap([("a", "2")])) else {
            Issue.record("our id with other fields is another's")
            return
        }
        // The operator has taken the stream away.
        #expect(course.looked(lastID: .zero) == .send(after: .zero))
        #expect(course.stopped == nil)
    }

    @Test func waitsDoubleAndAreBounded() {
        var backoff = Backoff()
        let waits = (0..<9).map { _ in backoff.next() }
        #expect(waits == [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000])
        backoff.reset()
        #expect(backoff.next() == 100)
    }
}

@Suite struct StreamEntriesTests {
    static func entry(_ id: String, _ words: [String]) -> RedisReply {
        .list([.text(id), .list(words.map { .text($0) })])
    }

    @Test func groupsAndClaimsAreRead() throws {
        let reply = RedisReply.list([
            .list([.text("s"), .list([Self.entry("1-2", ["a", "b"]), .list([.text("1-3"), .null])])])
        ])
        let groups = try StreamEntries.groups(reply)
        #expect(groups.count == 1 && groups[0].key == Array("s".utf8))
        #expect(
            groups[0].entries == [
                RedisEntry(id: EntryID(1, 2), fields: FieldMap([("a", "b")])),
                RedisEntry(id: EntryID(1, 3), fields: nil),
            ])
        #expect(try StreamEntries.groups(.null).isEmpty)
        let claimed = try StreamEntries.claimed(
            .list([.text("4-0"), .list([Self.entry("1-2", ["a", "b"])]), .list([.text("3-0")])]))
        #expect(claimed.cursor == EntryID(4, 0) && claimed.entries.count == 1 && claimed.deleted == [EntryID(3, 0)])
        let old = try StreamEntries.claimed(.list([.text("0-0"), .list([.null])]))
        #expect(old.entries.isEmpty && old.deleted.isEmpty)
    }

    static let wrong: [RedisReply] = [
        .integer(1), .text("x"), .list([.integer(1)]), .list([.list([.text("s")])]),
        .list([.list([.text("s"), .integer(1)])]),
        .list([.list([.text("s"), .list([.list([.text("x"), .list([])])])])]),
        .list([.list([.text("s"), .list([entry("1", ["a", "b"])])])]),
        .list([.list([.text("s"), .list([entry("1-1", ["a"])])])]),
        .list([.list([.text("s"), .list([.list([.text("1-1"), .list([.text("a"), .integer(1)])])])])]),
        .error("WRONGTYPE x"),
    ]

    @Test(arguments: wrong.indices) func whatRedisDoesNotSayIsAnError(_ place: Int) {
        #expect(throws: RedisTrouble.self) { try StreamEntries.groups(StreamEntriesTests.wrong[place]) }
        #expect(throws: RedisTrouble.self) { try StreamEntries.claimed(StreamEntriesTests.wrong[place]) }
    }
}
