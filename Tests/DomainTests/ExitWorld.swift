// A run of the exit in virtual time: its effects go to the market, answers come back after their time, its journal is
// kept, and it may be killed and restarted from that journal.

import Events
import Records

@testable import Domain
@testable import Exchange

struct ExitWorld {
    var market = ExitMarket()
    var run: ExitRun
    private(set) var now: Milliseconds
    /// Of a question, there and back.
    var latency: Milliseconds = 20
    /// By symbol, for the orders to come; those after them are filled.
    var fates: [SymbolName: [CloseFate]] = [:]
    /// How often the next questions for positions are answered by "no".
    var deafLooks = 0
    var unreadable: Set<SymbolName> = []
    /// Positions as they were, for so many looks.
    var stale: (rows: Rows<PositionReport>, looks: Int)?
    var cancelTakes: Milliseconds = 20
    /// Cancels of conditional orders are answered and do nothing.
    var algosStay = false
    /// One resting order's row cannot be read.
    var ordersAreUnreadable = false

    private(set) var sent: [(at: Milliseconds, close: CloseOrder)] = []
    private(set) var again: [CloseOrder] = []
    private(set) var lookUps: [(at: Milliseconds, close: CloseOrder)] = []
    private(set) var asked: [String: Int] = [:]
    private(set) var journal: [(close: CloseOrder, end: ClosedOrder?, traded: Int64)] = []
    private(set) var news: [ExitNews] = []
    private var coming: [(at: Milliseconds, order: Int, event: Event)] = []
    private var count = 0
    private let rules: ExitRules
    private let instruments: ExchangeInfo?

    private enum Event {
        case answer(ExitAnswer)
        case arrival(CloseOrder, CloseFate)
        case landing(ExitPlace, Int64)
        case canceled(SymbolName, isAlgo: Bool)
    }

