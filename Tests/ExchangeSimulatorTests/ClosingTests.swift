// Closing a position: reduce-only in one-way mode, closing sides in hedge mode, closePosition.

import ExchangeSimulation
import Testing

@Suite struct ClosingTests {
    @Test func aReduceOnlyMarketOrderIsMadeSmaller() {
        var exchange = Exchange()
        exchange.market("BUY", "0.1")
        let reply = exchange.market("SELL", "5", "&reduceOnly=true")
        #expect(reply.text("status") == "FILLED")
        #expect(reply.text("executedQty") == "0.100")
        #expect(exchange.position() == "0.000")
        #expect(exchange.market("SELL", "0.1", "&reduceOnly=true").code == -2022)
    }

    @Test func orItIsRefused() {
        var exchange = Exchange { $0.trimsReduceOnly = false }
        exchange.market("BUY", "0.1")
        #expect(exchange.market("SELL", "5", "&reduceOnly=true").code == -2022)
        #expect(exchange.market("SELL", "0.1", "&reduceOnly=true").status == 200)
    }

    @Test(arguments: ["true", "True", "TRUE"])
    func pythonsTrueIsTrue(text: String) {
        var exchange = Exchange()
        exchange.market("BUY", "0.1")
        #expect(exchange.market("BUY", "0.1", "&reduceOnly=\(text)").code == -2022, "the same direction")
    }

    @Test func restingReduceOnlyOrdersReserveThePosition() {
        var exchange = Exchange()
        exchange.market("BUY", "0.1")
        #expect(exchange.limit("SELL", "0.06", "91000", "&reduceOnly=true").status == 200)
        #expect(exchange.limit("SELL", "0.06", "91000", "&reduceOnly=true").code == -2022)
        #expect(exchange.market("SELL", "0.06", "&reduceOnly=true").code == -2022)
    }

    @Test func aMarketOrderOfTheWholePositionPushesTheOthersOut() {
        var exchange = Exchange()
        exchange.listen()
        exchange.market("BUY", "0.1")
        exchange.limit("SELL", "0.06", "91000", "&reduceOnly=true&newClientOrderId=a")
        #expect(exchange.market("SELL", "0.1", "&reduceOnly=true").text("executedQty") == "0.100")
        #expect(exchange.look("a").text("status") == "EXPIRED")
        let expired = exchange.events().filter { $0["o"].text("x") == "EXPIRED" }
        #expect(expired.map { $0["o"].text("er") } == ["4"])
    }

