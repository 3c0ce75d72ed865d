// The rules of an intent with one symbol: how it begins, how its orders follow each other, how it ends. Each line that
// asks something is answered by the story, or is the next step. Pairs are in PairRules, the life of one order in
// OrderRules, sizes in Sizing.

internal import Events
internal import Exchange
internal import Records

struct ExecutionRules {
    let intent: EventTradeIntent
    let record: IntentToExecute
    let policy: ExecutionPolicy
    var story: ExecutionStory
    /// `reducing` was raised for a leg that is not known.
    var hasRaised = false
    /// Final outcomes that are known, and not in the log yet.
    var unsaid: [EventOrderOutcome] = []

    init(_ record: IntentToExecute, _ policy: ExecutionPolicy, _ story: ExecutionStory) {
        self.record = record
        intent = record.intent
        self.policy = policy
        self.story = story
    }

    mutating func run() throws(ExecutionPending) {
        let end = intent.hasPair ? try pair() : try single()
        // Before the trades are asked for, which takes time: what stands alone stops new risk at once.
        if let detail = end.reducing { try note([.reducing(ExecutionRules.unhedged(detail))]) }
        var fills: [ExecutionNote] = []
        for leg in end.legs { fills += try self.fills(leg) }
        _ = try story.ask(.conclude(unsaid.map { .outcome($0) } + fills, result(end)))
    }

    // MARK: One symbol

    private mutating func single() throws(ExecutionPending) -> ExecutionEnd {
        var legs: [ExecutedLeg] = []
        for request in record.requests { legs.append(try settle(request, stampedBefore: record.takenOverAt)) }
        // A close goes on with what is still open; anything else was one order.
        if !legs.isEmpty, intent.action != .close { return ended(legs) }
        if record.isBeforeRestore { return beforeRestore(legs) }
        let before = legs.count
        let firstLeg = (legs.map(\.request.plan.leg).max() ?? 0) + 1
        switch try planned(firstLeg: firstLeg) {
        case .refused(let reason, let detail):
            if legs.isEmpty { return ExecutionEnd(.rejected, reason, detail) }
            // Flat is what it was for, whatever its orders say.
            if reason == "nothing_to_close" { return ended(legs, from: before) }
            return ended(legs, rest: "\(reason): \(detail)")
        case .orders(let plans, let left):
            for plan in plans {
                switch try execute(plan) {
                case .settled(let leg): legs.append(leg)
                case .refused(let reason, let detail):
                    if legs.isEmpty { return ExecutionEnd(.rejected, reason, detail) }
                    return ended(legs, from: before, rest: "\(reason): \(detail)")
                }
            }
            return ended(legs, from: before, rest: left)
        }
    }

    /// Orders that are not in this log may have been sent for it, under names that only the old log could give.
    static let beforeRestore = "before_restore"
    static let beforeRestoreDetail =
        "it is from before a restore: whether it was executed is not known here, and no order is made for it"

    private func beforeRestore(_ legs: [ExecutedLeg]) -> ExecutionEnd {
        guard !legs.isEmpty else {
            return ExecutionEnd(.failed, ExecutionRules.beforeRestore, ExecutionRules.beforeRestoreDetail)
        }
        return ended(legs, rest: "\(ExecutionRules.beforeRestore): \(ExecutionRules.beforeRestoreDetail)")
    }

    /// - Parameter from: where the legs begin that were sized by what was there in the end: theirs is the last word.
    /// - Parameter rest: what no leg was for.
    private func ended(_ legs: [ExecutedLeg], from first: Int = 0, rest: String = "") -> ExecutionEnd {
        let side = legs[0].request.plan.side
        let last = legs[first...]
        let isExecuted = legs.contains { !$0.settled.executed.isZero }
        let lost = (isExecuted ? last : legs[...]).first { $0.settled.state == .notFoundAfterHorizon }
        if let lost {
            return ExecutionEnd(.failed, "not_found_after_horizon", lost.settled.reason, legs, side)
        }
        guard isExecuted else {
            let first = legs[0].settled
            let isRefused = first.state == .rejected
            return ExecutionEnd(
                isRefused ? .rejected : .failed, isRefused ? "exchange_refused" : "unfilled", first.reason, legs, side)
        }
        var open = last.filter { $0.settled.executed < $0.request.plan.quantity }.map {
            "\($0.settled.executed) of \($0.request.plan.quantity) \($0.settled.reason)"
        }
        if !rest.isEmpty { open.append(rest) }
        guard !open.isEmpty else { return ExecutionEnd(.filled, "", "", legs, side) }
        // A close that closed in part has not closed.
        return ExecutionEnd(
            intent.action == .close ? .failed : .filled, "partial", open.joined(separator: ", "), legs, side)
    }

    // MARK: The record of the end

    private func result(_ end: ExecutionEnd) -> EventExecutionResult {
        var result = EventExecutionResult()
        result.intentSequence = record.sequence.rawValue
        result.symbol = intent.symbol
        result.side = end.side.map { $0 == .buy ? .buy : .sell } ?? intent.action.side
        result.state = end.state
        result.reason = end.detail.isEmpty ? end.reason : "\(end.reason): \(end.detail)".bounded
        if intent.hasPair { result.pair = intent.pair }
        if let exposure = end.unhedged { result.unhedgedQuantityMs = exposure.event }
        guard let first = end.legs.first else { return result }
        result.orderID = first.settled.exchangeOrderID
        let own = end.legs.filter { $0.request.plan.symbol == first.request.plan.symbol && !$0.isUndoing }
        if let total = Sizing.sum(own.map(\.settled.executed)) { result.filledQuantity = total.event }
        if own.count == 1, let price = first.settled.averagePrice { result.averagePrice = price.event }
        return result
    }

    static func unhedged(_ detail: String) -> EventReducingRaised {
        var raised = EventReducingRaised()
        raised.cause = "unhedged"
        raised.detail = detail.bounded
        return raised
    }
}

/// How an intent ends, before it is a record.
struct ExecutionEnd {
    var state: EventTerminalState
    /// One word.
    var reason: String
    /// For people.
    var detail: String
    var legs: [ExecutedLeg]
    /// Nil: the intent's own.
    var side: OrderSide?
    /// Why risk may not be increased any more; nil: it may.
    var reducing: String?
    var unhedged: ExactDecimal?

    init(
        _ state: EventTerminalState, _ reason: String, _ detail: String, _ legs: [ExecutedLeg] = [],
        _ side: OrderSide? = nil
    ) {
        self.state = state
        self.reason = reason
        self.detail = detail
        self.legs = legs
        self.side = side
    }
}

extension EventAction {
    var side: EventSide {
        switch self {
        case .buy: .buy
        case .sell: .sell
        case .close, .hold, .unspecified, .UNRECOGNIZED: .unspecified
        }
    }
}

extension String {
    /// Fit for a reason's field, whoever said it: a record that the log refuses would be an intent without an end.
    var bounded: String { ForeignText.tame(self) }
}
