// Consumer groups in full: offsets that move, claims, consumers that come and go, no-ack, dead letters, hidden
// entries. What Redis does with the same commands is checked beside a real one (Programmes/Differential).

import Foundation
import Testing

import EventLog
import Records

@Suite struct GroupChangeTests {
    private func fill(_ log: EventLog, _ count: Int) throws -> [EntryID] {
        let answers = try log.append((0..<count).map { draft("entry \($0)") })
        return answers.compactMap { if case .appended(let place) = $0 { place.entryID } else { nil } }
    }

    private func withGroup(
        _ count: Int, _ options: GroupOptions = .redis, _ body: (EventLog, [EntryID], TestClock) throws -> Void
    ) throws {
        let clock = TestClock()
        try withLog(clock: clock.clock) { log in
            let ids = try fill(log, count)
            try log.transact(.group) { try $0.createGroup(testStream, "g", after: .zero, options: options) }
            try body(log, ids, clock)
        }
    }

    private func pending(_ log: EventLog) throws -> [PendingEntry] {
        try log.snapshot { try $0.pending(testStream, "g", .zero ... .last, consumer: nil, limit: .max) }
    }

    private func group(_ log: EventLog) throws -> GroupSummary { try log.snapshot { try $0.group(testStream, "g") } }

    private func read(_ log: EventLog, _ consumer: String, _ count: Int) throws -> [Delivered] {
        try log.transact(.group) { try $0.readNew(testStream, "g", consumer: consumer, count: count) }
    }

    @Test func anOffsetThatGoesBackDeliversAgainAndOneEntryHasOneOwner() throws {
        try withGroup(20) { log, ids, _ in
            _ = try read(log, "a", 12)
            _ = try log.transact(.group) { try $0.acknowledge(testStream, "g", [ids[3]]) }
            try log.transact(.group) { try $0.setID(testStream, "g", to: ids[1]) }
            #expect(try group(log).lag == 18)
            let again = try read(log, "b", 5)
            #expect(again.map(\.entry.id) == Array(ids[2...6]) && again.allSatisfy { $0.deliveryCount == 1 })
            let owners = try pending(log).map(\.consumer)
            #expect(owners == ["a", "a", "b", "b", "b", "b", "b", "a", "a", "a", "a", "a"])
        }
    }

    @Test func claimingTakesWhatIsIdleForLongEnough() throws {
        try withGroup(10) { log, ids, clock in
            _ = try read(log, "a", 4)
            clock.advance(milliseconds: 5_000)
            _ = try read(log, "b", 4)
            var options = ClaimOptions()
            options.minIdleMilliseconds = 5_000
            let claimed = try log.transact(.group) { [options] in
                try $0.claim(testStream, "g", consumer: "c", [ids[1], ids[5], ids[9], ids[2]], options)
            }
            #expect(claimed.delivered.map(\.entry.id) == [ids[1], ids[2]])
            #expect(claimed.delivered.map(\.deliveryCount) == [2, 2])
            options.minIdleMilliseconds = 0
            options.force = true
            options.retryCount = 7
            let forced = try log.transact(.group) { [options] in
                try $0.claim(testStream, "g", consumer: "c", [ids[9]], options)
            }
            #expect(forced.delivered.map(\.deliveryCount) == [7])
            #expect(try group(log).consumers.map { "\($0.name) \($0.pending)" } == ["a 2", "b 4", "c 3"])
        }
    }

    @Test func automaticClaimsGoOnWhereTheyEndedAndMeetEveryEntryOnce() throws {
        try withGroup(3_000) { log, ids, clock in
            _ = try read(log, "a", 2_500)
            clock.advance(milliseconds: 10_000)
            _ = try read(log, "b", 500)
            var options = ClaimOptions()
            options.minIdleMilliseconds = 10_000
            var (cursor, found, rounds) = (EntryID.zero, [EntryID](), 0)
            repeat {
                let claimed = try log.transact(.group) { [options, cursor] in
                    try $0.autoClaim(testStream, "g", consumer: "c", from: cursor, count: 70, options)
                }
                found += claimed.delivered.map(\.entry.id)
                cursor = claimed.cursor
                rounds += 1
            } while cursor != .zero && rounds < 100
            #expect(found == Array(ids[..<2_500]))
            #expect(try group(log).consumers.map { "\($0.name) \($0.pending)" } == ["a 0", "b 500", "c 2500"])
        }
    }

