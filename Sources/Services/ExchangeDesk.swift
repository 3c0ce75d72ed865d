// Execution's side of the exchange: asks what its rules ask, and remembers what rarely changes. It does not wait: the
// line answers when it can, at once where it blocks, later in virtual time. It never sends an order: that takes a
// permit, which only the worker has.

package import Domain
internal import EventLog
internal import Events
package import Exchange
internal import Records
internal import Synchronization

/// How the desk asks. Each call is answered exactly once, or, where its process dies, never.
package protocol ExchangeLine: Sendable {
    func ask<Value>(_ query: Query<Value>, then: @escaping (Answer<Value>) -> Void)
    func command<Value>(_ command: Command<Value>, then: @escaping (Answer<Value>) -> Void)
}

/// Answers before it returns.
struct BlockingLine: ExchangeLine {
    let port: any ExchangePort

    func ask<Value>(_ query: Query<Value>, then: @escaping (Answer<Value>) -> Void) {
        then(port.ask(query, .ordinary))
    }

    func command<Value>(_ command: Command<Value>, then: @escaping (Answer<Value>) -> Void) {
        then(port.command(command, .ordinary))
    }
}

package final class ExchangeDesk: Sendable {
    package typealias Reply = (ExecutionAnswer) -> Void

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
    private let line: any ExchangeLine
    private let journal: ExecutionJournal
    private let known = Mutex(Known())

    package init(line: any ExchangeLine, journal: ExecutionJournal) {
        self.line = line
        self.journal = journal
    }

    /// What is asked of the exchange, and leads to the same end however often.
    package func perform(_ effect: ExecutionEffect, _ reply: @escaping Reply) {
        switch effect {
        case .instrument(let symbol): instrument(symbol, reply)
        case .price(let symbol): answered(.markPrice(symbol), reply) { .price($0.markPrice) }
        case .holdings(let symbol): holdings(symbol, reply)
        case .lookUp(let symbol, let id): line.ask(.order(symbol, .clientID(id))) { reply(.lookedUp($0)) }
        case .trades(let symbol, let id): answered(.accountTrades(symbol, .ofOrder(id)), reply) { .trades($0) }
        case .witnesses(let request): witnesses(request, reply)
        case .leverage(let symbol, let leverage): self.leverage(symbol, leverage, reply)
        case .cancel(let symbol, let id):
            line.command(.cancelOrder(symbol, .clientID(id))) { reply(ExchangeDesk.read($0) { _ in .done }) }
        case .place, .ordersOfTheLastMinute, .request, .note, .conclude, .pause, .finished:
            preconditionFailure("\(effect) is not the desk's")
        }
    }

    // MARK: What changes rarely

    private func instrument(_ symbol: SymbolName, _ reply: @escaping Reply) {
        let (info, age) = known.withLock { ($0.info, journal.now - $0.infoAt) }
        if let found = info?[symbol], age < ExchangeDesk.rulesAgeMax { return reply(.instrument(found)) }
        if info != nil, age < ExchangeDesk.missingAgeMax { return reply(.instrument(nil)) }
        answered(.exchangeInfo(), reply) { info in
            self.known.withLock { ($0.info, $0.infoAt) = (info, self.journal.now) }
            return .instrument(info[symbol])
        }
    }

    /// Nil: not known.
    private func mode(_ then: @escaping (Bool?) -> Void) {
        let (mode, age) = known.withLock { ($0.isHedgeMode, journal.now - $0.modeAt) }
        if age < ExchangeDesk.modeAgeMax { return then(mode) }
        line.ask(.accountConfig()) { answer in
            guard case .accepted(let config) = answer else { return then(nil) }
            self.known.withLock { ($0.isHedgeMode, $0.modeAt) = (config.isHedgeMode, self.journal.now) }
            then(config.isHedgeMode)
        }
    }

    private func leverage(_ symbol: SymbolName, _ leverage: Int, _ reply: @escaping Reply) {
        if known.withLock({ $0.leverage[symbol] == leverage }) { return reply(.done) }
        let command: Command<Void>
        do { command = try .setLeverage(symbol, leverage) } catch { return reply(.declined("\(error)")) }
        line.command(command) { answer in
            switch answer {
            case .accepted:
                self.known.withLock { $0.leverage[symbol] = leverage }
                reply(.done)
            case .rejected(let rejection): reply(.declined(rejection.description))
            case .throttled(let why): reply(.unanswered("\(why)"))
            case .unknown(let why): reply(.unanswered("\(why)"))
            case .notSent(let why): reply(.unanswered("\(why)"))
            }
        }
    }

    // MARK: What is asked each time

    /// Fresh, whole, and in which mode; anything less is no answer.
    private func holdings(_ symbol: SymbolName, _ reply: @escaping Reply) {
        mode { isHedgeMode in
            guard let isHedgeMode else { return reply(.unanswered("the account's position mode is not known")) }
            self.answered(.positions(symbol), reply) { rows in
                guard rows.isComplete else { return .unanswered("a row of its positions cannot be read") }
                return .holdings(rows.readable, isHedgeMode: isHedgeMode)
            }
        }
    }

    /// Looks for traces of an order that its look-up does not show: among open orders, in the log's fills (the user
    /// stream brings them), and among the account's trades that no order of ours explains.
    private func witnesses(_ request: RequestedOrder, _ reply: @escaping Reply) {
        line.ask(.openOrders(request.plan.symbol)) { answer in
            guard case .accepted(let rows) = answer else { return reply(.unanswered("no list of open orders")) }
            guard rows.isComplete else { return reply(.unanswered("a row of the open orders cannot be read")) }
            if rows.readable.contains(where: { $0.clientOrderID == request.clientOrderID.text }) {
                return reply(.seen("it is among the open orders"))
            }
            self.witnessesOfTrades(request, reply)
        }
    }

    private func witnessesOfTrades(_ request: RequestedOrder, _ reply: @escaping Reply) {
        do {
            if try journal.hasFill(of: request) { return reply(.seen("the log has a fill of it")) }
            // Trades bear the exchange's time, and its clock may be as far from ours as requests are stamped for.
            let off = Limits.clockOffsetMillisecondsMax
            let since = try journal.recordedAt(request.sequence).milliseconds - off
            let until = journal.log.clock.now().milliseconds + off
            witnesses(
                .between(Timestamp(milliseconds: since), Timestamp(milliseconds: until)), request, reply)
        } catch {
            reply(.unanswered("\(error)"))
        }
    }

    /// Page by page: what an answer has no room for may be the very trade.
    private func witnesses(
        _ range: Endpoint.TradeRange, _ request: RequestedOrder, _ reply: @escaping Reply
    ) {
        line.ask(.accountTrades(request.plan.symbol, range)) { answer in
            guard case .accepted(let trades) = answer else { return reply(.unanswered("no list of trades")) }
            do {
                if let found = try trades.first(where: { try self.journal.isUnexplained($0, request) }) {
                    return reply(.seen("trade \(found.tradeID) of order \(found.orderID) is nobody's"))
                }
            } catch {
                return reply(.unanswered("\(error)"))
            }
            guard trades.count >= Limits.tradesPerAnswerMax, let last = trades.map(\.tradeID).max() else {
                return reply(.notSeen)
            }
            self.witnesses(.fromID(last + 1), request, reply)
        }
    }

    private func answered<Value>(
        _ query: Query<Value>, _ reply: @escaping Reply, _ read: @escaping (Value) -> ExecutionAnswer
    ) {
        line.ask(query) { reply(ExchangeDesk.read($0, read)) }
    }

    private static func read<Value>(
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
