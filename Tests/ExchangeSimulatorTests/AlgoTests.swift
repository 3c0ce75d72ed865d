// Conditional orders: what is refused, when they trigger, what they become, how they end.

import ExchangeSimulation
import Testing

@Suite struct AlgoTests {
    static let base = "algoType=CONDITIONAL&symbol=BTCUSDT"

    @Test(arguments: [
        (-1102, "symbol=BTCUSDT&side=SELL&type=STOP_MARKET&triggerPrice=80000&quantity=1"),
        (-1116, base + "&side=SELL&type=MARKET&triggerPrice=80000&quantity=1"),
        (-1102, base + "&side=SELL&type=STOP_MARKET&quantity=1"),
        (-1102, base + "&side=SELL&type=STOP_MARKET&triggerPrice=80000"),
        (-1102, base + "&side=SELL&type=STOP&triggerPrice=80000&quantity=1"),
        (-1102, base + "&side=SELL&type=TRAILING_STOP_MARKET&quantity=1"),
        (-1130, base + "&side=SELL&type=TRAILING_STOP_MARKET&quantity=1&callbackRate=11"),
        (-4137, base + "&side=SELL&type=STOP_MARKET&triggerPrice=80000&quantity=1&closePosition=true"),
        (-1106, base + "&side=SELL&type=STOP_MARKET&triggerPrice=80000&reduceOnly=true&closePosition=true"),
        (-1130, base + "&side=SELL&type=STOP&triggerPrice=80000&price=80000&closePosition=true"),
        (-2021, base + "&side=SELL&type=STOP_MARKET&triggerPrice=90000&quantity=1"),
        (-2021, base + "&side=BUY&type=STOP_MARKET&triggerPrice=90000&quantity=1"),
        (-2021, base + "&side=SELL&type=TAKE_PROFIT_MARKET&triggerPrice=90000&quantity=1"),
        (-2021, base + "&side=BUY&type=TAKE_PROFIT_MARKET&triggerPrice=90000&quantity=1"),
        (-4014, base + "&side=SELL&type=STOP_MARKET&triggerPrice=80000.05&quantity=1"),
        (-4061, base + "&side=SELL&type=STOP_MARKET&triggerPrice=80000&quantity=1&positionSide=LONG"),
    ])
    func anAlgoOrderIsRefused(code: Int, query: String) {
        var exchange = Exchange()
        let reply = exchange.call("POST", "v1/algoOrder", query)
        #expect(reply.code == code, "\(reply)")
        #expect(exchange.call("GET", "v1/openAlgoOrders").rows.isEmpty)
    }

    /// Type, side, trigger, a price that does not trigger it, one that does.
    @Test(arguments: [
        ("STOP_MARKET", "SELL", "89000", "89000.1", "89000"), ("STOP_MARKET", "BUY", "91000", "90999.9", "91000"),
        ("TAKE_PROFIT_MARKET", "SELL", "91000", "90999.9", "91000"),
        ("TAKE_PROFIT_MARKET", "BUY", "89000", "89000.1", "89000"),
    ])
    func anAlgoOrderTriggers(type: String, side: String, trigger: String, short: String, reached: String) {
        var exchange = Exchange()
        let algo = exchange.call(
            "POST", "v1/algoOrder",
            AlgoTests.base + "&side=\(side)&type=\(type)&triggerPrice=\(trigger)&quantity=0.1&clientAlgoId=a")
        #expect(algo.text("algoStatus") == "NEW")
        exchange.price(short)
        #expect(exchange.position() == "0.000")
        exchange.price(reached)
        #expect(exchange.position() == (side == "BUY" ? "0.100" : "-0.100"))
        #expect(exchange.call("GET", "v1/algoOrder", "clientAlgoId=a").text("algoStatus") == "FINISHED")
        let order = exchange.look("a")
        #expect(order.text("type") == "MARKET")
        #expect(order.text("origType") == type)
    }

    @Test func aStopWithAPriceBecomesALimitOrder() {
        var exchange = Exchange()
        exchange.call(
            "POST", "v1/algoOrder",
            AlgoTests.base + "&side=BUY&type=STOP&triggerPrice=91000&price=90500&quantity=0.1&clientAlgoId=a")
        exchange.price("91000")
        #expect(exchange.call("GET", "v1/algoOrder", "clientAlgoId=a").text("algoStatus") == "TRIGGERED")
        #expect(exchange.call("GET", "v1/openOrders", "symbol=BTCUSDT").rows.map { $0.text("price") } == ["90500.00"])
        exchange.price("90000")
        #expect(exchange.position() == "0.100")
        #expect(exchange.call("GET", "v1/algoOrder", "clientAlgoId=a").text("algoStatus") == "FINISHED")
    }

