// Signatures against vectors that openssl computed, the bytes of each endpoint, and what no request may hold.

import Events
import Records
import Testing

@testable import Exchange
@testable import ExchangeClient

@Suite struct SigningTests {
    @Test(arguments: [
        (
            "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943",
            "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9"
        ),
        // Query and body, joined without a separator.
        (
            "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC"
                + "quantity=1&price=9000&recvWindow=5000&timestamp=1591702613943",
            "30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4"
        ),
    ])
    func signaturesAreThoseOfTheVectors(_ text: String, _ signature: String) {
        #expect(Sample.credentials.signature(of: text) == signature)
    }

    @Test func anOrderIsSignedInItsBodyAndTheSignatureIsLast() throws {
        let plan = Endpoint.placeOrder(Sample.order(7)).plan
        let request = try #require(
            Signing.wire(plan, sign: Sample.credentials.signature, serverMilliseconds: 1_591_702_613_943))
        let unsigned =
            "symbol=BTCUSDT&side=BUY&positionSide=BOTH&type=MARKET&quantity=0.01&newClientOrderId=bs7"
            + "&newOrderRespType=RESULT&recvWindow=2000&timestamp=1591702613943"
        #expect(request.target == "/fapi/v1/order" && request.method == .post && request.carriesKey)
        #expect(
            String(decoding: request.body, as: UTF8.self)
                == unsigned + "&signature=" + Sample.credentials.signature(of: unsigned))
    }

    @Test func whatIsNotSignedCarriesNoKeyAndWhatIsNeedsOne() {
        let open = Signing.wire(Endpoint.markPrice(Sample.symbol).plan, sign: nil, serverMilliseconds: 1)
        #expect(open?.target == "/fapi/v1/premiumIndex?symbol=BTCUSDT" && open?.carriesKey == false)
        #expect(Signing.wire(Endpoint.accountConfig.plan, sign: nil, serverMilliseconds: 1) == nil)
    }

    @Test(arguments: [Endpoint.startUserStream, .keepUserStreamAlive, .closeUserStream])
    func theListenKeyIsAskedForWithTheKeyAloneAndNothingBeside(_ endpoint: Endpoint) throws {
        let request = try #require(
            Signing.wire(endpoint.plan, sign: Sample.credentials.signature, serverMilliseconds: 1))
        #expect(request.carriesKey && !request.isWrite && request.body.isEmpty)
        #expect(request.target == "/fapi/v1/listenKey")
        #expect(Signing.wire(endpoint.plan, sign: nil, serverMilliseconds: 1) == nil)
    }

    @Test func everythingButUnreservedCharactersIsEscaped() {
        #expect(FormText.encode("aZ09-._~") == "aZ09-._~")
        #expect(FormText.encode("a/b:c d&e=f%é\r\n") == "a%2Fb%3Ac%20d%26e%3Df%25%C3%A9%0D%0A")
    }
}