    @Test func theyArePushedOutEvenWhereItFillsInPart() {
        var exchange = Exchange()
        exchange.market("BUY", "0.1")
        exchange.limit("SELL", "0.06", "91000", "&reduceOnly=true&newClientOrderId=a")
        exchange.control("POST", "faults", #"{"kind":"partial_fill","percent":50}"#)
        #expect(exchange.market("SELL", "0.1", "&reduceOnly=true").text("executedQty") == "0.050")
        #expect(exchange.look("a").text("status") == "EXPIRED")
        #expect(exchange.position() == "0.050")
    }

    @Test func aRestingReduceOnlyOrderNeverFlipsThePosition() {
        var exchange = Exchange()
        exchange.market("BUY", "0.1")
        exchange.limit("SELL", "0.1", "91000", "&reduceOnly=true&newClientOrderId=a")
        exchange.market("SELL", "0.06")
        exchange.price("91500")
        #expect(exchange.position() == "0.000")
        let order = exchange.look("a")
        #expect(order.text("executedQty") == "0.040")
    }

    @Test func crossingZeroOpensTheOtherWayAtTheFillPrice() {
        var exchange = Exchange()
        exchange.market("BUY", "0.1")
        exchange.market("SELL", "0.3")
        let row = exchange.call("GET", "v3/positionRisk", "symbol=BTCUSDT").rows.at(0)
        #expect(row.text("positionAmt") == "-0.200")
        #expect(row.text("entryPrice") == "89997.80")
        let fills = exchange.call("GET", "v1/userTrades", "symbol=BTCUSDT").rows
        #expect(fills.map { $0.text("realizedPnl") } == ["0.00000000", "-0.44000000"])
    }

    @Test func reduceOnlyNeedsNoNotional() {
        var exchange = Exchange()
        exchange.market("BUY", "5", symbol: "XRPUSDT")
        #expect(exchange.market("SELL", "2", symbol: "XRPUSDT").code == -4164)
        #expect(exchange.market("SELL", "2", "&reduceOnly=true", symbol: "XRPUSDT").status == 200)
    }

    // MARK: Hedge mode

    static func hedged() -> Exchange {
        var exchange = Exchange()
        #expect(exchange.call("POST", "v1/positionSide/dual", "dualSidePosition=true").number("code") == 200)
        return exchange
    }

    @Test func bothLegsAreHeldAtOnce() {
        var exchange = ClosingTests.hedged()
        exchange.market("BUY", "0.1", "&positionSide=LONG")
        exchange.market("SELL", "0.2", "&positionSide=SHORT")
        #expect(exchange.position("LONG") == "0.100")
        #expect(exchange.position("SHORT") == "-0.200")
        #expect(exchange.call("GET", "v3/positionRisk", "symbol=BTCUSDT").rows.count == 2)
    }

    @Test(arguments: [
        ("BUY", "", -4061), ("BUY", "&positionSide=BOTH", -4061), ("SELL", "&positionSide=LONG", -2022),
        ("BUY", "&positionSide=SHORT", -2022), ("BUY", "&positionSide=LONG&reduceOnly=true", -1106),
        ("SELL", "&positionSide=LONG&reduceOnly=false", -1106),
    ])
    func hedgeModeHasItsOwnRefusals(side: String, rest: String, code: Int) {
        var exchange = ClosingTests.hedged()
        let reply = exchange.market(side, "0.1", rest)
        #expect(reply.code == code, "\(reply)")
        if code == -1106 { #expect(reply.text("msg") == "Parameter 'reduceonly' sent when not required.") }
    }

    @Test func aLegIsClosedByItsOwnSizeOnly() {
        var exchange = ClosingTests.hedged()
        exchange.market("BUY", "0.1", "&positionSide=LONG")
        #expect(exchange.market("SELL", "0.2", "&positionSide=LONG").code == -2022)
        exchange.limit("SELL", "0.06", "91000", "&positionSide=LONG")
        #expect(exchange.market("SELL", "0.1", "&positionSide=LONG").code == -2022, "reserved by a resting order")
        exchange.call("DELETE", "v1/allOpenOrders", "symbol=BTCUSDT")
        #expect(exchange.market("SELL", "0.1", "&positionSide=LONG").text("status") == "FILLED")
        #expect(exchange.position("LONG") == "0.000")
    }

    @Test func theModeIsBlockedByOrdersAndPositions() {
        var exchange = Exchange()
        exchange.limit("BUY", "0.1", "89000")
        #expect(exchange.call("POST", "v1/positionSide/dual", "dualSidePosition=true").code == -4067)
        exchange.call("DELETE", "v1/allOpenOrders", "symbol=BTCUSDT")
        exchange.market("BUY", "0.1")
        #expect(exchange.call("POST", "v1/positionSide/dual", "dualSidePosition=true").code == -4068)
        exchange.market("SELL", "0.1", "&reduceOnly=true")
        #expect(exchange.call("POST", "v1/positionSide/dual", "dualSidePosition=true").status == 200)
        #expect(exchange.call("GET", "v1/accountConfig").flag("dualSidePosition") == true)
        #expect(exchange.call("GET", "v1/positionSide/dual").flag("dualSidePosition") == true)
    }

    @Test func otherHandsCanCloseAndFlipTheMode() {
        var exchange = Exchange()
        exchange.listen()
        exchange.market("BUY", "0.1")
        exchange.limit("SELL", "0.1", "91000", "&reduceOnly=true&newClientOrderId=a")
        _ = exchange.events()
        let body = #"{"key":"k1","symbol":"BTCUSDT","side":"SELL","quantity":"0.1","reason":"liquidation"}"#
        #expect(exchange.control("POST", "position", body).status == 200)
        #expect(exchange.position() == "0.000")
        let trades = exchange.events().filter { $0["o"].text("x") == "TRADE" }
        #expect(trades.first?["o"].text("c")?.hasPrefix("autoclose-") == true)
        #expect(exchange.look("a").text("status") == "EXPIRED")
        exchange.control("POST", "mode", #"{"key":"k1","hedge":true}"#)
        #expect(exchange.market("BUY", "0.1").code == -4061)
    }
}
