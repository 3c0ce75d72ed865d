// Orders that are accepted: answers, matching, client order ids, cancel, modify, batches.

import Events
import ExchangeSimulation
import Testing

@Suite struct OrderTests {
    @Test func aMarketOrderIsFilledFromTheBookAndAcknowledgedAsNew() {
        var exchange = Exchange()
        let ack = exchange.order("symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.1&newClientOrderId=a")
        #expect(ack.text("status") == "NEW")
        #expect(ack.text("executedQty") == "0.000")
        let seen = exchange.look("a")
        #expect(seen.text("status") == "FILLED")
        #expect(seen.text("executedQty") == "0.100")
        #expect(seen.text("avgPrice") == "90002.20000")
        #expect(exchange.position() == "0.100")
    }

    @Test func resultShowsTheEndOfAMarketOrder() {
        var exchange = Exchange()
        let reply = exchange.market("BUY", "2")
        #expect(reply.text("status") == "FILLED")
        #expect(reply.text("cumQty") == "2.000")
        let fills = exchange.call("GET", "v1/userTrades", "symbol=BTCUSDT").rows
        #expect(fills.count > 1, "two coins take more than one level")
        #expect(fills.allSatisfy { $0.text("side") == "BUY" && $0.flag("maker") == false })
    }

    @Test func aMarketOrderBeyondTheBookExpiresWithWhatItGot() throws {
        var exchange = Exchange { $0.levels = 3 }
        let reply = exchange.market("BUY", "50")
        #expect(reply.text("status") == "EXPIRED")
        let executed = try #require(reply.text("executedQty").flatMap(Double.init))
        #expect(executed > 0 && executed < 50)
        #expect(exchange.position() == reply.text("executedQty"))
    }

    @Test func anEmptyBookRefusesAMarketOrder() {
        var exchange = Exchange { $0.levels = 0 }
        #expect(exchange.market("BUY", "1").code == -1112)
    }

    @Test(arguments: [("IOC", "EXPIRED"), ("GTC", "PARTIALLY_FILLED"), ("FOK", "")])
    func theRestOfALimitOrder(timeInForce: String, status: String) {
        var exchange = Exchange { $0.levels = 2 }
        let reply = exchange.order(
            "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=\(timeInForce)&quantity=20&price=90100"
                + "&newOrderRespType=RESULT")
        if timeInForce == "FOK" {
            #expect(reply.code == -5021)
        } else {
            #expect(reply.text("status") == status)
        }
        #expect(exchange.call("GET", "v1/openOrders", "symbol=BTCUSDT").rows.count == (timeInForce == "GTC" ? 1 : 0))
    }

    @Test func aRestingOrderIsFilledAsMakerWhenThePriceComes() {
        var exchange = Exchange()
        #expect(exchange.limit("BUY", "0.1", "89000", "&newClientOrderId=a").text("status") == "NEW")
        exchange.price("88900")
        #expect(exchange.look("a").text("status") == "FILLED")
        let fill = exchange.call("GET", "v1/userTrades", "symbol=BTCUSDT").rows.at(0)
        #expect(fill.flag("maker") == true)
        #expect(fill.text("price") == "89000.00")
        #expect(fill.text("commission") == "1.78000000")
    }

    @Test func aPostOnlyOrderRestsOnItsOwnSide() {
        var exchange = Exchange()
        let reply = exchange.order("symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTX&quantity=0.1&price=90000")
        #expect(reply.text("status") == "NEW")
        let depth = exchange.call("GET", "v1/depth", "symbol=BTCUSDT&limit=5")
        #expect(depth["bids"].rows.at(0).json == .array([.string("90000.00"), .string("0.100")]))
    }

    @Test func twoClientsTradeWithEachOther() {
        var exchange = Exchange()
        exchange.limit("BUY", "0.1", "90000")
        let reply = exchange.order(
            "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.1&newOrderRespType=RESULT", key: "k2")
        #expect(reply.text("avgPrice") == "90000.00000", "the client's order is better than the market's levels")
        #expect(exchange.position() == "0.100")
    }

