// Random answers as evidence must keep them, and whole executions with what an audit asks the log about them.

import Events
import Records
import Testing

@testable import Domain
@testable import Exchange

extension SeededNumbers {
    mutating func decimal() -> ExactDecimal {
        let digits = pick([Int64(9), 99_999, 1_000_000_000_000, Int64.max])
        return try! ExactDecimal(coefficient: Int64.random(in: -digits...digits, using: &self), exponent: 0 - upTo(18))
    }
    mutating func positive() -> ExactDecimal {
        try! ExactDecimal(coefficient: Int64.random(in: 1...1_000_000_000, using: &self), exponent: 2 - upTo(10))
    }
    mutating func maybe<Value>(_ value: (inout SeededNumbers) -> Value) -> Value? { chance(50) ? value(&self) : nil }

    /// Whatever somebody says for people.
    mutating func words() -> String {
        let pieces = ["", "a", "\"", "\\", "\n", "\u{0}", "\u{7f}", "é", "💥", "</script>", "\u{2028}", "{", "]", " "]
        return (0..<upTo(8)).map { _ in pick(pieces) }.joined()
    }
    mutating func symbol() -> SymbolName { pick([Sample.btc, Sample.eth]) }
    mutating func side() -> OrderSide { pick([.buy, .sell]) }
    mutating func id() -> Int64 { Int64.random(in: 1...Int64.max, using: &self) }
    mutating func moment() -> Milliseconds { Int64.random(in: -1_000_000...(1 << 50), using: &self) }

    mutating func plan() -> OrderPlan {
        OrderPlan(
            leg: UInt32(1 + upTo(300)), symbol: symbol(), side: side(), positionSide: pick(PositionSide.allCases),
            quantity: decimal(), reduceOnly: chance(50), price: maybe { $0.decimal() },
            holding: maybe { $0.decimal() })
    }

    mutating func settled() -> SettledOrder {
        SettledOrder(
            state: pick(EventOutcomeState.allCases.filter { $0 != .unspecified }),
            exchangeOrderID: chance(50) ? "" : "\(id())", executed: decimal(),
            averagePrice: maybe { $0.decimal() }, reason: words())
    }

    mutating func request() -> RequestedOrder {
        RequestedOrder(
            sequence: SequenceNumber(UInt64(id())), plan: plan(), clientOrderID: try! ClientOrderID("bs_\(upTo(999))"),
            requestedAt: moment(), settled: maybe { $0.settled() })
    }

    mutating func report() -> OrderReport {
        let quantity = positive()
        let status = pick(OrderStatus.allCases)
        let members: [(String, JSONValue)] = [
            ("symbol", .text(symbol().text)), ("orderId", .whole(id())), ("clientOrderId", .text("c\(upTo(9))")),
            ("status", .text(status.rawValue)), ("side", .text(side().rawValue)),
            ("positionSide", .text(pick(PositionSide.allCases).rawValue)), ("type", .text("MARKET")),
            ("origQty", .amount(quantity)),
            ("executedQty", .amount(status == .filled || chance(50) ? quantity : .zero)),
            ("price", .amount(maybe { $0.positive() })), ("avgPrice", .amount(maybe { $0.positive() })),
            ("reduceOnly", .bool(chance(50))), ("updateTime", maybe { .whole($0.id()) } ?? .null),
        ]
        return try! OrderReport(AnswerFields(.members(members)))
    }

    mutating func position() -> PositionReport {
        let side = pick(PositionSide.allCases)
        let size = positive()
        return try! PositionReport(
            AnswerFields(
                .members([
                    ("symbol", .text(symbol().text)), ("positionSide", .text(side.rawValue)),
                    ("positionAmt", .amount(side == .short ? size.negated : size)),
                    ("entryPrice", .amount(maybe { $0.positive() })), ("markPrice", .amount(maybe { $0.positive() })),
                    ("updateTime", maybe { .whole($0.id()) } ?? .null),
                ])))
    }

    mutating func trade() -> AccountTrade {
        AccountTrade(
            symbol: symbol().text, tradeID: id(), orderID: id(), side: side(),
            positionSide: pick(PositionSide.allCases), price: positive(), quantity: positive(),
            realizedProfit: decimal(), fee: decimal(), feeAsset: "USDT", isMaker: chance(50),
            tradedAtMilliseconds: Int64.random(in: 1...4_000_000_000_000, using: &self))
    }

    mutating func instrument() -> Instrument {
        Sample.instrument(
            symbol(), minimum: "0.00\(1 + upTo(8))", maximum: chance(30) ? "0" : "\(1 + upTo(999))",
            step: "0.00\(1 + upTo(8))",
            notional: "\(positive())", status: pick(["TRADING", "SETTLING"]))
    }

    mutating func answer<Value>(_ value: (inout SeededNumbers) -> Value) -> Answer<Value> {
        switch upTo(4) {
        case 0: .accepted(value(&self))
        case 1:
            .rejected(
                Rejection(
                    kind: pick(Rejection.Kind.allCases), status: upTo(999), code: maybe { 0 - $0.upTo(9_999) },
                    text: words()))
        case 2:
            .throttled(
                Throttling(
                    cause: pick(Throttling.Cause.allCases), retryAfterMilliseconds: maybe { $0.id() }, text: words()))
        case 3: .unknown(Unknown(reason: pick(Unknown.Reason.allCases), text: words()))
        default: .notSent(NotSent(reason: pick(NotSent.Reason.allCases), text: words()))
        }
    }

