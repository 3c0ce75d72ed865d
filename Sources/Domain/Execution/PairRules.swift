// A pair trade: two orders at most, the second for what the first has really bought or sold. It ends FILLED only where
// both legs stand; a first leg that stands alone raises `reducing`, and its exposure is measured.

internal import Events
internal import Exchange
internal import Records

/// What the second order of a pair is for.
private enum Second {
    case hedge(OrderPlan)
    /// Closes the first leg, and why.
    case undo(OrderPlan, String)
    case none(String)
}

extension ExecutionRules {
    mutating func pair() throws(ExecutionPending) -> ExecutionEnd {
        let first: ExecutedLeg
        if let request = record.requests.first(where: { $0.plan.leg == 1 }) {
            first = try settle(request, stampedBefore: record.takenOverAt)
        } else if record.isBeforeRestore {
            return ExecutionEnd(.failed, ExecutionRules.beforeRestore, ExecutionRules.beforeRestoreDetail)
        } else {
            switch try firstOfPair() {
            case .settled(let leg): first = leg
            case .refused(let reason, let detail): return ExecutionEnd(.rejected, reason, detail)
            }
        }
        // Whatever the first is now said to have done, a second that was requested may stand.
        if let request = record.requests.first(where: { $0.plan.leg == 2 }) {
            let second = try settle(request, stampedBefore: record.takenOverAt)
            if [first, second].allSatisfy({ $0.settled.executed.isZero }) { return unfilled(first, [first, second]) }
            return ended(first, second, "")
        }
        guard !first.settled.executed.isZero else { return unfilled(first, [first]) }
        if record.isBeforeRestore { return alone(first, ExecutionRules.beforeRestoreDetail) }
        switch try second(first) {
        case .none(let why): return alone(first, why)
        case .undo(let plan, let why): return try undo(first, plan, why)
        case .hedge(let plan):
            switch try execute(plan) {
            case .settled(let leg): return ended(first, leg, "")
            case .refused(let reason, let detail):
                return try undo(first, closing(first), "the second leg was refused, \(reason): \(detail)")
            }
        }
    }

    private struct SecondLeg {
        let symbol: SymbolName
        let side: OrderSide
    }

    /// Nil: it is none that could be hedged with.
    private var secondLeg: SecondLeg? {
        guard let symbol = SymbolName.known(intent.pair.symbolY), symbol.text != intent.symbol else { return nil }
        switch intent.pair.sideY {
        case .buy: return SecondLeg(symbol: symbol, side: .buy)
        case .sell: return SecondLeg(symbol: symbol, side: .sell)
        case .unspecified, .UNRECOGNIZED: return nil
        }
    }

    /// Sizes both before anything is sent: what cannot be hedged is not begun.
    private mutating func firstOfPair() throws(ExecutionPending) -> LegEnd {
        guard let secondLeg, intent.action != .close, isOpening, intent.positionSide != .long,
            intent.positionSide != .short
        else { return .refused(reason: "no_pair", detail: "it cannot be a trade of two legs") }
        switch try planned(firstLeg: 1) {
        case .refused(let reason, let detail): return .refused(reason: reason, detail: detail)
        case .orders(let plans, _):
            switch try hedge(of: plans[0].quantity, secondLeg) {
            case .refused(let reason, let detail):
                return .refused(reason: reason, detail: "\(secondLeg.symbol): \(detail)")
            case .plan(let plan, let price):
                // The account's limits are for both; once the first stands, they do not keep it from being hedged.
                if case .refused(let reason, let detail)? = try limitRefusal(plan, price) {
                    return .refused(reason: reason, detail: "\(secondLeg.symbol): \(detail)")
                }
                return try execute(plans[0])
            }
        }
    }

    private mutating func second(_ first: ExecutedLeg) throws(ExecutionPending) -> Second {
        let (executed, requested) = (first.settled.executed, first.request.plan.quantity)
        guard let twice = Sizing.sum([executed, executed]), twice >= requested else {
            let why = "severe partial fill: \(executed) of \(requested)"
            return policy.severeFill == .leave ? .none(why) : .undo(closing(first), why)
        }
        if let why = stoodTooLong(first) { return .undo(closing(first), why) }
        guard let secondLeg else { return .undo(closing(first), "its second leg cannot be read") }
        switch try hedge(of: executed, secondLeg) {
        case .refused(let reason, let detail): return .undo(closing(first), "no hedge, \(reason): \(detail)")
        case .plan(let plan, _):
            // Asking for prices may have taken its time, too.
            if let why = stoodTooLong(first) { return .undo(closing(first), why) }
            return .hedge(plan)
        }
    }

    private func stoodTooLong(_ first: ExecutedLeg) -> String? {
        let waited = story.now - first.request.requestedAt
        return waited <= policy.pairExposureMax ? nil : "it stood alone for \(waited) ms"
    }

    private enum Hedge {
        case plan(OrderPlan, price: ExactDecimal)
        case refused(reason: String, detail: String)
    }

