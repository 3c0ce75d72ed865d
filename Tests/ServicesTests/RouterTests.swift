// The router on a real log: every decision ends in exactly one intent or one refusal, whatever comes twice.

import Foundation
import SwiftProtobuf
import Testing

import Domain
import EventLog
import Events
import Records
import Services

@Suite struct RouterTests {
    @Test func everyDecisionEndsInExactlyOneIntentOrRefusal() throws {
        try withRoutedLog { log, route in
            try log.decide("t1", "0.9")
            try log.decide("t1", "0.9")
            try log.decide("t1", "0.9", side: "SELL")
            try log.decide("t2", "0.1")
            try log.decide("t3", "0.9", side: "HOLD")
            try log.decide("t4", "0.01", side: "CLOSE")
            try log.decide("", "0.9")
            try route()
            #expect(
                try log.kinds(.tradeIntent).map(\.traceID) == [
                    "t1", "t4", "quantum:stream:ai.decision.made/1700000000000-6",
                ])
            #expect(try log.refusals() == ["duplicate", "duplicate_conflicting", "low_confidence", "hold"])
            let first = try #require(try log.kinds(.tradeIntent).first)
            let duplicate = try #require(try log.kinds(.decisionRefused).first)
            guard case .decisionRefused(let refused) = try EventRecord.decode(duplicate) else { return }
            #expect(refused.refersTo == first.sequence.rawValue)
            #expect(duplicate.header.cause.rawValue == refused.decisionSequence)
        }
    }

    @Test func aHaltRefusesWhatOpensAndLetsThroughWhatCloses() throws {
        try withRoutedLog { log, route in
            let halt = try Drafts.halt(
                EventHalt.with {
                    $0.reason = "test"; $0.source = "ops"
                }, traceID: "", cause: .none, basis: .none,
                producer: "test", at: log.clock.now())
            #expect(try log.append([halt], .emergency)[0].isAppended)
            try log.decide("open", "0.9")
            try log.decide("close", "0.9", side: "CLOSE")
            try route()
            #expect(try log.refusals() == ["halted"])
            #expect(try log.kinds(.tradeIntent).map(\.traceID) == ["close"])
            let resume = try Drafts.resume(
                EventResume.with {
                    $0.scope = .halt; $0.operator = "o"; $0.reason = "r"
                }, cause: .none, basis: .none,
                producer: "test", at: log.clock.now())
            _ = try log.append([resume])
            try log.decide("later", "0.9")
            try route()
            #expect(try log.kinds(.tradeIntent).map(\.traceID) == ["close", "later"])
        }
    }

    @Test func routingAgainChangesNothing() throws {
        try withRoutedLog { log, route in
            for number in 0..<50 { try log.decide("t\(number % 30)", number.isMultiple(of: 3) ? "0.2" : "0.8") }
            try route()
            let intents = try log.kinds(.tradeIntent).count
            let refusals = try log.kinds(.decisionRefused).count
            #expect(intents + refusals == 50)
            try route()
            #expect(try log.kinds(.tradeIntent).count == intents)
            let state = try StateReader.fold(log)
            #expect(state.intents.decisions == 50 && state.intents.openCount == intents)
        }
    }

    @Test func incrementalViewsAreWhatAReplayFromZeroGives() throws {
        try withRoutedLog { log, route in
            let views = try Views(for: log)
            defer { views.close() }
            for round in 0..<5 {
                for number in 0..<20 { try log.decide("r\(round)-\(number % 13)", "0.\(number % 9 + 1)") }
                try route()
                let state = try StateReader.current(log, views: views)
                try views.save(state, log)
            }
            let incremental = try StateReader.current(log, views: views)
            let fresh = try StateReader.fold(log)
            #expect(incremental.digest == fresh.digest && incremental == fresh)
            try views.clear()
            #expect(try StateReader.current(log, views: views).digest == fresh.digest)
        }
    }

    @Test func aCheckpointOfAnotherLogIsDropped() throws {
        try withRoutedLog { first, route in
            try first.decide("t", "0.9")
            try route()
            let firstViews = try Views(for: first)
            defer { firstViews.close() }
            try firstViews.save(try StateReader.fold(first), first)
            try withRoutedLog { second, _ in
                try second.decide("other", "0.9")
                #expect(try firstViews.loadState(second) == nil)
                #expect(try firstViews.loadState(first) != nil)
            }
        }
    }
}

/// Lends a log and a way to run the router until nothing is left.
func withRoutedLog(_ body: (EventLog, () throws -> Void) throws -> Void) throws {
    let path = FileManager.default.temporaryDirectory.path + "/backstop-test-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    let clock = LogClock(
        now: { Timestamp(milliseconds: 1_700_000_000_000) }, boot: { BootInstant(nanoseconds: 1) })
    let options = LogOptions(bytesMax: .max, reserveBytes: 0, clock: clock, version: "test")
    _ = try EventLog.create(at: path, options: options)
    let log = try EventLog(at: path, mode: .writing, rules: EventRules.rules, options: options)
    defer { log.close() }
    let settings = try Settings(file: nil, environment: [:], options: [:])
    let router = Router(policy: try settings.routing(configSequence: 0))
    try log.transact(.group) { try $0.createGroup(router.stream, router.group, after: .zero) }
    try body(log) {
        while true {
            let delivered = try log.transact(.group) {
                try $0.readNew(router.stream, router.group, consumer: "test", count: 7)
            }
            if delivered.isEmpty { return }
            try log.transact { transaction in
                for entry in delivered {
                    let record = try #require(try transaction.record(entry.entry.sequence))
                    _ = try router.handle(record, &transaction)
                }
                _ = try transaction.acknowledge(router.stream, router.group, delivered.map(\.entry.id))
            }
        }
    }
    #expect(try log.verify(known: nil) { _ in }.findings.map(\.problem) == [])
}

extension EventLog {
    func decide(_ trace: String, _ confidence: String, side: String = "BUY") throws {
        var fields = FieldMap([("symbol", "BTCUSDT"), ("side", side), ("confidence", confidence)])
        if !trace.isEmpty { fields.append("trace_id", trace) }
        let draft = try Intake.draft(
            stream: StreamCatalogue.decisions.text, fields: fields, key: nil, traceID: nil, producer: "test",
            recordedAt: clock.now())
        let answer = try append([draft])[0]
        #expect(answer.isAppended)
    }

    func kinds(_ kind: EventKind) throws -> [Record] {
        var found: [Record] = []
        try walk(from: SequenceNumber(1), through: nil) { record in
            if record.kind == kind.kind { found.append(try record.record()) }
            return true
        }
        return found
    }

    func refusals() throws -> [String] {
        try kinds(.decisionRefused).map { record in
            guard case .string(let reason) = try EventRecord.json(of: record)["reason"] else { return "?" }
            return reason
        }
    }
}

extension AppendAnswer {
    var isAppended: Bool { if case .appended = self { true } else { false } }
}
