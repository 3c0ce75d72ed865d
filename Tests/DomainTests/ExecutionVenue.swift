// An exchange with a script: what happens to the first order, the second, … and how much of it is told. It holds the
// positions that its trades make, and refuses what could only reduce where there is nothing to reduce.

import Events
import Records

@testable import Domain
@testable import Exchange

/// What becomes of one order.
struct Placement {
    enum Told: CaseIterable { case wholly, lost, otherOrder, rejected, throttled, notSent }

    /// Of its quantity that trades, in percent.
    var share = 100
    var told = Told.wholly
    /// Where it is told as lost: whether it arrived.
    var arrives = true
    /// Milliseconds until it is final; until then it may be cancelled.
    var restsFor: Milliseconds = 0
    /// Milliseconds until look-ups show it.
    var shownAfter: Milliseconds = 0
}

struct ScriptedVenue {
    struct Order {
        let id: Int64
        let request: RequestedOrder
        let at: Milliseconds
        let placement: Placement
        let quantity: ExactDecimal
        let executed: ExactDecimal
        var isCanceled = false

        func status(at now: Milliseconds) -> String {
            if isCanceled { return "CANCELED" }
            if now < at + placement.restsFor { return executed.isZero ? "NEW" : "PARTIALLY_FILLED" }
            return executed == quantity ? "FILLED" : "EXPIRED"
        }
    }

    var instruments = [Sample.btc: Sample.instrument(Sample.btc), Sample.eth: Sample.instrument(Sample.eth)]
    var prices = [Sample.btc: decimal("100"), Sample.eth: decimal("50")]
    var isHedgeMode = false
    private(set) var positions: [Place: ExactDecimal] = [:]
    private(set) var orders: [Order] = []
    /// For the orders to come, the first first; those after them are filled.
    var script: [Placement] = []
    /// Between them nothing that is asked is answered.
    var isDeafFrom: Milliseconds = 0
    var isDeafUntil: Milliseconds = 0
    /// Milliseconds from the order until its trades are listed.
    var tradesShownAfter: Milliseconds = 0
    /// Members of every look-up's report that are other than they should be.
    var lies: [String: String] = [:]
    /// Whether a trade of somebody else stands in every list of trades.
    var isMixingTrades = false
    var leverageAnswer = ExecutionAnswer.done

    struct Place: Hashable {
        let symbol: SymbolName
        let side: PositionSide
    }

    mutating func hold(_ symbol: SymbolName, _ side: PositionSide, _ quantity: String) {
        positions[Place(symbol: symbol, side: side)] = decimal(quantity)
    }

    func held(_ symbol: SymbolName, _ side: PositionSide = .both) -> ExactDecimal {
        positions[Place(symbol: symbol, side: side)] ?? .zero
    }

    // MARK: Asked

    func rows(_ symbol: SymbolName) -> [PositionReport] {
        let sides: [PositionSide] = isHedgeMode ? [.long, .short] : [.both]
        return sides.filter { !held(symbol, $0).isZero }.map { Sample.position(symbol, $0, held(symbol, $0)) }
    }

    func isDeaf(at now: Milliseconds) -> Bool { now >= isDeafFrom && now < isDeafUntil }

    func lookUp(_ id: ClientOrderID, at now: Milliseconds) -> Answer<OrderReport> {
        if isDeaf(at: now) { return .unknown(Unknown(reason: .timedOut, text: "deaf")) }
        let found = orders.last { $0.request.clientOrderID == id && now >= $0.at + $0.placement.shownAfter }
        guard let found else {
            return .rejected(Rejection(kind: .notFound, status: 400, code: -2013, text: "Order does not exist."))
        }
        return .accepted(report(found, at: now, lies))
    }

    func isSeen(_ id: ClientOrderID) -> Bool { orders.contains { $0.request.clientOrderID == id } }

    func trades(_ id: Int64, at now: Milliseconds) -> [AccountTrade] {
        guard let order = orders.first(where: { $0.id == id }), !order.executed.isZero,
            now >= order.at + tradesShownAfter
        else { return [] }
        let half = ScriptedVenue.part(order.executed, percent: 50)
        let sizes = half.isZero ? [order.executed] : [half, Sizing.sum([order.executed, half.negated])!]
        let own = sizes.enumerated().map { place, size in
            Sample.trade(order.request.plan, order: id, id: id * 10 + Int64(place), size)
        }
        return isMixingTrades ? own + [Sample.trade(order.request.plan, order: id + 1, id: 999, decimal("1"))] : own
    }

    private func report(_ order: Order, at now: Milliseconds, _ changes: [String: String] = [:]) -> OrderReport {
        let cut = order.quantity == order.request.plan.quantity ? [:] : ["origQty": "\(order.quantity)"]
        return Sample.report(
            order.request.plan, order.request.clientOrderID.text, order: order.id, status: order.status(at: now),
            executed: order.executed, cut.merging(changes) { $1 })
    }

    // MARK: Commands

    mutating func cancel(_ id: ClientOrderID, at now: Milliseconds) {
        for place in orders.indices where orders[place].request.clientOrderID == id {
            if now < orders[place].at + orders[place].placement.restsFor { orders[place].isCanceled = true }
        }
    }

    mutating func place(_ request: RequestedOrder, at now: Milliseconds) -> Answer<OrderReport> {
        let placement = script.isEmpty ? Placement() : script.removeFirst()
        let lost = Answer<OrderReport>.unknown(Unknown(reason: .timedOut, text: "no answer"))
        switch placement.told {
        case .rejected:
            return .rejected(Rejection(kind: .request, status: 400, code: -2019, text: "Margin is insufficient."))
        case .throttled: return .throttled(Throttling(cause: .overloaded, retryAfterMilliseconds: nil, text: "busy"))
        case .notSent: return .notSent(NotSent(reason: .fenced, text: "fenced"))
        case .lost where !placement.arrives: return lost
        case .wholly, .lost, .otherOrder: break
        }
        guard let order = take(request, placement, at: now) else {
            return .rejected(Rejection(kind: .request, status: 400, code: -2022, text: "ReduceOnly Order is rejected."))
        }
        switch placement.told {
        case .wholly: return .accepted(report(order, at: now))
        case .otherOrder: return .accepted(report(order, at: now, ["clientOrderId": "web_1"]))
        case .lost, .rejected, .throttled, .notSent: return lost
        }
    }

    private mutating func take(_ request: RequestedOrder, _ placement: Placement, at now: Milliseconds) -> Order? {
        let plan = request.plan
        let place = Place(symbol: plan.symbol, side: plan.positionSide)
        let held = held(plan.symbol, plan.positionSide)
        var quantity = plan.quantity
        if plan.canOnlyReduce {
            guard !held.isZero, held.isNegative == (plan.side == .buy) else { return nil }
            quantity = min(quantity, held.magnitude)
        }
        let executed = ScriptedVenue.part(quantity, percent: placement.share)
        positions[place] = Sizing.sum([held, plan.side == .buy ? executed : executed.negated])!
        let order = Order(
            id: Int64(orders.count) + 1, request: request, at: now, placement: placement, quantity: quantity,
            executed: executed)
        orders.append(order)
        return order
    }

    /// Down to 0.001.
    static func part(_ quantity: ExactDecimal, percent: Int) -> ExactDecimal {
        if percent == 100 { return quantity }
        let share = try! ExactDecimal(coefficient: Int64(percent), exponent: -2)
        let rule = StepRule(minimum: .zero, maximum: .zero, step: decimal("0.001"))
        return try! rule.floored(try! Sizing.decimal(try! ExactSum.product(of: quantity, share)))!
    }
}
