// Random but plausible events of every kind, from a seed. It keeps nothing but what it needs to refer
// back: it must never compute what a fold computes.

import Domain
import Events
import Records

struct Workload {
    var log = TestLog()
    private var numbers: SeededNumbers
    private var intents: [(SequenceNumber, String)] = []
    private var requests: [(SequenceNumber, String)] = []
    private var panics: [(SequenceNumber, String)] = []
    private let symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    private let causes = ["ledgers", "unhedged", "user_stream"]

    init(seed: UInt64) { numbers = SeededNumbers(seed: seed) }

    mutating func step() {
        log.nowMilliseconds += UInt64(numbers.upTo(20_000))
        switch numbers.upTo(22) {
        case 0...2: fill()
        case 3: detail()
        case 4: attested()
        case 5...6: intent()
        case 7: result()
        case 8...9: request()
        case 10...12: outcome()
        case 13...14: heartbeat()
        case 15: panic()
        case 16: completion()
        case 17: halt()
        case 18: resume()
        case 19: reducing()
        case 20: config()
        case 21: decision()
        default: other()
        }
    }

    private mutating func money(_ digits: Int) -> EventDecimal {
        try! ExactDecimal(coefficient: Int64(1 + numbers.upTo(999_999)), exponent: -digits).event
    }

    private mutating func fill() {
        var fill = EventFill()
        fill.venue = numbers.pick(["binance", "other"])
        fill.account = numbers.pick(["a", "b"])
        fill.symbol = numbers.pick(symbols)
        fill.tradeID = String(log.records.count)
        fill.side = numbers.chance(2) ? .unspecified : numbers.pick([.buy, .sell])
        fill.positionSide = numbers.chance(2) ? .UNRECOGNIZED(9) : numbers.pick([.both, .long, .short, .unspecified])
        if !numbers.chance(2) { fill.quantity = money(3) }
        fill.price = money(2)
        if numbers.chance(60) { fill.fee = money(6) }
        fill.feeAsset = numbers.pick(["USDT", "BNB"])
        log.append(.fill(fill))
    }

    private mutating func detail() {
        var detail = EventFillDetail()
        (detail.venue, detail.account, detail.symbol) = ("binance", "a", numbers.pick(symbols))
        if numbers.chance(50) { detail.fee = money(6) }
        detail.feeAsset = numbers.pick(["USDT", "BNB"])
        if numbers.chance(50) { detail.realisedProfit = money(4) }
        log.append(.fillDetail(detail))
    }

    private mutating func attested() {
        var message = EventPositionAttested()
        (message.venue, message.account, message.symbol) = ("binance", "a", numbers.pick(symbols))
        message.positionSide = numbers.pick([.both, .long, .short, .UNRECOGNIZED(9)])
        message.quantity = money(3)
        if numbers.chance(50) { message.entryPrice = money(2) }
        log.append(.positionAttested(message))
    }

    private mutating func decision() {
        var message = EventDecision()
        message.symbol = numbers.pick(symbols)
        let sequence = log.append(.decision(message))
        if numbers.chance(50) { return }
        var refused = EventDecisionRefused()
        refused.decisionSequence = sequence.rawValue
        refused.reason = numbers.pick(EventDecisionRefusalReason.allCases)
        log.append(.decisionRefused(refused))
    }

    private mutating func intent() {
        var message = EventTradeIntent()
        message.symbol = numbers.pick(symbols)
        message.action = numbers.pick([.buy, .sell, .close])
        let trace = "trace-\(log.records.count)"
        intents.append((log.append(.tradeIntent(message), trace: trace), trace))
    }

    private mutating func result() {
        guard !intents.isEmpty else { return }
        let (sequence, trace) = numbers.pick(intents)
        var message = EventExecutionResult()
        message.state = numbers.pick([.filled, .rejected, .failed])
        let byTrace = numbers.chance(50)
        if !byTrace { message.intentSequence = sequence.rawValue }
        log.append(.executionResult(message), trace: byTrace ? trace : "")
    }

    private mutating func request() {
        var message = EventOrderRequested()
        (message.venue, message.account, message.symbol) = ("binance", "a", numbers.pick(symbols))
        message.side = numbers.pick([.buy, .sell])
        message.positionSide = .both
        message.quantity = money(3)
        if numbers.chance(50) { message.price = money(2) }
        message.reduceOnly = numbers.chance(30)
        requests.append((log.append(.orderRequested(message)), message.symbol))
    }

    private mutating func outcome() {
        guard !requests.isEmpty else { return }
        let (sequence, symbol) = numbers.pick(requests)
        var message = EventOrderOutcome()
        message.requestSequence = sequence.rawValue
        message.symbol = symbol
        message.state = numbers.pick([
            .accepted, .partiallyFilled, .filled, .rejected, .canceled, .expired, .unknown, .unknown, .unknown,
            .notFoundAfterHorizon,
        ])
        if numbers.chance(50) { message.executedQuantity = money(3) }
        if numbers.chance(50) { message.exchangeOrderID = String(numbers.upTo(99)) }
        log.append(.orderOutcome(message))
    }

    private mutating func heartbeat() {
        var message = EventHeartbeat()
        message.serviceID = numbers.pick(["exit_brain", "other"])
        message.status = numbers.pick([.alive, .alive, .degraded])
        message.activePositions = UInt32(numbers.upTo(2))
        message.lastDecisionAtNs = Int64(numbers.upTo(1))
        log.append(.heartbeat(message))
    }

    private mutating func panic() {
        var message = EventPanicRequested()
        message.eventID = numbers.pick(["", "event-1", "event-2"])
        message.reason = "reason"
        message.issuer = numbers.pick(["ops", "watchdog"])
        panics.append((log.append(.panicRequested(message)), message.eventID))
    }

    private mutating func completion() {
        guard !panics.isEmpty else { return }
        let (sequence, eventID) = numbers.pick(panics)
        var message = EventPanicCompleted()
        message.panicSequence = sequence.rawValue
        message.eventID = eventID
        message.positionsTotal = UInt32(numbers.upTo(3))
        message.failedSymbols = numbers.chance(50) ? symbols : []
        log.append(.panicCompleted(message))
    }

    private mutating func halt() {
        var message = EventHalt()
        (message.reason, message.source) = ("reason", numbers.pick(["ops", "exit"]))
        if let panic = panics.last, numbers.chance(50) { message.panicSequence = panic.0.rawValue }
        log.append(.halt(message))
    }

    private mutating func resume() {
        var message = EventResume()
        message.scope = numbers.pick([.halt, .halt, .reducing, .symbol])
        if message.scope == .symbol { message.symbol = numbers.pick(symbols) }
        message.operator = "operator"
        log.append(.resume(message))
    }

    private mutating func reducing() {
        if numbers.chance(50) {
            var message = EventReducingRaised()
            (message.cause, message.detail) = (numbers.pick(causes), "detail")
            log.append(.reducingRaised(message))
        } else {
            var message = EventReducingEnded()
            message.cause = numbers.pick(causes)
            log.append(.reducingEnded(message))
        }
    }

    private mutating func config() {
        var message = EventConfigApplied()
        message.settings = ["a", "b"].map { name in
            var setting = EventConfigApplied.Setting()
            (setting.name, setting.value, setting.source) = (name, String(numbers.upTo(9)), "file")
            return setting
        }
        log.append(.configApplied(message))
    }

    private mutating func other() {
        switch numbers.upTo(2) {
        case 0: log.append(.untyped(EventUntyped()))
        case 1: log.append(.panicRefused(EventPanicRefused()))
        default: log.session = log.append(.sessionStarted(EventSessionStarted()))
        }
    }
}