    /// The second leg for so much of the first.
    private mutating func hedge(of quantity: ExactDecimal, _ leg: SecondLeg) throws(ExecutionPending) -> Hedge {
        let instrument: Instrument
        switch try rules(of: leg.symbol) {
        case .found(let found): instrument = found
        case .refused(let reason, let detail): return .refused(reason: reason, detail: detail)
        }
        let price: ExactDecimal
        switch try self.price(of: leg.symbol) {
        case .answer(let found): price = found
        case .unanswered(let why): return .refused(reason: "exchange_unavailable", detail: why)
        }
        let wanted: ExactDecimal
        do throws(DecimalError) {
            wanted = intent.pair.hasRatio ? try Sizing.scaled(quantity, by: intent.pair.ratio) : quantity
        } catch {
            return .refused(reason: "size_out_of_range", detail: "\(error)")
        }
        switch sized(wanted, instrument, price, notionalMin: instrument.notionalMin) {
        case .refused(let reason, let detail): return .refused(reason: reason, detail: detail)
        case .quantity(let found):
            let plan = OrderPlan(
                leg: 2, symbol: leg.symbol, side: leg.side, positionSide: .both, quantity: found, reduceOnly: false,
                price: price)
            return .plan(plan, price: price)
        }
    }

    private func closing(_ first: ExecutedLeg) -> OrderPlan {
        let plan = first.request.plan
        return OrderPlan(
            leg: 2, symbol: plan.symbol, side: plan.side == .buy ? .sell : .buy, positionSide: plan.positionSide,
            quantity: first.settled.executed, reduceOnly: true, holding: first.settled.executed)
    }

    // MARK: Ends

    private mutating func undo(
        _ first: ExecutedLeg, _ plan: OrderPlan, _ why: String
    ) throws(ExecutionPending) -> ExecutionEnd {
        switch try execute(plan) {
        case .settled(let leg): return ended(first, leg, why)
        case .refused(let reason, let detail):
            return alone(first, "\(why); its close was refused, \(reason): \(detail)")
        }
    }

    private func unfilled(_ first: ExecutedLeg, _ legs: [ExecutedLeg]) -> ExecutionEnd {
        let (settled, side) = (first.settled, first.request.plan.side)
        switch settled.state {
        case .rejected: return ExecutionEnd(.rejected, "exchange_refused", settled.reason, legs, side)
        case .notFoundAfterHorizon:
            return ExecutionEnd(.failed, "not_found_after_horizon", settled.reason, legs, side)
        case .accepted, .partiallyFilled, .filled, .canceled, .expired, .unknown, .unspecified, .UNRECOGNIZED:
            return ExecutionEnd(.failed, "first_leg_unfilled", settled.reason, legs, side)
        }
    }

    private func ended(_ first: ExecutedLeg, _ second: ExecutedLeg, _ why: String) -> ExecutionEnd {
        // What it was for is in the request itself: another process may have decided it.
        let isHedge = second.request.plan.symbol != first.request.plan.symbol
        var other = second
        other.isUndoing = !isHedge
        var end = ExecutionEnd(.filled, "", "", [first, other], first.request.plan.side)
        end.unhedged = exposure(first, until: second.at)
        let isWhole = second.settled.executed == second.request.plan.quantity
        switch (isHedge, isWhole && !first.settled.executed.isZero) {
        case (true, true):
            if first.settled.executed < first.request.plan.quantity {
                (end.reason, end.detail) =
                    ("partial", "\(first.settled.executed) of \(first.request.plan.quantity), hedged")
            }
        case (true, false):
            (end.state, end.reason) = (.failed, "unhedged")
            end.detail =
                "\(second.settled.executed) of \(second.request.plan.quantity) \(second.request.plan.symbol) stand against "
                + "\(first.settled.executed) \(first.request.plan.symbol); \(second.settled.reason)"
            end.reducing = end.detail
        case (false, true):
            (end.state, end.reason) = (.failed, "closed_again")
            end.detail = why
        case (false, false):
            (end.state, end.reason) = (.failed, "unhedged")
            end.detail =
                "\(why); of \(first.settled.executed) \(first.request.plan.symbol) only \(second.settled.executed) were "
                + "closed again; \(second.settled.reason)"
            end.reducing = end.detail
        }
        return end
    }

    private func alone(_ first: ExecutedLeg, _ why: String) -> ExecutionEnd {
        var end = ExecutionEnd(.failed, "unhedged", why, [first], first.request.plan.side)
        end.reducing = "\(first.settled.executed) \(first.request.plan.symbol) stand alone: \(why)"
        end.unhedged = exposure(first, until: story.now)
        return end
    }

    /// Quantity × milliseconds.
    private func exposure(_ first: ExecutedLeg, until end: Milliseconds) -> ExactDecimal? {
        do throws(DecimalError) {
            let time = try ExactDecimal(coefficient: max(0, end - first.at), exponent: 0)
            return try Sizing.decimal(try ExactSum.product(of: first.settled.executed, time))
        } catch {
            return nil
        }
    }

    /// While the second leg of a pair is not known: once, when it takes too long.
    mutating func raiseWhereUnhedged(_ request: RequestedOrder) throws(ExecutionPending) {
        guard intent.hasPair, request.plan.leg == 2, !hasRaised,
            story.now - request.requestedAt > policy.pairExposureMax
        else { return }
        hasRaised = true
        let detail = "the second leg of the pair, \(request.plan.quantity) \(request.plan.symbol), is unresolved"
        try note([.reducing(ExecutionRules.unhedged(detail))])
    }
}
