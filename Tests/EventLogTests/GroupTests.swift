// Consumer groups: Redis' semantics, a model beside them, and what survives reopening.

import Foundation
import Testing

import EventLog
import Records

@Suite struct GroupTests {
    private func fill(_ log: EventLog, _ count: Int) throws -> [EntryID] {
        let answers = try log.append((0..<count).map { draft("entry \($0)") })
        return answers.compactMap { if case .appended(let place) = $0 { place.entryID } else { nil } }
    }

    @Test func newEntriesGoToOneConsumerAndStayPendingUntilAcknowledged() throws {
        try withLog { log in
            let ids = try fill(log, 10)
            try log.transact(.group) { try $0.createGroup(testStream, "g", after: .zero) }
            let a = try log.transact(.group) { try $0.readNew(testStream, "g", consumer: "a", count: 4) }
            let b = try log.transact(.group) { try $0.readNew(testStream, "g", consumer: "b", count: 100) }
            #expect(a.map(\.entry.id) == Array(ids[..<4]))
            #expect(b.map(\.entry.id) == Array(ids[4...]))
            #expect(try log.transact(.group) { try $0.readNew(testStream, "g", consumer: "a", count: 4) } == [])
            let done = try log.transact(.group) {
                try $0.acknowledge(testStream, "g", [ids[1], ids[1], ids[2], ids[9]])
            }
            #expect(done == 3)
            let again = try log.transact(.group) { try $0.acknowledge(testStream, "g", [ids[1], ids[2]]) }
            #expect(again == 0, "acknowledging twice is once")
            let group = try #require(try log.snapshot { try $0.groups() }.first)
            #expect(group.pending == 7 && group.lag == 0)
            #expect(group.consumers.map(\.pending) == [2, 5])
            #expect(group.smallestPendingID == ids[0] && group.largestPendingID == ids[8])
        }
    }

    @Test func historyIsDeliveredOnceMoreAndCounted() throws {
        try withLog { log in
            let ids = try fill(log, 5)
            try log.transact(.group) { try $0.createGroup(testStream, "g", after: .zero) }
            _ = try log.transact(.group) { try $0.readNew(testStream, "g", consumer: "a", count: 5) }
            let own = try log.transact(.group) {
                try $0.readOwn(testStream, "g", consumer: "a", after: ids[1], count: 2).delivered
            }
            #expect(own.map(\.entry.id) == Array(ids[2...3]) && own.map(\.deliveryCount) == [2, 2])
            let pending = try log.snapshot {
                try $0.pending(testStream, "g", .zero ... .last, consumer: nil, limit: 10)
            }
            #expect(pending.map(\.deliveryCount) == [1, 1, 2, 2, 1])
            let others = try log.transact(.group) {
                try $0.readOwn(testStream, "g", consumer: "b", after: .zero, count: 9).delivered
            }
            #expect(others == [])
        }
    }

