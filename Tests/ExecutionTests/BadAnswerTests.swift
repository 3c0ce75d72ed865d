// Whatever the exchange says, and however it says it: each intent has the right end, with a reason, and one create call.
// All of it over real HTTP.

import Events
import Foundation
import Programmes
import Testing
import TradingBench

/// What the exchange does with a POST order, and the end that follows.
struct BadAnswer: CustomTestStringConvertible {
    let name: String
    /// Without its symbol.
    let fault: String
    let status: String
    let reason: String
    var orders = 0
    var testDescription: String { name }

    static let all = [
        BadAnswer(
            name: "no margin", fault: #""kind":"reject","code":-2019,"msg":"Margin is insufficient.""#,
            status: "rejected", reason: "exchange_refused: request: 400 -2019 Margin is insufficient."),
        BadAnswer(
            name: "unknown code", fault: #""kind":"reject","code":-9998,"msg":"Something new.""#, status: "failed",
            reason: "not_found_after_horizon"),
        BadAnswer(
            name: "503 A, not executed", fault: #""kind":"unavailable","text":"A""#, status: "failed",
            reason: "not_found_after_horizon"),
        BadAnswer(
            name: "503 A, executed", fault: #""kind":"unavailable","text":"A","executed":true"#, status: "filled",
            reason: "(no text", orders: 1),
        BadAnswer(
            name: "503 A without a code", fault: #""kind":"ghost","wire":"503_bare""#, status: "filled",
            reason: "(no text", orders: 1),
        BadAnswer(
            name: "503 B", fault: #""kind":"unavailable","text":"B""#, status: "rejected",
            reason: "exchange_refused: throttled: unavailable"),
        BadAnswer(
            name: "503 C", fault: #""kind":"unavailable","text":"C""#, status: "rejected",
            reason: "exchange_refused: throttled: overloaded"),
        BadAnswer(
            name: "503 D", fault: #""kind":"unavailable","text":"D""#, status: "failed",
            reason: "not_found_after_horizon"),
        BadAnswer(
            name: "-1007, not executed", fault: #""kind":"timeout""#, status: "failed",
            reason: "not_found_after_horizon"),
        BadAnswer(
            name: "-1007, executed", fault: #""kind":"timeout","executed":true"#, status: "filled", reason: "(no text",
            orders: 1),
        BadAnswer(
            name: "closed after reading", fault: #""kind":"close""#, status: "failed",
            reason: "not_found_after_horizon"),
        BadAnswer(
            name: "cut in the middle", fault: #""kind":"cut""#, status: "filled", reason: "(no text", orders: 1),
        BadAnswer(
            name: "502, executed", fault: #""kind":"bad_gateway","executed":true"#, status: "filled",
            reason: "(no text", orders: 1),
        BadAnswer(
            name: "403 of a firewall", fault: #""kind":"forbidden""#, status: "rejected",
            reason: "exchange_refused: forbidden"),
        BadAnswer(
            name: "an old stamp", fault: #""kind":"delay","before_ms":2500"#, status: "rejected",
            reason: "exchange_refused: clock"),
        BadAnswer(
            name: "429 for orders", fault: #""kind":"rate_limit","code":-1015,"retry_after_s":1"#,
            status: "rejected", reason: "exchange_refused: throttled: orders"),
    ]
    /// They share one exchange and one process; each has its symbol.
    static let symbols = [
        "BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "BNBUSDT", "DOGEUSDT", "SUIUSDT", "LINKUSDT", "AVAXUSDT",
        "ADAUSDT", "ARBUSDT", "UNIUSDT", "HBARUSDT", "NEARUSDT", "APTUSDT", "LTCUSDT",
    ]
}

@Suite(.inLanes) struct BadAnswerTests {
    @Test func everyBadAnswerHasItsEndAndNoneASecondOrder() throws {
        let exchange = try Exchange()
        let cases = Array(zip(BadAnswer.all, BadAnswer.symbols))
        #expect(cases.count == BadAnswer.all.count)
        for (bad, symbol) in cases {
            let place = #""method":"POST","path":"/fapi/v1/order","symbol":"\#(symbol)""#
            try exchange.fault("{\(bad.fault),\(place)}")
        }
        try withTradingLog(exchange) { log in
            // The last one silences what comes after it, so they go in their order, each with its answer.
            let service = try log.serve("execution")
            for (number, (bad, symbol)) in cases.enumerated() {
                if number == cases.count - 1 { _ = try log.wait(for: number, "execution.result", [service]) }
                let fields = ["trace_id=\(bad.name)", "symbol=\(symbol)", "side=buy", "position_size_usd=200"]
                try log.append(TradingLog.Stream.intents, fields)
            }
            _ = try log.wait(for: cases.count, "execution.result", [service])
            try log.stop(service)
            let judgement = try Judgement(log)
            try judgement.expectOnce(BadAnswer.symbols)
            for (bad, symbol) in cases {
                let result = judgement.result(bad.name)
                #expect(
                    result.text("status") == bad.status && result.text("reason").hasPrefix(bad.reason),
                    "\(bad.name): \(result)")
                let there = try exchange.orders(symbol).count
                #expect(there == bad.orders, "\(bad.name)")
            }
            #expect(judgement.of("order.requested").count == cases.count)
        }
    }

