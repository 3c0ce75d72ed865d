// One look of the feeds: trades and positions as the exchange shows them now, appended, and compared with what the
// fills say. Its memory (how far each symbol's trades were read) may be lost at any moment: what is read again is a
// duplicate.

internal import Domain
internal import EventLog
internal import Events
internal import Exchange
internal import Logging
internal import Records

struct FeedRound {
    let log: EventLog
    let journal: ExecutionJournal
    let port: any ExchangePort
    let logger: Logger
    private(set) var state: State
    private var nextTrade: [String: Int64] = [:]
    /// Exchange order id → client order id, of orders whose trades were read.
    private var names: [Int64: String] = [:]
    private var watch = LedgerWatch()
    /// Trades from before `startedAt` that only REST told; nil: that was reported.
    private var gap: [RecoveryReport.Row]? = []
    private let startedAtMilliseconds: Int64
    /// What the last look attested, where it was whole.
    private var attested: [PositionKey: PositionReport]?

    init(log: EventLog, journal: ExecutionJournal, port: any ExchangePort, logger: Logger, state: State) {
        self.log = log
        self.journal = journal
        self.port = port
        self.logger = logger
        self.state = state
        startedAtMilliseconds = log.clock.now().milliseconds
    }

    private var policy: ExecutionPolicy { journal.policy }

    mutating func foldOn() throws { state = try StateReader.fold(log, from: state) }

    /// Once.
    mutating func takeGap() -> [RecoveryReport.Row] {
        defer { gap = nil }
        return gap ?? []
    }

    private mutating func addToGap(_ trade: AccountTrade, _ clientOrderID: String, trace: String) {
        guard trade.tradedAtMilliseconds < startedAtMilliseconds else { return }
        gap?.append(
            RecoveryReport.Row(
                .trade, symbol: trade.symbol, clientOrderID: clientOrderID, traceID: trace,
                resolution: "fill of trade \(trade.tradeID)"))
    }

    // MARK: The stream's fills

    mutating func append(_ updates: [OrderUpdate]) throws {
        guard !updates.isEmpty else { return }
        try foldOn()
        for update in updates {
            let order = state.orders.all.first { $0.clientOrderID == update.clientOrderID }
            _ = try append(update.notes(policy, of: order?.request ?? .none), trace: try trace(order))
        }
    }

    private func trace(_ order: OpenOrder?) throws -> String {
        guard let order, let record = try log.snapshot({ try $0.record(order.request) }) else { return "" }
        return record.traceID
    }

    /// A full log is no reason to end: REST brings the same trades again. False where the log did not take them.
    private func append(_ notes: [ExecutionNote], trace: String) throws -> Bool {
        do {
            try journal.note(notes, traceID: trace)
            return true
        } catch LogError.refused(let refusal) {
            logger.error("fills wait: \(refusal)")
            return false
        }
    }

    // MARK: REST

    /// False where something could not be asked.
    mutating func look(everySymbol: Bool) throws -> Bool {
        try foldOn()
        let rows: Rows<PositionReport>
        switch port.ask(.positions(nil), .ordinary) {
        case .accepted(let found) where found.isComplete: rows = found
        case .accepted, .rejected, .throttled, .unknown, .notSent:
            attested = nil
            return false
        }
        var isWhole = true
        for symbol in symbols(rows, everySymbol) { isWhole = try readTrades(symbol) && isWhole }
        try attest(rows)
        return isWhole
    }

    /// Symbols with a position or an order, ours or the exchange's; or all that were ever traded.
    private func symbols(_ rows: Rows<PositionReport>, _ every: Bool) -> [SymbolName] {
        var names = Set(rows.readable.map(\.symbol)).union(state.orders.all.map(\.symbol))
        for (key, position) in state.positions.all where every || position.isOpen { names.insert(key.symbol) }
        return names.sorted().compactMap(SymbolName.known)
    }

    /// Everything after what was read before; at first the newest, and back to what the log has.
    private mutating func readTrades(_ symbol: SymbolName) throws -> Bool {
        var range = nextTrade[symbol.text].map { Endpoint.TradeRange.fromID($0) } ?? .newest
        while true {
            guard case .accepted(let trades) = port.ask(.accountTrades(symbol, range), .ordinary) else { return false }
            for trade in trades where try journal.fill(of: trade) == nil {
                // Whose it is must be known before it is noted: a lost order is looked for among fills.
                guard let name = name(of: trade, symbol) else { return false }
                let order = state.orders.all.first { $0.clientOrderID == name }
                let notes = trade.notes(policy, clientOrderID: name, of: order?.request ?? .none)
                let trace = try trace(order)
                guard try append(notes, trace: trace) else { return false }
                addToGap(trade, name, trace: trace)
            }
            let isFull = trades.count >= Limits.tradesPerAnswerMax
            if case .newest = range, isFull, let first = trades.first, let known = try lastTrade(symbol),
                known < first.tradeID
            {
                range = .fromID(known)  // the newest did not reach back to what the log has
                continue
            }
            if let last = trades.last { nextTrade[symbol.text] = last.tradeID + 1 }
            guard isFull, let last = trades.last else { return true }
            range = .fromID(last.tradeID + 1)
        }
    }

