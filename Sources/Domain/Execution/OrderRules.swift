// The life of one order, from its request to its final outcome. What the exchange does not answer for certain is
// unknown, and unknown is resolved by asking, for as long as it takes; nothing in here sends twice.

internal import Events
internal import Exchange
internal import Records

/// A request with its final outcome.
struct ExecutedLeg {
    let request: RequestedOrder
    let settled: SettledOrder
    let errorCode: Int32
    /// The moment at which its end was known.
    let at: Milliseconds
    /// It closes what another leg of the same intent opened.
    var isUndoing = false
}

enum LegEnd {
    case settled(ExecutedLeg)
    /// The log did not take the request, so nothing was sent.
    case refused(reason: String, detail: String)
}

extension ExecutionRules {
    private static let tradesTriesMax = 8

    /// Requests the order and sends it, once. What was committed otherwise than asked for is never sent.
    mutating func execute(_ plan: OrderPlan) throws(ExecutionPending) -> LegEnd {
        switch try story.ask(.request(plan)) {
        case .requestRefused(let reason, let detail): return .refused(reason: reason, detail: detail)
        case .committed(let request) where request.plan == plan: return .settled(known(try place(request)))
        case .committed(let request), .stoodAlready(let request):
            return .settled(try settle(request, stampedBefore: nil))
        // Only the log answers here, and it knows these answers alone.
        case let other: preconditionFailure("no answer to a request: \(other)")
        }
    }

    private mutating func place(_ request: RequestedOrder) throws(ExecutionPending) -> ExecutedLeg {
        guard case .placed(let answer) = try story.ask(.place(request)) else {
            return try resolve(request, "no answer that speaks of an order")
        }
        switch answer {
        case .accepted(let report) where report.matches(request): return try follow(report, request, isGuarded: false)
        case .accepted: return try resolve(request, ExecutionRules.otherOrder)
        case .rejected(let rejection):
            return refused(request, rejection.description, code: Int32(clamping: rejection.code ?? 0))
        case .throttled(let throttling): return refused(request, "throttled: \(throttling)")
        case .notSent(let reason): return refused(request, "not_sent: \(reason)")
        case .unknown(let unknown): return try resolve(request, unknown.description)
        }
    }

    /// A request that another process committed, which is dead: nobody knows whether it was sent.
    /// - Parameter moment: it was dead by then. Nil: by now.
    mutating func settle(
        _ request: RequestedOrder, stampedBefore moment: Milliseconds?
    ) throws(ExecutionPending) -> ExecutedLeg {
        if let settled = request.settled {
            return ExecutedLeg(request: request, settled: settled, errorCode: 0, at: request.requestedAt)
        }
        return known(try resolve(request, "its process ended before its outcome was recorded", stampedBefore: moment))
    }

    /// Its end is known, and has yet to be said: with the end of the intent, or before anything is waited for.
    private mutating func known(_ leg: ExecutedLeg) -> ExecutedLeg {
        var final = outcome(leg.request, leg.settled.state, reason: leg.settled.reason)
        final.exchangeOrderID = leg.settled.exchangeOrderID
        final.executedQuantity = leg.settled.executed.event
        if let price = leg.settled.averagePrice { final.averagePrice = price.event }
        final.errorCode = leg.errorCode
        unsaid.append(final)
        return leg
    }

    private func refused(_ request: RequestedOrder, _ reason: String, code: Int32 = 0) -> ExecutedLeg {
        let settled = SettledOrder(
            state: .rejected, exchangeOrderID: "", executed: .zero, averagePrice: nil, reason: reason.bounded)
        return ExecutedLeg(request: request, settled: settled, errorCode: code, at: story.now)
    }

    // MARK: Asking

    private static let otherOrder = "what is there under its id is another order"

    /// Whatever the exchange said to a question from before the horizon is too early.
    /// - Parameter moment: it was stamped before; nil: before now.
    private mutating func resolve(
        _ request: RequestedOrder, _ why: String, stampedBefore moment: Milliseconds? = nil
    ) throws(ExecutionPending) -> ExecutedLeg {
        let horizon = min(moment ?? story.now, story.now) + horizon(request.plan)
        try note([.outcome(outcome(request, .unknown, reason: why))])
        var pauses = Pauses(at: story.now)
        while true {
            let askedAt = story.now
            switch try lookUp(request) {
            case .accepted(let report): return try follow(report, request, isGuarded: true)
            case .rejected(let rejection) where rejection.kind == .notFound && askedAt >= horizon:
                if case .notSeen = try story.ask(.witnesses(request)) { return notFound(request, rejection) }
            case .rejected, .throttled, .unknown, .notSent: break
            }
            try raiseWhereUnhedged(request)
            try pause(pauses.next(at: story.now, notOver: horizon))
        }
    }

    /// What does not match the request is not an answer about it.
    private mutating func lookUp(_ request: RequestedOrder) throws(ExecutionPending) -> Answer<OrderReport> {
        guard case .lookedUp(let answer) = try story.ask(.lookUp(request.plan.symbol, request.clientOrderID)) else {
            return .unknown(Unknown(reason: .notUnderstood, text: "no answer that speaks of an order"))
        }
        if case .accepted(let report) = answer, !report.matches(request) {
            return .unknown(Unknown(reason: .mismatch, text: ExecutionRules.otherOrder))
        }
        return answer
    }

    /// As the request was stamped for: closes may be on their way for longer.
    private func horizon(_ plan: OrderPlan) -> Milliseconds {
        let window =
            plan.canOnlyReduce ? Limits.recvWindowMillisecondsDefault : Limits.openingRecvWindowMillisecondsMax
        return Milliseconds(window) + policy.horizonMargin
    }

