// Intents that cannot become orders, and starts that cannot trade: each has its reason, and nothing is sent.

import Events
import Foundation
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct BadInputTests {
    @Test func whatCannotBeAnOrderIsRefusedWithItsReason() throws {
        let exchange = try Exchange()
        let intents: [(trace: String, symbol: String, fields: [String], reason: String)] = [
            ("unknown symbol", "NOSUCHUSDT", ["side=buy", "quantity=1"], "no_instrument"),
            ("no symbol of theirs", "BTC-PERP", ["side=buy", "quantity=1"], "no_instrument"),
            ("too small", "BTCUSDT", ["side=buy", "quantity=0.0001"], "below_minimum"),
            ("worth too little", "ETHUSDT", ["side=buy", "quantity=0.001"], "below_minimum"),
            ("too large", "SOLUSDT", ["side=buy", "quantity=5001"], "above_maximum"),
            ("leverage", "XRPUSDT", ["side=buy", "quantity=100", "leverage=21"], "leverage_over_limit"),
            ("nothing there", "BNBUSDT", ["side=close"], "nothing_to_close"),
            (
                "hedge side", "ADAUSDT", ["side=buy", "quantity=100", "position_side=LONG", "reduce_only=true"],
                "cannot_reduce"
            ),
            ("half a pair", "LTCUSDT", [], "no_instrument"),
        ]
        try withTradingLog(exchange) { log in
            let service = try log.serve("execution")
            for intent in intents {
                let shape =
                    intent.fields.isEmpty
                    ? ["pair_x=\(intent.symbol)", "side_x=buy", "pair_y=NOSUCHUSDT", "side_y=sell", "quantity=1"]
                    : ["symbol=\(intent.symbol)"] + intent.fields
                try log.append(TradingLog.Stream.intents, ["trace_id=\(intent.trace)"] + shape)
            }
            _ = try log.wait(for: intents.count, "execution.result", [service])
            try log.stop(service)
            let judgement = try Judgement(log)
            try judgement.expectOnce([])
            for intent in intents {
                let result = judgement.result(intent.trace)
                #expect(
                    result.text("status") == "rejected" && result.text("reason").hasPrefix(intent.reason),
                    "\(intent.trace): \(result)")
            }
            #expect(judgement.of("order.requested").isEmpty)
            let orders = try exchange.orders()
            #expect(orders.isEmpty)
        }
    }

    @Test func aWrongKeyOrSecretEndsEachIntentWithAReasonAndSendsNothing() throws {
        for (name, value) in [("KEY", "another-key-of-nobody"), ("SECRET", "another-secret-of-nobody")] {
            let exchange = try Exchange()
            try withTradingLog(exchange) { log in
                let service = try log.serve("execution", environment: ["BACKSTOP_EXCHANGE_\(name)": value])
                try log.intent("BTCUSDT", "buy", "0.01", trace: "t")
                _ = try log.wait(for: 1, "execution.result", [service])
                try log.stop(service)
                let judgement = try Judgement(log)
                try judgement.expectOnce(["BTCUSDT"])
                let result = judgement.result("t")
                #expect(
                    result.text("status") == "rejected" && result.text("reason").contains("credentials"), "\(result)")
                #expect(!service.errors.contains(value))
                let orders = try exchange.orders()
                #expect(orders.isEmpty)
            }
        }
    }

    @Test func aHostThatIsNotAllowedIsRefusedBeforeAnyConnection() throws {
        let exchange = try Exchange()
        try withTradingLog(exchange) { log in
            let hosts = [
                ("https://fapi.binance.com", "production"), ("http://demo-fapi.binance.com", "https"),
                ("https://example.com", "not an allowed host"), ("http://127.0.0.1.nip.io:\(exchange.port)", "allowed"),
                ("ftp://127.0.0.1", "not an exchange's address"), ("http://127.0.0.1:1/fapi", "address"),
            ]
            for (host, why) in hosts {
                let finished = try log.run("serve", "--roles", "execution", "--exchange", host)
                #expect(finished.status == 2 && finished.errors.contains(why), "\(host): \(finished)")
            }
            let missing = try log.run("serve", "--roles", "execution")
            #expect(missing.status == 2 && missing.errors.contains("--exchange"), "\(missing)")
            let bare = try log.start(
                ["serve", "--roles", "execution", "--exchange", exchange.url],
                environment: ["BACKSTOP_EXCHANGE_KEY": "short"]
            ).finish()
            #expect(bare.status == 2 && bare.errors.contains("key"), "\(bare)")
        }
    }

    /// A horizon that is too short to be sure is for loopback alone.
    @Test func aShortHorizonIsRefusedBeyondLoopback() throws {
        let exchange = try Exchange()
        try withTradingLog(exchange) { log in
            let finished = try log.run(
                "serve", "--roles", "execution", "--exchange", "https://demo-fapi.binance.com", "--set",
                "execution.horizon_margin_ms=50")
            #expect(finished.status == 2 && finished.errors.contains("horizon_margin_ms"), "\(finished)")
        }
    }
}
