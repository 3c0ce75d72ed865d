// A real log that passes its audit, made by the router and by executions on a script of an exchange; and the places at
// which a test may alter what is recorded, so that exactly one rule is broken. Everything else stays as it was.

import Foundation
import SwiftProtobuf
import Synchronization
import Testing

import Domain
import EventLog
import Events
import Exchange
import Records
import Services

/// What a test alters before it is recorded; the execution itself goes on as if nothing were.
struct Alterations {
    var intent: (inout EventTradeIntent) -> Void = { _ in }
    var refusal: (inout EventDecisionRefused) -> Void = { _ in }
    var evidence: (inout [EventEvidence]) -> Void = { _ in }
    var request: (inout EventOrderRequested) -> Void = { _ in }
    var notes: (inout [ExecutionNote]) -> Void = { _ in }
    var result: (inout EventExecutionResult) -> Void = { _ in }
}

final class AuditBench {
    let log: EventLog
    let config: SequenceNumber
    private let clock: BenchClock
    private let routing: RoutingPolicy
    private let policy: ExecutionPolicy

    /// - Parameter enforcesGuards: false: records raise and lower guards, and nothing requires any.
    init(at path: String, enforcesGuards: Bool = true) throws {
        let clock = BenchClock()
        self.clock = clock
        let options = LogOptions(bytesMax: .max, reserveBytes: 0, clock: clock.clock, version: "test")
        _ = try EventLog.create(at: path, options: options)
        let rules = enforcesGuards ? EventRules.rules : AuditBench.withoutGuards
        log = try EventLog(at: path, mode: .writing, rules: rules, options: options)
        let settings = try Settings(file: nil, environment: [:], options: [:])
        let draft = try Drafts.configApplied(settings.applied, producer: "test", at: clock.clock.now())
        guard case .appended(let place) = try log.append([draft])[0] else { throw MessageError("config", "refused") }
        config = place.sequence
        routing = try settings.routing(configSequence: config.rawValue)
        policy = try settings.execution(configSequence: config.rawValue)
    }

    private static let withoutGuards = LogRules(
        facts: { kind, body in
            var facts = try EventRules.facts(kind, body: body)
            facts.guards.removeAll { if case .requireLowered = $0 { true } else { false } }
            return facts
        }, body: EventRules.rules.body, hiding: EventRules.rules.hiding,
        offered: EventRules.rules.offered, restoration: EventRules.rules.restoration)

    // MARK: Time

    func pass(seconds: Int64) { clock.pass(nanoseconds: seconds * 1_000_000_000) }
    /// The wall clock alone.
    func jump(seconds: Int64) { clock.jump(nanoseconds: seconds * 1_000_000_000) }
    var bootNanoseconds: UInt64 { clock.clock.boot().nanoseconds }
    var now: Timestamp { clock.clock.now() }
    private var milliseconds: Milliseconds { Milliseconds(bootNanoseconds / 1_000_000) }

    // MARK: Appending

    @discardableResult
    func append(_ draft: Draft, _ kind: WriteClass = .ordinary) throws -> SequenceNumber {
        let answer = try log.append([draft], kind)[0]
        guard case .appended(let place) = answer else { throw MessageError("draft", "\(answer)") }
        return place.sequence
    }

    /// As anybody may, over the Redis face or the command line.
    @discardableResult
    func append(_ stream: StreamName, _ fields: [(String, String)], trace: String? = nil) throws -> SequenceNumber {
        try append(
            try Intake.draft(
                stream: stream.text, fields: FieldMap(fields), key: nil, traceID: trace, producer: "anybody",
                recordedAt: now))
    }

    func decide(_ trace: String, side: String = "BUY", confidence: String = "0.9") throws -> Record {
        let sequence = try append(
            StreamCatalogue.decisions,
            [
                ("trace_id", trace), ("symbol", "BTCUSDT"), ("side", side), ("confidence", confidence),
                ("quantity", "1"),
            ])
        return try record(sequence)
    }

    func record(_ sequence: SequenceNumber) throws -> Record {
        guard let record = try log.snapshot({ try $0.record(sequence) }) else { throw MessageError("seq", "missing") }
        return record
    }

    // MARK: Routing, as the router does it

    @discardableResult
    func route(_ decision: Record, _ change: Alterations = Alterations()) throws -> SequenceNumber {
        guard case .decision(let message) = try EventRecord.decode(decision) else { throw MessageError("kind", "?") }
        switch Routing.route(decision: message, sequence: decision.sequence, policy: routing) {
        case .intent(var intent):
            change.intent(&intent)
            return try append(
                try Drafts.intent(
                    intent, traceID: decision.traceID, cause: decision.sequence, basis: .none, producer: "router",
                    at: now))
        case .refused(let reason, let detail):
            return try refuse(decision, reason, detail, change)
        }
    }

