// Every refusal of the exchange that a request alone can bring about, as one table a method.

import ExchangeSimulation
import Testing

@Suite struct RefusalTests {
    struct Row: CustomTestStringConvertible, Sendable {
        let code: Int
        let query: String
        init(_ code: Int, _ query: String) {
            self.code = code
            self.query = query
        }
        var testDescription: String { "\(code) \(query)" }
    }

    static let buy = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC"
    static let orders: [Row] = [
        Row(-1102, "side=BUY&type=MARKET&quantity=1"),
        Row(-1102, "symbol=BTCUSDT&type=MARKET&quantity=1"),
        Row(-1102, "symbol=BTCUSDT&side=BUY&quantity=1"),
        Row(-1102, "symbol=BTCUSDT&side=BUY&type=MARKET"),
        Row(-1102, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity="),
        Row(-1102, "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=90000"),
        Row(-1102, buy + "&quantity=1"),
        Row(-1121, "symbol=NOSUCH&side=BUY&type=MARKET&quantity=1"),
        Row(-1117, "symbol=BTCUSDT&side=LONG&type=MARKET&quantity=1"),
        Row(-1116, "symbol=BTCUSDT&side=BUY&type=FOO&quantity=1"),
        Row(-1115, "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=ABC&quantity=1&price=90000"),
        Row(-1114, "symbol=BTCUSDT&side=BUY&type=MARKET&timeInForce=GTC&quantity=1"),
        Row(-1106, "symbol=BTCUSDT&side=BUY&type=MARKET&price=90000&quantity=1"),
        Row(-1106, "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=1&closePosition=true"),
        Row(-1106, "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=1&stopPrice=80000"),
        Row(-1100, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=-1"),
        Row(-1100, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1e3"),
        Row(-1100, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=%2B1"),
        Row(-1100, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=%zz"),
        Row(-1101, "symbol=BTCUSDT&symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1"),
        Row(-1105, buy + "&quantity=1&price="),
        Row(-4120, "symbol=BTCUSDT&side=SELL&type=STOP_MARKET&stopPrice=80000&closePosition=true"),
        Row(-4120, "symbol=BTCUSDT&side=SELL&type=TRAILING_STOP_MARKET&quantity=1"),
        Row(-4061, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&positionSide=LONG"),
        Row(-4060, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&positionSide=UP"),
        Row(-4062, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&reduceOnly=yes"),
        Row(-1111, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.0001"),
        Row(-4003, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0"),
        Row(-4005, "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=120.001"),
        Row(-4005, buy + "&quantity=1000.001&price=90000"),
        Row(-4014, buy + "&quantity=1&price=90000.05"),
        Row(-1111, buy + "&quantity=1&price=90000.001"),
        Row(-4013, buy + "&quantity=1&price=0"),
        Row(-4002, buy + "&quantity=1&price=4500000.1"),
        Row(-4016, buy + "&quantity=1&price=94500.1"),
        Row(-4024, "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=85499.9"),
        Row(-1118, buy + "&quantity=1&price=90000&newClientOrderId="),
        Row(-4015, buy + "&quantity=1&price=90000&newClientOrderId=a%20b"),
        Row(-4015, buy + "&quantity=1&price=90000&newClientOrderId=1234567890123456789012345678901234567"),
        Row(-2022, "symbol=BTCUSDT&side=SELL&type=MARKET&quantity=1&reduceOnly=true"),
        Row(-4164, buy + "&quantity=0.001&price=49999.9"),
        Row(-2019, buy + "&quantity=300&price=90000"),
        Row(-5022, "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTX&quantity=1&price=90100"),
        Row(-5021, "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=FOK&quantity=100&price=90100"),
        Row(-5038, buy + "&quantity=1&price=90000&priceMatch=QUEUE"),
        Row(-5037, buy + "&quantity=1&priceMatch=BEST"),
        Row(-5039, buy + "&quantity=1&price=90000&selfTradePreventionMode=ALL"),
        Row(-5040, "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTD&quantity=1&price=90000&goodTillDate=5"),
        Row(-1136, buy + "&quantity=1&price=90000&newOrderRespType=FULL"),
    ]

    @Test(arguments: orders)
    func anOrderIsRefusedWithTheExchangesOwnCode(row: Row) {
        var exchange = Exchange()
        let reply = exchange.order(row.query)
        #expect(reply.code == row.code, "\(row.query): \(reply)")
        #expect(reply.status == 400)
        #expect(exchange.control("GET", "orders").rows.isEmpty, "a refused order leaves no trace")
        #expect(exchange.call("POST", "v1/order/test", row.query).code == row.code, "a test order is checked alike")
    }

    static let others: [(method: String, path: String, row: Row)] = [
        ("GET", "v1/nothing", Row(-1099, "")),
        ("PUT", "v1/depth", Row(-1099, "")),
        ("GET", "v1/depth", Row(-4021, "symbol=BTCUSDT&limit=7")),
        ("GET", "v1/depth", Row(-1102, "")),
        ("GET", "v1/premiumIndex", Row(-1121, "symbol=X")),
        ("GET", "v1/order", Row(-2013, "symbol=BTCUSDT&orderId=1")),
        ("GET", "v1/order", Row(-2013, "symbol=BTCUSDT&origClientOrderId=a")),
        ("GET", "v1/order", Row(-1102, "symbol=BTCUSDT")),
        ("GET", "v1/order", Row(-1119, "symbol=BTCUSDT&origClientOrderId=")),
        ("GET", "v1/openOrder", Row(-2013, "symbol=BTCUSDT&orderId=1")),
        ("DELETE", "v1/order", Row(-2011, "symbol=BTCUSDT&orderId=1")),
        ("DELETE", "v1/batchOrders", Row(-4082, "symbol=BTCUSDT&orderIdList=[]")),
        ("DELETE", "v1/batchOrders", Row(-1102, "symbol=BTCUSDT")),
        ("POST", "v1/batchOrders", Row(-4082, "batchOrders=[{},{},{},{},{},{}]")),
        ("POST", "v1/batchOrders", Row(-1130, "batchOrders=no")),
        ("PUT", "v1/order", Row(-2013, "symbol=BTCUSDT&orderId=1&side=BUY&quantity=1&price=90000")),
        ("GET", "v1/allOrders", Row(-1023, "symbol=BTCUSDT&startTime=2&endTime=1")),
        ("GET", "v1/allOrders", Row(-1127, "symbol=BTCUSDT&startTime=1&endTime=604800002")),
        ("GET", "v1/allOrders", Row(-1130, "symbol=BTCUSDT&limit=1001")),
        ("GET", "v1/userTrades", Row(-1128, "symbol=BTCUSDT&fromId=1&startTime=1")),
        ("POST", "v1/leverage", Row(-4028, "symbol=BTCUSDT&leverage=126")),
        ("POST", "v1/leverage", Row(-1102, "symbol=BTCUSDT")),
        ("POST", "v1/marginType", Row(-4046, "symbol=BTCUSDT&marginType=CROSSED")),
        ("POST", "v1/marginType", Row(-1130, "symbol=BTCUSDT&marginType=X")),
        ("POST", "v1/positionSide/dual", Row(-4059, "dualSidePosition=false")),
        ("POST", "v1/positionSide/dual", Row(-1130, "dualSidePosition=maybe")),
        ("PUT", "v1/listenKey", Row(-1125, "")),
        ("GET", "v1/algoOrder", Row(-2013, "algoId=1")),
        ("DELETE", "v1/algoOrder", Row(-2011, "clientAlgoId=a")),
        ("DELETE", "v1/algoOrder", Row(-1102, "")),
        ("POST", "v1/countdownCancelAll", Row(-1102, "symbol=BTCUSDT")),
    ]

    @Test(arguments: others.indices)
    func aRequestIsRefusedWithTheExchangesOwnCode(index: Int) {
        let (method, path, row) = RefusalTests.others[index]
        var exchange = Exchange()
        let reply = exchange.call(method, path, row.query)
        #expect(reply.code == row.code, "\(method) \(path) \(row.query): \(reply)")
        #expect(reply.status == (row.code == -1099 ? 404 : 400))
        #expect(reply.header("Content-Type") == "application/json")
    }

    @Test(
        arguments: [
            (-2014, "", nil), (-2014, "", "a b"), (-2015, "", "k9"),
            (-1022, "&signature=" + String(repeating: "0", count: 64), "k1"),
            (-1022, "&signature=zz", "k1"),
        ] as [(Int, String, String?)])
    func keysAndSignaturesAreChecked(code: Int, ending: String, key: String?) {
        var exchange = Exchange()
        let reply = exchange.call("GET", "v2/balance", "timestamp=\(exchange.now)" + ending, key: key)
        #expect(reply.code == code, "\(reply)")
        #expect(reply.status == (code == -1022 ? 400 : 401))
    }

    /// Milliseconds of the client's clock against the server's.
    @Test(arguments: [
        (0, 5_000, 0), (999, 5_000, 0), (1_000, 5_000, -1021), (-5_000, 5_000, 0), (-5_001, 5_000, -1021),
        (-60_000, 60_000, 0), (0, 60_001, -1130),
    ])
    func timestampsAreChecked(skew: Int64, window: Int64, code: Int) {
        var exchange = Exchange()
        let query = "recvWindow=\(window)&timestamp=\(exchange.now + skew)"
        let reply = exchange.call("GET", "v2/balance", query)
        #expect((reply.code ?? 0) == code, "\(reply)")
    }

    @Test func whatIsMissingIsNamed() {
        var exchange = Exchange()
        let query = "recvWindow=5000"
        let request = Request(
            method: "GET", path: "/fapi/v2/balance", query: query, body: "", apiKey: "k1", client: "c")
        #expect(exchange.send(request).code == -1102)
        let signed = query + "&signature=" + Signing.signature(of: query, secret: "s1")
        let reply = exchange.send(
            Request(method: "GET", path: "/fapi/v2/balance", query: signed, body: "", apiKey: "k1", client: "c"))
        #expect(reply.text("msg") == "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.")
    }

    @Test func aStepThatIsNoPowerOfTenIsCheckedAsAStep() throws {
        let rules = try SymbolRules.read("ODDUSDT ODD USDT 100.0 0.5 0.25 1000 100 5")
        var exchange = Exchange(symbols: rules)
        let order = "symbol=ODDUSDT&side=BUY&type=LIMIT&timeInForce=GTC"
        #expect(exchange.order(order + "&quantity=1.30&price=100").code == -4023)
        #expect(exchange.order(order + "&quantity=0.20&price=100").code == -4004)
        #expect(exchange.order(order + "&quantity=1.25&price=100.25").code == -4014)
        #expect(exchange.order(order + "&quantity=1.25&price=100.5").status == 200)
    }
}
