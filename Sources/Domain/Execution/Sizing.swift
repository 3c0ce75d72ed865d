// From an intent's size to orders that the exchange's filters allow: always rounded down, closes split where they are
// too large for one order, openings never. The account's own limits refuse; they never make an order smaller.

import Events
internal import Exchange
internal import Records

enum Planned {
    case orders([OrderPlan])
    case refused(reason: String, detail: String)
}

extension ExecutionRules {
    /// For how long an opening intent waits for an exchange that does not answer.
    private static let patience: Milliseconds = 10_000

    mutating func planned(firstLeg: UInt32) throws(ExecutionPending) -> Planned {
        guard let symbol = SymbolName.known(intent.symbol) else {
            return .refused(reason: "no_instrument", detail: "\(intent.symbol) cannot be a symbol")
        }
        if isOpening, let refusal = try openingRefusal() { return refusal }
        let instrument: Instrument
        switch try rules(of: symbol) {
        case .found(let found): instrument = found
        case .refused(let reason, let detail): return .refused(reason: reason, detail: detail)
        }
        if intent.action == .close { return try closing(symbol, instrument, firstLeg) }
        return try trading(symbol, instrument, firstLeg)
    }

    /// Whether the intent may increase risk.
    private var isOpening: Bool { intent.action != .close && !intent.reduceOnly }

    enum Rules {
        case found(Instrument)
        case refused(reason: String, detail: String)
    }

    mutating func rules(of symbol: SymbolName) throws(ExecutionPending) -> Rules {
        switch try insist(.instrument(symbol)) {
        case .instrument(let found?):
            guard found.isTrading || !isOpening else {
                return .refused(reason: "not_trading", detail: "\(symbol) is \(found.status)")
            }
            return .found(found)
        case .instrument(nil): return .refused(reason: "no_instrument", detail: "the exchange lists no \(symbol)")
        case .unanswered(let why): return .refused(reason: "exchange_unavailable", detail: why)
        case let other: preconditionFailure("no answer about an instrument: \(other)")
        }
    }

