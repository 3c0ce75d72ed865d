// A rebuild beside what is in use: the same result, one switch, a way back, and nothing lost to who keeps the views.

import Domain
import EventLog
import Events
import Foundation
import LMDB
import Logging
import Processes
import Records
import Testing

@testable import Services

@Suite struct RebuildingTests {
    @Test func aWrongStateIsReplacedShownByKeyAndKeptForARollback() throws {
        try withTradedLog(records: 200) { log, views in
            let right = try StateReader.fold(log)
            let wrong = try wrongState(of: log)
            try views.save(wrong, log)
            let served = try StateReader.current(log, views: views)
            #expect(served.digest == wrong.digest && wrong.digest != right.digest)

            let rebuilding = Rebuilding(log: log, views: views, step: 17)
            let result = try rebuilding.state { _ in }
            #expect(result.state.digest == right.digest && result.continuedFrom.isNone)
            #expect(result.before?.digest == wrong.digest)
            let differences = result.state.differences(from: wrong, in: "positions")
            let key = try #require(differences.first { $0.key == "v/a/S1USDT/both" }, "\(differences)")
            #expect(key.expected != key.found && key.expected?.contains("quantity") == true)
            let now = try StateReader.current(log, views: views)
            #expect(now.digest == right.digest)

            _ = try rebuilding.rollback(state: true, search: true)
            let back = try StateReader.current(log, views: views)
            #expect(back.digest == wrong.digest)
            _ = try rebuilding.rollback(state: true, search: false)
            let again = try StateReader.current(log, views: views)
            #expect(again.digest == right.digest)
        }
    }

    @Test func aRebuildThatWasInterruptedGoesOnWhereItStood() throws {
        try withTradedLog(records: 300) { log, views in
            let rebuilding = Rebuilding(log: log, views: views, step: 20)
            var steps = 0
            let right = try StateReader.fold(log).digest
            // The closure cannot throw, so the edition is left half built by hand.
            let edition = try views.write { transaction in
                var editions = try views.editions(.states, transaction)
                editions.building = editions.unused
                try views.setEditions(editions, .states, &transaction)
                return editions.building
            }
            let isSaved = try views.save(
                try StateReader.fold(log, through: SequenceNumber(123)), log, edition: edition)
            #expect(isSaved)
            let result = try rebuilding.state { _ in steps += 1 }
            #expect(result.continuedFrom == SequenceNumber(123) && result.state.digest == right)
            #expect(steps < 12, "it began again: \(steps) steps")
        }
    }

    @Test func nothingIsThereToGoBackToBeforeTheFirstRebuild() throws {
        try withTradedLog(records: 50) { log, views in
            let rebuilding = Rebuilding(log: log, views: views)
            #expect(throws: Rebuilding.NothingKept.self) { _ = try rebuilding.rollback(state: true, search: true) }
        }
    }

    @Test func onlyOneRebuildsAtATime() throws {
        try withTradedLog(records: 50) { log, views in
            let rebuilding = Rebuilding(log: log, views: views)
            try rebuilding.alone {
                #expect(throws: Rebuilding.Busy.self) { try Rebuilding(log: log, views: views).alone {} }
            }
        }
    }

    @Test func whoKeepsTheViewsGoesOnWithWhatWasBuilt() throws {
        try withTradedLog(records: 200) { log, views in
            let right = try StateReader.fold(log).digest
            try views.save(try wrongState(of: log), log)
            let keeper = ViewKeeper(
                log: log, views: views, recordsPerSave: 1, recordsPerDigest: 0, logger: Logger(label: "test"))
            let ended = NSLock()
            ended.lock()
            OSThread.start("keeper") {
                keeper.run()
                ended.unlock()
            }
            _ = try Rebuilding(log: log, views: views, step: 50).state { _ in }
            let head = try log.head().sequence
            try log.decide("after", "0.9")
            let limit = ContinuousClock.now + .seconds(20)
            while try views.loadState(log)?.asOf ?? .none <= head, ContinuousClock.now < limit { sched_yield() }
            keeper.stop()
            ended.lock()
            let (saved, fresh) = (try #require(try views.loadState(log)), try StateReader.fold(log))
            #expect(saved.asOf == fresh.asOf && saved.digest == fresh.digest && right != fresh.digest)
        }
    }

    @Test func damagedCheckpointsAreBuiltAgain() throws {
        try withTradedLog(records: 80) { log, views in
            let right = try StateReader.fold(log).digest
            try views.save(try StateReader.fold(log), log)
            let name = ViewLine.states.row(1)
            let table = views.tables.checkpoints
            let good = try #require(try views.read { try $0.get(table, name)?.array() })
            for place in stride(from: 0, to: good.count, by: 11) {
                var bad = good
                bad[place] ^= 1
                try views.write { try $0.put(table, name, bad) }
                let loaded = try views.loadState(log)
                #expect(loaded == nil, "byte \(place)")
            }
            let digest = try StateReader.current(log, views: views).digest
            #expect(digest == right)
        }
    }

    @Test func whatOlderVersionsLeftGoesButForTheNewestOfThem() throws {
        try withTradedLog(records: 60) { log, views in
            for version in [0, 1, State.version + 7] {
                for number in 0..<40 as Range<UInt64> {
                    var key = ByteWriter()
                    key.ordered(version)
                    key.ordered(UInt32(1))
                    key.ordered(number)
                    try views.write { try $0.put(views.tables.snapshots, key.bytes, [1]) }
                }
            }
            try views.keepSnapshot(try StateReader.fold(log), log)
            try views.dropOldVersions()
            let left = try views.read { try $0.count(views.tables.snapshots) }
            // Version 1, the newer one, and our own.
            #expect(left == 40 + 40 + 1)
        }
    }

    /// A state of another history, as long as the log's own.
    private func wrongState(of log: EventLog) throws -> State {
        let head = try log.head().sequence
        var wrong: State?
        try withTradedLog(records: Int(head.rawValue) + 10, lot: 7) { other, _ in
            wrong = try StateReader.fold(other, through: head)
        }
        return try #require(wrong)
    }
}
