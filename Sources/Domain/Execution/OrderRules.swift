// The life of one order, from its request to its final outcome. What the exchange does not answer for certain is
// unknown, and unknown is resolved by asking, for as long as it takes; nothing in here sends twice.

internal import Events
internal import Exchange
internal import Records

/// A request with its final outcome.
struct ExecutedLeg {
    let request: RequestedOrder
    let settled: SettledOrder
    /// Its outcome and fills stand in the log.
    let isRecorded: Bool
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
    private static let pauseFirst: Milliseconds = 100
    private static let pauseMax: Milliseconds = 5_000
    private static let tradesTriesMax = 8

    /// Requests the order and sends it, once.
    mutating func execute(_ plan: OrderPlan) throws(ExecutionPending) -> LegEnd {
        switch try story.ask(.request(plan)) {
        case .requestRefused(let reason, let detail): return .refused(reason: reason, detail: detail)
        case .stoodAlready(let request): return .settled(try settle(request))
        case .committed(let request): return .settled(try place(request))
        case let other: preconditionFailure("no answer to a request: \(other)")
        }
    }

    private mutating func place(_ request: RequestedOrder) throws(ExecutionPending) -> ExecutedLeg {
        guard case .placed(let answer) = try story.ask(.place(request)) else {
            preconditionFailure("no answer to place")
        }
        switch answer {
        case .accepted(let report): return try follow(report, request)
        case .rejected(let rejection):
            return refused(request, rejection.description, code: Int32(clamping: rejection.code ?? 0))
        case .throttled(let throttling): return refused(request, "throttled: \(throttling)")
        case .notSent(let reason): return refused(request, "not_sent: \(reason)")
        case .unknown(let unknown): return try resolve(request, since: story.now, unknown.description)
        }
    }

    /// A request that another process committed, which is dead: nobody knows whether it was sent.
    mutating func settle(_ request: RequestedOrder) throws(ExecutionPending) -> ExecutedLeg {
        if let settled = request.settled {
            return ExecutedLeg(
                request: request, settled: settled, isRecorded: true, errorCode: 0, at: request.requestedAt)
        }
        return try resolve(request, since: story.now, "its process ended before its outcome was recorded")
    }

    private func refused(_ request: RequestedOrder, _ reason: String, code: Int32 = 0) -> ExecutedLeg {
        let settled = SettledOrder(
            state: .rejected, exchangeOrderID: "", executed: .zero, averagePrice: nil, reason: reason.bounded)
        return ExecutedLeg(request: request, settled: settled, isRecorded: false, errorCode: code, at: story.now)
    }

    // MARK: Asking

    /// - Parameter since: no later could it have been stamped.
    private mutating func resolve(
        _ request: RequestedOrder, since: Milliseconds, _ why: String
    ) throws(ExecutionPending) -> ExecutedLeg {
        try note([.outcome(outcome(request, .unknown, reason: why))])
        var pause = ExecutionRules.pauseFirst
        while true {
            switch try lookUp(request) {
            case .accepted(let report): return try follow(report, request)
            case .rejected(let rejection) where rejection.kind == .notFound && story.now >= since + horizon(request):
                if case .notSeen = try story.ask(.witnesses(request)) { return notFound(request, rejection) }
            case .rejected, .throttled, .unknown, .notSent: break
            }
            try raiseWhereUnhedged(request)
            _ = try story.ask(.pause(pause))
            pause = min(pause * 2, ExecutionRules.pauseMax)
        }
    }

    /// What does not match the request is not an answer about it.
    private mutating func lookUp(_ request: RequestedOrder) throws(ExecutionPending) -> Answer<OrderReport> {
        let plan = request.plan
        guard case .lookedUp(let answer) = try story.ask(.lookUp(plan.symbol, request.clientOrderID)) else {
            preconditionFailure("no answer to a look-up")
        }
        if case .accepted(let report) = answer, !report.matches(plan) {
            return .unknown(Unknown(reason: .mismatch, text: "what is there under its id is another order"))
        }
        return answer
    }

