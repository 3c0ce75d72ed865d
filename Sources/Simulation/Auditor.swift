// Whether a world kept its promises: books of its own, written from the log's records and the venue's own state and
// nothing else, compared after every step. It must never ask the machines, the performers, or Domain's folds.

internal import EventLog
internal import Events
internal import ExchangeSimulation
internal import Records

final class Auditor {
    static let findingsMax = 8
    /// A request must have an outcome, "unknown" at least, after so much of one life.
    private static let outcomeMax: Milliseconds = 90_000
    /// `reducing` must be raised when the user stream was away for so long: 30 s, and what a look under way takes.
    private static let deafMax: Milliseconds = 90_000

    private let world: WorldParts
    private(set) var findings: [String] = []
    private var books = AuditorBooks()
    private var lastRecord = SequenceNumber.none
    private var lastOrder: Int64 = 0
    private var lastTrade: Int64 = 0
    private var nextSlowLook: Milliseconds = 0
    private var trades: [String: TrueTrade] = [:]
    private var tradeNames: [String] = []
    /// Of trades, by symbol and side.
    private var venueSums: [String: ExactSum] = [:]
    private var lines: [String] = []
    private(set) var orderCount = 0
    /// Nil while the process is dead.
    var livesSince: Milliseconds?
    /// Nil while the exit worker is dead.
    var exitLivesSince: Milliseconds?
    private(set) var notFlatCount = 0

    init(_ world: WorldParts) { self.world = world }

    var intentCount: Int { books.intents.count }
    var tradeCount: Int { tradeNames.count }
    var unknownCount: Int { books.unknownCount }
    var givenUpCount: Int { books.givenUpCount }
    var lossCount: Int { books.reducingCounts["user_stream"] ?? 0 }
    var differenceCount: Int { books.reducingCounts["ledgers"] ?? 0 }
    var digest: String { Digest.sha256(lines.joined(separator: "\n")).hex }

    /// Every intent has its end.
    var hasSettled: Bool { books.openDecisions.isEmpty && books.openIntents.isEmpty && books.openPanics.isEmpty }

    /// The user stream forbids nothing any more.
    var isHeard: Bool { !books.isReducing(for: "user_stream") }

    func find(_ what: String) {
        let text = "at +\(world.time.now - VirtualTime.epoch) ms: \(what)"
        if findings.count < Auditor.findingsMax { findings.append(text) }
    }

    /// After each step: what is new in the log, then what is new at the venue.
    func look() throws {
        try readVenueTrades()
        try readLog()
        try readVenueOrders()
        guard world.time.now >= nextSlowLook else { return }
        nextSlowLook = world.time.now + 30_000
        try lookAtGuards()
        lookForSilence()
        lookForDeafness()
    }

    // MARK: The log

    private func readLog() throws {
        guard try world.log.head().sequence > lastRecord else { return }
        var fresh: [Record] = []
        try world.log.walk(from: lastRecord.next, through: nil) { view in
            fresh.append(try view.record())
            return true
        }
        for record in fresh {
            lastRecord = record.sequence
            let event = try EventRecord.decode(record)
            if case .conflict(let conflict) = event { find("record \(record.sequence) is a conflict: \(conflict.key)") }
            if let line = try books.take(event, record, find) { lines.append(line) }
            try compare(event)
        }
    }

    /// What a record says with what really is.
    private func compare(_ event: Event) throws {
        switch event {
        case .orderOutcome(let outcome): try compare(outcome)
        case .fill(let fill): try compare(fill)
        case .executionResult(let result): try compare(result)
        case .panicCompleted(let completed): compare(completed)
        default: break
        }
    }

