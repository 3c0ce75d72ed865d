// The audit of executions: each log breaks one rule, and the first record that breaks it is named.

import SwiftProtobuf
import Testing

import Domain
import EventLog
import Events
import Exchange
import Records
import Services

@Suite struct AuditExecutionTests {
    /// Executes one intent with an alteration; the audit of it.
    private func audited(
        _ change: Alterations, script: BenchScript = BenchScript(), then: (AuditBench) throws -> Void = { _ in },
        expect: (AuditBench, AuditBook) throws -> Void
    ) throws {
        try withAuditBench { bench in
            try bench.execute(try bench.intent("t"), change, script: script)
            try then(bench)
            try expect(bench, try bench.audit())
        }
    }

    // MARK: What followed from the evidence

    @Test(arguments: ["quantity", "side", "client order id", "price"])
    func aRequestOtherThanTheEvidenceWantsIsFound(what: String) throws {
        var change = Alterations()
        change.request = { message in
            switch what {
            case "quantity": message.quantity.coefficient = 2
            case "side": message.side = .sell
            case "client order id": message.clientOrderID = "bs_other"
            default: message.sizedAtPrice.coefficient = 99
            }
        }
        try withAuditBench { bench in
            try bench.execute(try bench.intent("t"), change) { if case .place = $0 { true } else { false } }
            let request = try #require(try bench.log.kinds(.orderRequested).first)
            expectFindings([("execution/2", request.sequence)], try bench.audit())
        }
    }

    @Test func aResultOtherThanTheEvidenceGivesIsFound() throws {
        var change = Alterations()
        change.result = { $0.state = .rejected }
        try audited(change) { bench, book in
            let result = try #require(try bench.log.kinds(.executionResult).first)
            expectFindings([("execution/2", result.sequence)], book)
            #expect(book.findings.first?.expected == "status filled" && book.findings.first?.found == "status rejected")
        }
    }

    @Test func anOutcomeOtherThanTheEvidenceGivesIsFound() throws {
        var change = Alterations()
        change.notes = { notes in
            notes = notes.map { note in
                guard case .outcome(var outcome) = note else { return note }
                outcome.exchangeOrderID = "8"
                return .outcome(outcome)
            }
        }
        try audited(change) { bench, book in
            let outcome = try #require(try bench.log.kinds(.orderOutcome).first)
            expectFindings([("execution/2", outcome.sequence)], book)
        }
    }

    @Test func evidenceOfAnotherQuestionIsFound() throws {
        var change = Alterations()
        change.evidence = { parts in
            for place in parts.indices {
                parts[place].said = parts[place].said.replacing("\"price BTCUSDT\"", with: "\"price ETHUSDT\"")
            }
        }
        try audited(change) { bench, book in
            let evidence = try #require(try bench.log.kinds(.evidence).first)
            #expect(book.findings.map(\.sequence) == [evidence.sequence], "\(book.findings)")
            #expect(book.findings.first?.expected == "price BTCUSDT" && book.findings.first?.found == "price ETHUSDT")
        }
    }

    /// Somebody wants it to look as if the exchange had filled another order.
    @Test func evidenceOfARequestThatIsNotTheRecordedOneIsFound() throws {
        var change = Alterations()
        change.evidence = { parts in
            for place in parts.indices {
                parts[place].said = parts[place].said.replacing(
                    "\"side\":\"BUY\",\"position_side\":\"BOTH\",\"quantity\":\"1\"",
                    with: "\"side\":\"BUY\",\"position_side\":\"BOTH\",\"quantity\":\"3\"")
            }
        }
        try audited(change) { bench, book in
            let evidence = try #require(try bench.log.kinds(.evidence).last)
            #expect(book.findings.first?.sequence == evidence.sequence, "\(book.findings)")
            #expect(book.findings.first?.found.contains("is not that request") == true, "\(book.findings)")
        }
    }

    // MARK: What cannot be computed again

    @Test func executionWithoutEvidenceCannotBeComputedAgainAndSaysSo() throws {
        var change = Alterations()
        change.evidence = { $0 = [] }
        try audited(change) { _, book in
            expectFindings([], book)
            #expect(book.gaps.count == 3 && book.replayed == ["router/1": 1], "\(book.gaps)")
            #expect(book.gaps.allSatisfy { $0.why.contains("no evidence") })
        }
    }

    @Test func aPartThatIsMissingIsSaid() throws {
        var change = Alterations()
        // The first stands before the request, the second before the result.
        change.evidence = { parts in parts.removeAll { $0.part == 1 } }
        try audited(change) { _, book in
            expectFindings([], book)
            #expect(book.gaps.contains { $0.why.contains("part 2") }, "\(book.gaps)")
        }
    }

    @Test func evidenceThatCannotBeReadIsSaid() throws {
        var change = Alterations()
        change.evidence = { parts in for place in parts.indices { parts[place].said = "[{\"conf" } }
        try audited(change) { _, book in
            expectFindings([], book)
            #expect(book.gaps.contains { $0.why.contains("cannot be read") }, "\(book.gaps)")
        }
    }

    @Test func evidenceAboutNothingIsFound() throws {
        try withAuditBench { bench in
            let evidence = EventEvidence.with {
                $0.about = 1
                $0.rule = Execution.rule
                $0.part = 1
                $0.said = "[{}]"
            }
            let wrong = try bench.append(
                try Drafts.evidence(evidence, traceID: "", cause: .none, producer: "execution"))
            expectFindings([("execution/2", wrong)], try bench.audit())
        }
    }

