// The way in: both naming families, both shapes of a message, keys, traces, panic triggers.

import Records
import Testing

@testable import Events

struct IntakeTests {
    static let decisions = "quantum:stream:ai.decision.made"

    @Test func aliasesBecomeTheCanonicalName() throws {
        for entry in StreamCatalogue.entries {
            for name in [entry.name.text] + entry.aliases {
                #expect(try StreamCatalogue.resolve(name) == entry.name)
                #expect(StreamCatalogue.entry(for: entry.name)?.kind == entry.kind)
            }
        }
        #expect(try StreamCatalogue.resolve("quantum:stream:system.panic_close").text == "system:panic_close")
        #expect(try StreamCatalogue.resolve("quantum:stream:exit_brain.heartbeat").text == "exit_brain:heartbeat")
        #expect(StreamCatalogue.entry(for: try StreamName("anything")) == nil)
    }

    @Test func streamsOfPanicsOrdersAndResultsAreNeverTrimmed() {
        let kept = StreamCatalogue.entries.filter { !$0.mayBeTrimmed }.map(\.kind)
        #expect(
            kept == [
                .executionResult, .panicRequested, .panicCompleted, .orderRequested, .orderOutcome, .fill, .fillDetail,
            ])
    }

    @Test func aFlatDecisionIsRead() throws {
        let draft = try SampleEvent.draft(
            Self.decisions,
            [
                ("trace_id", "BTCUSDC_2025-11-22T13:32:18.282193+00:00"), ("symbol", "btcusdc"), ("side", "Buy"),
                ("confidence", "0.222798"), ("leverage", "5.0"), ("stop_loss", "0.0"), ("reduceOnly", "True"),
                ("positionSide", "long"), ("timestamp", "2025-11-22T13:32:18.282193+00:00"), ("source", "ai-engine"),
                ("regime", "trend"), ("regime", "again"),
            ])
        guard case .decision(let decision) = try SampleEvent.event(draft) else { return #expect(Bool(false)) }
        #expect(draft.traceID == "BTCUSDC_2025-11-22T13:32:18.282193+00:00" && draft.key == nil)
        #expect(decision.symbol == "BTCUSDC" && decision.action == .buy && decision.leverage == 5)
        #expect(
            decision.confidence == SampleEvent.decimal(222_798, -6) && !decision.hasStopLoss && !decision.hasQuantity)
        #expect(decision.reduceOnly && decision.positionSide == .long && decision.producedAtNs == SampleEvent.time)
        #expect(decision.source == "ai-engine")
        #expect(
            decision.members == [SampleEvent.member("regime", "\"trend\""), SampleEvent.member("regime", "\"again\"")])
    }

    @Test func anEnvelopeIsTheSameDecisionAsItsFlatForm() throws {
        let payload = """
            {"symbol":"ETHUSDT","action":"SELL","confidence":0.9,"quantity":1.50,"model":"xgb","reduce_only":false,
             "stop_loss":null,"atr_value":0.0123456789012345678,"timestamp":"2026-01-17T06:27:49.791495"}
            """
        let envelope = try SampleEvent.draft(
            Self.decisions,
            [
                ("event_type", "ai.decision.made"), ("payload", payload), ("trace_id", "proof-dup-a443a4c3"),
                ("correlation_id", "c"), ("timestamp", "2026-01-17T06:27:50"), ("source", "ai"),
            ])
        guard case .decision(let decision) = try SampleEvent.event(envelope) else { return #expect(Bool(false)) }
        #expect(decision.action == .sell && decision.quantity == SampleEvent.decimal(15, -1) && decision.model == "xgb")
        #expect(
            decision.producedAtNs == 1_768_631_269_791_495_000 && decision.correlationID == "c"
                && decision.source == "ai")
        #expect(decision.members == [SampleEvent.member("atr_value", "0.0123456789012345678")])
        #expect(envelope.traceID == "proof-dup-a443a4c3")
        let flat = try SampleEvent.draft(
            Self.decisions, [("symbol", "ETHUSDT"), ("side", "sell"), ("quantity", "1.5"), ("confidence", "0.9")])
        #expect(try Self.digest(flat) == Self.digest(envelope))
    }

    @Test func aTraceIDMayStandInThePayloadAndTheArgumentWins() throws {
        let fields = FieldMap([("payload", #"{"symbol":"A","side":"HOLD","trace_id":"inner"}"#)])
        for (given, expected) in [(nil, "inner"), ("", "inner"), ("outer", "outer")] as [(String?, String)] {
            let draft = try Intake.draft(
                stream: Self.decisions, fields: fields, key: nil, traceID: given, producer: "t",
                recordedAt: SampleEvent.recordedAt)
            #expect(draft.traceID == expected)
        }
    }

    @Test func closeIsAlwaysReduceOnly() throws {
        let draft = try SampleEvent.draft(
            Self.decisions, [("symbol", "A"), ("action", "CLOSE"), ("reduce_only", "false")])
        guard case .decision(let decision) = try SampleEvent.event(draft) else { return #expect(Bool(false)) }
        #expect(decision.reduceOnly)
    }

    @Test(arguments: [
        [
            ("service_id", "eb"), ("status", "OK"), ("active_positions_count", "2"), ("loop_cycle_ms", "12.5"),
            ("timestamp", "1763818338"),
        ],
        [
            ("service_id", "eb"), ("status", "alive"), ("active_positions", "2"), ("latency_ms", "12.5"),
            ("ts", "1763818338000"),
        ],
    ])
    func bothSpellingsOfAHeartbeatAreOne(_ fields: [(String, String)]) throws {
        let draft = try SampleEvent.draft("quantum:stream:exit_brain.heartbeat", fields + [("last_decision_ts", "0")])
        guard case .heartbeat(let heart) = try SampleEvent.event(draft) else { return #expect(Bool(false)) }
        #expect(draft.stream?.text == "exit_brain:heartbeat")
        #expect(heart.status == .alive && heart.activePositions == 2 && heart.latencyMs == SampleEvent.decimal(125, -1))
        #expect(
            heart.producedAtNs == 1_763_818_338_000_000_000 && heart.lastDecisionAtNs == 0 && heart.serviceID == "eb")
    }

    @Test func anUnknownStreamTakesAnyFields() throws {
        let fields = FieldMap([
            .init(name: [0xff], value: [0x00, 0xfe]), .init(name: Array("trace_id".utf8), value: [0xff]),
        ])
        let draft = try Intake.draft(
            stream: "any", fields: fields, key: "k", traceID: nil, producer: "t", recordedAt: SampleEvent.recordedAt)
        #expect(draft.kind == EventKind.untyped.kind && draft.key == .user("k") && draft.traceID == "")
        #expect(try SampleEvent.record(draft).fields() == fields)
    }

    static let fill = [
        ("venue", "binance"), ("account", "main"), ("symbol", "BTCUSDT"), ("trade_id", "77"), ("order_id", "5"),
        ("side", "SELL"), ("quantity", "0.002"), ("price", "91420.5"),
    ]

    @Test func fillsAndRequestsBringTheirOwnKeys() throws {
        #expect(try SampleEvent.draft("backstop:stream:fill", Self.fill).key == .own("fill/binance/main/BTCUSDT/77"))
        #expect(
            try SampleEvent.draft("backstop:stream:fill.detail", Self.fill).key
                == .own("fill.detail/binance/main/BTCUSDT/77"))
        let request = Self.fill + [("intent_sequence", "8"), ("leg", "1")]
        #expect(try SampleEvent.draft("backstop:stream:order.requested", request).key == .own("order.requested/8/1"))
        #expect(throws: MessageError("key", "this stream's entries are keyed by their trade id")) {
            try SampleEvent.draft("backstop:stream:fill", Self.fill, key: "mine")
        }
    }

    @Test func everyKindFromOutsidePassesTheLogsRules() throws {
        let order = Self.fill + [("intent_sequence", "8"), ("request_sequence", "9"), ("state", "FILLED")]
        let messages: [(String, [(String, String)])] = [
            ("quantum:stream:trade.intent", [("symbol", "A"), ("side", "BUY"), ("position_size_usd", "100")]),
            (
                "quantum:stream:execution.result",
                [("symbol", "A"), ("side", "BUY"), ("status", "FILLED"), ("avg_price", "3")]
            ),
            ("backstop:stream:order.outcome", order), ("backstop:stream:order.requested", order),
            ("backstop:stream:fill", order), ("backstop:stream:fill.detail", order),
            ("backstop:stream:position.attested", order),
            ("backstop:stream:message.refused", [("stream", "s"), ("reason", "r")]),
            ("backstop:stream:decision.refused", [("decision_sequence", "3"), ("reason", "hold"), ("symbol", "A")]),
            (
                "system:panic_close:completed",
                [
                    ("positions_found", "2"), ("positions_closed", "2"), ("failed_symbols", #"["ETHUSDT"]"#),
                    ("ts_started", "1707840128456"),
                ]
            ),
        ]
        for (stream, fields) in messages {
            let draft = try SampleEvent.draft(stream, fields)
            _ = try EventRules.rules.facts(draft.kind, draft.body.bytes)
            #expect(draft.kind == StreamCatalogue.entry(for: try #require(draft.stream))?.kind.kind)
        }
    }

    static func digest(_ draft: Draft) throws -> Digest {
        let facts = try EventRules.facts(draft.kind, body: draft.body.bytes)
        return LogRules.contentDigest(stream: draft.stream, kind: draft.kind, identity: facts.identity)
    }
}