    @discardableResult
    func refuse(
        _ decision: Record, _ reason: EventDecisionRefusalReason, _ detail: String = "a test",
        refersTo: SequenceNumber = .none, _ change: Alterations = Alterations()
    ) throws -> SequenceNumber {
        guard case .decision(let message) = try EventRecord.decode(decision) else { throw MessageError("kind", "?") }
        var refusal = Routing.refusal(
            of: message, sequence: decision.sequence, reason: reason, detail: detail, refersTo: refersTo,
            policy: routing)
        change.refusal(&refusal)
        return try append(
            try Drafts.decisionRefused(
                refusal, traceID: decision.traceID, cause: decision.sequence, basis: .none, producer: "router",
                at: now), .group)
    }

    @discardableResult
    func intent(_ trace: String, side: String = "BUY") throws -> Record {
        try record(try route(try decide(trace, side: side)))
    }

    // MARK: Execution, as its worker does it

    /// To its end, or up to the effect that a test does not want.
    func execute(
        _ record: Record, _ change: Alterations = Alterations(), script: BenchScript = BenchScript(),
        until isOver: (ExecutionEffect) -> Bool = { _ in false }
    ) throws {
        guard case .tradeIntent(let message) = try EventRecord.decode(record) else { throw MessageError("kind", "?") }
        let intent = IntentToExecute(
            sequence: record.sequence, intent: message, recordedAt: milliseconds, requests: [],
            takenOverAt: nil, isBeforeRestore: false)
        var execution = Execution(intent, policy, at: milliseconds)
        while execution.effect != .finished, !isOver(execution.effect) {
            pass(seconds: 1)
            let answer = try perform(&execution, record, change, script)
            execution.take(answer, at: milliseconds)
        }
    }

    private func perform(
        _ execution: inout Execution, _ record: Record, _ change: Alterations, _ script: BenchScript
    ) throws -> ExecutionAnswer {
        switch execution.effect {
        case .request(let plan):
            try say(&execution, record, change)
            return .committed(try request(plan, record, change))
        case .note(let notes):
            try say(&execution, record, change)
            try note(notes, record, change)
            return .done
        case .conclude(let notes, var result):
            try say(&execution, record, change)
            try note(notes, record, change)
            change.result(&result)
            try append(
                try Drafts.executionResult(
                    result, traceID: record.traceID, basis: .none, producer: "execution", at: now), .group)
            return .done
        case .pause(let milliseconds):
            pass(seconds: milliseconds / 1_000)
            return .done
        case .instrument, .price, .holdings, .lookUp, .trades, .witnesses, .leverage, .cancel, .place,
            .ordersOfTheLastMinute, .finished:
            return try script.answer(execution.effect)
        }
    }

    private func say(_ execution: inout Execution, _ record: Record, _ change: Alterations) throws {
        var parts = execution.trail.parts
        execution.trail.isRecorded()
        change.evidence(&parts)
        for part in parts {
            try append(
                try Drafts.evidence(part, traceID: record.traceID, cause: record.sequence, producer: "execution"))
        }
    }

    private func request(_ plan: OrderPlan, _ record: Record, _ change: Alterations) throws -> RequestedOrder {
        var message = EventOrderRequested()
        message.intentSequence = record.sequence.rawValue
        message.leg = plan.leg
        message.venue = policy.venue
        message.account = policy.account
        message.symbol = plan.symbol.text
        message.side = plan.side.event
        message.positionSide = plan.positionSide.event
        message.quantity = plan.quantity.event
        message.reduceOnly = plan.reduceOnly
        message.clientOrderID = ClientOrderID.of(log.id, requestKey: message.key).text
        if let price = plan.price { message.sizedAtPrice = price.event }
        if let holding = plan.holding { message.sizedByPosition = holding.event }
        message.rule = Execution.rule
        message.configSequence = config.rawValue
        change.request(&message)
        let sequence = try append(
            try Drafts.orderRequested(
                message, traceID: record.traceID, basis: .none, producer: "execution", at: now))
        return RequestedOrder(
            sequence: sequence, plan: plan, clientOrderID: try ClientOrderID(message.clientOrderID),
            requestedAt: milliseconds, settled: nil)
    }

    private func note(_ given: [ExecutionNote], _ record: Record, _ change: Alterations) throws {
        var notes = given
        change.notes(&notes)
        for note in notes {
            let draft =
                switch note {
                case .outcome(let outcome):
                    try Drafts.orderOutcome(outcome, traceID: record.traceID, producer: "execution", at: now)
                case .fill(let fill, let cause):
                    try Drafts.fill(fill, traceID: record.traceID, cause: cause, producer: "execution", at: now)
                case .detail(let detail, let cause):
                    try Drafts.fillDetail(detail, traceID: record.traceID, cause: cause, producer: "execution", at: now)
                case .reducing(let raised):
                    try Drafts.reducingRaised(
                        raised, traceID: record.traceID, cause: .none, basis: .none, producer: "execution", at: now)
                }
            try append(draft, .group)
        }
    }

