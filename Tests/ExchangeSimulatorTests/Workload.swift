// Random requests of two clients, from a seed: orders of every kind, cancels, modifications, conditional orders,
// prices that move, time that passes. Many are refused, which is wanted.

@testable import ExchangeSimulation

struct Workload {
    private var generator: SeededGenerator
    let seed: UInt64
    let isHedged: Bool

    init(seed: UInt64, isHedged: Bool) {
        generator = SeededGenerator(seed: seed)
        self.seed = seed
        self.isHedged = isHedged
    }

    private mutating func pick<T>(_ choices: [T]) -> T { choices[Int(generator.below(UInt64(choices.count)))] }
    private mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(generator.below(UInt64(range.count)))
    }

    mutating func begin(_ exchange: inout Exchange) {
        guard isHedged else { return }
        for key in ["k1", "k2"] {
            exchange.call("POST", "v1/positionSide/dual", "dualSidePosition=true", key: key)
        }
    }

    /// One step; returns its answer.
    mutating func step(_ exchange: inout Exchange) -> Reply {
        exchange.now += Int64(number(0...400))
        let key = pick(["k1", "k1", "k2"])
        switch number(0...19) {
        case 0...11: return exchange.call("POST", "v1/order", order(), key: key)
        case 12:
            return exchange.call("DELETE", "v1/order", "symbol=BTCUSDT&origClientOrderId=c\(number(0...20))", key: key)
        case 13: return exchange.call("POST", "v1/algoOrder", algo(), key: key)
        case 14: return exchange.call("PUT", "v1/order", change(), key: key)
        case 15: return exchange.call("DELETE", "v1/allOpenOrders", "symbol=BTCUSDT", key: key)
        case 16: return exchange.call("GET", "v2/account", key: key)
        case 17: return exchange.call("GET", "v1/depth", "symbol=BTCUSDT&limit=20")
        case 18:
            return exchange.control("POST", "faults", #"{"kind":"partial_fill","percent":\#(number(0...100))}"#)
        default: return exchange.control("POST", "price", #"{"symbol":"BTCUSDT","price":"\#(price())"}"#)
        }
    }

    private mutating func price() -> Int { number(88_000...92_000) }
    private mutating func quantity() -> String { "\(number(0...3)).\(number(100...999))" }
    private mutating func side() -> String {
        let side = pick(["BUY", "SELL"])
        return isHedged ? "side=\(side)&positionSide=\(pick(["LONG", "SHORT"]))" : "side=\(side)"
    }

    private mutating func order() -> String {
        var text = "symbol=BTCUSDT&\(side())&quantity=\(quantity())&newOrderRespType=\(pick(["ACK", "RESULT"]))"
        text += pick(["", "", "&newClientOrderId=c\(number(0...20))"])
        if !isHedged { text += pick(["", "", "&reduceOnly=true"]) }
        text += pick([
            "", "&selfTradePreventionMode=EXPIRE_TAKER", "&selfTradePreventionMode=EXPIRE_BOTH",
            "&selfTradePreventionMode=NONE",
        ])
        if number(0...2) == 0 { return text + "&type=MARKET" }
        return text + "&type=LIMIT&timeInForce=\(pick(["GTC", "GTC", "IOC", "FOK", "GTX"]))&price=\(price())"
    }

    private mutating func algo() -> String {
        let type = pick(["STOP_MARKET", "TAKE_PROFIT_MARKET", "STOP", "TRAILING_STOP_MARKET"])
        var text = "algoType=CONDITIONAL&symbol=BTCUSDT&\(side())&type=\(type)"
        if type == "TRAILING_STOP_MARKET" { return text + "&callbackRate=0.5&quantity=\(quantity())" }
        text += "&triggerPrice=\(price())"
        if type == "STOP" { return text + "&price=\(price())&quantity=\(quantity())" }
        return text + pick(["&closePosition=true", "&quantity=\(quantity())"])
    }

    private mutating func change() -> String {
        "symbol=BTCUSDT&side=\(pick(["BUY", "SELL"]))&origClientOrderId=c\(number(0...20))&quantity=\(quantity())&price=\(price())"
    }
}