    @Test func aDeletedConsumerOwnsWhatItHadUntilThatIsClaimedOrAcknowledged() throws {
        try withGroup(6) { log, ids, _ in
            _ = try read(log, "a", 4)
            let had = try log.transact(.group) { try $0.deleteConsumer(testStream, "g", "a", entries: .kept) }
            #expect(had == 4)
            #expect(try group(log).consumers.map { "\($0.name) \($0.pending) \($0.isDeleted)" } == ["a 4 true"])
            _ = try log.transact(.group) { try $0.acknowledge(testStream, "g", [ids[0]]) }
            let claimed = try log.transact(.group) {
                try $0.claim(testStream, "g", consumer: "b", Array(ids[1...3]), ClaimOptions())
            }
            #expect(claimed.delivered.count == 3)
            #expect(try group(log).consumers.map { "\($0.name) \($0.pending)" } == ["b 3"])
            let dropped = try log.transact(.group) { try $0.deleteConsumer(testStream, "g", "b", entries: .dropped) }
            #expect(dropped == 3)
            #expect(try pending(log).isEmpty)
            #expect(try group(log).consumers.isEmpty)
        }
    }

    @Test func aDeletedConsumerThatReadsAgainComesBack() throws {
        try withGroup(6) { log, _, _ in
            _ = try read(log, "a", 2)
            _ = try log.transact(.group) { try $0.deleteConsumer(testStream, "g", "a", entries: .kept) }
            _ = try read(log, "a", 2)
            #expect(try group(log).consumers.map { "\($0.name) \($0.pending) \($0.isDeleted)" } == ["a 4 false"])
        }
    }

    @Test func readingWithoutAcknowledgementLeavesNothingPending() throws {
        try withGroup(6) { log, ids, _ in
            let read = try log.transact(.group) {
                try $0.readNew(testStream, "g", consumer: "a", count: 4, noAck: true)
            }
            #expect(read.map(\.entry.id) == Array(ids[..<4]))
            #expect(try group(log).pending == 0)
            #expect(try group(log).lag == 2)
        }
    }

    @Test func aDestroyedGroupTakesItsStateWithItAndItsNumberIsNeverGivenAgain() throws {
        try withGroup(6) { log, _, _ in
            _ = try read(log, "a", 4)
            #expect(try log.transact(.group) { try $0.destroyGroup(testStream, "g") })
            #expect(try log.transact(.group) { try $0.destroyGroup(testStream, "g") } == false)
            #expect(try log.snapshot { try $0.groups().count } == 0)
            try log.transact(.group) { try $0.createGroup(testStream, "g", after: .zero) }
            #expect(try group(log).pending == 0)
            #expect(try group(log).consumers.isEmpty)
            #expect(try read(log, "a", 9).count == 6)
        }
    }