    @Test func aDeadConsumersEntriesAreTakenOver() throws {
        try withLog { log in
            let ids = try fill(log, 6)
            try log.transact(.group) { try $0.createGroup(testStream, "g", after: .zero) }
            _ = try log.transact(.group) { try $0.readNew(testStream, "g", consumer: "dead", count: 6) }
            _ = try log.transact(.group) { try $0.acknowledge(testStream, "g", [ids[2]]) }
            let claimed = try log.transact(.group) {
                try $0.takeOver(testStream, "g", consumer: "living", from: "dead", count: 3).delivered
            }
            #expect(
                claimed.map(\.entry.id) == [ids[0], ids[1], ids[3]] && claimed.allSatisfy { $0.deliveryCount == 2 })
            let group = try #require(try log.snapshot { try $0.groups() }.first)
            #expect(group.consumers.map { "\($0.name) \($0.pending)" } == ["dead 2", "living 3"])
        }
    }

    @Test func aGroupMadeAtAnIDDeliversWhatComesAfterIt() throws {
        try withLog { log in
            let ids = try fill(log, 300)
            try log.transact(.group) { try $0.createGroup(testStream, "g", after: ids[280]) }
            let group = try #require(try log.snapshot { try $0.groups() }.first)
            #expect(group.lag == 19)
            let read = try log.transact(.group) { try $0.readNew(testStream, "g", consumer: "a", count: 100) }
            #expect(read.map(\.entry.id) == Array(ids[281...]))
            #expect(throws: LogError.groupAlreadyThere(stream: testStream.text, group: "g")) {
                try log.transact(.group) { try $0.createGroup(testStream, "g", after: .zero) }
            }
            #expect(throws: LogError.groupMissing(stream: testStream.text, group: "none")) {
                _ = try log.transact(.group) { try $0.readNew(testStream, "none", consumer: "a", count: 1) }
            }
        }
    }

    @Test func aGroupMadeBeyondTheEndHasNoLagForWhatItWillNotDeliver() throws {
        try withLog { log in
            _ = try fill(log, 3)
            let beyond = EntryID(9_999_999_999_999, 0)
            try log.transact(.group) { try $0.createGroup(testStream, "g", after: beyond) }
            _ = try fill(log, 3)
            let lag = try log.snapshot { try $0.groups().first?.lag }
            #expect(lag == 0)
            _ = try log.append([draft("later", id: .exactly(EntryID(9_999_999_999_999, 1)))])
            let after = try log.snapshot { try $0.groups().first?.lag }
            #expect(after == 1)
        }
    }

    @Test func producingAndAcknowledgingAreOneTransaction() throws {
        struct Stop: Error {}
        try withLog { log in
            let ids = try fill(log, 1)
            try log.transact(.group) { try $0.createGroup(testStream, "g", after: .zero) }
            _ = try log.transact(.group) { try $0.readNew(testStream, "g", consumer: "a", count: 1) }
            #expect(throws: Stop.self) {
                try log.transact { transaction in
                    _ = try transaction.append(draft("effect", key: "effect", stream: StreamName(literal: "effects")))
                    _ = try transaction.acknowledge(testStream, "g", ids)
                    throw Stop()
                }
            }
            let pending = try log.snapshot { try $0.groups().first?.pending }
            #expect(pending == 1)
            let effects = try log.snapshot { try $0.stream(StreamName(literal: "effects")) }
            #expect(effects == nil)
        }
    }

    @Test func entriesAppendedInTheSameTransactionAreDelivered() throws {
        try withLog { log in
            _ = try fill(log, 1)
            try log.transact(.group) { try $0.createGroup(testStream, "g", after: .zero) }
            let read = try log.transact(.group) { transaction in
                _ = try transaction.append(draft("two"))
                return try transaction.readNew(testStream, "g", consumer: "a", count: 10)
            }
            #expect(read.count == 2)
        }
    }

    @Test func aConsumerLockShowsWhetherItsProcessLives() throws {
        try withLog { log in
            func isHeld() throws -> Bool { try ConsumerLock.isHeld(log.folder, testStream, "g", consumer: "c") }
            #expect(try !isHeld(), "where there is no file, nobody holds it")
            do {
                let lock = try ConsumerLock(log.folder, testStream, "g", consumer: "c")
                #expect(try isHeld())
                #expect(throws: LogError.consumerHeld(group: "g", consumer: "c")) {
                    _ = try ConsumerLock(log.folder, testStream, "g", consumer: "c")
                }
                withExtendedLifetime(lock) {}
            }
            #expect(try !isHeld())
        }
    }

    /// Random operations beside a model that keeps one delivery an entry.
    @Test(arguments: [1, 2, 3, 4, 5, UInt64.random(in: 100...UInt64.max)])
    func randomOperationsAgreeWithAModel(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        try withLog { log in
            var model = GroupModel()
            try log.transact(.group) { try $0.createGroup(testStream, "g", after: .zero) }
            for step in 0..<150 {
                try self.step(log, &model, &random)
                let pending = try log.snapshot {
                    try $0.pending(testStream, "g", .zero ... .last, consumer: nil, limit: .max)
                }
                let seen = pending.map { GroupModel.Pending(id: $0.id, consumer: $0.consumer, count: $0.deliveryCount) }
                try #require(seen == model.pending, "seed \(seed), step \(step)")
                let group = try #require(try log.snapshot { try $0.groups() }.first)
                try #require(group.lag == UInt64(model.entries.count - model.delivered), "seed \(seed), step \(step)")
            }
        }
    }

    private func step(_ log: EventLog, _ model: inout GroupModel, _ random: inout SeededGenerator) throws {
        let consumer = ["a", "b", "c"].randomElement(using: &random)!
        let count = Int.random(in: 1...7, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0:
            model.entries += try fill(log, Int.random(in: 1...40, using: &random))
        case 1:
            let read = try log.transact(.group) { try $0.readNew(testStream, "g", consumer: consumer, count: count) }
            #expect(read.map(\.entry.id) == model.readNew(consumer, count))
        case 2:
            let after = model.entries.randomElement(using: &random) ?? .zero
            let own = try log.transact(.group) {
                try $0.readOwn(testStream, "g", consumer: consumer, after: after, count: count).delivered
            }
            #expect(own.map(\.entry.id) == model.readOwn(consumer, after, count))
        case 3:
            let ids = (0..<count).compactMap { _ in model.entries.randomElement(using: &random) }
            let done = try log.transact(.group) { try $0.acknowledge(testStream, "g", ids) }
            #expect(done == model.acknowledge(Set(ids)))
        default:
            let dead = ["a", "b", "c"].randomElement(using: &random)!
            let claimed = try log.transact(.group) {
                try $0.takeOver(testStream, "g", consumer: consumer, from: dead, count: count).delivered
            }
            #expect(claimed.map(\.entry.id) == model.takeOver(consumer, dead, count))
        }
    }
}