    /// Every case, by number.
    mutating func executionAnswer(_ number: Int) -> ExecutionAnswer {
        switch number % ExecutionAnswer.caseCount {
        case 0: .instrument(maybe { $0.instrument() })
        case 1: .price(decimal())
        case 2: .holdings((0..<upTo(3)).map { _ in position() }, isHedgeMode: chance(50))
        case 3: .count(upTo(1_000_000))
        case 4: .done
        case 5: .unanswered(words())
        case 6: .declined(words())
        case 7: .committed(request())
        case 8: .stoodAlready(request())
        case 9: .requestRefused(reason: words(), detail: words())
        case 10: .placed(answer { $0.report() })
        case 11: .lookedUp(answer { $0.report() })
        case 12: .trades((0..<upTo(4)).map { _ in trade() })
        case 13: .seen(words())
        default: .notSeen
        }
    }
}

extension ExecutionAnswer {
    static let caseCount = 15
}

/// One execution, or its last life, as its evidence and as the log beside it.
struct EvidentStory: AuditPast {
    let intent = SequenceNumber(7)
    private(set) var parts: [EventEvidence]
    /// Its effects, the one that was never answered last.
    private(set) var effects: [ExecutionEffect] = []
    private var records: [SequenceNumber: Record] = [:]
    private var outcomes: [String: Record] = [:]
    private let policy: ExecutionPolicy

    /// - Parameter lives: all but the last are killed on the way.
    init(seed: UInt64, lives: Int = 1) {
        var numbers = SeededNumbers(seed: seed)
        var world = ExecutionRandomTests.world(&numbers)
        let message = ExecutionRandomTests.intent(&numbers)
        for _ in 1..<lives { _ = world.live(message, killAfter: 4 + numbers.upTo(8)) }
        self.init(world, message, takenOverAt: lives > 1 ? world.now : nil)
    }

    init(_ given: ExecutionWorld, _ message: EventTradeIntent, takenOverAt: Milliseconds? = nil) {
        var world = given
        var execution = world.start(message, takenOverAt: takenOverAt)
        var count = 0
        while execution.effect != .finished, count < 300 {
            effects.append(execution.effect)
            execution.take(world.perform(execution.effect, intent: intent), at: world.now)
            count += 1
        }
        effects.append(execution.effect)
        parts = execution.trail.parts
        policy = world.policy
        records[intent] = EvidentStory.record(.tradeIntent(message), intent)
        for (key, request) in world.requests { records[request.sequence] = EvidentStory.requested(key, request) }
        for case .outcome(let outcome) in world.notes where outcome.state.isEnd {
            let sequence = SequenceNumber(UInt64(500 + outcomes.count))
            outcomes[EventOrderOutcome.finalKey(of: SequenceNumber(outcome.requestSequence))] =
                EvidentStory.record(.orderOutcome(outcome), sequence)
        }
    }

    private static func requested(_ key: ExecutionWorld.Key, _ request: RequestedOrder) -> Record {
        var message = EventOrderRequested()
        message.intentSequence = key.intent.rawValue
        message.leg = request.plan.leg
        message.symbol = request.plan.symbol.text
        message.side = request.plan.side.event
        message.positionSide = request.plan.positionSide.event
        message.quantity = request.plan.quantity.event
        message.reduceOnly = request.plan.reduceOnly
        message.clientOrderID = request.clientOrderID.text
        return record(.orderRequested(message), request.sequence)
    }

    static func record(_ event: Event, _ sequence: SequenceNumber) -> Record {
        let bytes = TestLog.bytes(event.kind.kind, event.typed, "t", sequence, SequenceNumber(1), 1_000)
        return try! RecordView(checking: bytes.span.bytes).record()
    }

    /// What an audit says of these parts.
    func audited(_ parts: [EventEvidence]) throws -> AuditBook {
        var (audit, book) = (ExecutionAudit(), AuditBook(since: .none))
        for (place, part) in parts.enumerated() {
            let record = EvidentStory.record(.evidence(part), SequenceNumber(UInt64(10_000 + place)))
            try audit.said(record, part, self, &book)
        }
        return book
    }

    func record(_ sequence: SequenceNumber) throws -> Record? { records[sequence] }
    func first(_ key: String, before sequence: SequenceNumber) throws -> Record? { outcomes[key] }
    func routing(_ config: SequenceNumber) throws -> RoutingPolicy? { nil }
    func execution(_ config: SequenceNumber) throws -> ExecutionPolicy? { policy }
    func watch(_ config: SequenceNumber) throws -> WatchPolicy? { nil }
    func logID(at sequence: SequenceNumber) -> LogID { LogID(Array(repeating: 1, count: LogID.byteCount))! }
    func isBeforeRestore(_ sequence: SequenceNumber, at now: SequenceNumber) -> Bool { false }
}
