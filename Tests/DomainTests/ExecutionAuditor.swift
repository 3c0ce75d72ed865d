// What must hold at the end of every intent, whatever the exchange did and however often its process died. It looks at
// the exchange's own books and at what was noted, and knows none of the rules.

import Domain
import Events
import Exchange
import Records
import Testing

struct ExecutionAuditor {
    let world: ExecutionWorld
    let intent: EventTradeIntent
    /// Told with every failure.
    let story: String

    func check() throws {
        guard world.results.count == 1, let result = world.results.first else {
            Issue.record("\(story): \(world.results.count) ends")
            return
        }
        let sent = world.placed.map(\.sequence)
        expect(Set(sent).count == sent.count, "an order was sent twice")
        let isOne = !intent.hasPair && intent.action != .close
        expect(intent.action == .close || sent.count <= (isOne ? 1 : 2), "\(sent.count) orders")
        // Trades that the exchange did not show in time are left to the feeds; none is noted twice, none invented.
        expect(Set(world.fills).count == world.fills.count, "fills twice: \(world.fills)")
        expect(Set(world.fills).isSubset(of: world.venueTrades), "fills \(world.fills), trades \(world.venueTrades)")
        if world.venue.isDeafUntil - world.venue.isDeafFrom < 10_000 {
            expect(world.fills.count == world.venueTrades.count, "fills \(world.fills), trades \(world.venueTrades)")
        }
        try checkOutcomes()
        try checkState(result)
        if intent.hasPair { checkPair(result) } else { expect(!world.hasReduced, "reducing") }
    }

    private func expect(_ isSo: Bool, _ what: String) { #expect(isSo, "\(story): \(what)") }

    /// Executed on the exchange, of the requests that fit.
    private func executed(_ isMeant: (OrderPlan) -> Bool) -> ExactDecimal {
        world.venue.orders.filter { isMeant($0.request.plan) }.reduce(.zero) { sum, order in
            ExactDecimal.sum(sum, order.executed)
        }
    }

    /// Every request has one final outcome, and it is the exchange's.
    private func checkOutcomes() throws {
        for request in world.requests.values {
            let final: [EventOrderOutcome] = world.notes.compactMap { note in
                guard case .outcome(let outcome) = note, outcome.requestSequence == request.sequence.rawValue,
                    outcome.state.isEnd
                else { return nil }
                return outcome
            }
            guard final.count == 1, let outcome = final.first else {
                Issue.record("\(story): \(final.count) final outcomes of \(request)")
                continue
            }
            let there = world.venue.orders.first { $0.request.sequence == request.sequence }
            let said = try ExactDecimal(outcome.executedQuantity)
            expect(said == there?.executed ?? .zero, "\(said) executed, \(String(describing: there))")
            expect(outcome.state != .notFoundAfterHorizon || there == nil, "not found, but there")
        }
    }

    private func checkState(_ result: EventExecutionResult) throws {
        let own = executed { $0.symbol.text == intent.symbol && !(intent.hasPair && $0.leg == 2) }
        let said = result.hasFilledQuantity ? try ExactDecimal(result.filledQuantity) : .zero
        expect(said == own, "\(said) told, \(own) executed")
        switch result.state {
        case .filled: expect(!own.isZero, "filled without a fill")
        case .rejected: expect(world.venueTrades.isEmpty, "rejected with fills")
        case .failed: break
        case .unspecified, .UNRECOGNIZED: expect(false, "no end")
        }
        guard intent.action == .close, result.state == .filled else { return }
        let rest = world.venue.rows(Sample.btc).filter { row in
            switch intent.positionSide {
            case .both, .unspecified, .UNRECOGNIZED: true
            case .long: !row.quantity.isNegative
            case .short: row.quantity.isNegative
            }
        }
        expect(rest.isEmpty, "closed, but there is \(rest)")
    }

    private func checkPair(_ result: EventExecutionResult) {
        let first = executed { $0.leg == 1 }
        let undone = executed { $0.leg == 2 && $0.symbol.text == intent.symbol }
        let hedge = executed { $0.leg == 2 && $0.symbol.text != intent.symbol }
        let wanted = world.requests.values.first { $0.plan.leg == 2 && $0.plan.symbol.text != intent.symbol }
        let isHedged = !first.isZero && wanted?.plan.quantity == hedge
        let isFlat = hedge.isZero && first == undone
        expect((result.state == .filled) == isHedged, "\(result.state) of \(first), \(hedge)")
        // While the second is not known for long, it is raised for that alone.
        let raised = world.notes.contains { note in
            guard case .reducing(let raised) = note else { return false }
            return !raised.detail.hasSuffix("is unresolved")
        }
        expect(raised == !(isHedged || isFlat), "reducing \(raised): \(first), \(undone), \(hedge)")
    }
}

extension ExactDecimal {
    fileprivate static func sum(_ a: ExactDecimal, _ b: ExactDecimal) -> ExactDecimal {
        let sum = try! ExactSum(a).adding(ExactSum(b))
        return try! ExactDecimal(coefficient: Int64(sum.coefficient), exponent: sum.exponent)
    }
}