    /// 429 with Retry-After: nothing at all is asked before its time.
    @Test func beingToldToWaitIsObeyed() throws {
        let exchange = try Exchange()
        try exchange.fault(
            #"{"kind":"rate_limit","retry_after_s":2,"method":"POST","path":"/fapi/v1/order","symbol":"BTCUSDT"}"#)
        try withTradingLog(exchange) { log in
            let service = try log.serve("execution")
            try log.intent("BTCUSDT", "buy", "0.01", trace: "told")
            _ = try log.wait(for: 1, "execution.result", [service])
            try log.intent("ETHUSDT", "buy", "1", trace: "after")
            _ = try log.wait(for: 2, "execution.result", [service])
            try log.stop(service)
            let judgement = try Judgement(log)
            try judgement.expectOnce(["BTCUSDT", "ETHUSDT"])
            #expect(judgement.result("told").text("reason").hasPrefix("exchange_refused: throttled: weight"))
            #expect(judgement.result("after").text("status") == "filled")
            // From before the first order left to after the second one's price was known.
            let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
            let asked = try judgement.of("order.requested").map { try format.parse($0.text("recorded_at")) }
            let waited = asked[1].timeIntervalSince(asked[0])
            #expect(waited >= 2, "it asked again after \(waited) s")
        }
    }

    /// The order is there under our id, and is not ours: no answer about it, and never another order.
    @Test func anotherOrderUnderOurIdIsNoAnswer() throws {
        let exchange = try Exchange()
        try exchange.fault(#"{"kind":"lost","wire":"close","symbol":"BTCUSDT"}"#)
        try withTradingLog(exchange) { log in
            let service = try log.serve("execution")
            try log.intent("BTCUSDT", "buy", "0.01", trace: "t")
            let asked = try log.wait(for: 1, "order.requested", [service])
            let id = asked[0].row("data").text("client_order_id")
            try log.wait("it is lost") { try exchange.hits("lost") == 1 }
            try exchange.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.02&newClientOrderId=\(id)")
            _ = try log.wait(for: 1, "order.outcome", [service])
            try log.wait("it is looked up") { try exchange.orders().count == 1 }
            try log.append(TradingLog.Stream.intents, TradingLog.order("ETHUSDT", "buy", "1", "other"))
            _ = try log.wait(for: 1, "execution.result", [service])
            try log.stop(service)
            let judgement = try Judgement(log)
            #expect(judgement.result("t").members.isEmpty, "it is not resolved by another order")
            #expect(judgement.status.rows("unresolved").count == 1)
            #expect(judgement.of("order.requested").count == 2)
        }
    }
}
