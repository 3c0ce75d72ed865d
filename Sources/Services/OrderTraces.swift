// What the log knows of an order beside its outcome: fills that a feed brought, and whether a trade of the account
// belongs to an order that is known.

internal import Domain
internal import EventLog
internal import Events
internal import Exchange
internal import Records

extension ExecutionJournal {
    func recordedAt(_ sequence: SequenceNumber) throws -> Timestamp {
        guard let record = try log.snapshot({ try $0.record(sequence) }) else {
            throw LogError.damaged("record \(sequence) is missing")
        }
        return record.header.recordedAt
    }

    /// Whether a fill since the request names its client order id.
    func hasFill(of request: RequestedOrder) throws -> Bool {
        var isThere = false
        try log.walk(from: request.sequence, through: nil) { view in
            guard view.kind == EventKind.fill.kind else { return true }
            if case .fill(let fill) = try EventRecord.decode(try view.record()) {
                isThere = fill.clientOrderID == request.clientOrderID.text
            }
            return !isThere
        }
        return isThere
    }

    /// Whether a trade could be the request's: of its side, and of an order that no outcome and no fill of another
    /// order explains.
    func isUnexplained(_ trade: AccountTrade, _ request: RequestedOrder) throws -> Bool {
        guard trade.side == request.plan.side, trade.positionSide == request.plan.positionSide else { return false }
        if let fill = try fill(of: trade), !fill.clientOrderID.isEmpty {
            return fill.clientOrderID == request.clientOrderID.text
        }
        var isExplained = false
        try log.walk(from: request.sequence, through: nil) { view in
            if view.kind == EventKind.orderOutcome.kind {
                if case .orderOutcome(let outcome) = try EventRecord.decode(try view.record()) {
                    isExplained = outcome.exchangeOrderID == String(trade.orderID)
                }
            } else if view.kind == EventKind.fill.kind {
                if case .fill(let fill) = try EventRecord.decode(try view.record()) {
                    isExplained = fill.orderID == String(trade.orderID) && !fill.clientOrderID.isEmpty
                }
            }
            return !isExplained
        }
        return !isExplained
    }

    /// As the log has it, whenever it came; nil where no feed has brought it yet.
    func fill(of trade: AccountTrade) throws -> EventFill? {
        var named = EventFill()
        named.venue = policy.venue
        named.account = policy.account
        named.symbol = trade.symbol
        named.tradeID = String(trade.tradeID)
        guard let record = try first(named.key), case .fill(let fill) = try EventRecord.decode(record) else {
            return nil
        }
        return fill
    }
}
