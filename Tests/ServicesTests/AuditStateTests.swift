// The audit of hearts, triggers, ledgers and digests: each log breaks one rule, and its first record is named.

import Foundation
import SwiftProtobuf
import Testing

import Domain
import EventLog
import Events
import Records
import Services

@Suite struct AuditStateTests {
    // MARK: The dead man's switch

    /// Each rule of the watchdog: what is appended before, and what time passes until the next record.
    private static let deaths: [(reason: String, beat: [(String, String)], seconds: Int64)] = [
        ("HEARTBEAT_MISSING", [], 7),
        ("POSITIONS_UNGUARDED", [("active_positions", "1")], 5),
    ]

    @Test(arguments: deaths.indices)
    func aGapOfHeartbeatsWithoutATriggerIsFound(place: Int) throws {
        let death = AuditStateTests.deaths[place]
        try withAuditBench { bench in
            try bench.route(try bench.decide("before", side: "HOLD"))
            try bench.beat(death.beat)
            bench.pass(seconds: death.seconds)
            let next = try bench.decide("t", side: "HOLD")
            try bench.route(next)
            let book = try bench.audit()
            expectFindings([("heartbeat.has_trigger", next.sequence)], book)
            #expect(book.findings.first?.expected.contains(death.reason) == true, "\(book.findings)")
        }
    }

    @Test func aHeartThatSaysDegradedForTooLongWithoutATriggerIsFound() throws {
        try withAuditBench { bench in
            for _ in 0..<9 {
                try bench.beat([("status", "DEGRADED")])
                bench.pass(seconds: 1)
            }
            let book = try bench.audit()
            #expect(book.findingCount == 1 && book.findings.first?.rule == "heartbeat.has_trigger", "\(book.findings)")
            #expect(book.findings.first?.expected.contains("DEGRADED_TOO_LONG") == true)
        }
    }