    private func compare(_ outcome: EventOrderOutcome) throws {
        let found = world.exchange.venue.orders(clientID: outcome.clientOrderID)
        let name = "request \(outcome.requestSequence) (\(outcome.symbol))"
        switch outcome.state {
        case .rejected:
            if let order = found.first { find("\(name) is rejected, and its order \(order.id) is \(order.status)") }
        case .notFoundAfterHorizon:
            // An order that ended without a trade before anybody could see it has left nothing that could be found.
            if let order = found.first(where: { !$0.filled.isZero || $0.isOpen }) {
                find("\(name) was not found, and its order \(order.id) is \(order.status), \(order.filled) filled")
            }
        case .filled, .canceled, .expired:
            guard let order = found.first, String(order.id) == outcome.exchangeOrderID else {
                return find("\(name) is \(outcome.state), and the venue has no such order")
            }
            let executed = try outcome.hasExecutedQuantity ? ExactSum(ExactDecimal(outcome.executedQuantity)) : .zero
            if executed != order.filled { find("\(name) executed \(executed), the venue says \(order.filled)") }
            if order.isOpen {
                find("\(name) is \(outcome.state), and its order is \(order.status)")
            }
        case .accepted, .partiallyFilled, .unknown, .unspecified, .UNRECOGNIZED: break
        }
    }

    private func compare(_ fill: EventFill) throws {
        guard let trade = trades["\(fill.symbol)/\(fill.tradeID)"] else {
            return find("fill \(fill.symbol)/\(fill.tradeID): the venue has no such trade")
        }
        let isSame =
            try String(trade.order) == fill.orderID && trade.side == (fill.side == .buy ? "BUY" : "SELL")
            && trade.quantity == ExactSum(ExactDecimal(fill.quantity))
            && trade.price == ExactSum(ExactDecimal(fill.price))
            && trade.positionSide == AuditorBooks.place(fill.positionSide)
        if !isSame { find("fill \(fill.symbol)/\(fill.tradeID) differs from the venue's trade") }
    }

    private func compare(_ result: EventExecutionResult) throws {
        var executed = ExactSum.zero
        for number in books.requests(of: result.intentSequence) {
            guard let request = books.requests[number] else { continue }
            let found = world.exchange.venue.orders(clientID: request.clientID)
            for order in found { executed = try executed.adding(order.filled) }
            guard !request.isFinal, !books.isGuarded("symbol/\(request.symbol)") else { continue }
            find("intent \(result.intentSequence) ended, its request \(number) has no outcome and no guard is up")
        }
        if result.state == .filled, executed.isZero {
            find("intent \(result.intentSequence) FILLED with nothing filled")
        }
        if result.state == .rejected, !executed.isZero {
            find("intent \(result.intentSequence) REJECTED, and \(executed) were filled")
        }
        guard result.state == .filled, !result.hasPair else { return }
        let said = try result.hasFilledQuantity ? ExactSum(ExactDecimal(result.filledQuantity)) : .zero
        if said != executed { find("intent \(result.intentSequence) says \(said) filled, the venue \(executed)") }
    }

    /// What a completion does not name is closed, unless other hands have just traded.
    private func compare(_ completed: EventPanicCompleted) {
        if completed.positionsFailed > 0 { notFlatCount += 1 }
        let named = Set(completed.failedSymbols)
        guard !named.contains("UNKNOWN"), world.time.now - world.hands.lastAt > 20_000 else { return }
        for holding in world.exchange.venue.holdings where !holding.quantity.isZero && !named.contains(holding.symbol) {
            find("panic \(completed.panicSequence) is completed, and \(holding.symbol) \(holding.quantity) is open")
        }
    }

    // MARK: The venue

    private func readVenueTrades() throws {
        for trade in world.exchange.venue.trades(after: lastTrade) {
            lastTrade = trade.id
            let name = "\(trade.symbol)/\(trade.id)"
            trades[name] = trade
            tradeNames.append(name)
            let signed = trade.side == "BUY" ? trade.quantity : trade.quantity.negated
            let key = "\(trade.symbol)/\(trade.positionSide)"
            venueSums[key] = try (venueSums[key] ?? .zero).adding(signed)
            lines.append("trade \(world.time.now) \(name) \(trade.order) \(key) \(signed) @ \(trade.price)")
        }
    }

    private func readVenueOrders() throws {
        for order in world.exchange.venue.orders(after: lastOrder) {
            lastOrder = order.id
            guard order.clientID.hasPrefix("bs") else { continue }
            orderCount += 1
            lines.append("order \(world.time.now) \(order.id) \(order.symbol) \(order.side) \(order.quantity)")
            try judge(order)
        }
    }

