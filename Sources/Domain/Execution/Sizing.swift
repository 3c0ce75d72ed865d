// From an intent's size to orders that the exchange's filters allow: always rounded down, closes split where they are
// too large for one order, openings never. The account's own limits refuse; they never make an order smaller.

import Events
internal import Exchange
internal import Records

enum Planned {
    /// - Parameter left: what no order can close, for people; empty: nothing.
    case orders([OrderPlan], left: String)
    case refused(reason: String, detail: String)
}

/// What was asked for until there was an answer of the kind that was asked for.
enum Insisted<Value> {
    case answer(Value)
    case unanswered(String)
}

extension ExecutionRules {
    /// For how long an opening intent waits for an exchange that does not answer.
    static let patience: Milliseconds = 10_000

    mutating func planned(firstLeg: UInt32) throws(ExecutionPending) -> Planned {
        guard let symbol = SymbolName.known(intent.symbol) else {
            return .refused(reason: "no_instrument", detail: "\(intent.symbol) cannot be a symbol")
        }
        let side: OrderSide?
        switch intent.action {
        case .buy: side = .buy
        case .sell: side = .sell
        case .close: side = nil
        case .hold, .unspecified, .UNRECOGNIZED: return .refused(reason: "no_action", detail: "nothing that is known")
        }
        if isOpening, let refusal = try openingRefusal() { return refusal }
        let instrument: Instrument
        switch try rules(of: symbol) {
        case .found(let found): instrument = found
        case .refused(let reason, let detail): return .refused(reason: reason, detail: detail)
        }
        guard let side else { return try closing(symbol, instrument, firstLeg) }
        if isOpening { return try opening(symbol, instrument, side, firstLeg) }
        return try reducing(symbol, instrument, side, firstLeg)
    }

    /// Whether the intent may increase risk: as the guards see it, so what they let through is not refused here.
    var isOpening: Bool {
        if intent.action == .close || intent.reduceOnly { return false }
        if intent.action == .sell, intent.positionSide == .long { return false }
        return intent.action != .buy || intent.positionSide != .short
    }

    enum Rules {
        case found(Instrument)
        case refused(reason: String, detail: String)
    }

    mutating func rules(of symbol: SymbolName) throws(ExecutionPending) -> Rules {
        let answer = try insist(.instrument(symbol)) { answer -> Instrument?? in
            if case .instrument(let found) = answer { .some(found) } else { nil }
        }
        switch answer {
        case .answer(let found?):
            guard found.isTrading || !isOpening else {
                return .refused(reason: "not_trading", detail: "\(symbol) is \(found.status)")
            }
            return .found(found)
        case .answer(nil): return .refused(reason: "no_instrument", detail: "the exchange lists no \(symbol)")
        case .unanswered(let why): return .refused(reason: "exchange_unavailable", detail: why)
        }
    }

    mutating func price(of symbol: SymbolName) throws(ExecutionPending) -> Insisted<ExactDecimal> {
        try insist(.price(symbol)) { answer in
            guard case .price(let price) = answer, !price.isZero, !price.isNegative else { return nil }
            return price
        }
    }

    struct Holdings {
        let rows: [PositionReport]
        let isHedgeMode: Bool
    }

    mutating func holdings(of symbol: SymbolName) throws(ExecutionPending) -> Insisted<Holdings> {
        try insist(.holdings(symbol)) { answer in
            guard case .holdings(let rows, let isHedgeMode) = answer else { return nil }
            return Holdings(rows: rows.filter { $0.symbol == symbol.text }, isHedgeMode: isHedgeMode)
        }
    }

    /// Asks until there is an answer that can be used; where risk would be increased, not for long.
    mutating func insist<Value>(
        _ effect: ExecutionEffect, _ read: (ExecutionAnswer) -> Value?
    ) throws(ExecutionPending) -> Insisted<Value> {
        let end = story.now + ExecutionRules.patience
        var pauses = Pauses(at: story.now)
        while true {
            let answer = try story.ask(effect)
            if let value = read(answer) { return .answer(value) }
            if isOpening, story.now >= end {
                guard case .unanswered(let why) = answer else { return .unanswered("no usable answer") }
                return .unanswered(why)
            }
            try pause(min(pauses.next(at: story.now), Pauses.most))
        }
    }

    // MARK: What refuses before anything is asked of the exchange

    mutating func openingRefusal() throws(ExecutionPending) -> Planned? {
        let age = story.now - record.recordedAt
        if age > policy.intentAgeMax {
            return .refused(reason: "stale_intent", detail: "it is \(age) ms old, \(policy.intentAgeMax) are allowed")
        }
        if intent.leverage > policy.leverageMax {
            return .refused(
                reason: "leverage_over_limit", detail: "\(intent.leverage) × is over \(policy.leverageMax) ×")
        }
        guard let most = policy.ordersPerMinuteMax else { return nil }
        guard case .count(let count) = try story.ask(.ordersOfTheLastMinute) else {
            return .refused(reason: "rate_over_limit", detail: "how many orders there were is not known")
        }
        if count <= most - (intent.hasPair ? 2 : 1) { return nil }
        return .refused(reason: "rate_over_limit", detail: "\(count) orders in the last minute, \(most) are allowed")
    }