    private func notFound(_ request: RequestedOrder, _ rejection: Rejection) -> ExecutedLeg {
        let settled = SettledOrder(
            state: .notFoundAfterHorizon, exchangeOrderID: "", executed: .zero, averagePrice: nil,
            reason: "neither its id, nor open orders, trades, positions or the stream show it; \(rejection)".bounded)
        return ExecutedLeg(
            request: request, settled: settled, errorCode: Int32(clamping: rejection.code ?? 0),
            at: story.now)
    }

    /// Waits for its end; cancels its rest when it takes too long. An order that was seen once can only be followed:
    /// it never ends by not being found.
    /// - Parameter isGuarded: it was unknown. Its symbol stays guarded until its end.
    private mutating func follow(
        _ first: OrderReport, _ request: RequestedOrder, isGuarded: Bool
    ) throws(ExecutionPending) -> ExecutedLeg {
        var (report, seenAt, isGuarded) = (first, story.now, isGuarded)
        let patience = story.now + policy.orderWait
        var pauses = Pauses(at: story.now)
        if !report.status.isFinal, !isGuarded { try note([.outcome(outcome(request, report))]) }
        while !report.status.isFinal {
            try pause(pauses.next(at: story.now, notOver: patience))
            if story.now >= patience { _ = try story.ask(.cancel(request.plan.symbol, request.clientOrderID)) }
            if case .accepted(let next) = try lookUp(request), next.isLater(than: report) {
                (report, seenAt) = (next, story.now)
            } else if !isGuarded, story.now - seenAt > policy.horizonMargin {
                isGuarded = true
                try note([.outcome(outcome(request, .unknown, reason: "it was there, and is not shown any more"))])
            }
            try raiseWhereUnhedged(request)
        }
        let settled = SettledOrder(
            state: report.status.outcome, exchangeOrderID: String(report.orderID), executed: report.executedQuantity,
            averagePrice: report.averagePrice,
            reason: report.status == .filled ? "" : report.status.rawValue)
        return ExecutedLeg(request: request, settled: settled, errorCode: 0, at: story.now)
    }

    // MARK: Records

    mutating func note(_ notes: [ExecutionNote]) throws(ExecutionPending) { _ = try story.ask(.note(notes)) }

    /// What is known is in the log before anything is waited for: the wait may be for another leg, and long.
    mutating func pause(_ time: Milliseconds) throws(ExecutionPending) {
        if !unsaid.isEmpty { try note(unsaid.map { .outcome($0) }) }
        unsaid = []
        _ = try story.ask(.pause(time))
    }

    /// The trades of the order. Where the exchange does not show all of them in time, those that it shows: the feeds
    /// bring the rest; none is invented.
    mutating func fills(_ leg: ExecutedLeg) throws(ExecutionPending) -> [ExecutionNote] {
        guard !leg.settled.executed.isZero, let orderID = Int64(leg.settled.exchangeOrderID) else { return [] }
        var (trades, most): ([AccountTrade], ExactDecimal) = ([], .zero)
        var pauses = Pauses(at: story.now)
        for attempt in 1...ExecutionRules.tradesTriesMax {
            if case .trades(let found) = try story.ask(.trades(leg.request.plan.symbol, orderID: orderID)),
                found.allSatisfy({ $0.belongs(to: leg.request.plan, orderID) }),
                let sum = Sizing.sum(found.map(\.quantity)), sum > most
            {
                (trades, most) = (found, sum)
            }
            if most >= leg.settled.executed || attempt == ExecutionRules.tradesTriesMax { break }
            try pause(pauses.next(at: story.now))
        }
        return trades.flatMap { trade in
            trade.notes(policy, clientOrderID: leg.request.clientOrderID.text, of: leg.request.sequence)
        }
    }

    private func outcome(_ request: RequestedOrder, _ state: EventOutcomeState, reason: String) -> EventOrderOutcome {
        var outcome = EventOrderOutcome()
        outcome.requestSequence = request.sequence.rawValue
        outcome.symbol = request.plan.symbol.text
        outcome.clientOrderID = request.clientOrderID.text
        outcome.state = state
        outcome.errorText = reason.bounded
        return outcome
    }

    private func outcome(_ request: RequestedOrder, _ report: OrderReport) -> EventOrderOutcome {
        var outcome = outcome(request, report.status.outcome, reason: "")
        outcome.exchangeOrderID = String(report.orderID)
        outcome.executedQuantity = report.executedQuantity.event
        return outcome
    }
}

extension OrderReport {
    /// Whether this is that request's order. What can only reduce may have been cut down; nothing may have grown.
    fileprivate func matches(_ request: RequestedOrder) -> Bool {
        let plan = request.plan
        return clientOrderID == request.clientOrderID.text && symbol == plan.symbol.text && side == plan.side
            && positionSide == plan.positionSide
            && (plan.canOnlyReduce ? quantity <= plan.quantity : quantity == plan.quantity)
            && executedQuantity <= plan.quantity && (status != .filled || !executedQuantity.isZero)
    }

    /// Of the same order, and nothing is taken back: what was executed never falls, so this answer is not older.
    fileprivate func isLater(than before: OrderReport) -> Bool {
        orderID == before.orderID && executedQuantity >= before.executedQuantity
    }
}

extension AccountTrade {
    fileprivate func belongs(to plan: OrderPlan, _ order: Int64) -> Bool {
        orderID == order && symbol == plan.symbol.text && side == plan.side && positionSide == plan.positionSide
    }
}

extension OrderStatus {
    fileprivate var outcome: EventOutcomeState {
        switch self {
        case .new: .accepted
        case .partiallyFilled: .partiallyFilled
        case .filled: .filled
        case .canceled: .canceled
        case .rejected: .rejected
        case .expired, .expiredInMatch: .expired
        }
    }
}