@Suite struct EndpointTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let endpoint: Endpoint
        let line: String
        let weight: Int
        var testDescription: String { line }
        init(_ endpoint: Endpoint, _ line: String, _ weight: Int) {
            (self.endpoint, self.line, self.weight) = (endpoint, line, weight)
        }
    }

    static let symbol = Sample.symbol
    static let limit = NewOrder.Terms.limit(price: try! ExactDecimal("64000.10"), .postOnly)
    static let rows: [Row] = [
        Row(.ping, "GET /fapi/v1/ping ", 1),
        Row(.serverTime, "GET /fapi/v1/time ", 1),
        Row(.exchangeInfo, "GET /fapi/v1/exchangeInfo ", 1),
        Row(.markPrice(symbol), "GET /fapi/v1/premiumIndex symbol=BTCUSDT", 1),
        Row(.bookTicker(symbol), "GET /fapi/v1/ticker/bookTicker symbol=BTCUSDT", 2),
        Row(.order(symbol, .clientID(Sample.id(7))), "GET /fapi/v1/order symbol=BTCUSDT&origClientOrderId=bs7", 1),
        Row(.order(symbol, .exchangeID(5)), "GET /fapi/v1/order symbol=BTCUSDT&orderId=5", 1),
        Row(.openOrders(symbol), "GET /fapi/v1/openOrders symbol=BTCUSDT", 1),
        Row(.openOrders(nil), "GET /fapi/v1/openOrders ", 40),
        Row(.openAlgoOrders(symbol), "GET /fapi/v1/openAlgoOrders symbol=BTCUSDT", 1),
        Row(.openAlgoOrders(nil), "GET /fapi/v1/openAlgoOrders ", 40),
        Row(.positions(nil), "GET /fapi/v3/positionRisk ", 5),
        Row(.accountTrades(symbol, .fromID(9)), "GET /fapi/v1/userTrades symbol=BTCUSDT&fromId=9&limit=1000", 5),
        Row(.accountTrades(symbol, .ofOrder(9)), "GET /fapi/v1/userTrades symbol=BTCUSDT&orderId=9&limit=1000", 5),
        Row(
            .accountTrades(symbol, .between(Timestamp(milliseconds: 1), Timestamp(milliseconds: 2))),
            "GET /fapi/v1/userTrades symbol=BTCUSDT&startTime=1&endTime=2&limit=1000", 5),
        Row(.accountConfig, "GET /fapi/v1/accountConfig ", 5),
        Row(.balances, "GET /fapi/v3/balance ", 5),
        Row(
            .placeOrder(Sample.order(7, side: .sell, reduceOnly: true)),
            "POST /fapi/v1/order symbol=BTCUSDT&side=SELL&positionSide=BOTH&type=MARKET&quantity=0.01&reduceOnly=true"
                + "&newClientOrderId=bs7&newOrderRespType=RESULT", 0),
        Row(
            .placeOrder(Sample.order(7, positionSide: .long, terms: limit)),
            "POST /fapi/v1/order symbol=BTCUSDT&side=BUY&positionSide=LONG&type=LIMIT&timeInForce=GTX&quantity=0.01"
                + "&price=64000.1&newClientOrderId=bs7&newOrderRespType=RESULT", 0),
        Row(
            .cancelOrder(symbol, .clientID(Sample.id(7))),
            "DELETE /fapi/v1/order symbol=BTCUSDT&origClientOrderId=bs7", 1),
        Row(.cancelAllOrders(symbol), "DELETE /fapi/v1/allOpenOrders symbol=BTCUSDT", 1),
        Row(.cancelAllAlgoOrders(symbol), "DELETE /fapi/v1/algoOpenOrders symbol=BTCUSDT", 1),
        Row(
            .countdownCancelAll(symbol, milliseconds: 120_000),
            "POST /fapi/v1/countdownCancelAll symbol=BTCUSDT&countdownTime=120000", 10),
        Row(.setLeverage(symbol, 5), "POST /fapi/v1/leverage symbol=BTCUSDT&leverage=5", 1),
        Row(.setMarginType(symbol, .crossed), "POST /fapi/v1/marginType symbol=BTCUSDT&marginType=CROSSED", 1),
        Row(.setHedgeMode(true), "POST /fapi/v1/positionSide/dual dualSidePosition=true", 1),
        Row(.startUserStream, "POST /fapi/v1/listenKey ", 1),
        Row(.keepUserStreamAlive, "PUT /fapi/v1/listenKey ", 1),
        Row(.closeUserStream, "DELETE /fapi/v1/listenKey ", 1),
    ]

    @Test(arguments: rows)
    func eachEndpointIsBuiltAsItIsDocumented(_ row: Row) throws {
        let plan = row.endpoint.plan
        #expect("\(plan.method.rawValue) \(plan.path) \(FormText.render(plan.parameters))" == row.line)
        #expect(plan.cost.weight == row.weight)
        #expect(plan.cost.orders == (plan.path == "/fapi/v1/order" && plan.method == .post ? 1 : 0))
        #expect(plan.isWrite == (plan.method != .get && plan.path != "/fapi/v1/listenKey"))
        let request = try #require(Signing.wire(plan, sign: Sample.credentials.signature, serverMilliseconds: 1))
        // A write must have a body, and nothing beside it; a read must have none.
        #expect(request.body.isEmpty != plan.isWrite && (!plan.isWrite || request.target == plan.path))
        #expect(request.body.count <= Limits.exchangeBodyBytesMax)
    }

    @Test func onlyWhatMayIncreaseRiskHasTheShortWindow() {
        func window(_ order: NewOrder) -> Int { Endpoint.placeOrder(order).plan.recvWindowMilliseconds }
        #expect(window(Sample.order(1)) == 2_000 && window(Sample.order(1, reduceOnly: true)) == 5_000)
        #expect(window(Sample.order(1, side: .buy, positionSide: .long)) == 2_000)
        #expect(window(Sample.order(1, side: .sell, positionSide: .long)) == 5_000)
        #expect(window(Sample.order(1, side: .buy, positionSide: .short)) == 5_000)
        #expect(window(Sample.order(1, side: .sell, positionSide: .short)) == 2_000)
    }

    @Test(arguments: ["", "btcusdt", "BTC/USDT", "BTC&x=1", String(repeating: "A", count: 33), "币安"])
    func aSymbolThatCouldMeanSomethingElseIsRefused(_ text: String) {
        #expect(throws: MessageError.self) { try SymbolName(text) }
    }

    @Test(arguments: ["", "a b", "a&b", "ä", "a\r\nb", String(repeating: "a", count: 37)])
    func aClientOrderIDThatTheExchangeWouldRefuseIsRefused(_ text: String) {
        #expect(throws: MessageError.self) { try ClientOrderID(text) }
    }

    @Test(arguments: ["0", "-1"])
    func absurdQuantitiesAreRefused(_ text: String) {
        #expect(throws: MessageError.self) {
            try NewOrder(
                symbol: Self.symbol, side: .buy, positionSide: .both, quantity: try ExactDecimal(text), terms: .market,
                reduceOnly: false, clientOrderID: Sample.id(1))
        }
    }

    @Test func numbersAreWrittenOutAndNeverWithAnExponent() throws {
        #expect(Sample.order(1, quantity: "9e17").parameters.contains(Parameter("quantity", "900000000000000000")))
        #expect(Sample.order(1, quantity: "1e-18").parameters.contains { $0.value == "0.000000000000000001" })
        #expect(throws: MessageError.self) {
            try NewOrder(
                symbol: Self.symbol, side: .buy, positionSide: .both, quantity: try ExactDecimal("9999e18"),
                terms: .market, reduceOnly: false, clientOrderID: Sample.id(1))
        }
    }

    @Test func reduceOnlyIsNotSentInHedgeMode() {
        #expect(throws: MessageError.self) {
            try NewOrder(
                symbol: Self.symbol, side: .sell, positionSide: .long, quantity: try ExactDecimal("1"),
                terms: .market, reduceOnly: true, clientOrderID: Sample.id(1))
        }
    }

    @Test func valuesOfCommandsAreBounded() {
        #expect(throws: MessageError.self) { try Command<Void>.setLeverage(Self.symbol, 0) }
        #expect(throws: MessageError.self) { try Command<Void>.setLeverage(Self.symbol, 126) }
        #expect(throws: MessageError.self) { try Command<Void>.countdownCancelAll(Self.symbol, milliseconds: -1) }
    }
}