    @Test func openPositionsWithoutADecisionForTooLongWithoutATriggerAreFound() throws {
        try withAuditBench { bench in
            for _ in 0..<40 {
                try bench.beat([("active_positions", "1")])
                bench.pass(seconds: 1)
            }
            let book = try bench.audit()
            #expect(
                book.findingCount == 1 && book.findings.first?.expected.contains("DECISION_STAGNANT") == true,
                "\(book.findings)")
        }
    }

    @Test func aHeartThatBeatsIsNoFindingAndASecondGapIsASecondFinding() throws {
        try withAuditBench { bench in
            for _ in 0..<20 {
                try bench.beat()
                bench.pass(seconds: 1)
            }
            expectFindings([], try bench.audit())
            var found: [SequenceNumber] = []
            for _ in 0..<2 {
                bench.pass(seconds: 10)
                found.append(try bench.beat())
                bench.pass(seconds: 1)
                try bench.beat()
            }
            expectFindings(found.map { ("heartbeat.has_trigger", $0) }, try bench.audit())
        }
    }

    @Test func aTriggerIsComputedAgainFromItsEvidence() throws {
        try withAuditBench { bench in
            try bench.beat()
            bench.pass(seconds: 6)
            try bench.trigger(reason: "EXIT_BRAIN_HEARTBEAT_MISSING_(6.0S_>_5.0S)")
            let book = try bench.audit()
            expectFindings([], book)
            #expect(book.replayed == ["watching/2": 1] && book.gaps == [], "\(book.gaps)")
        }
    }

    @Test func aTriggerWithAnotherReasonThanItsEvidenceGivesIsFound() throws {
        try withAuditBench { bench in
            try bench.beat()
            bench.pass(seconds: 6)
            let wrong = try bench.trigger(reason: "POSITIONS_UNGUARDED")
            expectFindings([("watching/2", wrong)], try bench.audit())
        }
    }

    @Test func aTriggerOfALivingHeartIsFound() throws {
        try withAuditBench { bench in
            try bench.beat()
            bench.pass(seconds: 1)
            let wrong = try bench.trigger(reason: "EXIT_BRAIN_HEARTBEAT_MISSING_(6.0S_>_5.0S)")
            expectFindings([("watching/2", wrong)], try bench.audit())
        }
    }

    @Test(arguments: ["", "[]", "[{}]", "[{\"now_ns\":1}]", "nothing"])
    func aTriggerWithEvidenceThatCannotBeReadSaysSo(said: String) throws {
        try withAuditBench { bench in
            try bench.beat()
            bench.pass(seconds: 6)
            let trigger = try bench.trigger(reason: "X") { $0.said = said }
            let book = try bench.audit()
            expectFindings([], book)
            #expect(book.gaps.map(\.sequence) == [trigger], "\(book.gaps)")
        }
    }

    /// Thresholds of which there are not so many nanoseconds.
    @Test func absurdThresholdsInEvidenceEndNothing() throws {
        try withAuditBench { bench in
            try bench.beat()
            bench.pass(seconds: 6)
            let trigger = try bench.trigger(reason: "X") {
                $0.said = $0.said.replacing(#""missing_max_ms":5000"#, with: #""missing_max_ms":9223372036854775807"#)
            }
            #expect(try bench.audit().gaps.map(\.sequence) == [trigger])
        }
    }

    @Test func aTriggerWithoutEvidenceSaysSo() throws {
        try withAuditBench { bench in
            try bench.beat()
            let trigger = try bench.trigger(reason: "X", hasEvidence: false)
            let book = try bench.audit()
            expectFindings([], book)
            #expect(book.gaps.map(\.sequence) == [trigger])
        }
    }

    @Test func aTriggerWithoutACompletionIsFoundOnceItIsOld() throws {
        try withAuditBench { bench in
            let trigger = try bench.append(
                StreamCatalogue.panics,
                [
                    ("event_id", "e"), ("reason", "a test"), ("severity", "CRITICAL"), ("issued_by", "ops"),
                    ("ts", "\(bench.now.milliseconds)"),
                ])
            bench.pass(seconds: 599)
            try bench.route(try bench.decide("t1", side: "HOLD"))
            expectFindings([], try bench.audit())
            bench.pass(seconds: 2)
            try bench.route(try bench.decide("t2", side: "HOLD"))
            let book = try bench.audit()
            expectFindings([("trigger.has_completion", trigger)], book)
        }
    }

    // MARK: Ledgers

    @Test func ledgersThatDifferInSilenceAreFound() throws {
        try withAuditBench { bench in
            try bench.fill("1", trade: 1)
            try bench.attest("1")
            bench.pass(seconds: 1)
            try bench.attest("2")
            for number in 0..<12 {
                bench.pass(seconds: 10)
                try bench.attest("1", symbol: "ETHUSDT\(number)")
                try bench.fill("1", trade: Int64(10 + number), symbol: "ETHUSDT\(number)")
            }
            let book = try bench.audit()
            #expect(book.findingCount == 1 && book.findings.first?.rule == "ledgers.agree", "\(book.findings)")
            #expect(book.findings.first?.found.contains("fills say 1, the exchange 2") == true)
        }
    }

    @Test func ledgersWhoseDifferenceIsOnRecordAreNot() throws {
        try withAuditBench { bench in
            try bench.fill("1", trade: 1)
            try bench.attest("2")
            let raised = EventReducingRaised.with {
                $0.cause = "ledgers"
                $0.detail = "a test"
            }
            try bench.append(
                try Drafts.reducingRaised(
                    raised, traceID: "", cause: .none, basis: .none, producer: "feed", at: bench.now), .emergency)
            for number in 0..<12 {
                bench.pass(seconds: 10)
                try bench.attest("1", symbol: "ETHUSDT\(number)")
                try bench.fill("1", trade: Int64(10 + number), symbol: "ETHUSDT\(number)")
            }
            expectFindings([], try bench.audit())
        }
    }

    // MARK: Digests

    @Test func aDigestThatDiffersIsFoundAndOneThatDoesNotIsCounted() throws {
        try withAuditBench { bench in
            try bench.execute(try bench.intent("t"))
            let state = try StateReader.fold(bench.log)
            try bench.digest(state)
            try bench.intent("t2")
            let wrong = try bench.digest(try StateReader.fold(bench.log)) {
                $0.parts[0].digest = Data(repeating: 1, count: 32)
            }
            let book = try bench.audit()
            expectFindings([("state.digest", wrong)], book)
            #expect(book.findings.first?.found == String(repeating: "01", count: 32), "\(book.findings)")
            #expect(book.replayed["state.digest"] == 2 * state.parts.count - 1)
        }
    }

    @Test func digestsOfOtherFoldsSaySo() throws {
        try withAuditBench { bench in
            let other = try bench.digest(try StateReader.fold(bench.log)) { $0.parts[0].version += 1 }
            let book = try bench.audit()
            expectFindings([], book)
            #expect(book.gaps.map(\.sequence) == [other])
        }
    }

    @Test func twoDigestsInConflictAreFound() throws {
        try withAuditBench { bench in
            let state = try StateReader.fold(bench.log)
            try bench.digest(state)
            let second = try bench.digestDraft(state) { $0.parts[0].digest = Data(repeating: 1, count: 32) }
            guard case .conflict = try bench.log.append([second])[0] else {
                Issue.record("no conflict")
                return
            }
            let conflict = try #require(try bench.log.kinds(.conflict).first)
            expectFindings([("state.digest", conflict.sequence)], try bench.audit())
        }
    }
}