    /// An answer as large as an exchange likes to make it keeps nobody from his end.
    @Test func anAnswerThatIsTooLargeIsLeftOutAndSaysSo() throws {
        var script = BenchScript()
        script.placed = { _ in
            .rejected(
                try Answer<OrderReport>.rejection(text: String(repeating: "x", count: Limits.evidenceBytesPerStepMax)))
        }
        try audited(Alterations(), script: script) { bench, book in
            expectFindings([], book)
            let end = try #require(try bench.log.kinds(.executionResult).first)
            #expect(book.gaps.contains { $0.why.contains("was not kept") } && book.gaps.last?.sequence == end.sequence)
            let parts = try bench.log.kinds(.evidence)
            #expect(parts.allSatisfy { $0.body.count < Limits.evidenceBytesPerPartMax })
        }
    }

    // MARK: Ends

    @Test func aSecondResultOfAnIntentIsFound() throws {
        try withAuditBench { bench in
            let intent = try bench.intent("t")
            try bench.execute(intent)
            let second = try bench.append(
                StreamCatalogue.results,
                [("intent_sequence", "\(intent.sequence)"), ("symbol", "BTCUSDT"), ("status", "FAILED")])
            expectFindings([("intent.has_one_end", second)], try bench.audit())
        }
    }

    @Test func aResultOfNoIntentIsFound() throws {
        try withAuditBench { bench in
            let wrong = try bench.append(
                StreamCatalogue.results,
                [("intent_sequence", "1"), ("symbol", "BTCUSDT"), ("status", "FAILED")])
            expectFindings([("intent.has_one_end", wrong)], try bench.audit())
        }
    }

    @Test func anIntentWithoutAnEndIsFoundOnceItIsOld() throws {
        try withAuditBench { bench in
            let intent = try bench.intent("t")
            bench.pass(seconds: 600)
            try bench.route(try bench.decide("t1", side: "HOLD"))
            expectFindings([], try bench.audit())
            bench.pass(seconds: 1)
            try bench.route(try bench.decide("t2", side: "HOLD"))
            expectFindings([("intent.has_one_end", intent.sequence)], try bench.audit())
        }
    }

    @Test func aRequestWithoutAnOutcomeIsFound() throws {
        try withAuditBench { bench in
            try bench.execute(try bench.intent("t")) { if case .place = $0 { true } else { false } }
            let request = try #require(try bench.log.kinds(.orderRequested).first)
            bench.pass(seconds: 61)
            try bench.route(try bench.decide("t1", side: "HOLD"))
            expectFindings([("request.has_outcome", request.sequence)], try bench.audit())
        }
    }

    @Test func anOrderWhoseLookingForIsOnRecordIsNotMissed() throws {
        var script = BenchScript()
        script.placed = { _ in .unknown(Unknown(reason: .timedOut, text: "a test")) }
        try withAuditBench { bench in
            try bench.execute(try bench.intent("t"), script: script) { if case .pause = $0 { true } else { false } }
            bench.pass(seconds: 700)
            try bench.route(try bench.decide("t1", side: "HOLD"))
            expectFindings([], try bench.audit())
        }
    }

    // MARK: Trades

    @Test func tradesBeyondTheirOrderAreFound() throws {
        var script = BenchScript()
        script.trades = ["1", "0.5"]
        try audited(Alterations(), script: script) { bench, book in
            let fill = try #require(try bench.log.kinds(.fill).last)
            expectFindings([("fills.within_order", fill.sequence)], book)
        }
    }

    @Test func fewerTradesThanTheOutcomeSaysAreFoundOnceTheyAreLate() throws {
        var script = BenchScript()
        script.trades = ["0.4"]
        try withAuditBench { bench in
            try bench.execute(try bench.intent("t"), script: script)
            expectFindings([], try bench.audit())
            bench.pass(seconds: 61)
            try bench.route(try bench.decide("t1", side: "HOLD"))
            let request = try #require(try bench.log.kinds(.orderRequested).first)
            expectFindings([("fills.within_order", request.sequence)], try bench.audit())
        }
    }

    /// Anybody may append fills; sums of absurd ones do not fit.
    @Test func absurdTradesAreFoundAndEndNothing() throws {
        try withAuditBench { bench in
            for (number, quantity) in ["0.000000000000000001", "9223372036854775807e18", "1"].enumerated() {
                try bench.append(
                    StreamCatalogue.fills,
                    [
                        ("venue", "v"), ("account", "a"), ("symbol", "BTCUSDT"), ("trade_id", "\(number)"),
                        ("order_id", "1"), ("side", "BUY"), ("quantity", quantity), ("price", "1"),
                    ])
            }
            let book = try bench.audit()
            #expect(book.findingCount == 1 && book.findings.allSatisfy { $0.rule == "fills.within_order" })
        }
    }

    // MARK: Two lives

    @Test func twoProcessesAtOneIntentAreBothComputedAgain() throws {
        try withAuditBench { bench in
            let intent = try bench.intent("t")
            // The first one dies before it asks for anything.
            try bench.execute(intent) { if case .price = $0 { true } else { false } }
            bench.pass(seconds: 5)
            try bench.execute(intent)
            bench.pass(seconds: 61)
            try bench.route(try bench.decide("t1", side: "HOLD"))
            let book = try bench.audit()
            expectFindings([], book)
            #expect(book.gaps == [] && book.replayed["execution/2"] == 3)
        }
    }
}

extension Answer {
    /// As its evidence gives it: the module keeps its maker for itself.
    static func rejection(text: String) throws -> Rejection {
        let said = try JSONText.read(
            #"{"answer":"rejected","kind":"request","status":400,"code":-2019,"text":"\#(text)"}"#)
        let answer = try Answer<Int>(evidence: said) { _ throws(MessageError) in 0 }
        guard case .rejected(let rejection) = answer else { throw MessageError("answer", "no rejection") }
        return rejection
    }
}