/// One group, entry by entry.
struct GroupModel {
    struct Pending: Equatable {
        let id: EntryID
        var consumer: String
        var count: UInt64
    }
    var entries: [EntryID] = []
    var delivered = 0
    var pending: [Pending] = []

    mutating func readNew(_ consumer: String, _ count: Int) -> [EntryID] {
        let new = Array(entries[delivered...].prefix(count))
        delivered += new.count
        pending += new.map { Pending(id: $0, consumer: consumer, count: 1) }
        return new
    }

    mutating func readOwn(_ consumer: String, _ after: EntryID, _ count: Int) -> [EntryID] {
        take(count) {
            $0.consumer == consumer && $0.id > after
        } change: {
            $0.count += 1
        }
    }

    /// What has failed before comes alone.
    mutating func takeOver(_ consumer: String, _ dead: String, _ count: Int) -> [EntryID] {
        let owned = pending.filter { $0.consumer == dead }.prefix(count)
        let fresh = owned.prefix { $0.count == 1 }
        let taken = Set((fresh.isEmpty ? owned.prefix(1) : fresh).map(\.id))
        return take(count) {
            taken.contains($0.id)
        } change: { entry in
            entry.consumer = consumer
            entry.count += 1
        }
    }

    mutating func acknowledge(_ ids: Set<EntryID>) -> Int {
        let before = pending.count
        pending.removeAll { ids.contains($0.id) }
        return before - pending.count
    }

    private mutating func take(
        _ count: Int, where matches: (Pending) -> Bool, change: (inout Pending) -> Void
    ) -> [EntryID] {
        var taken: [EntryID] = []
        for place in pending.indices where taken.count < count && matches(pending[place]) {
            taken.append(pending[place].id)
            change(&pending[place])
        }
        return taken
    }
}