extension AuditBench {
    @discardableResult
    func beat(_ more: [(String, String)] = []) throws -> SequenceNumber {
        let status = more.contains { $0.0 == "status" } ? [] : [("status", "ALIVE")]
        let positions = more.contains { $0.0 == "active_positions" } ? [] : [("active_positions", "0")]
        return try append(StreamCatalogue.heartbeats, [("service_id", "exit_brain")] + status + positions + more)
    }

    /// As the watchdog appends it.
    @discardableResult
    func trigger(
        reason: String, hasEvidence: Bool = true, _ change: (inout EventEvidence) -> Void = { _ in }
    ) throws -> SequenceNumber {
        let head = try log.head().sequence
        let state = try StateReader.fold(log)
        let clock = WatchClock(
            now: BootInstant(nanoseconds: bootNanoseconds), bootID: state.heartbeats.boot?.id ?? "",
            startedAt: BootInstant(nanoseconds: 1))
        var evidence = Watching.evidence(clock, WatchPolicy())
        change(&evidence)
        let message = PanicMessage(reason: reason, issuer: PanicTrigger.watchdogIssuer, at: now)
        return try message.append(to: log, basis: head, hasEvidence ? evidence : nil)
    }

    func fill(_ quantity: String, trade: Int64, symbol: String = "BTCUSDT") throws {
        try append(
            StreamCatalogue.fills,
            [
                ("venue", "binance-usdm"), ("account", "main"), ("symbol", symbol), ("trade_id", "\(trade)"),
                ("order_id", "\(trade)"), ("side", "BUY"), ("position_side", "BOTH"), ("quantity", quantity),
                ("price", "100"),
            ])
    }

    func attest(_ quantity: String, symbol: String = "BTCUSDT") throws {
        try append(
            StreamCatalogue.attestedPositions,
            [
                ("venue", "binance-usdm"), ("account", "main"), ("symbol", symbol), ("position_side", "BOTH"),
                ("quantity", quantity), ("entry_price", "100"),
            ])
    }

    func digestDraft(_ state: State, _ change: (inout EventStateDigest) -> Void = { _ in }) throws -> Draft {
        var digest = EventStateDigest()
        digest.asOf = state.asOf.rawValue
        digest.parts = state.parts.map { part in
            EventStateDigest.Part.with {
                $0.name = part.name
                $0.version = part.version
                $0.digest = Data(part.digest.bytes)
            }
        }
        change(&digest)
        return try Drafts.stateDigest(digest, producer: "backstop")
    }

    @discardableResult
    func digest(_ state: State, _ change: (inout EventStateDigest) -> Void = { _ in }) throws -> SequenceNumber {
        try append(try digestDraft(state, change))
    }
}
