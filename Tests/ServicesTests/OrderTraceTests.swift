// Whose a trade is, by the log: what no order explains may be the one that is looked for.

import Testing

import Domain
import EventLog
import Events
import Records
import SwiftProtobuf

@testable import Exchange
@testable import Services

@Suite struct OrderTraceTests {
    /// A feed had noted the trade without a name, because the exchange did not show its order yet; the order's end was
    /// recorded before the other order was requested, and was not looked for there: the other was looked for for ever.
    @Test(arguments: [false, true])
    func aTradeIsExplainedByAnOrderThatEndedBeforeTheRequest(isEnded: Bool) throws {
        try withRoutedLog { log, _ in
            let journal = ExecutionJournal(log: log, policy: ExecutionPolicy(), producer: "execution")
            let earlier = try request(journal, intent: 1)
            let trade = try AccountTrade(
                AnswerFields(
                    JSONText.read(
                        #"""
                        {"symbol":"BTCUSDT","id":186,"orderId":1000089,"side":"SELL","positionSide":"BOTH","price":"850.2",
                        "qty":"5.7","realizedPnl":"0","commission":"0","commissionAsset":"USDT","maker":false,
                        "time":1700000000000}
                        """#)))
            try journal.note(trade.notes(journal.policy, clientOrderID: "", of: .none), traceID: "", evidence: [])
            if isEnded { try journal.note([.outcome(end(of: earlier))], traceID: "", evidence: []) }
            let lost = try request(journal, intent: 2)
            #expect(try journal.isUnexplained(trade, lost) == !isEnded)
        }
    }

    private func request(_ journal: ExecutionJournal, intent: UInt64) throws -> RequestedOrder {
        let plan = OrderPlan(
            leg: 1, symbol: try SymbolName("BTCUSDT"), side: .sell, positionSide: .both,
            quantity: try ExactDecimal("5.7"), reduceOnly: false)
        guard
            case .committed(let request) = try journal.request(
                plan, of: SequenceNumber(intent), traceID: "t", evidence: [])
        else {
            throw MessageError("request", "was not committed")
        }
        return request
    }

    private func end(of request: RequestedOrder) -> EventOrderOutcome {
        EventOrderOutcome.with {
            $0.requestSequence = request.sequence.rawValue
            $0.symbol = "BTCUSDT"
            $0.clientOrderID = request.clientOrderID.text
            $0.state = .filled
            $0.exchangeOrderID = "1000089"
            $0.executedQuantity = try! ExactDecimal("5.7").event
        }
    }
}
