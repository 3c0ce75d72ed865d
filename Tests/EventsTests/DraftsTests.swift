// Backstop's own records: rendered once, read back to the same message, keyed, in their streams.

import Records
import SwiftProtobuf
import Testing

@testable import Events

struct DraftsTests {
    private func intent(_ intent: EventTradeIntent) throws -> Draft {
        try Drafts.intent(
            intent, traceID: "t-1", cause: SequenceNumber(7), basis: SequenceNumber(6), producer: "router-h-1",
            at: SampleEvent.recordedAt)
    }

    @Test func anIntentIsTheWiresEnvelope() throws {
        let draft = try intent(SampleEvent.intent)
        #expect(
            draft.key == .own("trade.intent/t-1") && draft.stream == StreamCatalogue.intents && draft.traceID == "t-1")
        #expect(draft.cause == SequenceNumber(7) && draft.basis == SequenceNumber(6))
        let fields = try SampleEvent.record(draft).fields().fields.map {
            (String(decoding: $0.name, as: UTF8.self), String(decoding: $0.value, as: UTF8.self))
        }
        #expect(fields.map(\.0) == ["event_type", "payload", "trace_id", "correlation_id", "timestamp", "source"])
        #expect(fields.map(\.1)[2...] == ["t-1", "c-1", "2025-11-22T13:32:18.282193Z", "router-h-1"])
        #expect(
            fields[1].1
                == #"{"symbol":"BTCUSDT","side":"BUY","quantity":0.002,"position_size_usd":100,"confidence":0.481812,"#
                + #""entry_price":91420.5,"stop_loss":90500,"take_profit":93000,"leverage":5,"reduce_only":true,"#
                + #""position_side":"LONG","sized_by":"config","reason":"confidence","rule":"router/1","model":"xgb","#
                + #""timestamp":"2025-11-22T13:32:18.282193Z","regime":"trend"}"#)
    }

    @Test func aRenderedIntentIsReadBackToTheSameMessage() throws {
        let fields = try SampleEvent.record(try intent(SampleEvent.intent)).fields()
        let again = try Intake.draft(
            stream: "quantum:stream:trade.intent", fields: fields, key: nil, traceID: nil, producer: "x",
            recordedAt: SampleEvent.recordedAt)
        var expected = SampleEvent.intent
        (expected.decisionSequence, expected.configSequence) = (0, 0)
        #expect(try SampleEvent.event(again) == .tradeIntent(expected))
    }

    @Test func aKeptMemberNeverReplacesAWordOfTheIntent() throws {
        var message = SampleEvent.intent
        message.members = [
            SampleEvent.member("reason", "\"rsi\""), SampleEvent.member("quantity", "9"), SampleEvent.member("x", "1"),
        ]
        message.clearQuantity()
        let payload = try #require(try SampleEvent.record(try intent(message)).fields().first("payload"))
        let value = try JSONText.read(payload)
        #expect(value["reason"] == .string("confidence") && value["quantity"] == nil && value["x"] == .number("1"))
    }

    @Test func aPanicsCompletionHasTheFieldsOfTheWire() throws {
        guard case .panicCompleted(let message) = SampleEvent.event(.panicCompleted) else {
            return #expect(Bool(false))
        }
        let draft = try Drafts.panicCompleted(
            message, traceID: "", cause: SequenceNumber(11), basis: .none, producer: "exit")
        #expect(draft.key == .own("panic.completed/11") && draft.stream?.text == "system:panic_close:completed")
        let fields = try SampleEvent.record(draft).fields()
        #expect(fields.first("failed_symbols") == Array(#"["ETHUSDT"]"#.utf8))
        #expect(fields.first("ts_completed") == Array("1763818340129".utf8))
        let again = try Intake.draft(
            stream: "system:panic_close:completed", fields: fields, key: nil, traceID: nil, producer: "x",
            recordedAt: SampleEvent.recordedAt)
        guard case .panicCompleted(let read) = try SampleEvent.event(again) else { return #expect(Bool(false)) }
        #expect(read.positionsTotal == 2 && read.positionsFailed == 1 && read.failedSymbols == ["ETHUSDT"])
    }

    @Test func aDecisionsRefusalIsKeyedByItsDecision() throws {
        guard case .decisionRefused(let message) = SampleEvent.event(.decisionRefused) else {
            return #expect(Bool(false))
        }
        let draft = try Drafts.decisionRefused(
            message, traceID: "t", cause: SequenceNumber(7), basis: SequenceNumber(6), producer: "r",
            at: SampleEvent.recordedAt)
        #expect(draft.key == .own("decision.refused/7") && draft.stream == StreamCatalogue.decisionRefusals)
        let again = try Intake.draft(
            stream: "backstop:stream:decision.refused", fields: try SampleEvent.record(draft).fields(), key: nil,
            traceID: nil,
            producer: "x", recordedAt: SampleEvent.recordedAt)
        #expect(try SampleEvent.event(again) == .decisionRefused(message) && again.traceID == "t")
    }

    @Test func whatTheLogWouldRefuseIsRefusedHere() {
        #expect(throws: MessageError("trace_id", "an intent needs one, it is its key")) {
            try Drafts.intent(
                SampleEvent.intent, traceID: "", cause: .none, basis: .none, producer: "r", at: SampleEvent.recordedAt)
        }
        #expect(throws: MessageError("reason", "is missing")) {
            try Drafts.halt(
                EventHalt(), traceID: "", cause: .none, basis: .none, producer: "r", at: SampleEvent.recordedAt)
        }
        #expect(throws: MessageError("scope", "must be halt, reducing or symbol")) {
            try Drafts.resume(
                .with { ($0.operator, $0.reason) = ("a", "b") }, cause: .none, basis: .none, producer: "r",
                at: SampleEvent.recordedAt)
        }
        #expect(throws: MessageError("settings", "must be sorted by name, each once")) {
            try Drafts.configApplied(
                .with { $0.settings = [.with { $0.name = "b" }, .with { $0.name = "a" }] }, producer: "r",
                at: SampleEvent.recordedAt)
        }
    }

    @Test func halts() throws {
        let draft = try Drafts.halt(
            .with { ($0.reason, $0.source) = ("r", "s") }, traceID: "", cause: .none, basis: .none, producer: "p",
            at: SampleEvent.recordedAt)
        #expect(draft.stream == nil && draft.key == nil)
        let expected = FieldMap([("reason", "r"), ("source", "s"), ("timestamp", "2025-11-22T13:32:18.282193Z")])
        #expect(try SampleEvent.record(draft).fields() == expected)
    }

    @Test func theLogsOwnBodiesAreReadable() throws {
        let events: [LogEvent] = [
            .sessionStarted(bootID: "b", host: "h", pid: 1, version: "v"),
            .streamCreated(number: StreamNumber(1), name: StreamName(literal: "s")),
            .conflict(key: "k", first: SequenceNumber(3), offered: .zero, body: [1]),
            .groupChanged(stream: StreamName(literal: "s"), group: "g", change: .created(at: .zero, deadAfter: 5)),
        ]
        for event in events {
            let body = EventRules.rules.body(event)
            let (fields, read) = try EventRecord.parts(try #require(EventKind(event.kind)), body: body.bytes)
            #expect(!fields.fields.isEmpty && read.kind.kind == event.kind)
            _ = try EventRules.rules.facts(event.kind, body.bytes)
        }
    }
}
