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
            first = try settle(request)
        } else {
            switch try firstOfPair() {
            case .settled(let leg): first = leg
            case .refused(let reason, let detail): return ExecutionEnd(.rejected, reason, detail)
            }
        }
        let plan = first.request.plan
        guard !first.settled.executed.isZero else {
            let isRefused = first.settled.state == .rejected
            return ExecutionEnd(
                isRefused ? .rejected : .failed, isRefused ? "exchange_refused" : "first_leg_unfilled",
                first.settled.reason, [first], plan.side)
        }
        if let request = record.requests.first(where: { $0.plan.leg == 2 }) {
            let second = try settle(request)
            return ended(first, second, isHedge: request.plan.symbol != plan.symbol, "")
        }
        switch try second(first) {
        case .none(let why): return alone(first, why)
        case .undo(let plan, let why): return try undo(first, plan, why)
        case .hedge(let plan):
            switch try execute(plan) {
            case .settled(let leg): return ended(first, leg, isHedge: true, "")
            case .refused(let reason, let detail):
                return try undo(first, closing(first), "the second leg was refused, \(reason): \(detail)")
            }
        }
    }

    /// Sizes both before anything is sent: what cannot be hedged is not begun.
    private mutating func firstOfPair() throws(ExecutionPending) -> LegEnd {
        guard let second = SymbolName.known(intent.pair.symbolY) else {
            return .refused(reason: "no_instrument", detail: "\(intent.pair.symbolY) cannot be a symbol")
        }
        switch try planned(firstLeg: 1) {
        case .refused(let reason, let detail): return .refused(reason: reason, detail: detail)
        case .orders(let plans):
            switch try hedge(of: plans[0].quantity, second) {
            case .refused(let reason, let detail): return .refused(reason: reason, detail: "\(second): \(detail)")
            case .orders: return try execute(plans[0])
            }
        }
    }

    private mutating func second(_ first: ExecutedLeg) throws(ExecutionPending) -> Second {
        let (executed, requested) = (first.settled.executed, first.request.plan.quantity)
        guard let twice = Sizing.sum([executed, executed]), twice >= requested else {
            let why = "severe partial fill: \(executed) of \(requested)"
            return policy.severeFill == .leave ? .none(why) : .undo(closing(first), why)
        }
        let waited = story.now - first.request.requestedAt
        guard waited <= policy.pairExposureMax else {
            return .undo(closing(first), "its fill was known only after \(waited) ms")
        }
        guard let symbol = SymbolName.known(intent.pair.symbolY) else { preconditionFailure("checked before it began") }
        switch try hedge(of: executed, symbol) {
        case .orders(let plans): return .hedge(plans[0])
        case .refused(let reason, let detail): return .undo(closing(first), "no hedge, \(reason): \(detail)")
        }
    }

    /// The second leg for so much of the first.
    private mutating func hedge(of quantity: ExactDecimal, _ symbol: SymbolName) throws(ExecutionPending) -> Planned {
        let instrument: Instrument
        switch try rules(of: symbol) {
        case .found(let found): instrument = found
        case .refused(let reason, let detail): return .refused(reason: reason, detail: detail)
        }
        guard case .price(let price) = try insist(.price(symbol)) else {
            return .refused(reason: "exchange_unavailable", detail: "no price of \(symbol)")
        }
        var own = EventTradeIntent()
        do throws(DecimalError) {
            let ratio = intent.pair.hasRatio ? try ExactDecimal(intent.pair.ratio) : nil
            own.quantity =
                try ratio.map { (ratio) throws(DecimalError) in
                    try Sizing.decimal(try ExactSum.product(of: quantity, ratio)).event
                } ?? quantity.event
        } catch {
            return .refused(reason: "size_out_of_range", detail: "\(error)")
        }
        var rules = self
        rules.replaceIntent(own)
        switch rules.sized(instrument, price) {
        case .refused(let reason, let detail): return .refused(reason: reason, detail: detail)
        case .quantity(let found):
            return .orders([
                OrderPlan(
                    leg: 2, symbol: symbol, side: intent.pair.sideY == .buy ? .buy : .sell, positionSide: .both,
                    quantity: found, reduceOnly: false, price: price)
            ])
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
        case .settled(let leg): return ended(first, leg, isHedge: false, why)
        case .refused(let reason, let detail):
            return alone(first, "\(why); its close was refused, \(reason): \(detail)")
        }
    }

    private func ended(_ first: ExecutedLeg, _ second: ExecutedLeg, isHedge: Bool, _ why: String) -> ExecutionEnd {
        var undoing = second
        undoing.isUndoing = true
        var end = ExecutionEnd(.filled, "", "", [first, undoing], first.request.plan.side)
        end.unhedged = exposure(first, until: second.at)
        let isWhole = second.settled.executed == second.request.plan.quantity
        switch (isHedge, isWhole) {
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
