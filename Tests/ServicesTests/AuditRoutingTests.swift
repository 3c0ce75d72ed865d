// The audit of the router: each log breaks one rule, and the first record that breaks it is named.

import SwiftProtobuf
import Testing

import Domain
import EventLog
import Events
import Records
import Services

@Suite struct AuditRoutingTests {
    @Test func aCleanLogPassesAndEveryDecisionIsCounted() throws {
        try withAuditBench { bench in
            try bench.execute(try bench.intent("t1"))
            try bench.route(try bench.decide("t2", side: "HOLD"))
            try bench.route(try bench.decide("t3", confidence: "0.1"))
            let again = try bench.decide("t1")
            try bench.refuse(
                again, .duplicate, refersTo: try #require(try bench.log.kinds(.tradeIntent).first).sequence)
            bench.pass(seconds: 700)
            try bench.route(try bench.decide("last", side: "HOLD"))
            let book = try bench.audit()
            expectFindings([], book)
            #expect(book.gaps == [])
            // An intent and four refusals; a request, its outcome and its result.
            #expect(book.replayed == ["router/1": 5, "execution/2": 3], "\(book.replayed)")
        }
    }

    @Test func anIntentThatIsNotWhatTheRuleGivesIsFound() throws {
        try withAuditBench { bench in
            try bench.intent("before")
            var change = Alterations()
            change.intent = { $0.symbol = "ETHUSDT" }
            let wrong = try bench.route(try bench.decide("t"), change)
            try bench.intent("after")
            let book = try bench.audit()
            expectFindings([("router/1", wrong)], book)
            #expect(book.findings.first?.expected == "symbol BTCUSDT" && book.findings.first?.found == "symbol ETHUSDT")
        }
    }

    @Test func anIntentOfADecisionThatHadToBeRefusedIsFound() throws {
        try withAuditBench { bench in
            let held = try bench.decide("t", side: "HOLD")
            var intent = EventTradeIntent()
            intent.symbol = "BTCUSDT"
            intent.action = .buy
            intent.decisionSequence = held.sequence.rawValue
            intent.configSequence = bench.config.rawValue
            intent.rule = Routing.rule
            let wrong = try bench.append(
                try Drafts.intent(
                    intent, traceID: "t", cause: held.sequence, basis: .none, producer: "router", at: bench.now))
            expectFindings([("router/1", wrong)], try bench.audit())
        }
    }

    @Test func anIntentOfADecisionThatIsNoneIsFound() throws {
        try withAuditBench { bench in
            let decision = try bench.decide("t")
            var change = Alterations()
            change.intent = { $0.decisionSequence = 1 }
            let wrong = try bench.route(decision, change)
            expectFindings([("router/1", wrong)], try bench.audit())
        }
    }

    @Test func aRefusalWithAnotherReasonIsFound() throws {
        try withAuditBench { bench in
            var change = Alterations()
            change.refusal = { $0.reason = .lowConfidence }
            let wrong = try bench.route(try bench.decide("t", side: "HOLD"), change)
            let book = try bench.audit()
            expectFindings([("router/1", wrong)], book)
            #expect(book.findings.first?.expected == "refused, hold", "\(book.findings)")
        }
    }

    @Test func aRefusalForAHaltWhereNothingIsHaltedIsFound() throws {
        try withAuditBench { bench in
            let wrong = try bench.refuse(try bench.decide("t"), .halted)
            expectFindings([("router/1", wrong)], try bench.audit())
        }
    }

    @Test func aRefusalThatNamesAnotherHaltIsFound() throws {
        try withAuditBench { bench in
            let halt = try bench.halt()
            let right = try bench.refuse(try bench.decide("t1"), .halted, refersTo: halt)
            let wrong = try bench.refuse(try bench.decide("t2"), .halted, refersTo: right)
            expectFindings([("router/1", wrong)], try bench.audit())
        }
    }

    @Test func aDuplicateThatIsNoneIsFound() throws {
        try withAuditBench { bench in
            let intent = try bench.intent("t1")
            let wrong = try bench.refuse(try bench.decide("t2"), .duplicate, refersTo: intent.sequence)
            let other = try bench.decide("t1", side: "SELL")
            let alsoWrong = try bench.refuse(other, .duplicate, refersTo: intent.sequence)
            expectFindings([("router/1", wrong), ("router/1", alsoWrong)], try bench.audit())
        }
    }

    @Test func whatOpensBehindAHaltIsFound() throws {
        try withAuditBench(enforcesGuards: false) { bench in
            try bench.halt()
            let wrong = try bench.route(try bench.decide("t"))
            try bench.route(try bench.decide("closes", side: "CLOSE"))
            expectFindings([(("guard.holds"), wrong)], try bench.audit())
        }
    }

    @Test func aDecisionWithoutAnEndIsFoundOnceItIsOld() throws {
        try withAuditBench { bench in
            let forgotten = try bench.decide("t").sequence
            bench.pass(seconds: 59)
            try bench.route(try bench.decide("soon", side: "HOLD"))
            expectFindings([], try bench.audit())
            bench.pass(seconds: 2)
            try bench.route(try bench.decide("later", side: "HOLD"))
            expectFindings([("decision.has_end", forgotten)], try bench.audit())
        }
    }

    @Test func aJumpOfTheWallClockMakesNothingOldAndHidesNothing() throws {
        try withAuditBench { bench in
            _ = try bench.decide("young")
            bench.jump(seconds: 86_400)
            try bench.route(try bench.decide("t1", side: "HOLD"))
            expectFindings([], try bench.audit())
        }
        try withAuditBench { bench in
            let forgotten = try bench.decide("old").sequence
            bench.jump(seconds: -86_400)
            bench.pass(seconds: 61)
            try bench.route(try bench.decide("t1", side: "HOLD"))
            expectFindings([("decision.has_end", forgotten)], try bench.audit())
        }
    }

    @Test func aRuleThatWasChangedIsFoundAtTheFirstDecisionThatDiffers() throws {
        try withAuditBench { bench in
            try bench.intent("t1")
            let differs = try bench.intent("t2", side: "SELL")
            try bench.intent("t3", side: "SELL")
            var rules = AuditRules()
            rules.route = { decision, sequence, policy in
                decision.action == .sell
                    ? .refused(.lowConfidence, detail: "changed")
                    : Routing.route(decision: decision, sequence: sequence, policy: policy)
            }
            let book = try bench.audit(rules)
            #expect(book.findings.first?.sequence == differs.sequence && book.findingCount == 2)
        }
    }

    @Test func whatCannotBeComputedAgainSaysWhy() throws {
        try withAuditBench { bench in
            var change = Alterations()
            change.intent = { $0.rule = "router/0" }
            let old = try bench.route(try bench.decide("t1"), change)
            change.intent = { $0.configSequence = 999 }
            let unknown = try bench.route(try bench.decide("t2"), change)
            let given = try bench.refuse(try bench.decide("t3"), .deliveredTooOften)
            let book = try bench.audit()
            expectFindings([], book)
            #expect(book.gaps.map(\.sequence) == [old, unknown, given] && book.gaps.allSatisfy { !$0.why.isEmpty })
        }
    }

    @Test func whatIsBeforeSinceIsFoldedAndNotJudged() throws {
        try withAuditBench { bench in
            var change = Alterations()
            change.intent = { $0.symbol = "ETHUSDT" }
            let early = try bench.route(try bench.decide("t1"), change)
            bench.pass(seconds: 100)
            let moment = bench.now
            let late = try bench.route(try bench.decide("t2"), change)
            expectFindings([("router/1", early), ("router/1", late)], try bench.audit())
            expectFindings([("router/1", late)], try bench.audit(since: moment))
            let all = try bench.audit(since: Timestamp(nanoseconds: moment.nanoseconds + 1))
            expectFindings([], all)
            #expect(all.replayed.isEmpty)
        }
    }
}

extension AuditBench {
    @discardableResult
    func halt() throws -> SequenceNumber {
        let halt = EventHalt.with {
            $0.reason = "test"
            $0.source = "ops"
        }
        return try append(
            try Drafts.halt(halt, traceID: "", cause: .none, basis: .none, producer: "test", at: now), .emergency)
    }
}