    @Test(arguments: [
        ("EXPIRE_MAKER", "EXPIRED_IN_MATCH", "FILLED"), ("EXPIRE_TAKER", "NEW", "EXPIRED_IN_MATCH"),
        ("EXPIRE_BOTH", "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH"), ("NONE", "FILLED", "FILLED"),
    ])
    func theTakersModePreventsTradesWithOneself(mode: String, maker: String, taker: String) {
        var exchange = Exchange()
        exchange.limit("BUY", "0.1", "90000", "&newClientOrderId=maker")
        let reply = exchange.limit("SELL", "0.1", "89900", "&selfTradePreventionMode=\(mode)")
        #expect(reply.text("status") == taker)
        #expect(exchange.look("maker").text("status") == maker)
    }

    @Test func aPriceCanBeTakenFromTheBook() {
        var exchange = Exchange()
        let order = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1"
        #expect(exchange.order(order + "&priceMatch=QUEUE").text("price") == "89997.80")
        #expect(exchange.order(order + "&priceMatch=OPPONENT_5").text("price") == "90020.20")
        var thin = Exchange { $0.levels = 4 }
        #expect(thin.order(order + "&priceMatch=OPPONENT_5").code == -5041)
    }

    // MARK: Client order ids

    @Test func aClientOrderIDIsTakenWhileItsOrderIsOpenOnly() {
        var exchange = Exchange()
        exchange.limit("BUY", "0.1", "89000", "&newClientOrderId=a")
        #expect(exchange.limit("BUY", "0.1", "89000", "&newClientOrderId=a").code == -4116)
        exchange.call("DELETE", "v1/order", "symbol=BTCUSDT&origClientOrderId=a")
        #expect(exchange.limit("BUY", "0.1", "88000", "&newClientOrderId=a").status == 200)
        #expect(exchange.look("a").text("price") == "88000.00", "the newest of several is found")
    }

