// The user stream: keys, the order of events, their fields, faults of the stream.

import ExchangeSimulation
import Testing

@Suite struct StreamTests {
    @Test func aLiveKeyIsGivenAgainAndExpiresAfterAnHour() {
        var exchange = Exchange()
        let key = exchange.call("POST", "v1/listenKey").text("listenKey")
        #expect(key?.count == 64)
        #expect(exchange.call("POST", "v1/listenKey").text("listenKey") == key)
        exchange.now += 3_000_000
        #expect(exchange.call("PUT", "v1/listenKey").text("listenKey") == key)
        exchange.now += 3_000_000
        #expect(exchange.call("PUT", "v1/listenKey").status == 200)
        exchange.now += 3_600_000
        #expect(exchange.call("PUT", "v1/listenKey").code == -1125)
        let last = exchange.events().last
        #expect(last?.text("e") == "listenKeyExpired" && last?.text("listenKey") == key)
        #expect(exchange.call("POST", "v1/listenKey").text("listenKey") != key)
    }

    @Test func aKeyNeedsNoSignature() {
        var exchange = Exchange()
        let request = Request(
            method: "POST", path: "/fapi/v1/listenKey", query: "", body: "", apiKey: "k1", client: "c")
        #expect(exchange.send(request).text("listenKey") != nil)
    }

    @Test func aMarketOrderIsNewThenTradesThenDone() {
        var exchange = Exchange()
        exchange.listen()
        exchange.market("BUY", "0.1", "&newClientOrderId=a")
        let events = exchange.events()
        #expect(
            events.map { $0.text("e") }
                == ["ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE", "TRADE_LITE"])
        let trade = events.at(2)["o"]
        #expect(events.at(0)["o"].text("x") == "NEW" && trade.text("x") == "TRADE" && trade.text("X") == "FILLED")
        #expect(trade.text("c") == "a" && trade.text("l") == "0.100" && trade.text("z") == "0.100")
        #expect(trade.text("L") == "90002.20" && trade.text("n") == "4.50011000" && trade.text("N") == "USDT")
        #expect(trade.flag("m") == false && trade.number("t") == 1 && trade.text("rp") == "0.00000000")
        let account = events.at(1)["a"]
        #expect(account.text("m") == "ORDER")
        #expect(account["B"].rows.at(0).text("wb") == "999995.49989000")
        #expect(account["P"].rows.at(0).text("pa") == "0.100")
        #expect(events.allSatisfy { $0.number("E") == Int(exchange.now) })
    }

    @Test func aCancelIsToldToItsOwnAccountOnly() {
        var exchange = Exchange()
        exchange.listen()
        exchange.call("POST", "v1/listenKey", key: "k2")
        exchange.limit("BUY", "0.1", "89000", "&newClientOrderId=a")
        exchange.call("DELETE", "v1/order", "symbol=BTCUSDT&origClientOrderId=a")
        let outputs = exchange.venue.takeStream()
        #expect(Set(outputs.map(\.listenKey)).count == 1)
        #expect(outputs.count == 2)
    }

    @Test func leverageIsTold() {
        var exchange = Exchange()
        exchange.listen()
        exchange.call("POST", "v1/leverage", "symbol=BTCUSDT&leverage=3")
        let event = exchange.events().at(0)
        #expect(event.text("e") == "ACCOUNT_CONFIG_UPDATE" && event["ac"].number("l") == 3)
    }

    @Test(arguments: [
        ("drop", "", ["ORDER_TRADE_UPDATE", "ORDER_TRADE_UPDATE", "TRADE_LITE"]),
        (
            "duplicate", "",
            ["ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE", "TRADE_LITE"]
        ), ("swap", "", ["ORDER_TRADE_UPDATE", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "TRADE_LITE"]),
        ("late", #","ms":500"#, ["ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE", "TRADE_LITE"]),
    ])
    func eventsCanGoWrong(kind: String, rest: String, events: [String]) {
        var exchange = Exchange()
        exchange.listen()
        let body = #"{"kind":"\#(kind)","event":"ACCOUNT_UPDATE"\#(rest)}"#
        #expect(exchange.control("POST", "stream-faults", body).status == 200)
        exchange.market("BUY", "0.1")
        let outputs = exchange.venue.takeStream()
        let types = outputs.compactMap { output -> String? in
            guard case .event(let event) = output.content else { return nil }
            return Reply(event).text("e")
        }
        #expect(types == events)
        #expect(outputs.filter { $0.dueAt == exchange.now + 500 }.count == (kind == "late" ? 1 : 0))
    }

    @Test(arguments: [("disconnect", StreamOutput.Content.disconnect), ("stall", .stall)])
    func theStreamCanEndOrFallSilent(action: String, content: StreamOutput.Content) {
        var exchange = Exchange()
        exchange.listen()
        exchange.control("POST", "stream", #"{"key":"k1","action":"\#(action)"}"#)
        #expect(exchange.venue.takeStream().map(\.content) == [content])
    }
}
