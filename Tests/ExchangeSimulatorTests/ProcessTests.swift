// The server over real sockets: parameters where clients put them, faults of the wire, the user stream, the end.

import Events
import ExchangeSimulation
import Foundation
import Programmes
import Testing

@Suite(.serialized) struct ProcessTests {
    static let order = "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.1&newClientOrderId=a&newOrderRespType=RESULT"

    /// Content types that real clients send, over one kept connection.
    @Test func parametersCountWhereverTheyStand() throws {
        let simulator = try Simulator()
        let connection = try simulator.connect()
        let limit = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=89000&newClientOrderId="
        let form = "application/x-www-form-urlencoded"
        let time = Simulator.time()
        let split = limit + "c" + time
        let requests = [
            Simulator.request(
                "POST", "/fapi/v1/order", query: Simulator.signed(limit + "a"), type: "application/json"),
            Simulator.request("POST", "/fapi/v1/order", query: "", body: Simulator.signed(limit + "b"), type: form),
            Simulator.request(
                "POST", "/fapi/v1/order", query: limit + "c",
                body: time + "&signature=" + Signing.signature(of: split, secret: "s1"), type: form),
            Simulator.request(
                "DELETE", "/fapi/v1/order", query: "",
                body: Simulator.signed("symbol=BTCUSDT&origClientOrderId=a"), type: form),
        ]
        for request in requests {
            try connection.send(request)
            let reply = try connection.answer()
            #expect(reply.status == 200, "\(request): \(reply)")
            #expect(reply.head.lowercased().contains("x-mbx-used-weight-1m: "))
            #expect(reply.head.contains("Content-Type: application/json"))
        }
        let open = try simulator.call("GET", "/fapi/v1/openOrders", "symbol=BTCUSDT").json.rows
        #expect(open.map { $0.text("clientOrderId") } == ["b", "c"])
    }

