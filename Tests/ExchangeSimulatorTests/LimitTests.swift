// Weights, order counters, 429 and 418, as headers and refusals tell them.

import ExchangeSimulation
import Testing

@Suite struct LimitTests {
    @Test(arguments: [
        ("GET", "v1/ping", "", 1), ("GET", "v1/depth", "symbol=BTCUSDT&limit=50", 2),
        ("GET", "v1/depth", "symbol=BTCUSDT&limit=100", 5), ("GET", "v1/depth", "symbol=BTCUSDT", 10),
        ("GET", "v1/depth", "symbol=BTCUSDT&limit=1000", 20), ("GET", "v1/premiumIndex", "", 10),
        ("GET", "v1/premiumIndex", "symbol=BTCUSDT", 1), ("GET", "v2/ticker/price", "", 2),
        ("GET", "v1/ticker/bookTicker", "", 5), ("GET", "v1/openOrders", "", 40),
        ("GET", "v1/openOrders", "symbol=BTCUSDT", 1), ("GET", "v1/openAlgoOrders", "", 40),
        ("GET", "v3/positionRisk", "", 5), ("GET", "v3/account", "", 5), ("GET", "v1/positionSide/dual", "", 30),
        ("GET", "v1/commissionRate", "symbol=BTCUSDT", 20), ("POST", "v1/order", "", 0),
        ("POST", "v1/batchOrders", "", 5), ("POST", "v1/algoOrder", "", 0),
        ("POST", "v1/countdownCancelAll", "symbol=BTCUSDT&countdownTime=0", 10), ("DELETE", "v1/allOpenOrders", "", 1),
        ("POST", "v1/listenKey", "", 1), ("GET", "v1/userTrades", "symbol=BTCUSDT", 5),
    ])
    func eachCallHasItsWeight(method: String, path: String, query: String, weight: Int) {
        var exchange = Exchange()
        let reply = exchange.call(method, path, query)
        #expect(reply.header("X-MBX-USED-WEIGHT-1M") == String(weight), "\(reply)")
    }

    @Test func windowsAreThoseOfTheClock() {
        var exchange = Exchange()
        exchange.now = 1_700_000_039_999
        exchange.call("GET", "v1/ping")
        #expect(exchange.call("GET", "v1/ping").header("X-MBX-USED-WEIGHT-1M") == "2")
        exchange.now += 1
        #expect(exchange.now % 60_000 == 0)
        #expect(exchange.call("GET", "v1/ping").header("X-MBX-USED-WEIGHT-1M") == "1")
        #expect(exchange.call("GET", "v1/ping", client: "10.0.0.2").header("X-MBX-USED-WEIGHT-1M") == "1")
    }

    @Test func whoGoesOnAfter429IsBannedForLongerEachTime() {
        var exchange = Exchange {
            $0.limits.weightPerMinute = 2
            $0.limits.requestsUntilBan = 3
        }
        var statuses: [Int] = []
        for _ in 0..<8 { statuses.append(exchange.call("GET", "v1/ping").status) }
        #expect(statuses == [200, 200, 429, 429, 429, 429, 418, 418])
        let first = exchange.call("GET", "v1/ping")
        #expect(first.code == -1003)
        #expect(first.header("Retry-After") == "120")
        #expect(first.text("msg")?.contains("IP banned until \(exchange.now + 120_000)") == true)
        #expect(exchange.market("SELL", "0.1").status == 418, "a ban shuts out orders, too")
        #expect(exchange.call("GET", "v1/ping", client: "10.0.0.2").status == 200)
        exchange.now += 120_000
        for _ in 0..<6 { exchange.call("GET", "v1/ping") }
        #expect(exchange.call("GET", "v1/ping").header("Retry-After") == "240")
    }

    @Test func a429SaysWhenToComeBack() {
        var exchange = Exchange { $0.limits.weightPerMinute = 1 }
        exchange.now = 1_700_000_045_000
        exchange.call("GET", "v1/ping")
        let reply = exchange.call("GET", "v1/ping")
        #expect(reply.code == -1003)
        #expect(reply.header("Retry-After") == "55")
    }

    @Test func ordersAreCountedByAccount() {
        var exchange = Exchange { $0.limits.ordersPerTenSeconds = 3 }
        exchange.now = 1_700_000_040_000
        let first = exchange.limit("BUY", "0.1", "89000")
        #expect(first.header("X-MBX-ORDER-COUNT-10S") == "1" && first.header("X-MBX-ORDER-COUNT-1M") == "1")
        exchange.limit("BUY", "0.1", "89000")
        exchange.limit("BUY", "0.1", "89000")
        let reply = exchange.limit("BUY", "0.1", "89000")
        #expect(reply.status == 429 && reply.code == -1015, "\(reply)")
        let order = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.1"
        #expect(exchange.order(order, key: "k2").status == 200)
        #expect(exchange.call("DELETE", "v1/allOpenOrders", "symbol=BTCUSDT").status == 200)
        exchange.now += 10_000
        let later = exchange.limit("BUY", "0.1", "89000")
        #expect(later.header("X-MBX-ORDER-COUNT-10S") == "1" && later.header("X-MBX-ORDER-COUNT-1M") == "5")
    }

    @Test func aBatchCountsFiveOfTenSecondsAndOneOfTheMinute() {
        var exchange = Exchange()
        let order = #"{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":"0.1"}"#
        let reply = exchange.call("POST", "v1/batchOrders", "batchOrders=[\(order)]")
        #expect(reply.header("X-MBX-ORDER-COUNT-10S") == "5" && reply.header("X-MBX-ORDER-COUNT-1M") == "1")
    }
}
