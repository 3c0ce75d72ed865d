// Money: fees, realised profit, margin, leverage, and the shapes in which accounts and positions are shown.

import ExchangeSimulation
import Testing

@Suite struct AccountTests {
    @Test func aRoundTripCostsItsFeesAndTheSpread() {
        var exchange = Exchange()
        exchange.market("BUY", "0.1")
        exchange.market("SELL", "0.1", "&reduceOnly=true")
        let fills = exchange.call("GET", "v1/userTrades", "symbol=BTCUSDT").rows
        #expect(fills.map { $0.text("commission") } == ["4.50011000", "4.49989000"])
        #expect(fills.map { $0.text("realizedPnl") } == ["0.00000000", "-0.44000000"])
        let assets = exchange.call("GET", "v3/account")["assets"].rows
        #expect(assets.first { $0.text("asset") == "USDT" }?.text("walletBalance") == "999990.56000000")
        #expect(assets.first { $0.text("asset") == "USDC" }?.text("walletBalance") == "1000000.00000000")
    }

    @Test func addingAveragesTheEntryAndReducingKeepsIt() {
        var exchange = Exchange()
        exchange.limit("BUY", "0.1", "90000")
        exchange.price("89900")
        exchange.limit("BUY", "0.3", "89000")
        exchange.price("88900")
        func entry() -> String? {
            exchange.call("GET", "v3/positionRisk", "symbol=BTCUSDT").rows.first?.text("entryPrice")
        }
        #expect(entry() == "89250.00")
        exchange.limit("SELL", "0.2", "89900")
        exchange.price("90000")
        #expect(entry() == "89250.00")
        let row = exchange.call("GET", "v3/positionRisk", "symbol=BTCUSDT").rows.at(0)
        #expect(row.text("unRealizedProfit") == "150.00000000")
        #expect(row.text("notional") == "18000.00000000" && row.text("initialMargin") == "900.00000000")
        #expect(row.text("maintMargin") == "72.00000000")
        #expect(
            exchange.call("GET", "v1/userTrades", "symbol=BTCUSDT").rows.last?.text("realizedPnl") == "130.00000000")
    }

    @Test func marginIsBoundByPositionsAndOrders() {
        var exchange = Exchange { $0.balance = 1_000 }
        let order = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=89000&quantity="
        #expect(exchange.order(order + "0.3").code == -2019)
        #expect(exchange.order(order + "0.2").status == 200)
        #expect(exchange.call("GET", "v2/balance").rows.at(1).text("availableBalance") == "110.00000000")
        #expect(exchange.order(order + "0.1").code == -2019)
        exchange.call("POST", "v1/leverage", "symbol=BTCUSDT&leverage=100")
        #expect(exchange.order(order + "0.1").status == 200)
    }

    @Test func leverageBoundsThePosition() {
        var exchange = Exchange()
        let reply = exchange.call("POST", "v1/leverage", "symbol=BTCUSDT&leverage=125")
        #expect(reply.text("maxNotionalValue") == "50000")
        #expect(exchange.market("BUY", "1").code == -2027)
        exchange.call("POST", "v1/leverage", "symbol=BTCUSDT&leverage=100")
        #expect(exchange.market("BUY", "1").status == 200)
        #expect(exchange.call("POST", "v1/leverage", "symbol=BTCUSDT&leverage=125").code == -2027)
    }

    @Test func marginTypesHaveTheirOwnRefusals() {
        var exchange = Exchange()
        let isolate = "symbol=BTCUSDT&marginType=ISOLATED"
        exchange.limit("BUY", "0.1", "89000")
        #expect(exchange.call("POST", "v1/marginType", isolate).code == -4047)
        exchange.call("DELETE", "v1/allOpenOrders", "symbol=BTCUSDT")
        #expect(exchange.call("POST", "v1/marginType", isolate).number("code") == 200)
        exchange.market("BUY", "0.1")
        #expect(exchange.call("POST", "v1/marginType", "symbol=BTCUSDT&marginType=CROSSED").code == -4048)
        #expect(exchange.call("POST", "v1/leverage", "symbol=BTCUSDT&leverage=10").code == -4161)
        #expect(exchange.call("GET", "v1/symbolConfig", "symbol=BTCUSDT").rows.at(0).text("marginType") == "ISOLATED")
    }

    @Test func flatAccountsShowNothingInVersionThreeAndEverythingInVersionTwo() {
        var exchange = Exchange()
        #expect(exchange.call("GET", "v3/positionRisk").rows.isEmpty)
        #expect(exchange.call("GET", "v2/positionRisk").rows.count == SymbolRules.catalogue.count)
        #expect(exchange.call("GET", "v3/account")["positions"].rows.isEmpty)
        #expect(exchange.call("GET", "v2/account")["positions"].rows.count == SymbolRules.catalogue.count)
        exchange.limit("BUY", "0.1", "89000")
        #expect(exchange.call("GET", "v3/positionRisk").rows.map { $0.text("symbol") } == ["BTCUSDT"])
        let row = exchange.call("GET", "v2/positionRisk", "symbol=BTCUSDT").rows.at(0)
        #expect(row.text("isAutoAddMargin") == "false" && row.text("leverage") == "20")
    }

    /// ccxt skips assets whose time of update is 0.
    @Test func aNewAccountsAssetsHaveATime() {
        var exchange = Exchange()
        let assets = exchange.call("GET", "v3/account")["assets"].rows
        #expect(assets.map { $0.number("updateTime") } == [Int(exchange.now), Int(exchange.now)])
        let start = exchange.now
        exchange.now += 1_000
        exchange.control("POST", "deposit", #"{"key":"k1","asset":"USDT","amount":"1"}"#)
        #expect(exchange.call("GET", "v2/balance").rows.at(1).number("updateTime") == Int(start + 1_000))
    }

    @Test func depositsAreTold() {
        var exchange = Exchange()
        exchange.listen()
        exchange.control("POST", "deposit", #"{"key":"k1","asset":"USDT","amount":"-250.5"}"#)
        let event = exchange.events().at(0)["a"]
        #expect(event.text("m") == "DEPOSIT")
        #expect(event["B"].rows.at(0).text("bc") == "-250.50000000")
        #expect(event["B"].rows.at(0).text("wb") == "999749.50000000")
    }

    @Test func bracketsComeAsTheSwitchSays() {
        var exchange = Exchange()
        #expect(exchange.call("GET", "v1/leverageBracket", "symbol=BTCUSDT").rows.count == 1)
        exchange.control("POST", "options", #"{"bracket_is_array":false}"#)
        #expect(exchange.call("GET", "v1/leverageBracket", "symbol=BTCUSDT").text("symbol") == "BTCUSDT")
        #expect(exchange.call("GET", "v1/leverageBracket").rows.count == SymbolRules.catalogue.count)
    }

    /// The symbols of the recorded decisions.
    @Test func theCatalogueHasTheRecordedSymbols() throws {
        let recorded = """
            BTCUSDC ETHUSDC SOLUSDC XRPUSDC BNBUSDC DOGEUSDC SUIUSDC LINKUSDC AVAXUSDC ADAUSDC ARBUSDC UNIUSDC
            HBARUSDC NEARUSDC BTCUSDT ETHUSDT SOLUSDT NEARUSDT APTUSDT
            """.split { $0 == " " || $0 == "\n" }.map(String.init)
        #expect(recorded.count == 19)
        var exchange = Exchange()
        let symbols = exchange.call("GET", "v1/exchangeInfo")["symbols"].rows
        #expect(Set(recorded).isSubset(of: symbols.compactMap { $0.text("symbol") }))
        #expect(symbols.count > 30)
        for symbol in recorded {
            let price = try #require(exchange.call("GET", "v2/ticker/price", "symbol=\(symbol)").text("price"))
            let whole = try #require(Double(price)) > 100 ? "1" : "100"
            #expect(exchange.market("BUY", whole, symbol: symbol).status == 200, "\(symbol)")
        }
    }

    @Test(arguments: [
        ("A B C", 1), ("X X USDT 1 0.1 1 10 10 x", 1), ("X X USDT 1.05 0.1 1 10 10 5", 1), ("# nothing", 1),
        ("X X USDT 1 0.1 1 10 10 5\nX X USDT 1 0.1 1 10 10 5", 2),
    ])
    func aBadSymbolFileIsRefusedWithItsLine(text: String, line: Int) throws {
        let error = #expect(throws: SymbolFileError.self) { try SymbolRules.read(text) }
        #expect(error?.line == line)
    }
}