    /// Asks until there is an answer; where risk would be increased, not for long.
    mutating func insist(_ effect: ExecutionEffect) throws(ExecutionPending) -> ExecutionAnswer {
        let began = story.now
        var pause: Milliseconds = 200
        while true {
            let answer = try story.ask(effect)
            guard case .unanswered = answer else { return answer }
            if isOpening, story.now - began >= ExecutionRules.patience { return answer }
            _ = try story.ask(.pause(pause))
            pause = min(pause * 2, 5_000)
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
        guard case .count(let count) = try story.ask(.ordersOfTheLastMinute) else { preconditionFailure("no count") }
        if count < most { return nil }
        return .refused(reason: "rate_over_limit", detail: "\(count) orders in the last minute, \(most) are allowed")
    }

    // MARK: One order that trades

    private mutating func trading(
        _ symbol: SymbolName, _ instrument: Instrument, _ leg: UInt32
    ) throws(ExecutionPending) -> Planned {
        let side: OrderSide = intent.action == .buy ? .buy : .sell
        let positionSide: PositionSide
        switch intent.positionSide {
        case .long: positionSide = .long
        case .short: positionSide = .short
        case .both, .unspecified, .UNRECOGNIZED: positionSide = .both
        }
        // In hedge mode the sides say what reduces, and the flag is not sent.
        if intent.reduceOnly, positionSide != .both, (positionSide == .long) != (side == .sell) {
            return .refused(reason: "cannot_reduce", detail: "\(side.rawValue) of \(positionSide.rawValue) opens")
        }
        let price: ExactDecimal
        switch try insist(.price(symbol)) {
        case .price(let found): price = found
        case .unanswered(let why): return .refused(reason: "exchange_unavailable", detail: why)
        case let other: preconditionFailure("no price: \(other)")
        }
        let quantity: ExactDecimal
        switch sized(instrument, price) {
        case .quantity(let found): quantity = found
        case .refused(let reason, let detail): return .refused(reason: reason, detail: detail)
        }
        if isOpening {
            if let refusal = try limitRefusal(symbol, side, positionSide, quantity, price, instrument) {
                return refusal
            }
            if let refusal = try leverageRefusal(symbol) { return refusal }
        }
        return .orders([
            OrderPlan(
                leg: leg, symbol: symbol, side: side, positionSide: positionSide, quantity: quantity,
                reduceOnly: intent.reduceOnly, price: price)
        ])
    }

    enum Sized {
        case quantity(ExactDecimal)
        case refused(reason: String, detail: String)
    }

    /// Down to a step.
    func sized(_ instrument: Instrument, _ price: ExactDecimal) -> Sized {
        let rule = instrument.marketQuantity
        do throws(SizeError) {
            let wanted = try Sizing.wanted(intent, price)
            guard let quantity = try Sizing.floored(wanted, rule), !quantity.isZero else {
                return .refused(reason: "below_minimum", detail: "\(wanted) is under \(rule.minimum)")
            }
            guard rule.maximum.isZero || quantity <= rule.maximum else {
                return .refused(reason: "above_maximum", detail: "\(quantity) is over \(rule.maximum) of one order")
            }
            if !intent.reduceOnly, let least = instrument.notionalMin {
                let notional = try Sizing.product(price, quantity)
                guard notional >= ExactSum(least) else {
                    return .refused(reason: "below_minimum", detail: "worth \(notional), \(least) are needed")
                }
            }
            return .quantity(quantity)
        } catch {
            return .refused(reason: "size_out_of_range", detail: "\(error.text)")
        }
    }

    private mutating func limitRefusal(
        _ symbol: SymbolName, _ side: OrderSide, _ positionSide: PositionSide, _ quantity: ExactDecimal,
        _ price: ExactDecimal, _ instrument: Instrument
    ) throws(ExecutionPending) -> Planned? {
        do throws(SizeError) {
            let worth = try Sizing.product(price, quantity)
            if let most = policy.orderUSDMax, worth > ExactSum(most) {
                return .refused(reason: "order_over_limit", detail: "worth \(worth), \(most) are allowed")
            }
        } catch {
            return .refused(reason: "size_out_of_range", detail: error.text)
        }
        guard let most = policy.positionUSDMax else { return nil }
        guard case .holdings(let rows, _) = try insist(.holdings(symbol)) else {
            return .refused(reason: "exchange_unavailable", detail: "its positions are not known")
        }
        do throws(SizeError) {
            let held = rows.first { $0.symbol == symbol.text && $0.positionSide == positionSide }?.quantity ?? .zero
            let after = try Sizing.adding(held, side == .buy ? quantity : quantity.negated)
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
        switch try insist(.leverage(symbol, Int(intent.leverage))) {
        case .done: return nil
        case .declined(let why): return .refused(reason: "leverage_refused", detail: why)
        case .unanswered(let why): return .refused(reason: "exchange_unavailable", detail: why)
        case let other: preconditionFailure("no answer to a leverage: \(other)")
        }
    }

    // MARK: A close: whatever is there, in as many orders as it takes

    private mutating func closing(
        _ symbol: SymbolName, _ instrument: Instrument, _ firstLeg: UInt32
    ) throws(ExecutionPending) -> Planned {
        guard case .holdings(let rows, _) = try insist(.holdings(symbol)) else { preconditionFailure("no holdings") }
        var plans: [OrderPlan] = []
        let wanted = intent.positionSide.wanted
        for row in rows where row.symbol == symbol.text && !row.quantity.isZero {
            guard wanted == nil || row.positionSide == wanted else { continue }
            let side: OrderSide = row.quantity.isNegative ? .buy : .sell
            for part in Sizing.parts(row.quantity.magnitude, instrument.marketQuantity) {
                plans.append(
                    OrderPlan(
                        leg: firstLeg + UInt32(plans.count), symbol: symbol, side: side,
                        positionSide: row.positionSide, quantity: part, reduceOnly: true, holding: row.quantity))
            }
        }
        guard !plans.isEmpty else { return .refused(reason: "nothing_to_close", detail: "\(symbol) is flat") }
        return .orders(plans)
    }
}

extension EventPositionSide {
    /// Nil: whatever is there.
    fileprivate var wanted: PositionSide? {
        switch self {
        case .both: .both
        case .long: .long
        case .short: .short
        case .unspecified, .UNRECOGNIZED: nil
        }
    }
}
