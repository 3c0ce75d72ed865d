// The loop that every role runs: what dead consumers left is finished, and they are forgotten.

import Foundation
import Logging
import Testing

import Domain
import EventLog
import Events
import Processes
import Records
import Services

@Suite struct ServiceLoopTests {
    private func loop(_ log: EventLog, pid: UInt32) throws -> ServiceLoop<Router> {
        let policy = try Settings(file: nil, environment: [:], options: [:]).routing(configSequence: 0)
        return ServiceLoop(
            log: log, role: Router(policy: policy), host: "test", pid: pid, batch: 8,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    /// Runs the loop on a thread of its own until `condition` holds, then stops it.
    private func run(_ loop: ServiceLoop<Router>, _ log: EventLog, until condition: (GroupSummary) -> Bool) throws {
        let ended = DispatchSemaphore(value: 0)
        OSThread.start("loop") {
            try! loop.run()
            ended.signal()
        }
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            let group = try log.snapshot { try $0.groups().first }
            if let group, condition(group) { break }
            log.waker.wait(milliseconds: 20) { false }
        }
        loop.stop()
        ended.wait()
    }

    @Test func whatAConsumerLeftWhoseLockIsGoneIsFinishedAndTheConsumerForgotten() throws {
        // As in a backup: the group's state is there, the lock files are not.
        try withRoutedLog { log, _ in
            for number in 0..<20 { try log.decide("t\(number)", "0.9") }
            _ = try log.transact(.group) {
                try $0.readNew(
                    StreamCatalogue.decisions, "router", consumer: "router-dead-1", count: 13, holdsLock: true)
            }
            try run(try loop(log, pid: 2), log) { $0.pending == 0 && $0.lag == 0 && $0.consumers.count == 1 }
            let group = try #require(try log.snapshot { try $0.groups().first })
            #expect(group.pending == 0 && group.lag == 0)
            #expect(group.consumers.map(\.name) == ["router-test-2"])
            #expect(try log.kinds(.tradeIntent).count == 20)
        }
    }

    @Test func aGroupThatSomebodyElseMadeBecomesTheRolesAndTrimmingTakesNoDecisionFromIt() throws {
        try withRoutedLog { log, _ in
            #expect(try log.snapshot { try $0.groups().first?.options } == .redis)
            for number in 0..<20 { try log.decide("t\(number)", "0.9") }
            _ = try log.transact { try $0.trim(StreamCatalogue.decisions, toLength: 3) }
            try run(try loop(log, pid: 2), log) { $0.options == .role && $0.lag == 0 && $0.pending == 0 }
            #expect(try log.kinds(.tradeIntent).count == 20)
        }
    }

    @Test func anEntryThatWasDeliveredTooOftenEndsAsARefusalAndADeadLetter() throws {
        try withRoutedLog { log, _ in
            for number in 0..<3 { try log.decide("t\(number)", "0.9") }
            try log.transact(.group) {
                try $0.ensureGroup(StreamCatalogue.decisions, "router", options: .role)
                _ = try $0.readNew(
                    StreamCatalogue.decisions, "router", consumer: "router-dead-1", count: 1, holdsLock: true)
                for _ in 1..<GroupOptions.role.deadAfter {
                    _ = try $0.readOwn(
                        StreamCatalogue.decisions, "router", consumer: "router-dead-1", after: .zero, count: 1)
                }
            }
            try run(try loop(log, pid: 2), log) { $0.lag == 0 && $0.pending == 0 && $0.deadLetters == 1 }
            let refused = try log.kinds(.decisionRefused)
            #expect(refused.map(\.traceID) == ["t0"])
            guard case .decisionRefused(let event) = try EventRecord.decode(try #require(refused.first)) else {
                Issue.record("no refusal")
                return
            }
            #expect(event.reason == .deliveredTooOften)
            #expect(try log.kinds(.tradeIntent).map(\.traceID) == ["t1", "t2"])
        }
    }

    @Test func aConsumerThatNobodyCanTellOfIsLeftAlone() throws {
        try withRoutedLog { log, _ in
            try log.decide("a", "0.9")
            _ = try log.transact(.group) {
                try $0.readNew(StreamCatalogue.decisions, "router", consumer: "router-python-1", count: 1)
            }
            try log.decide("b", "0.9")
            try run(try loop(log, pid: 2), log) { $0.lag == 0 && $0.pending == 1 }
            let group = try #require(try log.snapshot { try $0.groups().first })
            #expect(group.pending == 1 && group.consumers.contains { $0.name == "router-python-1" && $0.pending == 1 })
            #expect(try log.kinds(.tradeIntent).map(\.traceID) == ["b"])
        }
    }

    @Test func aConsumerThatOnlyLooksLeavesNoTrace() throws {
        try withRoutedLog { log, _ in
            for pid in 0..<50 {
                _ = try log.transact(.group) {
                    try $0.readOwn(StreamCatalogue.decisions, "router", consumer: "c\(pid)", after: .zero, count: 1)
                }
            }
            #expect(try log.snapshot { try $0.groups().first?.consumers.count } == 0)
        }
    }
}