    /// Empty where the exchange has no such order to ask for, as of a liquidation; nil where it does not say now.
    private mutating func name(of trade: AccountTrade, _ symbol: SymbolName) -> String? {
        if let known = names[trade.orderID] { return known }
        let name: String
        switch port.ask(.order(symbol, .exchangeID(trade.orderID)), .ordinary) {
        case .accepted(let report): name = report.clientOrderID
        case .rejected(let rejection) where rejection.kind == .notFound: return ""
        case .rejected, .throttled, .unknown, .notSent: return nil
        }
        if names.count >= Limits.feedOrderNamesMax { names = [:] }
        names[trade.orderID] = name
        return name
    }

    /// The trade of the symbol's last fill in the log.
    private func lastTrade(_ symbol: SymbolName) throws -> Int64? {
        let last = state.positions.all.filter { $0.key.symbol == symbol.text }.map(\.position.sequence).max()
        guard let last, let record = try log.snapshot({ try $0.record(last) }),
            case .fill(let fill) = try EventRecord.decode(record)
        else { return nil }
        return Int64(fill.tradeID)
    }

    // MARK: Attesting

    private mutating func attest(_ rows: Rows<PositionReport>) throws {
        var now: [PositionKey: PositionReport] = [:]
        for row in rows.readable { now[key(row.symbol, row.positionSide)] = row }
        attested = now
        let flat = state.attested.all.filter { now[$0.key] == nil && !$0.attested.quantity.isZero && isOurs($0.key) }
        var drafts: [Draft] = []
        for (key, row) in now.sorted(by: { $0.key < $1.key }) {
            let last = state.attested[key]?.quantity
            guard row.quantity != last ?? .zero else { continue }
            drafts.append(try draft(key, row.quantity, row.entryPrice))
        }
        for (key, _) in flat { drafts.append(try draft(key, .zero, nil)) }
        guard !drafts.isEmpty else { return }
        for answer in try log.append(drafts, .group) {
            if case .refused(let refusal) = answer { logger.error("an attested position was not recorded: \(refusal)") }
        }
    }

    private func draft(_ key: PositionKey, _ quantity: ExactDecimal, _ entry: ExactDecimal?) throws -> Draft {
        var event = EventPositionAttested()
        event.venue = key.venue
        event.account = key.account
        event.symbol = key.symbol
        event.positionSide = key.leg.event
        event.quantity = quantity.event
        if let entry { event.entryPrice = entry.event }
        let now = log.clock.now()
        event.attestedAtNs = now.nanoseconds
        return try Drafts.positionAttested(event, producer: journal.producer, at: now)
    }

    private func key(_ symbol: String, _ side: PositionSide) -> PositionKey {
        let leg: PositionLeg =
            switch side {
            case .both: .both
            case .long: .long
            case .short: .short
            }
        return PositionKey(venue: policy.venue, account: policy.account, symbol: symbol, leg: leg)
    }

    private func isOurs(_ key: PositionKey) -> Bool { key.venue == policy.venue && key.account == policy.account }

    // MARK: Judging

    /// Raises `reducing` where the ledgers differ for long or the stream is lost for long; ends the stream's cause
    /// once it stands again, REST has closed the gap and the ledgers agree.
    mutating func judge(lostFor: Int64, lossMax: Int64, isWhole: Bool) throws {
        try foldOn()
        let causes = Set(state.trading.reducingCauses.map(\.cause))
        if lostFor > lossMax, !causes.contains("user_stream") {
            try raise("user_stream", "no user stream for \(lostFor / 1_000) s")
        }
        // Trades that cannot be read are no reason to believe: then the ledgers differ, and that is told.
        guard let attested else { return }
        var believed: [PositionKey: ExactSum] = [:]
        for (key, position) in state.positions.open where isOurs(key) { believed[key] = position.quantity }
        // A short leg is stored as what it holds; the exchange gives it the sign of what it owes.
        let theirs = attested.mapValues { ExactSum($0.quantity) }.map { key, sum in
            (key, key.leg == .short ? sum.magnitude : sum)
        }
        let lasting = watch.compare(
            believed: believed,
            attested: Dictionary(uniqueKeysWithValues: theirs.filter { !$0.1.isZero }), at: journal.now)
        if let first = lasting.first, !causes.contains("ledgers") {
            let more = lasting.count > 1 ? ", and \(lasting.count - 1) more" : ""
            try raise("ledgers", first.description + more)
        }
        if isWhole, lostFor == 0, watch.agrees, causes.contains("user_stream") {
            var ended = EventReducingEnded()
            ended.cause = "user_stream"
            ended.evidence = "the stream stands, REST has closed the gap, the ledgers agree as of \(state.asOf)"
            let draft = try Drafts.reducingEnded(
                ended, traceID: "", cause: .none, basis: state.asOf, producer: journal.producer,
                at: log.clock.now())
            _ = try log.append([draft], .emergency)
            logger.notice("REDUCING ended: \(ended.evidence)")
        }
    }

    private func raise(_ cause: String, _ detail: String) throws {
        var raised = EventReducingRaised()
        raised.cause = cause
        raised.detail = detail
        let draft = try Drafts.reducingRaised(
            raised, traceID: "", cause: .none, basis: state.asOf, producer: journal.producer, at: log.clock.now())
        _ = try log.append([draft], .emergency)
        logger.error("REDUCING: \(cause): \(detail)")
    }
}