    @Test(arguments: [("close", Received.Ending.closed), ("reset", .reset), ("cut", .reset), ("hang", .silent)])
    func aGhostTravelsAsItsWireSays(wire: String, ending: Received.Ending) throws {
        let simulator = try Simulator(["--fault", #"{"kind":"ghost","wire":"\#(wire)","path":"/fapi/v1/order"}"#])
        let connection = try simulator.connect()
        if wire == "hang" { connection.limit(milliseconds: 300) }
        try connection.send(Simulator.request("POST", "/fapi/v1/order", query: Simulator.signed(ProcessTests.order)))
        let received = try connection.answer()
        #expect(received.ending == ending, "\(received)")
        if wire == "cut", let announced = received.announced {
            #expect(received.status == 200 && received.body.utf8.count < announced)
        } else {
            #expect(received.status == 0 || wire == "cut")
        }
        let seen = try simulator.call("GET", "/fapi/v1/order", "symbol=BTCUSDT&origClientOrderId=a")
        #expect(seen.json.text("status") == "FILLED")
    }

    @Test func aConnectionIsClosedAfterReadingWithNothingRecorded() throws {
        let simulator = try Simulator(["--fault", #"{"kind":"close"}"#])
        let lost = try simulator.call("POST", "/fapi/v1/order", ProcessTests.order)
        #expect(lost.ending == .closed && lost.status == 0)
        let seen = try simulator.call("GET", "/fapi/v1/order", "symbol=BTCUSDT&origClientOrderId=a")
        #expect(seen.status == 400 && seen.json.code == -2013)
    }

    @Test(arguments: [
        (#"{"kind":"unavailable","text":"B"}"#, 503, "Service Unavailable."),
        (#"{"kind":"timeout"}"#, 408, "execution status unknown"),
        (#"{"kind":"rate_limit","retry_after_s":3}"#, 429, "Too many requests"),
        (#"{"kind":"ban","retry_after_s":3}"#, 418, "IP banned until"), (#"{"kind":"forbidden"}"#, 403, "<html>"),
    ])
    func refusalsCarryTheirStatus(fault: String, status: Int, text: String) throws {
        let simulator = try Simulator(["--fault", fault])
        let reply = try simulator.call("POST", "/fapi/v1/order", ProcessTests.order)
        #expect(reply.status == status && reply.body.contains(text), "\(reply)")
        #expect(reply.head.contains("Retry-After: 3") == fault.contains("retry_after_s"))
    }

    @Test func aSlowAnswerComesWholeAndADelayedOneComesLater() throws {
        let simulator = try Simulator(["--fault", #"{"kind":"slow","bytes_per_second":200}"#])
        try #expect(
            simulator.control("POST", "faults", #"{"kind":"delay","before_ms":20,"after_ms":20}"#).status == 200)
        let slow = try simulator.exchange(Simulator.request("GET", "/fapi/v1/time", query: ""))
        #expect(slow.ending == .complete && slow.json.number("serverTime") != nil, "\(slow)")
        let delayed = try simulator.exchange(Simulator.request("GET", "/fapi/v1/time", query: ""))
        #expect(delayed.ending == .complete && delayed.json.number("serverTime") != nil, "\(delayed)")
    }

    @Test(arguments: ["/private/ws/KEY", "/ws/KEY", "/private/ws?listenKey=KEY", "/private/stream?listenKey=KEY"])
    func theUserStreamIsServedOnEachOfItsPaths(path: String) throws {
        let simulator = try Simulator()
        let key = try simulator.call("POST", "/fapi/v1/listenKey", "").json.text("listenKey") ?? ""
        let stream = try simulator.connect()
        try stream.upgrade(path.replacing("KEY", with: key))
        try #expect(simulator.call("POST", "/fapi/v1/order", ProcessTests.order).status == 200)
        var event = try stream.event()
        if path.contains("stream?") {
            #expect(event.text("stream") == key)
            event = event["data"]
        }
        #expect(event.text("e") == "ORDER_TRADE_UPDATE" && event["o"].text("c") == "a")
    }

    @Test func aStreamCanBeSubscribedFilteredAndDisconnected() throws {
        let simulator = try Simulator()
        let key = try simulator.call("POST", "/fapi/v1/listenKey", "").json.text("listenKey") ?? ""
        let (stream, filtered) = (try simulator.connect(), try simulator.connect())
        try stream.upgrade("/private/stream")
        try filtered.upgrade("/private/ws?listenKey=\(key)&events=ACCOUNT_UPDATE")
        try stream.say(#"{"method":"SUBSCRIBE","params":["\#(key)"],"id":7}"#)
        let reply = try stream.event()
        #expect(reply.number("id") == 7 && reply.json["result"] == .null)
        try #expect(simulator.call("POST", "/fapi/v1/order", ProcessTests.order).status == 200)
        try #expect(stream.event()["data"].text("e") == "ORDER_TRADE_UPDATE")
        try #expect(filtered.event().text("e") == "ACCOUNT_UPDATE")
        try #expect(simulator.control("POST", "stream", #"{"action":"disconnect"}"#).status == 200)
        var last: UInt8?
        while let frame = stream.frame() { last = frame.opcode }
        #expect(last == 8, "a close frame ends it")
    }

    @Test func aStalledStreamStaysOpenAndSaysNothing() throws {
        let simulator = try Simulator()
        let key = try simulator.call("POST", "/fapi/v1/listenKey", "").json.text("listenKey") ?? ""
        let stream = try simulator.connect()
        try stream.upgrade("/private/ws/" + key)
        try #expect(simulator.control("POST", "stream", #"{"action":"stall"}"#).status == 200)
        try #expect(simulator.call("POST", "/fapi/v1/order", ProcessTests.order).status == 200)
        try stream.say(#"{"method":"LIST_SUBSCRIPTIONS","id":1}"#)
        try #expect(stream.event().number("id") == 1, "the reply is the first that comes: the order was not told")
    }

    @Test func sigtermLetsPendingAnswersLeave() throws {
        let simulator = try Simulator(["--fault", #"{"kind":"delay","after_ms":400}"#])
        let connection = try simulator.connect()
        try connection.send(Simulator.request("GET", "/fapi/v1/time", query: ""))
        // Answered behind the delayed one, so both have arrived.
        try #expect(simulator.control("GET", "state").status == 200)
        let status = try simulator.end(SIGTERM)
        #expect(status == 0)
        let reply = try connection.answer()
        #expect(reply.status == 200 && reply.ending == .complete)
    }

    /// Whoever has read the port may stop it at once: the signal must not be lost while it starts.
    @Test func sigtermDirectlyAfterThePortIsNotLost() throws {
        for _ in 0..<20 {
            let status = try Simulator().end(SIGTERM)
            #expect(status == 0)
        }
    }

    @Test(arguments: [
        ["--port", "99999"], ["--levels", "-1"], ["--duplicate-scope", "some"], ["--account", "k"],
        ["--symbols", "/no/such/file"], ["--fault", "{}"], ["--price", "BTCUSDT=0"], ["--nonsense"],
    ])
    func wrongOptionsAreErrorsThatSayWhy(arguments: [String]) throws {
        let finished = try Simulator.start(arguments).finish()
        #expect(finished.status == 2)
        let text = finished.errors
        #expect(text.contains(arguments[0]) || text.contains("port"), "\(text)")
    }
}
