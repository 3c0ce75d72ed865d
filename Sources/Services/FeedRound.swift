// One look of the feeds: trades and positions as the exchange shows them now, appended, and compared with what the
// fills say. Its memory (how far each symbol's trades were read) may be lost at any moment: what is read again is a
// duplicate.

package import Domain
package import EventLog
internal import Events
package import Exchange
package import Logging
internal import Records

/// What a look asks of the exchange.
package enum FeedQuestion: Equatable, Sendable {
    case positions
    case trades(SymbolName, Endpoint.TradeRange)
    case order(SymbolName, Int64)
}

package enum FeedAnswer: Sendable {
    case positions(Answer<Rows<PositionReport>>)
    case trades(Answer<[AccountTrade]>)
    case order(Answer<OrderReport>)
}

extension ExchangeLine {
    package func ask(_ question: FeedQuestion, then: @escaping (FeedAnswer) -> Void) {
        switch question {
        case .positions: ask(.positions(nil)) { then(.positions($0)) }
        case .trades(let symbol, let range): ask(.accountTrades(symbol, range)) { then(.trades($0)) }
        case .order(let symbol, let id): ask(.order(symbol, .exchangeID(id))) { then(.order($0)) }
        }
    }
}

package struct FeedRound {
    /// The look under way, or the last one.
    private struct Look {
        let isSweep: Bool
        let lostFor: Int64?
        var rows: Rows<PositionReport>?
        /// The first is being read.
        var symbols: ArraySlice<SymbolName> = []
        var range = Endpoint.TradeRange.newest
        var page: [AccountTrade] = []
        /// Of the page.
        var waiting: ArraySlice<AccountTrade> = []
        var isWhole = true

        init(_ course: FeedCourse.Look) { (isSweep, lostFor) = (course.isSweep, course.lostFor) }
    }
    private let log: EventLog
    private let journal: ExecutionJournal
    private let options: FeedOptions
    private let logger: Logger
    package private(set) var state: State
    private var look = Look(FeedCourse.Look(isSweep: false, lostFor: nil))
    private var nextTrade: [String: Int64] = [:]
    /// Exchange order id → client order id, of orders whose trades were read.
    private var names: [Int64: String] = [:]
    private var watch = LedgerWatch()
    /// Trades from before `startedAt` that only REST told; nil: that was reported.
    private var gap: [RecoveryReport.Row]? = []
    private let startedAtMilliseconds: Int64
    /// What the last look attested, where it was whole.
    private var attested: [PositionKey: PositionReport]?

    /// - Parameter state: of this log, as far as it goes.
    package init(log: EventLog, journal: ExecutionJournal, options: FeedOptions, logger: Logger, state: State) {
        self.log = log
        self.journal = journal
        self.options = options
        self.logger = logger
        self.state = state
        startedAtMilliseconds = log.clock.now().milliseconds
    }

    private var policy: ExecutionPolicy { journal.policy }

    private mutating func foldOn() throws { state = try StateReader.fold(log, from: state) }

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

    package mutating func append(_ updates: [OrderUpdate]) throws {
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
            try journal.note(notes, traceID: trace, evidence: [])
            return true
        } catch LogError.refused(let refusal) {
            logger.error("fills wait: \(refusal)")
            return false
        }
    }

    // MARK: A look: question by question

    /// - Returns: what is to be asked; nil: the look has ended.
    package mutating func begin(_ course: FeedCourse.Look) throws -> FeedQuestion? {
        try foldOn()
        look = Look(course)
        try raiseWhereLost()
        return .positions
    }

    /// The answer to what was asked last.
    package mutating func take(_ answer: FeedAnswer) throws -> FeedQuestion? {
        switch answer {
        case .positions(.accepted(let rows)) where rows.isComplete:
            (look.rows, look.symbols) = (rows, symbols(rows)[...])
            return try nextSymbol()
        case .positions:
            attested = nil
            look.isWhole = false
            return try finish()
        case .trades(.accepted(let trades)):
            (look.page, look.waiting) = (trades, trades[...])
            return try noteTrades()
        case .trades: return try leaveSymbol()
        case .order(let answer): return try take(order: answer)
        }
    }

    /// Everything could be asked, and the log took it.
    package var isWhole: Bool { look.isWhole }

    /// Symbols with a position or an order, ours or the exchange's; or all that were ever traded.
    private func symbols(_ rows: Rows<PositionReport>) -> [SymbolName] {
        var names = Set(rows.readable.map(\.symbol)).union(state.orders.all.map(\.symbol))
        for (key, position) in state.positions.all where look.isSweep || position.isOpen { names.insert(key.symbol) }
        return names.sorted().compactMap(SymbolName.known)
    }

    /// Everything after what was read before; at first the newest, and back to what the log has.
    private mutating func nextSymbol() throws -> FeedQuestion? {
        guard let symbol = look.symbols.first else { return try finish() }
        look.range = nextTrade[symbol.text].map { .fromID($0) } ?? .newest
        return .trades(symbol, look.range)
    }

    /// Its other trades wait for the next look.
    private mutating func leaveSymbol() throws -> FeedQuestion? {
        look.isWhole = false
        look.symbols.removeFirst()
        return try nextSymbol()
    }

    /// In order. Whose a trade is must be known before it is noted: a lost order is looked for among fills.
    private mutating func noteTrades() throws -> FeedQuestion? {
        while let trade = look.waiting.first, let symbol = look.symbols.first {
            if try journal.fill(of: trade) == nil {
                guard let name = names[trade.orderID] else { return .order(symbol, trade.orderID) }
                guard try append(trade, name) else { return try leaveSymbol() }
            }
            look.waiting.removeFirst()
        }
        return try endPage()
    }

    /// Without a name where the exchange has no such order to ask for, as of a liquidation; whether it has one is asked
    /// again for its next trade.
    private mutating func take(order answer: Answer<OrderReport>) throws -> FeedQuestion? {
        guard let trade = look.waiting.first else { return try endPage() }
        switch answer {
        case .accepted(let report):
            if names.count >= Limits.feedOrderNamesMax { names = [:] }
            names[trade.orderID] = report.clientOrderID
        case .rejected(let rejection) where rejection.kind == .notFound:
            guard try append(trade, "") else { return try leaveSymbol() }
            look.waiting.removeFirst()
        case .rejected, .throttled, .unknown, .notSent: return try leaveSymbol()
        }
        return try noteTrades()
    }

    private mutating func append(_ trade: AccountTrade, _ name: String) throws -> Bool {
        let order = state.orders.all.first { $0.clientOrderID == name }
        let trace = try trace(order)
        let notes = trade.notes(policy, clientOrderID: name, of: order?.request ?? .none)
        guard try append(notes, trace: trace) else { return false }
        addToGap(trade, name, trace: trace)
        return true
    }

    private mutating func endPage() throws -> FeedQuestion? {
        guard let symbol = look.symbols.first else { return try finish() }
        let isFull = look.page.count >= Limits.tradesPerAnswerMax
        if case .newest = look.range, isFull, let first = look.page.first, let known = try lastTrade(symbol),
            known < first.tradeID
        {
            look.range = .fromID(known)  // the newest did not reach back to what the log has
            return .trades(symbol, look.range)
        }
        if let last = look.page.last {
            nextTrade[symbol.text] = last.tradeID + 1
            look.range = .fromID(last.tradeID + 1)
            if isFull { return .trades(symbol, look.range) }
        }
        look.symbols.removeFirst()
        return try nextSymbol()
    }

    private mutating func finish() throws -> FeedQuestion? {
        if let rows = look.rows { try attest(rows) }
        try judge()
        return nil
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

    /// Before anything is asked, which may take its time.
    private func raiseWhereLost() throws {
        guard let lostFor = look.lostFor, lostFor > options.streamLossMilliseconds, !causes.contains("user_stream")
        else {
            return
        }
        try raise("user_stream", "no user stream for \(lostFor / 1_000) s")
    }

    private var causes: Set<String> { Set(state.trading.reducingCauses.map(\.cause)) }

    /// Raises `reducing` where the ledgers differ for long; ends the stream's cause once it stands again, REST has closed
    /// the gap and the ledgers agree.
    private mutating func judge() throws {
        try foldOn()
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
        if look.isWhole, look.lostFor == nil, watch.agrees, causes.contains("user_stream") {
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