    @Test func closePositionClosesAllOfItAndExpiresWhereNothingIsHeld() {
        var exchange = Exchange()
        exchange.listen()
        exchange.market("BUY", "0.3")
        let stop = AlgoTests.base + "&side=SELL&type=STOP_MARKET&closePosition=true&clientAlgoId="
        exchange.call("POST", "v1/algoOrder", stop + "a&triggerPrice=89000")
        exchange.call("POST", "v1/algoOrder", stop + "b&triggerPrice=88000")
        exchange.price("88900")
        #expect(exchange.position() == "0.000")
        #expect(exchange.look("a").flag("closePosition") == true)
        exchange.price("87900")
        #expect(exchange.call("GET", "v1/algoOrder", "clientAlgoId=b").text("algoStatus") == "EXPIRED")
        #expect(exchange.position() == "0.000")
        let states = exchange.events().filter { $0.text("e") == "ALGO_UPDATE" }.map { $0["o"].text("X") ?? "" }
        #expect(states.contains("TRIGGERED") && states.contains("FINISHED") && states.contains("EXPIRED"))
    }

    @Test func aTrailingStopFollowsThePrice() {
        var exchange = Exchange()
        exchange.market("BUY", "0.1")
        exchange.call(
            "POST", "v1/algoOrder",
            AlgoTests.base + "&side=SELL&type=TRAILING_STOP_MARKET&quantity=0.1&callbackRate=1&activatePrice=91000"
                + "&clientAlgoId=a")
        exchange.price("89000")
        #expect(exchange.position() == "0.100", "not active yet")
        exchange.price("92000")
        exchange.price("91100")
        #expect(exchange.position() == "0.100", "less than one percent below the best")
        exchange.price("91080")
        #expect(exchange.position() == "0.000")
    }

    @Test func regularCancelsDoNotSeeAlgoOrders() {
        var exchange = Exchange()
        let stop = AlgoTests.base + "&side=SELL&type=STOP_MARKET&triggerPrice=80000&quantity=0.1"
        let id = exchange.call("POST", "v1/algoOrder", stop).number("algoId") ?? 0
        exchange.call("POST", "v1/algoOrder", stop)
        exchange.call("DELETE", "v1/allOpenOrders", "symbol=BTCUSDT")
        #expect(exchange.call("GET", "v1/openOrders").rows.isEmpty)
        #expect(exchange.call("GET", "v1/openAlgoOrders", "symbol=BTCUSDT").rows.count == 2)
        #expect(exchange.call("DELETE", "v1/algoOrder", "algoId=\(id)").text("code") == "200")
        #expect(exchange.call("DELETE", "v1/algoOrder", "algoId=\(id)").code == -2011)
        exchange.call("DELETE", "v1/algoOpenOrders", "symbol=BTCUSDT")
        #expect(exchange.call("GET", "v1/openAlgoOrders").rows.isEmpty)
    }

    @Test func aTriggeredOrderThatIsRefusedIsRejected() {
        var exchange = Exchange()
        exchange.call(
            "POST", "v1/algoOrder",
            AlgoTests.base + "&side=SELL&type=STOP_MARKET&triggerPrice=89000&quantity=0.1&reduceOnly=true"
                + "&clientAlgoId=a")
        exchange.price("88000")
        #expect(exchange.call("GET", "v1/algoOrder", "clientAlgoId=a").text("algoStatus") == "REJECTED")
        #expect(exchange.control("GET", "orders").rows.isEmpty)
    }

    @Test(arguments: [false, true])
    func theCountdownTakesAlgoOrdersOnlyWhenTold(takes: Bool) {
        var exchange = Exchange { $0.countdownTakesAlgos = takes }
        exchange.call(
            "POST", "v1/algoOrder",
            AlgoTests.base + "&side=SELL&type=STOP_MARKET&triggerPrice=80000&quantity=0.1")
        exchange.call("POST", "v1/countdownCancelAll", "symbol=BTCUSDT&countdownTime=100")
        exchange.now += 200
        #expect(exchange.call("GET", "v1/openAlgoOrders").rows.count == (takes ? 0 : 1))
    }
}
