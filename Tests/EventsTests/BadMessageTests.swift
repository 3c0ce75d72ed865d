// Every wrong message has one clear sentence that names its field. The table is what producers read.

import Records
import Testing

@testable import Events

struct BadMessageTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let fields: [(String, String)]
        let error: String
        var testDescription: String { error }
        init(_ fields: [(String, String)], _ error: String) { (self.fields, self.error) = (fields, error) }
    }

    static func decision(_ changes: (String, String?)...) -> [(String, String)] {
        var fields = [("symbol", "BTCUSDT"), ("side", "BUY"), ("quantity", "1"), ("timestamp", "1763818338.28")]
        for (name, value) in changes {
            fields.removeAll { $0.0 == name }
            if let value { fields.append((name, value)) }
        }
        return fields
    }

    static let decisions: [Case] = [
        Case(decision(("symbol", nil)), "symbol: is missing"),
        Case(decision(("symbol", "")), "symbol: must not be empty"),
        Case(decision(("symbol", String(repeating: "A", count: 33))), "symbol: 33 bytes, at most 32 are allowed"),
        Case(decision(("symbol", "BTC/USDT")), #"symbol: may hold only A-Z, 0-9, _ and -, found "BTC/USDT""#),
        Case(decision(("symbol", "ſOL")), #"symbol: may hold only A-Z, 0-9, _ and -, found "ſOL""#),
        Case(decision(("side", nil)), "side: is missing"),
        Case(decision(("side", "LONGISH")), #"side: unknown value "LONGISH", expected BUY, SELL, CLOSE or HOLD"#),
        Case(decision(("action", "SELL")), "side: differs from action"),
        Case(decision(("quantity", "-1")), #"quantity: must be greater than zero, found "-1""#),
        Case(decision(("quantity", "0")), #"quantity: must be greater than zero, found "0""#),
        Case(decision(("quantity", "")), #"quantity: not a number """#),
        Case(decision(("quantity", "abc")), #"quantity: not a number "abc""#),
        Case(decision(("quantity", "Infinity")), #"quantity: not a number "Infinity""#),
        Case(
            decision(("quantity", "1234567890123456789012")),
            #"quantity: out of the range of exact decimals (18 digits, exponent -18 to 18): "1234567890123456789012""#),
        Case(decision(("position_size_usd", "0.0")), #"position_size_usd: must be greater than zero, found "0.0""#),
        Case(decision(("confidence", "NaN")), #"confidence: not a number "NaN""#),
        Case(decision(("confidence", "1.01")), #"confidence: must be from 0 to 1, found "1.01""#),
        Case(decision(("confidence", "-0.1")), #"confidence: must be from 0 to 1, found "-0.1""#),
        Case(decision(("entry_price", "0")), #"entry_price: must be greater than zero, found "0""#),
        Case(decision(("stop_loss", "-5")), #"stop_loss: must not be negative, found "-5""#),
        Case(decision(("leverage", "0")), #"leverage: must be a whole number from 1 to 125, found "0""#),
        Case(decision(("leverage", "126")), #"leverage: must be a whole number from 1 to 125, found "126""#),
        Case(decision(("leverage", "2.5")), #"leverage: must be a whole number from 1 to 125, found "2.5""#),
        Case(decision(("reduce_only", "yes")), #"reduce_only: must be true or false, found "yes""#),
        Case(
            decision(("position_side", "UP")),
            #"position_side: unknown value "UP", expected BOTH, LONG or SHORT"#),
        Case(
            decision(("timestamp", "yesterday")),
            #"timestamp: not a time "yesterday"; expected epoch seconds or milliseconds from 2001 on, or ISO-8601"#),
        Case(decision() + [("symbol", "BTCUSDT")], "symbol: stands twice"),
        Case(decision(("model", String(repeating: "m", count: 129))), "model: 129 bytes, at most 128 are allowed"),
        Case(decision(("model", "a\nb")), "model: must not hold control characters"),
        Case(
            decision(("trace_id", String(repeating: "t", count: 257))), "trace_id: 257 bytes, at most 256 are allowed"),
        Case([("payload", "{")], "payload: not readable as JSON: a member's name in quotes is missing at byte 1"),
        Case([("payload", "[]")], "payload: must be a JSON object, found an array"),
        Case([("payload", "{}"), ("payload", "{}")], "payload: stands twice"),
        Case(
            [("payload", #"{"symbol":"A","side":"BUY","atr_value":NaN}"#)],
            "payload: not readable as JSON: NaN is not a number in JSON at byte 39"),
        Case(
            [("payload", #"{"symbol":"A","side":"BUY","symbol":"B"}"#)],
            #"payload: not readable as JSON: the member "symbol" stands twice at byte 27"#),
        Case([("payload", #"{"symbol":5,"side":"BUY"}"#)], "symbol: must be text, found a number"),
        Case([("payload", #"{"symbol":"A","side":true}"#)], "side: must be text, found true or false"),
        Case(
            [("payload", #"{"symbol":"A","side":"BUY","quantity":[1]}"#)], "quantity: must be a number, found an array"),
        Case(
            [("payload", #"{"symbol":"A","side":"BUY","timestamp":{}}"#)], "timestamp: must be a time, found an object"),
        Case(
            [("symbol", "B"), ("payload", #"{"symbol":"A","side":"BUY"}"#)],
            "symbol: stands twice, with different values"),
        Case(decision(("x", String(repeating: "x", count: 262_145))), "x: 262145 bytes, at most 262144 are allowed"),
        Case([], "fields: a message needs at least one field"),
    ]

    @Test(arguments: decisions)
    func aWrongDecisionIsRefusedWithOneSentence(_ example: Case) {
        expect("quantum:stream:ai.decision.made", example)
    }

    static let others: [(String, Case)] = [
        ("quantum:stream:trade.intent", Case([("symbol", "A"), ("side", "HOLD")], "side: HOLD cannot be an intent")),
        (
            "quantum:stream:trade.intent",
            Case([("symbol", "A"), ("side", "BUY")], "quantity: an intent needs quantity or position_size_usd")
        ),
        (
            "quantum:stream:execution.result",
            Case(
                [("symbol", "A"), ("side", "BUY"), ("status", "NEW")],
                #"status: unknown value "NEW", expected FILLED, REJECTED or FAILED"#)
        ),
        (
            "exit_brain:heartbeat",
            Case(
                [("status", "FINE"), ("active_positions", "1")],
                #"status: unknown value "FINE", expected ALIVE, OK or DEGRADED"#)
        ),
        ("exit_brain:heartbeat", Case([("status", "OK")], "active_positions: is missing")),
        (
            "exit_brain:heartbeat",
            Case(
                [("status", "OK"), ("active_positions", "-1")],
                #"active_positions: must be a whole number from 0 to 4294967295, found "-1""#)
        ),
        ("backstop:stream:fill", Case([("venue", "b")], "account: must not be empty or missing")),
        (
            "backstop:stream:fill",
            Case([("venue", "a/b")], #"venue: may hold only printable ASCII without space and /, found "a/b""#)
        ),
        ("backstop:stream:order.requested", Case([("leg", "1")], "intent_sequence: is missing")),
        ("backstop:stream:order.outcome", Case([("request_sequence", "4"), ("symbol", "A")], "state: is missing")),
        ("system:panic_close:completed", Case([("event_id", "e")], "positions_total: is missing")),
        (
            "system:panic_close:completed",
            Case(
                [("positions_total", "1"), ("positions_closed", "0"), ("failed_symbols", "ETH")],
                "failed_symbols: not readable as JSON: not a JSON value at byte 0")
        ),
        ("", Case([("a", "b")], "stream: must not be empty")),
    ]

    @Test(arguments: others)
    func aWrongMessageOfAnotherKindIsRefused(_ stream: String, _ example: Case) {
        expect(stream, example)
    }

    @Test func aKnownFieldMustBeUTF8() {
        let fields = FieldMap([
            .init(name: Array("symbol".utf8), value: [0xff]), .init(name: Array("side".utf8), value: Array("BUY".utf8)),
        ])
        #expect(throws: MessageError("symbol", "is not valid UTF-8")) {
            try Intake.draft(
                stream: "quantum:stream:ai.decision.made", fields: fields, key: nil, traceID: nil, producer: "t",
                recordedAt: SampleEvent.recordedAt)
        }
    }

    @Test func anErrorNeverHoldsAWholeLargeValue() throws {
        let large = String(repeating: "9", count: 100_000)
        let error = try #require(throws: MessageError.self) {
            try SampleEvent.draft("quantum:stream:ai.decision.made", Self.decision(("quantity", large + "x")))
        }
        #expect(error.description.utf8.count < 200)
    }

    private func expect(_ stream: String, _ example: Case) {
        let error = #expect(throws: MessageError.self) { try SampleEvent.draft(stream, example.fields) }
        #expect(error?.description == example.error)
    }
}
