// Orders and their trades: a request has one final outcome, its trades are no more than it asked for and as many as its
// outcome says. What is settled is forgotten as soon as its trades are all there.

internal import Events
internal import Records

struct OrderAudit: Sendable {
    static let outcome = "request.has_outcome"
    static let fills = "fills.within_order"

    private struct Asked {
        let quantity: ExactDecimal
        let place: String
        let at: Timestamp
        var executed: ExactSum?
        var settledAt: Timestamp?
        var exchangeOrderID = ""
    }
    private var requests: [SequenceNumber: Asked] = [:]
    private var names: [String: SequenceNumber] = [:]
    /// Sums of trades by order, and the last of them.
    private var traded: [String: (sum: ExactSum, last: SequenceNumber)] = [:]

    mutating func requested(_ record: Record, _ message: EventOrderRequested, _ book: inout AuditBook) throws {
        guard requests.count < Limits.openOrdersMax else { return }
        let place = "\(message.venue)/\(message.account)/\(message.symbol)"
        requests[record.sequence] = Asked(
            quantity: try ExactDecimal(message.quantity), place: place, at: record.header.recordedAt)
    }

    mutating func ended(_ record: Record, _ message: EventOrderOutcome, _ book: inout AuditBook) throws {
        let request = SequenceNumber(message.requestSequence)
        guard var asked = requests[request] else { return }
        if !message.exchangeOrderID.isEmpty {
            asked.exchangeOrderID = message.exchangeOrderID
            names["\(asked.place)/\(message.exchangeOrderID)"] = request
        }
        if message.state.isFinal {
            let executed = message.hasExecutedQuantity ? try ExactDecimal(message.executedQuantity) : .zero
            if executed > asked.quantity {
                book.find(
                    record.sequence, OrderAudit.fills, expected: "at most \(asked.quantity) executed",
                    found: "\(executed)")
            }
            (asked.executed, asked.settledAt) = (ExactSum(executed), record.header.recordedAt)
        }
        requests[request] = asked
        settle(request)
    }

    mutating func traded(_ record: borrowing RecordView, _ fill: FillFacts, _ book: inout AuditBook) throws {
        let name = "\(fill.venue)/\(fill.account)/\(fill.symbol)/\(fill.orderID)"
        // Trades of other hands are many; they are bounded by forgetting them first.
        if traded.count >= Limits.openOrdersMax { traded = traded.filter { names[$0.key] != nil } }
        let sum = try (traded[name]?.sum ?? .zero).adding(ExactSum(try fill.quantity.exact()))
        traded[name] = (sum, record.sequence)
        guard let request = names[name], let asked = requests[request] else { return }
        if sum > ExactSum(asked.quantity) {
            book.find(
                record.sequence, OrderAudit.fills, expected: "at most \(asked.quantity) traded by request \(request)",
                found: "\(sum)")
        }
        settle(request)
    }

    private mutating func settle(_ request: SequenceNumber) {
        guard let asked = requests[request], let executed = asked.executed else { return }
        let name = "\(asked.place)/\(asked.exchangeOrderID)"
        let sum = traded[name]?.sum ?? .zero
        guard sum == executed || executed == .zero else { return }
        requests[request] = nil
        names[name] = nil
        if sum == executed { traded[name] = nil }
    }

    /// - Parameter open: requests that are known to be unresolved; that is on record.
    func finish(_ at: Timestamp, _ state: State, _ book: inout AuditBook) {
        for (request, asked) in requests.sorted(by: { $0.key < $1.key }) {
            let since = asked.settledAt ?? asked.at
            guard at.nanoseconds - since.nanoseconds > Limits.auditGraceNanoseconds else { continue }
            guard let executed = asked.executed else {
                if state.orders[request]?.state == .unknown { continue }
                book.find(
                    request, OrderAudit.outcome, expected: "an outcome, or the note that it is unknown",
                    found: "neither")
                continue
            }
            let sum = traded["\(asked.place)/\(asked.exchangeOrderID)"]?.sum ?? .zero
            guard sum != executed else { continue }
            book.find(
                request, OrderAudit.fills, expected: "trades of \(executed), as its outcome says", found: "\(sum)")
        }
    }
}
