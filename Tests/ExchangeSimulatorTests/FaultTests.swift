// Faults on demand, as far as the venue decides them: what is recorded, what is answered, how it travels.

import ExchangeSimulation
import Testing

@Suite struct FaultTests {
    static func with(_ fault: String) -> Exchange {
        var exchange = Exchange()
        let reply = exchange.control("POST", "faults", fault)
        #expect(reply.status == 200, "\(fault): \(reply.body)")
        return exchange
    }

    @Test(arguments: [
        (#"{"kind":"reject","code":-2019,"msg":"Margin is insufficient."}"#, 400, -2019),
        (#"{"kind":"reject","code":-1000,"status":500}"#, 500, -1000),
        (#"{"kind":"unavailable","text":"A"}"#, 503, -1000), (#"{"kind":"unavailable","text":"A_bare"}"#, 503, 0),
        (#"{"kind":"unavailable","text":"B"}"#, 503, -1016), (#"{"kind":"unavailable","text":"C"}"#, 503, -1008),
        (#"{"kind":"unavailable","text":"D"}"#, 503, -1001), (#"{"kind":"timeout"}"#, 408, -1007),
        (#"{"kind":"rate_limit","retry_after_s":7}"#, 429, -1003),
        (#"{"kind":"rate_limit","code":-1015}"#, 429, -1015), (#"{"kind":"ban","retry_after_s":9}"#, 418, -1003),
        (#"{"kind":"forbidden"}"#, 403, 0), (#"{"kind":"bad_gateway"}"#, 502, 0),
    ])
    func aRefusalRecordsNothingAndPasses(fault: String, status: Int, code: Int) {
        var exchange = FaultTests.with(fault)
        let reply = exchange.market("BUY", "0.1")
        #expect(reply.status == status && (reply.code ?? 0) == code, "\(reply)")
        #expect(exchange.control("GET", "orders").rows.isEmpty)
        #expect(exchange.market("BUY", "0.1").status == 200, "one fault, one request")
        if fault.contains("retry_after_s") { #expect(["7", "9"].contains(reply.header("Retry-After"))) }
    }

    @Test(arguments: ["hang", "close", "cut", "reset", "503", "503_bare", "408"])
    func aGhostIsRecordedAndALostRequestIsNotWithTheSameWire(wire: String) {
        var lost = FaultTests.with(#"{"kind":"lost","wire":"\#(wire)"}"#)
        var ghost = FaultTests.with(#"{"kind":"ghost","wire":"\#(wire)"}"#)
        let replies = [
            lost.market("BUY", "0.1", "&newClientOrderId=a"), ghost.market("BUY", "0.1", "&newClientOrderId=a"),
        ]
        #expect(replies[0].wire == replies[1].wire)
        if replies[0].wire == Wire() { #expect(replies[0].body == replies[1].body) }
        #expect(lost.look("a").code == -2013)
        #expect(ghost.look("a").text("status") == "FILLED")
    }

    @Test func aGhostCanHideFromLookUpsAndFromTheStream() {
        var exchange = FaultTests.with(
            #"{"kind":"ghost","wire":"close","visible_after_ms":3000,"stream_silent":true}"#)
        exchange.listen()
        exchange.limit("BUY", "0.1", "89000", "&newClientOrderId=a")
        #expect(exchange.events().isEmpty)
        #expect(exchange.look("a").code == -2013)
        #expect(exchange.limit("BUY", "0.1", "89000", "&newClientOrderId=a").code == -4116, "it is there")
        #expect(exchange.control("GET", "orders").rows.count == 1)
        exchange.now += 3_000
        #expect(exchange.look("a").text("status") == "NEW")
    }

    @Test func badRequestsMeetTheirOwnRefusalBeforeTheFault() {
        var exchange = FaultTests.with(#"{"kind":"reject","code":-2019}"#)
        let bad = exchange.call("POST", "v1/order", "timestamp=\(exchange.now)&signature=00")
        #expect(bad.code == -1022)
    }

    @Test(arguments: [("0", "EXPIRED", "0.000"), ("40", "EXPIRED", "0.400")])
    func aMarketOrderIsFilledInPart(percent: String, status: String, executed: String) {
        var exchange = FaultTests.with(#"{"kind":"partial_fill","percent":\#(percent)}"#)
        let reply = exchange.market("BUY", "1")
        #expect(reply.text("status") == status && reply.text("executedQty") == executed, "\(reply)")
    }

    @Test func aLimitOrderFilledInPartStaysSo() {
        var exchange = FaultTests.with(#"{"kind":"partial_fill","percent":50}"#)
        let reply = exchange.limit("BUY", "0.2", "90100", "&newClientOrderId=a")
        #expect(reply.text("status") == "PARTIALLY_FILLED" && reply.text("executedQty") == "0.100")
        exchange.price("90050")
        #expect(exchange.look("a").text("executedQty") == "0.100")
    }

    @Test func faultsChooseTheirRequests() {
        var exchange = FaultTests.with(
            #"{"kind":"reject","code":-1000,"symbol":"ETHUSDT","side":"SELL","skip":1,"times":2}"#)
        #expect(exchange.market("SELL", "0.1").status == 200)
        #expect(exchange.market("BUY", "1", symbol: "ETHUSDT").status == 200)
        let codes = (0..<4).map { _ in exchange.market("SELL", "1", symbol: "ETHUSDT").code }
        #expect(codes == [nil, -1000, -1000, nil])
        #expect(exchange.control("GET", "faults").rows.at(0).number("hits") == 2)
        exchange.control("DELETE", "faults")
        #expect(exchange.control("GET", "faults").rows.isEmpty)
    }

    @Test func throttlingSparesWhatCloses() {
        var exchange = Exchange()
        exchange.market("BUY", "0.1")
        exchange.control("POST", "faults", #"{"kind":"unavailable","text":"C","times":100}"#)
        #expect(exchange.market("BUY", "0.1").code == -1008)
        #expect(exchange.call("POST", "v1/leverage", "symbol=BTCUSDT&leverage=9").status == 200)
        #expect(exchange.call("DELETE", "v1/allOpenOrders", "symbol=BTCUSDT").status == 200)
        #expect(exchange.market("SELL", "0.1", "&reduceOnly=true").status == 200)
    }

    @Test func aSlowWayMakesARequestTooOld() {
        var exchange = FaultTests.with(#"{"kind":"delay","before_ms":2500}"#)
        let order = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.1&recvWindow=2000"
        #expect(exchange.order(order).code == -1021)
        exchange.control("POST", "faults", #"{"kind":"delay","engine_ms":2500}"#)
        #expect(exchange.order(order).code == -5028)
        exchange.control("POST", "faults", #"{"kind":"delay","before_ms":1500,"after_ms":700}"#)
        let reply = exchange.order(order)
        #expect(reply.status == 200 && reply.wire.delay == 700)
    }

    @Test func latencyIsHalfBeforeAndHalfAfter() {
        var exchange = Exchange { $0.latency = 51 }
        let before = exchange.now
        let reply = exchange.call("GET", "v1/time")
        #expect(exchange.now - before == 25 && reply.wire.delay == 26)
        #expect(reply.number("serverTime") == Int(exchange.now))
    }

    @Test func positionsCanBeStale() {
        var exchange = Exchange()
        exchange.market("BUY", "0.1")
        exchange.control("POST", "faults", #"{"kind":"stale_positions","path":"/fapi/v2/positionRisk","times":1}"#)
        exchange.market("SELL", "0.1", "&reduceOnly=true")
        #expect(exchange.position() == "0.100")
        #expect(exchange.position() == "0.000")
    }

    @Test(arguments: [(6_000, -1021), (-6_000, -1021), (500, 0)])
    func theServersClockCanBeWrong(offset: Int64, code: Int) {
        var exchange = Exchange()
        exchange.control("POST", "clock", #"{"offset_ms":\#(offset)}"#)
        #expect(exchange.call("GET", "v1/time").number("serverTime") == Int(exchange.now + offset))
        #expect((exchange.call("GET", "v2/balance").code ?? 0) == code)
    }

    @Test(arguments: [
        "{", "[]", #"{"kind":"nonsense"}"#, #"{"kind":"reject"}"#, #"{"kind":"reject","code":5}"#,
        #"{"kind":"partial_fill","percent":101}"#, #"{"kind":"ghost","wire":"pigeon"}"#,
        #"{"kind":"reject","code":-1,"colour":"red"}"#, #"{"kind":"unavailable","text":"B","executed":true}"#,
    ])
    func aFaultThatCannotBeReadIsAnError(body: String) {
        var exchange = Exchange()
        let reply = exchange.control("POST", "faults", body)
        #expect(reply.status == 400 && reply.text("error") != nil)
        #expect(exchange.control("GET", "faults").rows.isEmpty)
    }

    @Test func resetBeginsAgain() {
        var exchange = FaultTests.with(#"{"kind":"timeout","times":9}"#)
        exchange.control("POST", "reset")
        #expect(exchange.market("BUY", "0.1").number("orderId") == 1_000_001)
        #expect(exchange.control("GET", "faults").rows.isEmpty)
    }
}
