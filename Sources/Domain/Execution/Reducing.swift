// What can only reduce: its sizes come from what the exchange says is there, never from memory, and its orders from
// where it is. Nothing in here may refuse for a limit of the account: those are for risk that grows.

internal import Events
internal import Exchange
internal import Records

extension ExecutionRules {
    // MARK: One order that can only reduce: never more than there is, which the exchange would refuse

    mutating func reducing(
        _ symbol: SymbolName, _ instrument: Instrument, _ side: OrderSide, _ leg: UInt32
    ) throws(ExecutionPending) -> Planned {
        let closed: EventPositionSide = side == .sell ? .long : .short
        guard intent.positionSide.isVague || intent.positionSide == closed else {
            return .refused(reason: "cannot_reduce", detail: "\(side.rawValue) opens what it names")
        }
        // The price sizes what is given in dollars, and nothing else here: an exit does not wait for it.
        var price: ExactDecimal?
        if !intent.hasQuantity, case .answer(let found) = try self.price(of: symbol) { price = found }
        guard case .answer(let holdings) = try holdings(of: symbol) else {
            return .refused(reason: "exchange_unavailable", detail: "its positions are not known")
        }
        // In hedge mode the sides name the leg that they reduce.
        let place: PositionSide = !holdings.isHedgeMode ? .both : side == .sell ? .long : .short
        let held = holdings.rows.first { $0.positionSide == place }?.quantity ?? .zero
        guard !held.isZero, held.isNegative == (side == .buy) else {
            return .refused(reason: "nothing_to_reduce", detail: "\(held) \(symbol) \(place.rawValue)")
        }
        switch sized(instrument, price, atMost: held.magnitude) {
        case .refused(let reason, let detail): return .refused(reason: reason, detail: detail)
        case .quantity(let quantity):
            let plan = OrderPlan(
                leg: leg, symbol: symbol, side: side, positionSide: place, quantity: quantity, reduceOnly: true,
                price: price, holding: held)
            return .orders([plan], left: "")
        }
    }

    // MARK: A close: whatever is there, in as many orders as it takes

    mutating func closing(
        _ symbol: SymbolName, _ instrument: Instrument, _ firstLeg: UInt32
    ) throws(ExecutionPending) -> Planned {
        guard case .answer(let holdings) = try holdings(of: symbol) else {
            return .refused(reason: "exchange_unavailable", detail: "its positions are not known")
        }
        var (plans, left): ([OrderPlan], [String]) = ([], [])
        for row in holdings.rows where !row.quantity.isZero && intent.positionSide.names(row) {
            do throws(SizeError) {
                let parts = try Sizing.parts(row.quantity.magnitude, instrument.marketQuantity)
                plans += parts.sizes.enumerated().map { place, size in
                    closing(row, symbol, size, firstLeg + UInt32(plans.count + place))
                }
                if !parts.left.isZero { left.append("\(parts.left) \(symbol) are left: no order can hold them") }
            } catch {
                left.append("\(row.quantity) \(symbol) are left: \(error.text)")
            }
        }
        if !plans.isEmpty { return .orders(plans, left: left.joined(separator: ", ")) }
        if !left.isEmpty { return .refused(reason: "below_minimum", detail: left.joined(separator: ", ")) }
        return .refused(reason: "nothing_to_close", detail: "there is no such position of \(symbol)")
    }

    private func closing(
        _ row: PositionReport, _ symbol: SymbolName, _ size: ExactDecimal, _ leg: UInt32
    ) -> OrderPlan {
        OrderPlan(
            leg: leg, symbol: symbol, side: row.quantity.isNegative ? .buy : .sell, positionSide: row.positionSide,
            quantity: size, reduceOnly: true, holding: row.quantity)
    }
}

extension EventPositionSide {
    /// Whatever the sides say.
    fileprivate var isVague: Bool {
        switch self {
        case .both, .unspecified: true
        case .long, .short, .UNRECOGNIZED: false
        }
    }

    /// Whether a close means this row. In one-way mode a long is what is greater than zero.
    fileprivate func names(_ row: PositionReport) -> Bool {
        switch self {
        case .both, .unspecified: true
        case .long: !row.quantity.isNegative
        case .short: row.quantity.isNegative
        case .UNRECOGNIZED: false
        }
    }
}