    /// The dangerous reading of the documentation, and the default.
    @Test(arguments: [("open", "0.200"), ("all", "0.100")])
    func aRetriedMarketOrderFillsTwiceUnlessIdsAreStrict(scope: String, position: String) {
        var exchange = Exchange()
        exchange.control("POST", "options", #"{"duplicate_scope":"\#(scope)"}"#)
        exchange.market("BUY", "0.1", "&newClientOrderId=a")
        let second = exchange.market("BUY", "0.1", "&newClientOrderId=a")
        #expect(second.code == (scope == "all" ? -4116 : nil))
        #expect(exchange.position() == position)
    }

    @Test func idsOfAnotherAccountAreFree() {
        var exchange = Exchange()
        exchange.limit("BUY", "0.1", "89000", "&newClientOrderId=a")
        let other = exchange.order(
            "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=89000&newClientOrderId=a",
            key: "k2")
        #expect(other.status == 200)
    }

    // MARK: Cancel, modify, batches

    @Test func cancelledOrdersAreGoneForCancels() {
        var exchange = Exchange()
        let id = exchange.limit("BUY", "0.1", "89000").number("orderId") ?? 0
        #expect(exchange.call("DELETE", "v1/order", "symbol=BTCUSDT&orderId=\(id)").text("status") == "CANCELED")
        #expect(exchange.call("DELETE", "v1/order", "symbol=BTCUSDT&orderId=\(id)").code == -2011)
        #expect(exchange.call("GET", "v1/openOrder", "symbol=BTCUSDT&orderId=\(id)").code == -2013)
        #expect(exchange.call("GET", "v1/order", "symbol=BTCUSDT&orderId=\(id)").text("status") == "CANCELED")
    }

    @Test func ordersAreForgottenInTheEnd() {
        var exchange = Exchange()
        exchange.limit("BUY", "0.1", "89000", "&newClientOrderId=a")
        exchange.call("DELETE", "v1/order", "symbol=BTCUSDT&origClientOrderId=a")
        exchange.market("BUY", "0.1", "&newClientOrderId=b")
        exchange.now += 3 * 86_400_000
        #expect(exchange.look("a").text("status") == "CANCELED")
        exchange.now += 1
        #expect(exchange.look("a").code == -2013)
        #expect(exchange.look("b").text("status") == "FILLED")
        exchange.now += 87 * 86_400_000
        #expect(exchange.look("b").code == -2013)
    }

    @Test(arguments: ["orderIdList", "orderidlist"])
    func aBatchOfCancelsAnswersOneByOne(name: String) {
        var exchange = Exchange()
        let id = exchange.limit("BUY", "0.1", "89000").number("orderId") ?? 0
        let reply = exchange.call("DELETE", "v1/batchOrders", "symbol=BTCUSDT&\(name)=%5B\(id),5%5D")
        #expect(reply.rows.map(\.code) == [nil, -2011])
        #expect(reply.rows.at(0).text("status") == "CANCELED")
    }

    @Test func allOpenOrdersOfASymbolAreCancelled() {
        var exchange = Exchange()
        exchange.limit("BUY", "0.1", "89000")
        exchange.order("symbol=ETHUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=2900")
        for _ in 0..<2 {
            let reply = exchange.call("DELETE", "v1/allOpenOrders", "symbol=BTCUSDT")
            #expect(reply.number("code") == 200)
        }
        #expect(exchange.call("GET", "v1/openOrders").rows.map { $0.text("symbol") } == ["ETHUSDT"])
    }

    @Test func aBatchOfOrdersAnswersOneByOne() {
        var exchange = Exchange()
        let order =
            #"{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"0.1","price":"89000"}"#
        let bad = order.replacing("89000", with: "89000.01")
        let reply = exchange.call("POST", "v1/batchOrders", "batchOrders=[\(order),\(bad),\(order)]")
        #expect(reply.status == 200)
        #expect(reply.rows.map(\.code) == [nil, -4014, nil])
    }

    @Test func aModifiedOrderLosesNothingButItsPlace() {
        var exchange = Exchange()
        exchange.limit("BUY", "0.1", "89000", "&newClientOrderId=a")
        let keys = "symbol=BTCUSDT&origClientOrderId=a&side=BUY"
        #expect(exchange.call("PUT", "v1/order", keys + "&quantity=0.1&price=89000").code == -5027)
        let reply = exchange.call("PUT", "v1/order", keys + "&quantity=0.2&price=88000")
        #expect(reply.text("price") == "88000.00")
        #expect(reply.text("origQty") == "0.200")
        exchange.price("87900")
        #expect(exchange.look("a").text("executedQty") == "0.200")
    }

    @Test func aDatedOrderExpires() {
        var exchange = Exchange()
        let date = exchange.now + 700_000
        let query = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTD&quantity=0.1&price=89000&newClientOrderId=a"
        #expect(exchange.order(query + "&goodTillDate=\(date)").number("goodTillDate") == Int(date / 1_000 * 1_000))
        exchange.now += 700_000
        #expect(exchange.look("a").text("status") == "EXPIRED")
    }

    @Test func aCountdownCancelsItsSymbolOnlyAndCanBeStopped() {
        var exchange = Exchange()
        exchange.limit("BUY", "0.1", "89000", "&newClientOrderId=a")
        exchange.call("POST", "v1/countdownCancelAll", "symbol=BTCUSDT&countdownTime=1000")
        exchange.now += 900
        let restarted = exchange.call("POST", "v1/countdownCancelAll", "symbol=BTCUSDT&countdownTime=1000")
        #expect(restarted.text("countdownTime") == "1000")
        exchange.now += 900
        #expect(exchange.look("a").text("status") == "NEW")
        exchange.now += 100
        #expect(exchange.look("a").text("status") == "CANCELED")
        exchange.limit("BUY", "0.1", "89000", "&newClientOrderId=b")
        exchange.call("POST", "v1/countdownCancelAll", "symbol=BTCUSDT&countdownTime=1000")
        exchange.call("POST", "v1/countdownCancelAll", "symbol=BTCUSDT&countdownTime=0")
        exchange.now += 5_000
        #expect(exchange.look("b").text("status") == "NEW")
    }

    @Test func averagesCanBeLeftOut() {
        var exchange = Exchange { $0.sendsAverage = false }
        let reply = exchange.market("BUY", "0.1", "&newClientOrderId=a")
        #expect(reply.text("avgPrice") == nil && reply.text("cumQuote") == nil)
        #expect(exchange.look("a").text("avgPrice") != nil)
    }

    @Test func onlyTwoHundredOrdersOfASymbolRest() {
        var exchange = Exchange()
        for _ in 0..<200 { #expect(exchange.limit("BUY", "0.001", "89000").status == 200) }
        #expect(exchange.limit("BUY", "0.001", "89000").code == -2025)
    }
}