    private func judge(_ order: TrueOrder) throws {
        guard let number = books.requestOfClientID[order.clientID], let request = books.requests[number] else {
            return find("order \(order.id) of \(order.symbol) has no request in the log")
        }
        let count = world.exchange.venue.orders(clientID: order.clientID).count
        if count > 1 { find("request \(number) has \(count) orders at the venue") }
        if request.isFinal { find("request \(number) had its end in the log before its order \(order.id) arrived") }
        if books.isEnded(request.intent) {
            find("order \(order.id) arrived after its intent \(request.intent) had ended")
        }
        let isSame =
            order.symbol == request.symbol && order.side == request.side
            && order.positionSide == request.place
            && (request.mayOpen ? order.quantity == request.quantity : order.quantity <= request.quantity)
        if !isSame { find("order \(order.id) is not what request \(number) says") }
        if request.mayOpen, books.isExited {
            find("order \(order.id) opened \(order.symbol) after the exit was completed")
        }
        guard request.mayOpen, let (name, since) = books.firstGuard(of: request.symbol) else { return }
        // What left before the guard was raised may still arrive; nothing leaves after it.
        guard let left = world.exchange.departures[order.clientID], left <= since else {
            return find("order \(order.id) left to open \(order.symbol) after \(name) was raised at \(since)")
        }
    }

    // MARK: Now and then

    /// The log's table of guards, by its own records.
    private func lookAtGuards() throws {
        let guards = try world.log.snapshot { try $0.guards() }
        for name in ["halt", "reducing"] + world.plan.symbols.map({ "symbol/\($0)" }) {
            let isRaised = guards.first(name) != nil
            if isRaised != books.isGuarded(name) { find("the log holds \(name) \(isRaised ? "raised" : "lowered")") }
        }
    }

    /// Requests of which nothing is said.
    private func lookForSilence() {
        for number in books.openRequests {
            guard let request = books.requests[number], !request.isSpokenOf,
                let since = request.isExit ? exitLivesSince : livesSince
            else { continue }
            let age = world.time.now - max(since, request.recordedAt)
            if age > Auditor.outcomeMax {
                find(
                    "request \(number)\(request.isExit ? " (exit)" : "") of \(request.symbol): no outcome after \(age) ms"
                )
            }
        }
    }

    /// A user stream that is away.
    private func lookForDeafness() {
        guard let since = livesSince, let deafSince = world.exchange.deafSince, isHeard else { return }
        let age = world.time.now - max(since, deafSince, books.reducingResumedAt)
        if age > Auditor.deafMax { find("no user stream for \(age) ms, and reducing is not raised for it") }
    }

    // MARK: The end

    /// After the faults have ended: everything has its end, and both ledgers are one.
    func settle() throws {
        try look()
        for decision in books.openDecisions.sorted() { find("decision \(decision) has no end") }
        for intent in books.openIntents { find("intent \(intent) has no end") }
        for panic in books.openPanics { find("panic \(panic) has no completion") }
        for number in books.openRequests where !books.isGivenUp(number) {
            guard let request = books.requests[number] else { continue }
            let of = request.isExit ? "panic" : "intent"
            find(
                "request \(number) of \(of) \(request.intent) (\(request.symbol)) has no outcome\(request.isSpokenOf ? " but unknown" : "")"
            )
        }
        if !isHeard { find("the user stream stands, and reducing is still raised for it") }
        for name in tradeNames where !books.fills.contains(name) { find("trade \(name) is not in the log") }
        var held: [String: ExactSum] = [:]
        for holding in world.exchange.venue.holdings {
            held["\(holding.symbol)/\(holding.positionSide)"] = holding.quantity
        }
        for symbol in world.plan.symbols {
            for place in ["BOTH", "LONG", "SHORT"] {
                let key = "\(symbol)/\(place)"
                let (venue, log) = (held[key] ?? .zero, books.positions[key] ?? .zero)
                if venue != log { find("\(key): the log holds \(log), the venue \(venue)") }
                if venue != venueSums[key] ?? .zero { find("\(key): the venue's trades do not make its position") }
                lines.append("\(key) \(venue)")
            }
        }
        guard world.plan.sabotage == .none else { return }
        for problem in try world.log.verify(known: nil, progress: { _ in }).findings.prefix(3) {
            find("verify: \(problem.problem)")
        }
    }
}