    // MARK: The audit

    func audit(_ rules: AuditRules = AuditRules(), since: Timestamp? = nil) throws -> AuditBook {
        try AuditReading(log).run(rules, since: since, seen: { _ in }, progress: { _ in }).book
    }
}

/// Both clocks, moved by the test.
final class BenchClock: Sendable {
    private let wall = Mutex<Int64>(1_700_000_000_000_000_000)
    private let boot = Mutex<UInt64>(100_000_000_000)

    var clock: LogClock {
        LogClock(
            now: { Timestamp(nanoseconds: self.wall.withLock { $0 }) },
            boot: { BootInstant(nanoseconds: self.boot.withLock { $0 }) })
    }

    func pass(nanoseconds: Int64) {
        wall.withLock { $0 += nanoseconds }
        boot.withLock { $0 += UInt64(nanoseconds) }
    }
    func jump(nanoseconds: Int64) { wall.withLock { $0 += nanoseconds } }
}

/// What the exchange says to one intent: its order is filled at once.
struct BenchScript {
    /// Of the order's quantity, in its report.
    var executed = "1"
    /// In its list of trades.
    var trades = ["1"]
    var placed: (RequestedOrder) throws -> Answer<OrderReport>? = { _ in nil }
    var orderID: Int64 = 7

    func answer(_ effect: ExecutionEffect) throws -> ExecutionAnswer {
        switch effect {
        case .instrument(let symbol): .instrument(try Instrument(evidence: try JSONText.read(instrument(symbol))))
        case .price: .price(try ExactDecimal("100"))
        case .holdings: .holdings([], isHedgeMode: false)
        case .ordersOfTheLastMinute: .count(0)
        case .leverage, .cancel: .done
        case .witnesses: .notSeen
        case .lookUp: .unanswered("a test")
        case .place(let request): .placed(try placed(request) ?? .accepted(try report(request)))
        case .trades(let symbol, let orderID):
            .trades(
                try trades.enumerated().map { place, quantity in
                    AccountTrade(
                        symbol: symbol.text, tradeID: orderID * 100 + Int64(place), orderID: orderID, side: .buy,
                        positionSide: .both, price: try ExactDecimal("100"), quantity: try ExactDecimal(quantity),
                        realizedProfit: .zero, fee: .zero, feeAsset: "USDT", isMaker: false,
                        tradedAtMilliseconds: 1_700_000_000_000)
                })
        case .request, .note, .conclude, .pause, .finished: throw MessageError("effect", "\(effect) is the bench's")
        }
    }

    private func report(_ request: RequestedOrder) throws -> OrderReport {
        let plan = request.plan
        let text = """
            {"symbol":"\(plan.symbol)","orderId":\(orderID),"clientOrderId":"\(request.clientOrderID)",
            "status":"FILLED","side":"\(plan.side.rawValue)","positionSide":"\(plan.positionSide.rawValue)",
            "type":"MARKET","origQty":"\(plan.quantity)","executedQty":"\(executed)","avgPrice":"100",
            "reduceOnly":false}
            """
        return try OrderReport(evidence: try JSONText.read(text))
    }

    private func instrument(_ symbol: SymbolName) -> String {
        func lot(_ name: String) -> String {
            #"{"filterType":"\#(name)","minQty":"0.001","maxQty":"120","stepSize":"0.001"}"#
        }
        return """
            {"symbol":"\(symbol)","status":"TRADING","contractType":"PERPETUAL","marginAsset":"USDT","filters":[
            {"filterType":"PRICE_FILTER","minPrice":"0.1","maxPrice":"1000000","tickSize":"0.1"},
            \(lot("LOT_SIZE")),\(lot("MARKET_LOT_SIZE")),{"filterType":"MIN_NOTIONAL","notional":"5"}]}
            """
    }
}

/// Lends a bench, verifies its log, removes it.
func withAuditBench(
    enforcesGuards: Bool = true, location: SourceLocation = #_sourceLocation, _ body: (AuditBench) throws -> Void
) throws {
    let path = FileManager.default.temporaryDirectory.path + "/backstop-test-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }  // harms no test
    let bench = try AuditBench(at: path, enforcesGuards: enforcesGuards)
    defer { bench.log.close() }
    try body(bench)
    let verified = try bench.log.verify(known: nil) { _ in }.findings.map(\.problem)
    #expect(verified == [], sourceLocation: location)
}

/// Exactly these findings, each as `rule@sequence`.
func expectFindings(
    _ wanted: [(String, SequenceNumber)], _ book: AuditBook, location: SourceLocation = #_sourceLocation
) {
    let found = book.findings.map { "\($0.rule)@\($0.sequence)" }
    #expect(
        found == wanted.map { "\($0.0)@\($0.1)" }, "\(book.findings)\n\(book.gaps)", sourceLocation: location)
}
