// A small exchange for closings: positions, resting and conditional orders, and a fate for each order that is sent. It
// keeps its own books, by which runs are judged: what was held, what was closed, whether anything opened.

import Events
import Records

@testable import Domain
@testable import Exchange

/// What becomes of one order that is sent.
struct CloseFate {
    enum Told {
        case wholly
        /// Nothing of its fate is told; `arrives` says whether there is one.
        case lost(arrives: Bool)
        case rejected(code: Int?, status: Int, text: String)
        case throttled(wait: Milliseconds)
        case notSent
    }
    /// Of what may be closed, in percent.
    var share = 100
    var told = Told.wholly
    /// Until it arrives; look-ups before say that there is none.
    var travels: Milliseconds = 0
    /// After it arrived, until look-ups show it.
    var shownAfter: Milliseconds = 0
    /// Until its answer is there, after it arrived.
    var answersAfter: Milliseconds = 0

    static func rejected(_ code: Int, _ text: String = "no") -> CloseFate {
        CloseFate(told: .rejected(code: code, status: 400, text: text))
    }
}

/// Quantities are thousandths.
struct ExitMarket {
    struct Order {
        let close: CloseOrder
        let id: Int64
        let executed: Int64
        let at: Milliseconds
        let shownAt: Milliseconds
    }
    var isHedged = false
    private(set) var positions: [ExitPlace: Int64] = [:]
    /// Resting orders that reserve a leg in hedge mode.
    var resting: Set<ExitPlace> = []
    var algos: Set<SymbolName> = []
    private(set) var orders: [String: [Order]] = [:]
    private(set) var trades: [Order] = []
    private(set) var problems: [String] = []
    private var nextID: Int64 = 1

    mutating func hold(_ symbol: SymbolName, _ quantity: Int64, _ side: PositionSide = .both) {
        positions[ExitPlace(symbol: symbol, side: side)] = quantity
    }

    /// An opening order that left before the halt, or another hand.
    mutating func move(_ place: ExitPlace, by quantity: Int64) {
        positions[place] = (positions[place] ?? 0) + quantity
    }

    var open: [ExitPlace] { positions.filter { $0.value != 0 }.keys.sorted() }

    /// Executes it, as far as it reduces; nil: refused with -2022.
    mutating func arrive(_ close: CloseOrder, _ fate: CloseFate, at now: Milliseconds) -> Order? {
        let place = close.place
        let held = positions[place] ?? 0
        let wanted = ExitMarket.thousandths(close.quantity)
        let reduces = held > 0 && close.side == .sell || held < 0 && close.side == .buy
        if place.side != .both, close.side != (place.side == .long ? .sell : .buy) {
            problems.append("\(close) would open")
        }
        guard reduces else { return nil }
        if isHedged, wanted > held.magnitude || resting.contains(place) { return nil }
        let most = min(wanted, Int64(held.magnitude))
        let executed = most * Int64(fate.share) / 100
        positions[place] = held > 0 ? held - executed : held + executed
        let order = Order(close: close, id: nextID, executed: executed, at: now, shownAt: now + fate.shownAfter)
        nextID += 1
        orders[close.clientOrderID.text, default: []].append(order)
        if executed > 0 { trades.append(order) }
        return order
    }

    // MARK: Answers

    func rows(unreadable: Set<SymbolName> = []) -> Rows<PositionReport> {
        let texts = positions.keys.sorted().filter { positions[$0] != 0 }.map { place in
            let amount = unreadable.contains(place.symbol) ? "?" : ExitMarket.text(positions[place]!)
            return #"{"symbol":"\#(place.symbol)","positionSide":"\#(place.side.rawValue)","positionAmt":"\#(amount)"}"#
        }
        return ExitMarket.rows(texts) { (row) throws(MessageError) in try PositionReport(row) }
    }

    func openOrders(withUnreadable: Bool) -> Rows<OrderReport> {
        var texts = resting.sorted().map { place in
            let side = place.side == .short ? "BUY" : "SELL"
            return
                #"{"symbol":"\#(place.symbol)","orderId":"9","clientOrderId":"r","status":"NEW","side":"\#(side)","positionSide":"\#(place.side.rawValue)","type":"LIMIT","origQty":"1","executedQty":"0"}"#
        }
        if withUnreadable { texts.append(#"{"symbol":"SOLUSDT","orderId":"?"}"#) }
        return ExitMarket.rows(texts) { (row) throws(MessageError) in try OrderReport(row) }
    }

    func openAlgos() -> Rows<AlgoOrderReport> {
        let texts = algos.sorted { $0.text < $1.text }.map {
            #"{"symbol":"\#($0)","algoId":"9","clientAlgoId":"a","side":"SELL","algoStatus":"NEW","orderType":"STOP_MARKET"}"#
        }
        return ExitMarket.rows(texts) { (row) throws(MessageError) in try AlgoOrderReport(row) }
    }

    func lookUp(_ close: CloseOrder, at now: Milliseconds) -> Answer<OrderReport> {
        guard let order = orders[close.clientOrderID.text]?.last, order.shownAt <= now else {
            return .rejected(Rejection(kind: .notFound, status: 400, code: -2013, text: "Order does not exist."))
        }
        return .accepted(report(order))
    }

    func report(_ order: Order) -> OrderReport {
        let close = order.close
        let isWhole = order.executed == ExitMarket.thousandths(close.quantity)
        return try! OrderReport(
            Sample.fields([
                ("symbol", close.place.symbol.text), ("orderId", "\(order.id)"),
                ("clientOrderId", close.clientOrderID.text), ("status", isWhole ? "FILLED" : "EXPIRED"),
                ("side", close.side.rawValue), ("positionSide", close.place.side.rawValue), ("type", "MARKET"),
                ("origQty", close.quantity.description), ("executedQty", ExitMarket.text(order.executed)),
                ("avgPrice", "100"),
            ]))
    }

    func trades(of order: Int64) -> [AccountTrade] { trades.filter { $0.id == order }.map(ExitMarket.trade) }

    /// All of the symbol, other hands' too.
    func trades(in close: CloseOrder) -> [AccountTrade] {
        trades.filter { $0.close.place.symbol == close.place.symbol }.map(ExitMarket.trade)
    }

    /// One trade for each order.
    private static func trade(_ order: Order) -> AccountTrade {
        AccountTrade(
            symbol: order.close.place.symbol.text, tradeID: order.id, orderID: order.id, side: order.close.side,
            positionSide: order.close.place.side, price: decimal("100"),
            quantity: try! ExactDecimal(coefficient: order.executed, exponent: -3), realizedProfit: .zero,
            fee: decimal("0.01"), feeAsset: "USDT", isMaker: false, tradedAtMilliseconds: order.at)
    }

    // MARK: Numbers

    static func text(_ thousandths: Int64) -> String {
        try! ExactDecimal(coefficient: thousandths, exponent: -3).description
    }

    static func thousandths(_ quantity: ExactDecimal) -> Int64 {
        let sum = try! ExactSum.product(of: quantity, decimal("1000"))
        var value = Int64(sum.coefficient)
        for _ in 0..<max(0, Int(sum.exponent)) { value *= 10 }
        precondition(sum.exponent >= 0, "less than a thousandth: \(quantity)")
        return value
    }

    private static func rows<Row: Sendable>(
        _ texts: [String], _ read: (AnswerFields) throws(MessageError) -> Row
    ) -> Rows<Row> {
        try! Rows(try! JSONText.read("[\(texts.joined(separator: ","))]"), read)
    }
}