    @Test func anEntryThatFailsTooOftenBecomesADeadLetterAndCanBeRetriedOrDropped() throws {
        try withGroup(4, GroupOptions(deadAfter: 2, readsHidden: false)) { log, ids, _ in
            _ = try read(log, "a", 3)
            func again() throws -> Redelivered {
                try log.transact(.group) { try $0.readOwn(testStream, "g", consumer: "a", after: .zero, count: 9) }
            }
            #expect(try again().delivered.count == 3)
            _ = try log.transact(.group) { try $0.acknowledge(testStream, "g", [ids[0]]) }
            let third = try again()
            #expect(third.delivered == [] && third.dead.map(\.entry.id) == [ids[1], ids[2]])
            #expect(third.dead.map(\.reason) == Array(repeating: "delivered 2 times and never acknowledged", count: 2))
            #expect(try group(log).pending == 0)
            #expect(try group(log).deadLetters == 2)
            let retried = try log.transact(.group) {
                try $0.retryDeadLetters(testStream, "g", [ids[1], ids[3]], consumer: "b")
            }
            #expect(retried == 1)
            #expect(try pending(log).map { "\($0.id) \($0.consumer) \($0.deliveryCount)" } == ["\(ids[1]) b 0"])
            #expect(try log.transact(.group) { try $0.dropDeadLetters(testStream, "g", [ids[2], ids[2]]) } == 1)
            #expect(try group(log).deadLetters == 0)
            let buried = try log.transact(.group) { try $0.bury(testStream, "g", ids, reason: "symbol is gone") }
            #expect(buried.map(\.consumer) == ["b"] && buried.map(\.reason) == ["symbol is gone"])
        }
    }

    @Test func aDeadLetterThatIsClaimedOrDeliveredAnewIsDeadNoLonger() throws {
        try withGroup(3, GroupOptions(deadAfter: 1, readsHidden: false)) { log, ids, _ in
            _ = try read(log, "a", 3)
            func bury() throws -> [DeadLetter] {
                try log.transact(.group) { try $0.bury(testStream, "g", ids, reason: "r") }
            }
            #expect(try bury().count == 3)
            var options = ClaimOptions()
            options.force = true
            _ = try log.transact(.group) { [options] in
                try $0.claim(testStream, "g", consumer: "b", [ids[0]], options)
            }
            #expect(try group(log).deadLetters == 2 && group(log).pending == 1)
            try log.transact(.group) { try $0.setID(testStream, "g", to: ids[0]) }
            _ = try read(log, "c", 9)
            #expect(try group(log).deadLetters == 0 && group(log).pending == 3)
            #expect(try bury().count == 3)
            #expect(try log.transact(.group) { try $0.dropDeadLetters(testStream, "g", ids) } == 3)
            #expect(try group(log).deadLetters == 0 && group(log).pending == 0)
        }
    }

    @Test func oneReadBuriesNoMoreThanItMayDeliver() throws {
        try withGroup(30, GroupOptions(deadAfter: 1, readsHidden: false)) { log, ids, _ in
            _ = try read(log, "a", 30)
            let own = try log.transact(.group) {
                try $0.readOwn(testStream, "g", consumer: "a", after: .zero, count: 4)
            }
            #expect(own.dead.count == 4 && own.delivered == [])
            #expect(try group(log).pending == 26)
        }
    }

    @Test func anIDThatIsClaimedTwiceAtOnceFailsOnce() throws {
        try withGroup(1, GroupOptions(deadAfter: 2, readsHidden: false)) { log, ids, _ in
            _ = try read(log, "a", 1)
            let claimed = try log.transact(.group) {
                try $0.claim(testStream, "g", consumer: "b", [ids[0], ids[0]], ClaimOptions())
            }
            #expect(claimed.dead == [] && claimed.delivered.count == 2, "as Redis answers")
        }
    }

    @Test func aDeliveryCountAtItsBoundStaysThereAndTheGroupCanBeRead() throws {
        try withGroup(1) { log, ids, _ in
            _ = try read(log, "a", 1)
            func claim(_ retryCount: UInt64?) throws -> [UInt64] {
                var options = ClaimOptions()
                options.retryCount = retryCount
                return try log.transact(.group) { [options] in
                    try $0.claim(testStream, "g", consumer: "a", ids, options)
                }.delivered.map(\.deliveryCount)
            }
            #expect(throws: BoundError.self) { _ = try claim(.max) }
            #expect(try claim(Limits.deliveryCountMax) == [Limits.deliveryCountMax])
            #expect(try claim(nil) == [Limits.deliveryCountMax])
            _ = try log.transact(.group) { try $0.readOwn(testStream, "g", consumer: "a", after: .zero, count: 1) }
            #expect(try pending(log).map(\.deliveryCount) == [Limits.deliveryCountMax])
        }
    }

