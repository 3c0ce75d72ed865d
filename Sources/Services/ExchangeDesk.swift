// Execution's side of the exchange: asks what its rules ask, and remembers what rarely changes. It never sends an
// order: that takes a permit, which only the worker has.

internal import Domain
internal import EventLog
internal import Events
internal import Exchange
internal import Records
internal import Synchronization

final class ExchangeDesk: Sendable {
    private static let rulesAgeMax: Milliseconds = 600_000
    /// A symbol that is not listed is looked for again after so long.
    private static let missingAgeMax: Milliseconds = 10_000
    private static let modeAgeMax: Milliseconds = 60_000

    private struct Known {
        var info: ExchangeInfo?
        var infoAt: Milliseconds = .min / 2
        var isHedgeMode = false
        var modeAt: Milliseconds = .min / 2
        var leverage: [SymbolName: Int] = [:]
    }
    let port: any ExchangePort
    private let journal: ExecutionJournal
    private let known = Mutex(Known())

    init(port: any ExchangePort, journal: ExecutionJournal) {
        self.port = port
        self.journal = journal
    }

    // MARK: What changes rarely

    func instrument(_ symbol: SymbolName) -> ExecutionAnswer {
        let (info, age) = known.withLock { ($0.info, journal.now - $0.infoAt) }
        if let found = info?[symbol], age < ExchangeDesk.rulesAgeMax { return .instrument(found) }
        if info != nil, age < ExchangeDesk.missingAgeMax { return .instrument(nil) }
        return answered(port.ask(.exchangeInfo(), .ordinary)) { info in
            known.withLock { ($0.info, $0.infoAt) = (info, journal.now) }
            return .instrument(info[symbol])
        }
    }

    func isHedgeMode() -> Answer<Bool> {
        let (mode, age) = known.withLock { ($0.isHedgeMode, journal.now - $0.modeAt) }
        if age < ExchangeDesk.modeAgeMax { return .accepted(mode) }
        return port.ask(.accountConfig(), .ordinary).map { config in
            known.withLock { ($0.isHedgeMode, $0.modeAt) = (config.isHedgeMode, journal.now) }
            return config.isHedgeMode
        }
    }

    func leverage(_ symbol: SymbolName, _ leverage: Int) -> ExecutionAnswer {
        if known.withLock({ $0.leverage[symbol] == leverage }) { return .done }
        let command: Command<Void>
        do { command = try .setLeverage(symbol, leverage) } catch { return .declined("\(error)") }
        switch port.command(command, .ordinary) {
        case .accepted:
            known.withLock { $0.leverage[symbol] = leverage }
            return .done
        case .rejected(let rejection): return .declined(rejection.description)
        case .throttled(let why): return .unanswered("\(why)")
        case .unknown(let why): return .unanswered("\(why)")
        case .notSent(let why): return .unanswered("\(why)")
        }
    }

    // MARK: What is asked each time

    func price(_ symbol: SymbolName) -> ExecutionAnswer {
        answered(port.ask(.markPrice(symbol), .ordinary)) { .price($0.markPrice) }
    }

    /// Fresh, whole, and in which mode; anything less is no answer.
    func holdings(_ symbol: SymbolName) -> ExecutionAnswer {
        guard case .accepted(let isHedgeMode) = isHedgeMode() else {
            return .unanswered("the account's position mode is not known")
        }
        return answered(port.ask(.positions(symbol), .ordinary)) { rows in
            guard rows.isComplete else { return .unanswered("a row of its positions cannot be read") }
            return .holdings(rows.readable, isHedgeMode: isHedgeMode)
        }
    }

    func lookUp(_ symbol: SymbolName, _ id: ClientOrderID) -> ExecutionAnswer {
        .lookedUp(port.ask(.order(symbol, .clientID(id)), .ordinary))
    }

    func trades(_ symbol: SymbolName, _ orderID: Int64) -> ExecutionAnswer {
        answered(port.ask(.accountTrades(symbol, .ofOrder(orderID)), .ordinary)) { .trades($0) }
    }

    func cancel(_ symbol: SymbolName, _ id: ClientOrderID) -> ExecutionAnswer {
        answered(port.command(.cancelOrder(symbol, .clientID(id)), .ordinary)) { _ in .done }
    }

    /// Looks for traces of an order that its look-up does not show: among open orders, in the log's fills (the user
    /// stream brings them), and among the account's trades that no order of ours explains.
    func witnesses(_ request: RequestedOrder) -> ExecutionAnswer {
        let symbol = request.plan.symbol
        switch port.ask(.openOrders(symbol), .ordinary) {
        case .accepted(let rows):
            guard rows.isComplete else { return .unanswered("a row of the open orders cannot be read") }
            if rows.readable.contains(where: { $0.clientOrderID == request.clientOrderID.text }) {
                return .seen("it is among the open orders")
            }
        case .rejected, .throttled, .unknown, .notSent: return .unanswered("no list of open orders")
        }
        do {
            if try journal.hasFill(of: request) { return .seen("the log has a fill of it") }
            let since = try journal.recordedAt(request.sequence)
            let range = Endpoint.TradeRange.between(
                Timestamp(nanoseconds: since.nanoseconds - 1_000_000_000), journal.log.clock.now())
            return answered(port.ask(.accountTrades(symbol, range), .ordinary)) { trades in
                do {
                    let stranger = try trades.first { try self.journal.isUnexplained($0, request) }
                    return stranger.map { .seen("trade \($0.tradeID) of order \($0.orderID) is nobody's") } ?? .notSeen
                } catch {
                    return .unanswered("\(error)")
                }
            }
        } catch {
            return .unanswered("\(error)")
        }
    }

    private func answered<Value>(
        _ answer: Answer<Value>, _ read: (Value) -> ExecutionAnswer
    ) -> ExecutionAnswer {
        switch answer {
        case .accepted(let value): read(value)
        case .rejected(let why): .unanswered("\(why)")
        case .throttled(let why): .unanswered("\(why)")
        case .unknown(let why): .unanswered("\(why)")
        case .notSent(let why): .unanswered("\(why)")
        }
    }
}
