// A small log with an incident in it: a decision, its order and fill, and a halt, among heartbeats that are nobody's cause.

import Foundation
import SwiftProtobuf
import Testing

import EventLog
import Events
import Records

@testable import Evidence

struct IncidentLog {
    let log: EventLog
    let session = SequenceNumber(1)
    let configuration: SequenceNumber
    let decision: SequenceNumber
    let intent: SequenceNumber
    let request: SequenceNumber
    let fill: SequenceNumber
    let halt: SequenceNumber
    let refused: SequenceNumber
    static let version = "backstop test"

    static func with(_ note: String = "a note", _ body: (IncidentLog) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.path + "/backstop-test-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }  // what cannot be removed harms no test
        let options = LogOptions(bytesMax: 1 << 30, reserveBytes: 0, clock: .system, version: "test")
        _ = try EventLog.create(at: folder, options: options)
        let log = try EventLog(at: folder, mode: .writing, rules: EventRules.rules, options: options)
        defer { log.close() }
        try body(IncidentLog(log, note))
        #expect(try log.verify(known: nil) { _ in }.findings == [])
    }

    private init(_ log: EventLog, _ note: String) throws {
        self.log = log
        let now = log.clock.now()
        var applied = EventConfigApplied()
        applied.settings = [.with { ($0.name, $0.value, $0.source) = ("router.confidence_min", "0.35", "default") }]
        configuration = try IncidentLog.append(
            log, try Drafts.configApplied(applied, producer: "router", at: now))
        try IncidentLog.beat(log)
        decision = try IncidentLog.append(
            log, "quantum:stream:ai.decision.made",
            [
                ("symbol", "BTCUSDT"), ("side", "buy"), ("confidence", "0.9"), ("quantity", "0.01"),
                ("trace_id", "t-1"), ("note", note),
            ])
        var intent = EventTradeIntent()
        (intent.decisionSequence, intent.symbol, intent.action) = (decision.rawValue, "BTCUSDT", .buy)
        (intent.rule, intent.configSequence) = ("router/1", configuration.rawValue)
        intent.quantity = try ExactDecimal("0.01").event
        self.intent = try IncidentLog.append(
            log,
            try Drafts.intent(
                intent, traceID: "t-1", cause: decision, basis: decision.previous, producer: "router", at: now))
        try IncidentLog.beat(log)
        var request = EventOrderRequested()
        (request.intentSequence, request.leg) = (self.intent.rawValue, 1)
        (request.venue, request.account, request.symbol) = ("v", "a", "BTCUSDT")
        (request.side, request.positionSide, request.clientOrderID) = (.buy, .both, "bsabc")
        request.quantity = intent.quantity
        (request.rule, request.configSequence) = ("execution/2", configuration.rawValue)
        self.request = try IncidentLog.append(
            log, try Drafts.orderRequested(request, traceID: "t-1", basis: self.intent, producer: "execution", at: now))
        fill = try IncidentLog.append(
            log, "backstop:stream:fill",
            [
                ("venue", "v"), ("account", "a"), ("symbol", "BTCUSDT"), ("trade_id", "7"), ("order_id", "9"),
                ("side", "BUY"), ("quantity", "0.01"), ("price", "60000"), ("fee", "0.1"), ("fee_asset", "USDT"),
            ], trace: "t-1")
        var halt = EventHalt()
        (halt.reason, halt.source) = ("<script>alert(1)</script>", "ops")
        self.halt = try IncidentLog.append(
            log, try Drafts.halt(halt, traceID: "", cause: fill, basis: fill, producer: "ops", at: now))
        var refused = EventDecisionRefused()
        (refused.decisionSequence, refused.reason) = (decision.rawValue, .halted)
        refused.refersTo = self.halt.rawValue
        self.refused = try IncidentLog.append(
            log,
            try Drafts.decisionRefused(
                refused, traceID: "t-2", cause: self.halt, basis: self.halt, producer: "router", at: now))
        for _ in 0..<3 { try IncidentLog.beat(log) }
    }

    static func beat(_ log: EventLog) throws {
        _ = try append(
            log, "exit_brain:heartbeat", [("service_id", "heart"), ("status", "OK"), ("active_positions", "0")])
    }

    static func append(
        _ log: EventLog, _ stream: String, _ fields: [(String, String)], trace: String? = nil
    ) throws -> SequenceNumber {
        try append(
            log,
            try Intake.draft(
                stream: stream, fields: FieldMap(fields), key: nil, traceID: trace, producer: "test",
                recordedAt: log.clock.now()))
    }

    static func append(_ log: EventLog, _ draft: Draft) throws -> SequenceNumber {
        guard case .appended(let place) = try log.append([draft], .emergency)[0] else {
            Issue.record("\(draft.kind) was not appended")
            return .none
        }
        return place.sequence
    }

    func bundle(_ subject: SequenceNumber? = nil, secrets: [String] = []) throws -> EvidenceBundle {
        try BundleMaker.make(
            log, subject: subject ?? fill, secrets: Secrets(secrets), version: IncidentLog.version
        ) { _, _ in }
    }
}

extension EvidenceBundle {
    func findings(_ known: Head? = nil) throws -> [String] {
        let bytes = try encoded()
        return BundleCheck(try EvidenceBundle(reading: bytes), bytes: bytes, known: known, version: IncidentLog.version)
            .findings
    }

    /// The same with other records, links or states: by somebody who makes every digest again.
    func with(
        records: [BundledRecord]? = nil, links: [UInt8]? = nil, states: [BundledState]? = nil, span: BundleSpan? = nil,
        head: Head? = nil
    ) -> EvidenceBundle {
        EvidenceBundle(
            madeBy: madeBy, id: id, origin: origin, subject: subject, head: head ?? self.head, span: span ?? self.span,
            links: links ?? self.links, records: records ?? self.records, states: states ?? self.states, parts: parts)
    }
}