    @Test func whoIsNotTheRoleTakesNoEntryOfItsGroupAway() throws {
        try withGroup(3, GroupOptions(deadAfter: 1, readsHidden: true)) { log, ids, _ in
            _ = try read(log, "a", 3)
            _ = try log.transact(.group) { try $0.hide(testStream, [ids[1]]) }
            let claimed = try log.transact(.group) {
                try $0.autoClaim(testStream, "g", consumer: "b", from: .zero, count: 9, ClaimOptions())
            }
            #expect(claimed.dead == [] && claimed.dropped == [] && claimed.delivered.count == 3)
            let own = try log.transact(.group) {
                try $0.readOwn(testStream, "g", consumer: "b", after: .zero, count: 9)
            }
            #expect(own.dead == [] && own.delivered.count == 3)
            let asRole = try log.transact(.group) {
                try $0.readOwn(testStream, "g", consumer: "b", after: .zero, count: 9, asRole: true)
            }
            #expect(asRole.dead.count == 3)
        }
    }

    @Test func aRoleReadsItsOwnFailedEntriesOneByOne() throws {
        try withGroup(4, .role) { log, ids, _ in
            _ = try read(log, "a", 4)
            func own() throws -> [EntryID] {
                try log.transact(.group) {
                    try $0.readOwn(testStream, "g", consumer: "a", after: .zero, count: 64, asRole: true)
                }.delivered.map(\.entry.id)
            }
            #expect(try own() == ids)
            for _ in 0..<3 { #expect(try own() == [ids[0]]) }
            #expect(try own() == [ids[1]], "the first one is a dead letter now")
            #expect(try group(log).deadLetters == 1)
        }
    }

    @Test func namesThatOnlyLookAlikeAreTwoNames() throws {
        try withLog { log in
            let names = [try StreamName("caf\u{e9}"), try StreamName("cafe\u{301}")]
            #expect(names[0] != names[1])
            for _ in 0..<2 { for name in names { _ = try log.append([draft("x", stream: name)]) } }
            let lengths = try log.snapshot { snapshot in try names.map { try snapshot.stream($0)?.length } }
            #expect(lengths == [2, 2])
        }
    }

    @Test func anEntryThatFailedBeforeIsTakenOverAlone() throws {
        try withGroup(5, GroupOptions(deadAfter: 3, readsHidden: true)) { log, ids, _ in
            _ = try read(log, "1", 5)
            func takeOver(_ consumer: String, _ dead: String) throws -> Redelivered {
                try log.transact(.group) {
                    try $0.takeOver(testStream, "g", consumer: consumer, from: dead, count: 64)
                }
            }
            #expect(try takeOver("2", "1").delivered.count == 5)
            #expect(try takeOver("3", "2").delivered.map(\.entry.id) == [ids[0]])
            let fourth = try takeOver("4", "3")
            #expect(fourth.delivered == [] && fourth.dead.map(\.entry.id) == [ids[0]])
            #expect(try takeOver("4", "2").delivered.map(\.entry.id) == [ids[1]])
        }
    }

    // MARK: Hidden entries

    @Test func hiddenEntriesAreNotReadAndNotCountedAndTheirRecordsStay() throws {
        try withGroup(600) { log, ids, _ in
            let before = try log.head().sequence
            #expect(try log.transact(.group) { try $0.hide(testStream, [ids[5], ids[5], ids[7], ids[6], .zero]) } == 3)
            #expect(try log.transact(.group) { try $0.hide(testStream, [ids[5]]) } == 0)
            #expect(try log.head().sequence.rawValue == before.rawValue + 1, "what hides nothing is no record")
            #expect(try group(log).lag == 597)
            #expect(try read(log, "a", 7).map(\.entry.id) == Array(ids[..<5] + ids[8...9]))
            #expect(try log.transact(.group) { try $0.trim(testStream, toLength: 100) } == 497)
            let stream = try log.snapshot { try $0.stream(testStream)! }
            #expect(stream.length == 100 && stream.firstID == ids[500] && stream.maxDeletedID == ids[7])
            #expect(stream.entriesAdded == 600)
            let visible = try log.snapshot { try $0.entries(stream.number, .zero ... .last, limit: .max) }
            #expect(visible.map(\.id) == Array(ids[500...]))
            let back = try log.snapshot { try $0.entriesBack(stream.number, .zero ... .last, limit: 101) }
            #expect(back.map(\.id) == ids[500...].reversed())
            #expect(try group(log).lag == 100 && group(log).pending == 7)
            #expect(try log.snapshot { try $0.record(visible[0].sequence) } != nil)
        }
    }

    @Test func claimingHiddenEntriesDropsThemAndHistoryShowsTheirIDs() throws {
        try withGroup(4) { log, ids, _ in
            _ = try read(log, "a", 4)
            _ = try log.transact(.group) { try $0.hide(testStream, [ids[1]]) }
            let own = try log.transact(.group) {
                try $0.readOwn(testStream, "g", consumer: "a", after: .zero, count: 9)
            }
            #expect(own.delivered.map(\.isHidden) == [false, true, false, false])
            #expect(try pending(log).map(\.deliveryCount) == [2, 1, 2, 2])
            let claimed = try log.transact(.group) {
                try $0.autoClaim(testStream, "g", consumer: "b", from: .zero, count: 2, ClaimOptions())
            }
            #expect(claimed.delivered.map(\.entry.id) == [ids[0]] && claimed.dropped == [ids[1]])
            #expect(claimed.cursor == ids[2])
            #expect(try group(log).pending == 3)
        }
    }

    @Test func aGroupOfARoleReadsHiddenEntriesToo() throws {
        try withGroup(10, .role) { log, ids, _ in
            _ = try log.transact(.group) { try $0.trim(testStream, toLength: 2) }
            #expect(try group(log).lag == 10, "trimming a stream takes nothing from a role")
            #expect(try read(log, "a", 99).map(\.entry.id) == ids)
        }
    }

    /// Random hiding beside a model, at block borders, too.
    @Test(arguments: [1, 2, 3, UInt64.random(in: 100...UInt64.max)])
    func randomHidingAgreesWithAModel(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        try withGroup(0) { log, _, _ in
            var (all, hidden) = ([EntryID](), Set<EntryID>())
            for step in 0..<60 {
                switch Int.random(in: 0..<4, using: &random) {
                case 0, 1: all += try fill(log, Int.random(in: 1...200, using: &random))
                case 2:
                    let ids = (0..<Int.random(in: 1...40, using: &random)).compactMap { _ in
                        all.randomElement(using: &random)
                    }
                    let count = try log.transact(.group) { try $0.hide(testStream, ids) }
                    #expect(count == Set(ids).subtracting(hidden).count, "seed \(seed), step \(step)")
                    hidden.formUnion(ids)
                default:
                    let length = UInt64.random(in: 0...UInt64(all.count + 3), using: &random)
                    let visible = all.filter { !hidden.contains($0) }
                    let gone = visible.dropLast(Int(length))
                    let count = try log.transact(.group) { try $0.trim(testStream, toLength: length) }
                    #expect(count == gone.count, "seed \(seed), step \(step)")
                    hidden.formUnion(gone)
                }
                let visible = all.filter { !hidden.contains($0) }
                let seen = try log.snapshot { snapshot in
                    try snapshot.stream(testStream).map {
                        try snapshot.entries($0.number, .zero ... .last, limit: .max).map(\.id)
                    } ?? []
                }
                try #require(seen == visible, "seed \(seed), step \(step)")
                try #require(try group(log).lag == UInt64(visible.count), "seed \(seed), step \(step)")
            }
            let report = try log.verify(known: nil, progress: { _ in })
            #expect(report.isClean, "seed \(seed): \(report.findings)")
        }
    }
}