    // MARK: One order that may increase risk

    private mutating func opening(
        _ symbol: SymbolName, _ instrument: Instrument, _ side: OrderSide, _ leg: UInt32
    ) throws(ExecutionPending) -> Planned {
        let positionSide: PositionSide
        switch intent.positionSide {
        case .long: positionSide = .long
        case .short: positionSide = .short
        case .both, .unspecified: positionSide = .both
        case .UNRECOGNIZED: return .refused(reason: "no_position_side", detail: "one that is not known")
        }
        let price: ExactDecimal
        switch try self.price(of: symbol) {
        case .answer(let found): price = found
        case .unanswered(let why): return .refused(reason: "exchange_unavailable", detail: why)
        }
        let quantity: ExactDecimal
        switch sized(instrument, price, notionalMin: instrument.notionalMin) {
        case .quantity(let found): quantity = found
        case .refused(let reason, let detail): return .refused(reason: reason, detail: detail)
        }
        let plan = OrderPlan(
            leg: leg, symbol: symbol, side: side, positionSide: positionSide, quantity: quantity, reduceOnly: false,
            price: price)
        if let refusal = try limitRefusal(plan, price) { return refusal }
        if let refusal = try leverageRefusal(symbol) { return refusal }
        return .orders([plan], left: "")
    }

    enum Sized {
        case quantity(ExactDecimal)
        case refused(reason: String, detail: String)
    }

    /// What the intent wants, down to a step.
    func sized(
        _ instrument: Instrument, _ price: ExactDecimal?, atMost most: ExactDecimal? = nil,
        notionalMin: ExactDecimal? = nil
    ) -> Sized {
        do throws(SizeError) {
            guard let wanted = try Sizing.wanted(intent, price) else {
                return .refused(reason: "size_out_of_range", detail: "no price for a size in dollars")
            }
            return sized(most.map { min(wanted, $0) } ?? wanted, instrument, price, notionalMin: notionalMin)
        } catch {
            return .refused(reason: "size_out_of_range", detail: error.text)
        }
    }

    /// - Parameter notionalMin: nil where it can only reduce.
    func sized(
        _ wanted: ExactDecimal, _ instrument: Instrument, _ price: ExactDecimal?, notionalMin: ExactDecimal?
    ) -> Sized {
        let rule = instrument.marketQuantity
        do throws(SizeError) {
            guard !wanted.isNegative, let quantity = try Sizing.floored(wanted, rule), !quantity.isZero else {
                return .refused(reason: "below_minimum", detail: "\(wanted) is under \(max(rule.minimum, rule.step))")
            }
            guard rule.maximum.isZero || quantity <= rule.maximum else {
                return .refused(reason: "above_maximum", detail: "\(quantity) is over \(rule.maximum) of one order")
            }
            if let price, let least = notionalMin {
                let notional = try Sizing.product(price, quantity)
                guard notional >= ExactSum(least) else {
                    return .refused(reason: "below_minimum", detail: "worth \(notional), \(least) are needed")
                }
            }
            return .quantity(quantity)
        } catch {
            return .refused(reason: "size_out_of_range", detail: error.text)
        }
    }

    // MARK: The account's own limits

    mutating func limitRefusal(_ plan: OrderPlan, _ price: ExactDecimal) throws(ExecutionPending) -> Planned? {
        do throws(SizeError) {
            let worth = try Sizing.product(price, plan.quantity)
            if let most = policy.orderUSDMax, worth > ExactSum(most) {
                return .refused(reason: "order_over_limit", detail: "worth \(worth), \(most) are allowed")
            }
        } catch {
            return .refused(reason: "size_out_of_range", detail: error.text)
        }
        guard let most = policy.positionUSDMax else { return nil }
        guard case .answer(let holdings) = try holdings(of: plan.symbol) else {
            return .refused(reason: "exchange_unavailable", detail: "its positions are not known")
        }
        do throws(SizeError) {
            let held = holdings.rows.first { $0.positionSide == plan.positionSide }?.quantity ?? .zero
            let after = try Sizing.adding(held, plan.side == .buy ? plan.quantity : plan.quantity.negated)
            let worth = try Sizing.product(price, after)
            guard worth.magnitude <= ExactSum(most) || after.magnitude < held.magnitude else {
                return .refused(
                    reason: "position_over_limit", detail: "it would be worth \(worth.magnitude), \(most) are allowed")
            }
            return nil
        } catch {
            return .refused(reason: "size_out_of_range", detail: error.text)
        }
    }

    private mutating func leverageRefusal(_ symbol: SymbolName) throws(ExecutionPending) -> Planned? {
        guard intent.leverage > 0 else { return nil }
        let answer = try insist(.leverage(symbol, Int(intent.leverage))) { answer -> String?? in
            switch answer {
            case .done: .some(nil)
            case .declined(let why): .some(why)
            default: nil
            }
        }
        switch answer {
        case .answer(nil): return nil
        case .answer(let why?): return .refused(reason: "leverage_refused", detail: why)
        case .unanswered(let why): return .refused(reason: "exchange_unavailable", detail: why)
        }
    }
}