    private func horizon(_ request: RequestedOrder) -> Milliseconds {
        let window =
            request.plan.reduceOnly ? Limits.recvWindowMillisecondsDefault : Limits.openingRecvWindowMillisecondsMax
        return Milliseconds(window) + policy.horizonMargin
    }

    private func notFound(_ request: RequestedOrder, _ rejection: Rejection) -> ExecutedLeg {
        let settled = SettledOrder(
            state: .notFoundAfterHorizon, exchangeOrderID: "", executed: .zero, averagePrice: nil,
            reason: "neither its id, nor open orders, trades, positions or the stream show it; \(rejection)".bounded)
        return ExecutedLeg(
            request: request, settled: settled, isRecorded: false, errorCode: Int32(clamping: rejection.code ?? 0),
            at: story.now)
    }

    /// Waits for its end; cancels its rest when it takes too long.
    private mutating func follow(
        _ first: OrderReport, _ request: RequestedOrder
    ) throws(ExecutionPending) -> ExecutedLeg {
        var report = first
        var pause = ExecutionRules.pauseFirst
        let began = story.now
        if !report.status.isFinal { try note([.outcome(outcome(request, report))]) }
        while !report.status.isFinal {
            if story.now - began >= policy.orderWait {
                _ = try story.ask(.cancel(request.plan.symbol, request.clientOrderID))
            } else {
                _ = try story.ask(.pause(pause))
            }
            if case .accepted(let next) = try lookUp(request) {
                report = next
            } else {
                _ = try story.ask(.pause(pause))
            }
            pause = min(pause * 2, ExecutionRules.pauseMax)
        }
        let settled = SettledOrder(
            state: report.status.outcome, exchangeOrderID: String(report.orderID), executed: report.executedQuantity,
            averagePrice: report.averagePrice,
            reason: report.status == .filled ? "" : report.status.rawValue)
        return ExecutedLeg(request: request, settled: settled, isRecorded: false, errorCode: 0, at: story.now)
    }

    // MARK: Records

    mutating func note(_ notes: [ExecutionNote]) throws(ExecutionPending) { _ = try story.ask(.note(notes)) }

    /// A leg's outcome and its fills.
    mutating func notesOf(_ leg: ExecutedLeg) throws(ExecutionPending) -> [ExecutionNote] {
        var final = outcome(leg.request, leg.settled.state, reason: leg.settled.reason)
        final.exchangeOrderID = leg.settled.exchangeOrderID
        final.executedQuantity = leg.settled.executed.event
        if let price = leg.settled.averagePrice { final.averagePrice = price.event }
        final.errorCode = leg.errorCode
        return [.outcome(final)] + (try fills(leg))
    }

    /// The trades of the order. Where the exchange does not show all of them in time, those that it shows: the feeds
    /// bring the rest; none is invented.
    private mutating func fills(_ leg: ExecutedLeg) throws(ExecutionPending) -> [ExecutionNote] {
        guard !leg.settled.executed.isZero, let orderID = Int64(leg.settled.exchangeOrderID) else { return [] }
        var trades: [AccountTrade] = []
        var pause = ExecutionRules.pauseFirst
        for _ in 0..<ExecutionRules.tradesTriesMax {
            if case .trades(let found) = try story.ask(.trades(leg.request.plan.symbol, orderID: orderID)) {
                trades = found
                if Sizing.sum(trades.map(\.quantity)) == leg.settled.executed { break }
            }
            _ = try story.ask(.pause(pause))
            pause = min(pause * 2, ExecutionRules.pauseMax)
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
    /// Whether this is the order of that plan. What can only reduce may have been cut down.
    fileprivate func matches(_ plan: OrderPlan) -> Bool {
        symbol == plan.symbol.text && side == plan.side && positionSide == plan.positionSide
            && (plan.reduceOnly ? quantity <= plan.quantity : quantity == plan.quantity)
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