    static let symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "BNBUSDT"].map { try! SymbolName($0) }
    static let info: ExchangeInfo = {
        let texts = symbols.map { Sample.instrumentText($0) }.joined(separator: ",")
        return try! ExchangeInfo(
            try! AnswerFields(try! JSONText.read(#"{"serverTime":1,"rateLimits":[],"symbols":[\#(texts)]}"#)))
    }()

    init(
        at now: Milliseconds = 1_000_000, haltedAt: Milliseconds? = 1_000_000,
        instruments: ExchangeInfo? = ExitWorld.info, _ market: ExitMarket = ExitMarket()
    ) {
        self.now = now
        self.market = market
        self.instruments = instruments
        rules = ExitRules()
        run = ExitRun(trigger: "t", haltedAt: haltedAt, instruments: instruments, rules: rules, at: now)
    }

    // MARK: Going on

    /// To the next moment at which anything happens; false where nothing will.
    mutating func step(until end: Milliseconds) -> Bool {
        let next = coming.min { ($0.at, $0.order) < ($1.at, $1.order) }
        let times = [next?.at, run.wakesAt].compactMap(\.self)
        guard let at = times.min(), max(at, now) <= end else {
            now = end
            return false
        }
        now = max(now, at)
        if let next, next.at <= now {
            coming.removeAll { $0.order == next.order }
            happen(next.event)
        } else {
            perform(run.tick(now))
        }
        return true
    }

    mutating func start() { perform(run.tick(now)) }

    /// Until the run is over, or for so long.
    mutating func finish(within milliseconds: Milliseconds = 1_000_000) {
        let end = now + milliseconds
        start()
        while !run.isOver, step(until: end) {}
    }

    mutating func go(for milliseconds: Milliseconds) {
        let end = now + milliseconds
        while step(until: end) {}
    }

    /// Until so many closes were sent.
    mutating func goUntilSent(_ number: Int) { while sent.count < number, step(until: now + 100_000) {} }

    mutating func land(_ place: ExitPlace, _ quantity: Int64, at: Milliseconds) { come(.landing(place, quantity), at) }

    /// Killed; what is on its way to the exchange arrives, no answer does. Another life goes on with the journal.
    mutating func restart(after pause: Milliseconds, haltedAt: Milliseconds?, keeping lines: Int? = nil) {
        coming.removeAll { if case .answer = $0.event { true } else { false } }
        now += pause
        let kept = journal.prefix(lines ?? journal.count)
        run = ExitRun(
            trigger: "t", haltedAt: haltedAt, instruments: instruments, rules: rules,
            journal: kept.map { past in
                let executed = past.end.map { ExitMarket.thousandths($0.executed) } ?? 0
                return ExitPast(close: past.close, end: past.end, hasTrades: past.traded >= executed)
            },
            completion: run.completion, at: now)
        start()
    }

    mutating func halt(at time: Milliseconds) { perform(run.halted(at: time, now: now)) }
    mutating func learn(_ info: ExchangeInfo) { perform(run.learn(info, at: now)) }
    mutating func answer(_ answer: ExitAnswer) { perform(run.take(answer, at: now)) }

    // MARK: Effects

    mutating func perform(_ effects: [ExitEffect]) {
        for effect in effects {
            switch effect {
            case .positions(let look): askPositions(look)
            case .openOrders(let look):
                note("orders")
                reply(.openOrders(look, .accepted(market.openOrders(withUnreadable: ordersAreUnreadable))))
            case .openAlgoOrders(let look):
                note("algos")
                reply(.openAlgoOrders(look, .accepted(market.openAlgos())))
            case .lookUp(let close):
                lookUps.append((now, close))
                reply(.lookedUp(close, market.lookUp(close, at: now)))
            case .trades(let close, let order):
                note("trades")
                reply(.trades(close, .accepted(market.trades(of: order))))
            case .witness(let close):
                note("witness")
                reply(.witnessed(close, .accepted(market.trades(in: close))))
            case .cancelAll(let symbol):
                note("cancel \(symbol)")
                come(.canceled(symbol, isAlgo: false), now + cancelTakes)
            case .cancelAllAlgo(let symbol):
                note("cancel algo \(symbol)")
                come(.canceled(symbol, isAlgo: true), now + cancelTakes)
            case .close(let close):
                sent.append((now, close))
                journal.append((close, nil, 0))
                leave(close)
            case .closeAgain(let close):
                again.append(close)
                leave(close)
            case .note(let close, let end): journalEnd(close, end)
            case .noteTrades(let close, let trades):
                guard let place = journal.firstIndex(where: { $0.close == close }) else { continue }
                journal[place].traded = trades.reduce(0) { $0 + ExitMarket.thousandths($1.quantity) }
            case .tell(let told): news.append(told)
            }
        }
    }

    private mutating func note(_ name: String) { asked[name, default: 0] += 1 }

    private mutating func journalEnd(_ close: CloseOrder, _ end: ClosedOrder) {
        guard end.state != .unknown, let place = journal.firstIndex(where: { $0.close == close }) else { return }
        journal[place].end = end
    }

    private mutating func askPositions(_ look: Int) {
        note("positions")
        if deafLooks > 0 {
            deafLooks -= 1
            return reply(.positions(look, .unknown(Unknown(reason: .timedOut, text: "deaf"))))
        }
        var rows = market.rows(unreadable: unreadable)
        if let old = stale, old.looks > 0 {
            rows = old.rows
            stale = (old.rows, old.looks - 1)
        }
        reply(.positions(look, .accepted(rows)))
    }

    private mutating func leave(_ close: CloseOrder) {
        let symbol = close.place.symbol
        let fate = fates[symbol].flatMap { $0.first } ?? CloseFate()
        if fates[symbol]?.isEmpty == false { fates[symbol]?.removeFirst() }
        switch fate.told {
        case .wholly, .lost(arrives: true): come(.arrival(close, fate), now + latency / 2 + fate.travels)
        case .lost(arrives: false): lose(close)
        case .rejected(let code, let status, let text):
            reply(
                .closed(
                    close,
                    .rejected(
                        Rejection(kind: code == -1021 ? .clock : .request, status: status, code: code, text: text))))
        case .throttled(let wait):
            let why = Throttling(cause: .weight, retryAfterMilliseconds: wait, text: "slow down")
            reply(.closed(close, .throttled(why)))
        case .notSent: reply(.closed(close, .notSent(NotSent(reason: .noConnection, text: "away"))))
        }
    }

    private mutating func lose(_ close: CloseOrder) {
        reply(.closed(close, .unknown(Unknown(reason: .connectionLost, text: "gone"))))
    }

    private mutating func reply(_ answer: ExitAnswer, after milliseconds: Milliseconds? = nil) {
        come(.answer(answer), now + (milliseconds ?? latency))
    }

    private mutating func come(_ event: Event, _ at: Milliseconds) {
        count += 1
        coming.append((at, count, event))
    }

    private mutating func happen(_ event: Event) {
        switch event {
        case .answer(let answer): perform(run.take(answer, at: now))
        case .landing(let place, let quantity): market.move(place, by: quantity)
        case .canceled(let symbol, let isAlgo):
            if isAlgo {
                if !algosStay { market.algos.remove(symbol) }
            } else {
                market.resting = market.resting.filter { $0.symbol != symbol }
            }
            perform(run.take(.canceled(symbol, isAlgo: isAlgo, .accepted(())), at: now))
        case .arrival(let close, let fate):
            let order = market.arrive(close, fate, at: now)
            if case .lost = fate.told { return lose(close) }
            let report = order.map { Answer<OrderReport>.accepted(market.report($0)) }
            let refused = Rejection(kind: .request, status: 400, code: -2022, text: "ReduceOnly Order is rejected.")
            reply(.closed(close, report ?? .rejected(refused)), after: latency / 2 + fate.answersAfter)
        }
    }
}
