// Orders and their trades: a request has one final outcome, its trades are no more than it asked for and as many as its
// outcome says. What is settled is forgotten as soon as its trades are all there; its sum is remembered for longer.

internal import Events
internal import Records

struct OrderAudit: Sendable {
    static let outcome = "request.has_outcome"
    static let fills = "fills.within_order"

    private struct Asked {
        let quantity: ExactDecimal
        let place: String
        let at: Moment
        var executed: ExactSum?
        var settledAt: Moment?
        var exchangeOrderID = ""
    }
    private var requests: [SequenceNumber: Asked] = [:]
    private var names: [String: SequenceNumber] = [:]
    private var traded = TradedSums()

    mutating func requested(_ record: Record, _ message: EventOrderRequested, _ book: inout AuditBook) throws {
        guard requests.count < Limits.openOrdersMax else {
            return book.cannotReplay(
                record.sequence, OrderAudit.outcome, "more than \(Limits.openOrdersMax) orders are open at once")
        }
        let place = "\(message.venue)/\(message.account)/\(message.symbol)"
        requests[record.sequence] = Asked(
            quantity: try ExactDecimal(message.quantity), place: place, at: Moment(of: record))
    }

    mutating func ended(_ record: Record, _ message: EventOrderOutcome, _ book: inout AuditBook) throws {
        let request = SequenceNumber(message.requestSequence)
        guard var asked = requests[request] else { return }
        if !message.exchangeOrderID.isEmpty {
            asked.exchangeOrderID = message.exchangeOrderID
            let name = "\(asked.place)/\(message.exchangeOrderID)"
            names[name] = request
            traded.set(name, of: OrderTrades.Order(request: request, quantity: ExactSum(asked.quantity)))
            check(traded[name], record.sequence, &book)
        }
        if message.state.isFinal {
            let executed = message.hasExecutedQuantity ? try ExactDecimal(message.executedQuantity) : .zero
            if executed > asked.quantity {
                book.find(
                    record.sequence, OrderAudit.fills, expected: "at most \(asked.quantity) executed",
                    found: "\(executed)")
            }
            (asked.executed, asked.settledAt) = (ExactSum(executed), Moment(of: record))
        }
        requests[request] = asked
        settle(request)
    }

    mutating func traded(_ record: borrowing RecordView, _ fill: FillFacts, _ book: inout AuditBook) throws {
        let name = "\(fill.venue)/\(fill.account)/\(fill.symbol)/\(fill.orderID)"
        let sum: ExactSum
        do throws(DecimalError) { sum = try traded[name].sum.adding(ExactSum(try fill.quantity.exact())) } catch {
            // Anybody may append a fill; an absurd one must not end the audit.
            return book.find(record.sequence, OrderAudit.fills, expected: "trades that have a sum", found: "\(error)")
        }
        traded.set(name, sum: sum) { names[$0] != nil }
        check(traded[name], record.sequence, &book)
        if let request = names[name] { settle(request) }
    }

    private func check(_ trades: OrderTrades, _ sequence: SequenceNumber, _ book: inout AuditBook) {
        guard let order = trades.order, trades.sum > order.quantity else { return }
        book.find(
            sequence, OrderAudit.fills, expected: "at most \(order.quantity) traded by request \(order.request)",
            found: "\(trades.sum)")
    }

    private mutating func settle(_ request: SequenceNumber) {
        guard let asked = requests[request], let executed = asked.executed else { return }
        let name = "\(asked.place)/\(asked.exchangeOrderID)"
        guard traded[name].sum == executed || executed == .zero else { return }
        requests[request] = nil
        names[name] = nil
    }

    func finish(_ now: Moment, _ state: State, _ book: inout AuditBook) {
        for (request, asked) in requests.sorted(by: { $0.key < $1.key }) {
            let since = asked.settledAt ?? asked.at
            guard state.age(of: since, at: now) > Limits.auditGraceNanoseconds else { continue }
            guard let executed = asked.executed else {
                if state.orders[request]?.state == .unknown { continue }
                book.find(
                    request, OrderAudit.outcome, expected: "an outcome, or the note that it is unknown",
                    found: "neither")
                continue
            }
            let sum = traded["\(asked.place)/\(asked.exchangeOrderID)"].sum
            guard sum != executed else { continue }
            book.find(
                request, OrderAudit.fills, expected: "trades of \(executed), as its outcome says", found: "\(sum)")
        }
    }
}

/// What was traded under one of the exchange's order ids.
private struct OrderTrades: Sendable {
    struct Order {
        let request: SequenceNumber
        let quantity: ExactSum
    }
    var sum = ExactSum.zero
    /// Nil: no outcome has named it, or it is somebody else's.
    var order: Order?
}

/// Trades by order, in two generations: what nobody spoke of for a whole one, and belongs to no order that is open, is
/// forgotten. Other hands' trades are many; an order's own come before or soon after its outcome.
private struct TradedSums: Sendable {
    private var recent: [String: OrderTrades] = [:]
    private var earlier: [String: OrderTrades] = [:]

    subscript(name: String) -> OrderTrades { recent[name] ?? earlier[name] ?? OrderTrades() }

    mutating func set(_ name: String, of order: OrderTrades.Order) {
        var trades = self[name]
        trades.order = order
        recent[name] = trades
    }

    mutating func set(_ name: String, sum: ExactSum, isWanted: (String) -> Bool) {
        var trades = self[name]
        trades.sum = sum
        recent[name] = trades
        guard recent.count >= Limits.openOrdersMax else { return }
        let wanted = earlier.filter { isWanted($0.key) && recent[$0.key] == nil }
        earlier = recent.merging(wanted) { mine, _ in mine }
        recent = [:]
    }
}
