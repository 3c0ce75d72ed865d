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
        // A trade may be shown that is as old as the clocks may differ, and its order's end may be recorded as early.
        let since = try recordedAt(request.sequence).milliseconds - 2 * Limits.clockOffsetMillisecondsMax
        let order = String(trade.orderID)
        let isEnded = try contains(StreamCatalogue.orderOutcomes, since: since) { event in
            if case .orderOutcome(let outcome) = event { outcome.exchangeOrderID == order } else { false }
        }
        if isEnded { return false }
        return try !contains(StreamCatalogue.fills, since: since) { event in
            if case .fill(let fill) = event { fill.orderID == order && !fill.clientOrderID.isEmpty } else { false }
        }
    }

    /// Whether an entry is such a one. Entries that somebody hid are not seen, which explains less, and never more.
    private func contains(
        _ name: StreamName, since: Milliseconds, _ isMeant: (Event) -> Bool
    ) throws -> Bool {
        try log.snapshot { snapshot in
            guard let stream = try snapshot.stream(name)?.number else { return false }
            var first = EntryID(UInt64(max(0, since)), 0)
            while true {
                let page = try snapshot.entries(stream, first...EntryID.last, limit: Limits.tradesPerAnswerMax)
                for entry in page {
                    guard let record = try snapshot.record(entry.sequence) else { continue }
                    if isMeant(try EventRecord.decode(record)) { return true }
                }
                guard page.count == Limits.tradesPerAnswerMax, let next = page.last?.id.next else { return false }
                first = next
            }
        }
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
