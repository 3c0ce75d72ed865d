// An intent over which its process dies again and again: nobody looks for its orders any more, and a person must.

import SwiftProtobuf
import Testing

import Domain
import EventLog
import Events
import Exchange
import Records
import Services

@Suite struct GivingUpTests {
    /// Once: whoever resumed the symbol had looked at another order of it; the word "unknown" stood in the log already,
    /// so giving up wrote nothing, and raised nothing.
    @Test(arguments: [false, true])
    func theSymbolIsGuardedAfterwards(wasResumed: Bool) throws {
        try withRoutedLog { log, route in
            try log.decide("t", "0.9")
            try route()
            let intent = try #require(try log.kinds(.tradeIntent).first)
            let request = try unknownOrder(log, of: intent)
            if wasResumed { try resume(log, "BTCUSDT") }
            #expect(try holder(log, "symbol/BTCUSDT") == (wasResumed ? nil : "\(request)"))
            try giveUp(log, intent)
            #expect(try holder(log, "symbol/BTCUSDT") == "\(request)")
            #expect(try holder(log, "reducing") == "given_up")
            let state = try StateReader.fold(log)
            #expect(state.trading.guardedSymbols.map(\.request) == [request])
            #expect(state.trading.mode == .reducing)
            let outcome = try #require(try log.kinds(.orderOutcome).last)
            guard case .orderOutcome(let said) = try EventRecord.decode(outcome) else { return }
            #expect(said.state == .unknown && said.requestSequence == request.rawValue)
            #expect(try log.kinds(.executionResult).count == 1 && log.kinds(.conflict).isEmpty)
            // A person looks, and ends it for good.
            try resume(log, "BTCUSDT")
            #expect(try holder(log, "symbol/BTCUSDT") == nil)
        }
    }

    private func unknownOrder(_ log: EventLog, of intent: Record) throws -> SequenceNumber {
        let journal = ExecutionJournal(log: log, policy: ExecutionPolicy(), producer: "execution")
        let plan = OrderPlan(
            leg: 1, symbol: try SymbolName("BTCUSDT"), side: .buy, positionSide: .both,
            quantity: try ExactDecimal("0.01"), reduceOnly: false)
        guard case .committed(let request) = try journal.request(plan, of: intent.sequence, traceID: "t", evidence: [])
        else {
            throw MessageError("request", "was not committed")
        }
        let outcome = EventOrderOutcome.with {
            $0.requestSequence = request.sequence.rawValue
            $0.symbol = "BTCUSDT"
            $0.clientOrderID = request.clientOrderID.text
            $0.state = .unknown
            $0.errorText = "no answer"
        }
        try journal.note([.outcome(outcome)], traceID: "t", evidence: [])
        return request.sequence
    }

    private func giveUp(_ log: EventLog, _ intent: Record) throws {
        let journal = ExecutionJournal(log: log, policy: ExecutionPolicy(), producer: "execution")
        let role = ExecutionRole(name: "execution", journal: journal)
        try log.transact(.group) { _ = try role.giveUp(intent, "delivered 6 times", &$0) }
    }

    private func resume(_ log: EventLog, _ symbol: String) throws {
        let resume = EventResume.with {
            $0.scope = .symbol
            $0.symbol = symbol
            $0.operator = "anna"
            $0.reason = "another order was looked at"
        }
        let draft = try Drafts.resume(resume, cause: .none, basis: .none, producer: "test", at: log.clock.now())
        #expect(try log.append([draft], .emergency)[0].isAppended)
    }

    private func holder(_ log: EventLog, _ name: String) throws -> String? {
        try log.snapshot { try $0.guards() }.first(name)?.holder
    }
}
