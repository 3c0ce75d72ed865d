// The client against a server that misbehaves: what it answers, what it sends and what it does not, how many at
// once, for how long, and that each call is answered.

import Events
import Foundation
import Records
import Synchronization
import Testing

@testable import Exchange
@testable import ExchangeClient

@Suite struct ClientTests {
    @Test func anOrderIsPlacedOnAConnectionThatIsKept() throws {
        try withServer({ .answer(200, Sample.orderAnswer($0)) }) { client, server in
            for number in 1...3 {
                guard case .accepted(let report) = client.place(number) else { throw Failed() }
                #expect(report.status == .filled && report.clientOrderID == "bs\(number)")
            }
            #expect(server.received.map(\.placeInConnection) == [1, 2, 3])
            let request = try #require(server.received.first)
            #expect(request.method == "POST" && request.target == "/fapi/v1/order")
            let head = request.headerText.lowercased()
            #expect(head.contains("x-mbx-apikey: " + Sample.key.lowercased()) && !head.contains("expect:"))
            #expect(head.contains("content-type: application/x-www-form-urlencoded"))
        }
    }

    @Test func anAnswerMayArriveInPieces() throws {
        try withServer({ .split(ReaderTests.mark, at: $0.placeInConnection) }) { client, server in
            for _ in 0..<(ReaderTests.mark.count + 90) {
                #expect(client.ask(.markPrice(Sample.symbol), .emergency).word == "accepted")
            }
            #expect(server.received.last?.placeInConnection == ReaderTests.mark.count + 90)
        }
    }

    @Test func commandsAndQueriesTravelAsTheyShould() throws {
        try withServer({ request in
            request.method == "DELETE" && request.path == "/fapi/v1/allOpenOrders"
                ? .answer(200, Sample.error(200, "done")) : .answer(200, Sample.orderAnswer(request, ["orderId": "5"]))
        }) { client, server in
            let key = OrderKey.clientID(Sample.id(3))
            #expect(client.command(.cancelAllOrders(Sample.symbol), .emergency).word == "accepted")
            #expect(client.command(.cancelOrder(Sample.symbol, key), .emergency).word == "accepted")
            #expect(client.ask(.order(Sample.symbol, key), .ordinary).word == "accepted")
            #expect(server.received.map(\.method) == ["DELETE", "DELETE", "GET"])
            #expect(server.received.map { $0.body.isEmpty } == [false, false, true])
            #expect(server.received[2].parameter("signature")?.utf8.count == 64)
        }
    }

    @Test func theListenKeyIsMadeKeptAliveAndClosed() throws {
        let key = String(repeating: "pqia91ma", count: 8)
        try withServer({ request in
            switch request.method {
            case "POST": .answer(200, #"{"listenKey":"\#(key)"}"#)
            case "PUT": .answer(200, request.placeInConnection == 2 ? #"{"listenKey":"\#(key)"}"# : "{}")
            default: .answer(200, "{}")
            }
        }) { client, server in
            let expected = try ListenKey(key)
            #expect(client.command(.startUserStream(), .emergency) == .accepted(expected))
            #expect(client.command(.keepUserStreamAlive(), .emergency) == .accepted(expected))
            #expect(client.command(.keepUserStreamAlive(), .emergency) == .accepted(nil))
            #expect(client.command(.closeUserStream(), .emergency).word == "accepted")
            #expect(server.received.map(\.method) == ["POST", "PUT", "PUT", "DELETE"])
            for request in server.received {
                #expect(request.target == "/fapi/v1/listenKey" && request.body.isEmpty)
                let head = request.headerText.lowercased()
                #expect(head.contains("x-mbx-apikey: ") && !head.contains("signature"))
                // The first line and the length, or a server would wait for a body.
                #expect(head.contains("content-length: 0"), "\(head)")
            }
        }
    }

    /// It may have been done: it is not "not sent".
    @Test(arguments: [Reaction.close, .reset, .truncate(#"{"listenKey":"x"}"#, after: 4), .answer(200, "{}")])
    func aListenKeyThatDidNotArriveIsUnknown(_ reaction: Reaction) throws {
        try withServer({ _ in reaction }) { client, server in
            let word = client.command(.startUserStream(), .emergency).word
            #expect(word.hasPrefix("unknown/"), "\(word)")
            #expect(!server.received.isEmpty)
        }
    }

    @Test(arguments: ["clientOrderId", "symbol", "side", "origQty"])
    func anAnswerAboutAnotherOrderIsUnknown(_ member: String) throws {
        let value = ["side": "\"SELL\"", "origQty": "\"9\""][member] ?? "\"OTHER\""
        try withServer({ .answer(200, Sample.orderAnswer($0, [member: value])) }) { client, server in
            let answer = client.place(1)
            #expect(answer.word == "unknown/mismatch" && answer.text.contains(member))
            #expect(server.arrivals == ["bs1": 1])
        }
    }

    /// What the server does → what an order's answer is. Nothing of this may be sent again.
    static let endings: [(String, Reaction, String)] = [
        ("closed", .close, "unknown/connectionLost"), ("reset", .reset, "unknown/connectionLost"),
        ("truncated", .truncate(Sample.orderAnswer(id: "bs1"), after: 30), "unknown/connectionLost"),
        ("not HTTP", .raw("SSH-2.0-OpenSSH_9.2\r\n"), "unknown/connectionLost"),
        ("HTTP/0.9", .raw("{}"), "unknown/connectionLost"),
        ("not JSON", .answer(200, "<html>"), "unknown/notUnderstood"),
        ("empty", .answer(200, ""), "unknown/notUnderstood"),
        ("an array", .answer(200, "[]"), "unknown/notUnderstood"),
        ("an error as 200", .answer(200, Sample.error(-2019, "x")), "unknown/notUnderstood"),
        (
            "a redirect", .raw("HTTP/1.1 307 Go\r\nLocation: /fapi/v1/order\r\nContent-Length: 0\r\n\r\n"),
            "unknown/notUnderstood"
        ),
        ("nested", .answer(200, String(repeating: "[", count: 100_000)), "unknown/notUnderstood"),
        ("not UTF-8", .raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\u{80}"), "unknown/notUnderstood"),
        ("too long, told", .answer(200, String(repeating: " ", count: 2 << 20)), "unknown/tooLarge"),
        (
            "too long, untold", .raw("HTTP/1.1 200 OK\r\n\r\n" + String(repeating: " ", count: 2 << 20)),
            "unknown/tooLarge"
        ),
        (
            "endless headers",
            .raw(
                "HTTP/1.1 200 OK\r\n"
                    + String(repeating: "X: " + String(repeating: "y", count: 1_000) + "\r\n", count: 200)),
            "unknown/tooLarge"
        ),
        ("a lying length", .raw("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}"), "unknown/connectionLost"),
        (
            "503 of the first kind", .answer(503, Sample.error(-1000, ClassificationTests.unknownText)),
            "unknown/exchangeUnsure"
        ),
        ("refused", .answer(400, Sample.error(-2019, "Margin is insufficient.")), "rejected/request"),
        ("a wrong key", .answer(401, Sample.error(-2015, "Invalid API-key")), "rejected/credentials"),
        ("a firewall", .answer(403, "<html>no</html>"), "rejected/forbidden"),
    ]

    @Test(arguments: endings)
    func anOrderThatEndsBadlySaysHow(_ name: String, _ reaction: Reaction, _ word: String) throws {
        try withServer({ _ in reaction }) { client, server in
            #expect(client.place(1).word == word, "\(name)")
            #expect(server.arrivals == ["bs1": 1], "\(name)")
        }
    }

    @Test func whereNobodyListensNothingWasSent() throws {
        let server = ScriptedServer { _ in .close }
        let host = try ExchangeHost(server.url, isLive: false, environment: [:])
        server.stop()
        let client = ExchangeClient(host: host, credentials: Sample.credentials, settings: ClientSettings())
        defer { client.close() }
        #expect(client.place(1).word == "notSent/noConnection")
        #expect(client.ask(.accountConfig(), .ordinary).word == "notSent/noConnection")
    }

    @Test func withoutAKeyNothingThatNeedsOneIsSent() throws {
        try withServer(credentials: nil, { _ in .answer(200, ReaderTests.mark) }) { client, server in
            #expect(client.place(1).word == "notSent/noCredentials")
            #expect(client.ask(.markPrice(Sample.symbol), .ordinary).word == "accepted")
            #expect(server.received.count == 1 && !server.received[0].headerText.contains("APIKEY"))
        }
    }

    // MARK: Permits and the last look

    @Test func aPermitIsForItsOwnOrder() throws {
        try withServer({ .answer(200, Sample.orderAnswer($0)) }) { client, server in
            let answer = client.place(Sample.order(1), permit: Sample.permit(2), .ordinary) { true }
            #expect(answer.word == "notSent/permit")
            let opening = client.place(
                Sample.order(1), permit: SendPermit(journaledCloseOf: Sample.id(1)), .emergency
            ) { true }
            #expect(opening.word == "notSent/permit" && server.received.isEmpty)
        }
    }

    @Test func aJournaledCloseMayLeave() throws {
        try withServer({ .answer(200, Sample.orderAnswer($0, ["reduceOnly": "true"])) }) { client, server in
            let close = Sample.order(1, side: .sell, reduceOnly: true)
            let answer = client.place(close, permit: SendPermit(journaledCloseOf: Sample.id(1)), .emergency) { true }
            #expect(answer.word == "accepted" && server.arrivals == ["bs1": 1])
        }
    }

    /// The look comes when the body would leave: at most the order's headers reach the exchange.
    @Test func whereTheLastLookSaysNoNothingLeaves() throws {
        try withServer({ .answer(200, Sample.orderAnswer($0)) }) { client, server in
            #expect(client.place(1).word == "accepted")
            let looks = Mutex(0)
            let answer = client.place(Sample.order(2), permit: Sample.permit(2), .ordinary) {
                looks.withLock { $0 += 1 }
                return false
            }
            #expect(answer.word == "notSent/fenced" && looks.withLock { $0 } == 1)
            #expect(client.place(3).word == "accepted" && server.arrivals == ["bs1": 1, "bs3": 1])
        }
    }

    // MARK: Times and numbers

    static func settings(_ change: (inout ClientSettings) -> Void) -> ClientSettings {
        var settings = ClientSettings()
        change(&settings)
        return settings
    }

    @Test func aSilentExchangeIsUnknownInTime() throws {
        try withServer(settings: Self.settings { $0.totalMilliseconds = 300 }, { _ in .silence }) { client, server in
            #expect(client.place(1).word == "unknown/timedOut" && server.arrivals == ["bs1": 1])
        }
    }

    /// A server whose queue of connections is full answers no SYN: the order's body was never asked for.
    @Test func aConnectionThatIsNotMadeInTimeMeansNotSent() throws {
        let crowd = FullListener()
        defer { crowd.close() }
        let host = try ExchangeHost("http://127.0.0.1:\(crowd.port)", isLive: false, environment: [:])
        let settings = Self.settings { $0.connectMilliseconds = 200 }
        let client = ExchangeClient(host: host, credentials: Sample.credentials, settings: settings)
        defer { client.close() }
        #expect(client.place(1).word == "notSent/timedOut")
    }

    /// The queue's clock moves 20 seconds with each look at it, and a request has 100: what can start at once is
    /// looked at four times at most, what must wait until the client has looked often enough.
    @Test func whatWaitedUntilItsTimeWasOverWasNotSent() throws {
        let clock = Mutex<UInt64>(0)
        let settings = Self.settings {
            $0.connectionsMax = 1
            $0.ordinaryConnectionsMax = 1
            $0.totalMilliseconds = 100_000
            $0.monotonicNanoseconds = {
                clock.withLock { now in
                    now += 20_000_000_000
                    return now
                }
            }
        }
        try withServer(settings: settings, { .held(200, Sample.orderAnswer($0)) }) { client, server in
            let words = together(2) { number in
                if number == 0 { return client.place(0).word }
                guard server.wait(until: { _, held in held == 1 }) else { return "nothing was held" }
                let late = client.place(1).word
                server.release()
                return late
            }
            #expect(words == ["accepted", "notSent/timedOut"] && server.arrivals == ["bs0": 1])
        }
    }

    @Test func connectionsAreBoundedAndEmergenciesHaveTheirOwn() throws {
        let settings = Self.settings {
            $0.connectionsMax = 4
            $0.ordinaryConnectionsMax = 3
        }
        try withServer(settings: settings, { _ in .held(200, ReaderTests.mark) }) { client, server in
            let words = together(
                24,
                meanwhile: {
                    #expect(server.wait { _, held in held == 4 }, "three ordinary requests and an emergency")
                    server.release()
                }
            ) { number in
                guard number == 23 else { return client.ask(.markPrice(Sample.symbol), .ordinary).word }
                #expect(server.wait { _, held in held == 3 })
                return client.ask(.markPrice(Sample.symbol), .emergency).word
            }
            #expect(words == Array(repeating: "accepted", count: 24) && server.mostHeldAtOnce == 4)
            #expect(Set(server.received.map(\.placeInConnection)).count > 1, "connections were used again")
        }
    }

    @Test func theQueueIsBounded() throws {
        let settings = Self.settings {
            $0.connectionsMax = 1
            $0.ordinaryConnectionsMax = 1
            $0.queuedRequestsMax = 5
        }
        try withServer(settings: settings, { _ in .held(200, ReaderTests.mark) }) { client, server in
            let refused = Mutex(0)
            let words = together(
                20,
                meanwhile: {
                    #expect(server.wait { _, _ in refused.withLock { $0 } == 14 })
                    server.release()
                }
            ) { number in
                // One is on its way before the others come, of whom five may wait.
                if number > 0 { #expect(server.wait { _, held in held == 1 }) }
                let word = client.ask(.markPrice(Sample.symbol), .ordinary).word
                if word == "notSent/busy" {
                    refused.withLock { $0 += 1 }
                    server.notice()
                }
                return word
            }
            #expect(words.count { $0 == "notSent/busy" } == 14 && words.count { $0 == "accepted" } == 6, "\(words)")
        }
    }

    @Test func closingAnswersAllThatWaitsAndAllThatIsOnItsWay() throws {
        let settings = Self.settings {
            $0.connectionsMax = 2
            $0.ordinaryConnectionsMax = 2
        }
        try withServer(settings: settings, { _ in .silence }) { client, server in
            let words = together(
                6,
                meanwhile: {
                    #expect(server.wait { requests, _ in requests.count == 2 })
                    client.close()
                }
            ) { client.place($0).word }
            #expect(words.count { $0 == "unknown/closed" } == 2 && words.count { $0 == "notSent/closed" } == 4)
            #expect(client.place(99).word == "notSent/closed")
            client.close()
        }
    }

    /// Four hundred requests from forty threads, each ending in its own way: a job that is dropped or answered
    /// twice would end the process.
    @Test func everyCallIsAnsweredOnce() throws {
        let seed: UInt64 = 20_261_121
        let random = Mutex(SplitMix(seed))
        try withServer({ request in
            switch random.withLock({ $0.next() % 6 }) {
            case 0: .close
            case 1: .reset
            case 2: .truncate(Sample.orderAnswer(request), after: 9)
            case 3: .answerThenClose(200, Sample.orderAnswer(request))
            default: .answer(200, Sample.orderAnswer(request))
            }
        }) { client, server in
            let words = together(40) { thread in (0..<4).map { client.place(thread * 4 + $0).word } }.flatMap { $0 }
            #expect(words.count == 160 && words.allSatisfy { $0 == "accepted" || $0.hasPrefix("unknown/") })
            #expect(server.arrivals.values.allSatisfy { $0 == 1 }, "seed \(seed)")
        }
    }

    /// Whatever the bytes of an answer are: the order arrives once, the call is answered, the process lives on.
    @Test(arguments: [21, 22] as [UInt64])
    func mutatedHTTPIsAnsweredWithSomethingTrue(_ seed: UInt64) throws {
        let random = Mutex(SplitMix(seed))
        let minutes = Mutex(Int64(0))
        let settings = Self.settings {
            // Each request finds a new window of the budgets; no silence that was asked for lasts.
            $0.wallMilliseconds = {
                minutes.withLock { minute in
                    minute += 10_000
                    return minute * 60_000
                }
            }
        }
        try withServer(settings: settings, { request in .raw(random.withLock { mutated(request, &$0) }) }) {
            client, server in
            for number in 0..<400 {
                let word = client.place(number).word
                #expect(!word.hasPrefix("notSent"), "seed \(seed), order \(number)")
            }
            // An answer may lie about its length, and the next order then leaves on a connection that is dying.
            #expect(server.arrivals.count > 300, "seed \(seed)")
            #expect(server.arrivals.values.allSatisfy { $0 == 1 }, "seed \(seed)")
        }
    }

    @Test func asyncCallersAreAnsweredToo() async throws {
        let server = ScriptedServer { .answer(200, Sample.orderAnswer($0)) }
        let host = try ExchangeHost(server.url, isLive: false, environment: [:])
        let client = ExchangeClient(host: host, credentials: Sample.credentials, settings: ClientSettings())
        let words = await withTaskGroup(of: String.self) { group in
            for number in 0..<50 {
                group.addTask {
                    await client.place(Sample.order(number), permit: Sample.permit(number), .ordinary) { true }.word
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(words == Array(repeating: "accepted", count: 50))
        let report = await client.ask(.order(Sample.symbol, .clientID(Sample.id(1))), .ordinary)
        #expect(report.word == "accepted" && server.arrivals.values.allSatisfy { $0 == 1 })
        await Task.detached { ClientTests.end(client, server) }.value
    }

    private static func end(_ client: ExchangeClient, _ server: ScriptedServer) {
        client.close()
        server.stop()
    }
}

private func mutated(_ request: ReceivedRequest, _ random: inout SplitMix) -> String {
    let body = Sample.orderAnswer(request)
    let text =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nRetry-After: 1\r\nX-MBX-USED-WEIGHT-1M: 7\r\n"
        + "Content-Length: \(body.utf8.count)\r\n\r\n" + body
    var bytes = Array(text.utf8)
    for _ in 0...(random.next() % 4) {
        let place = Int(random.next() % UInt64(random.next() % 2 == 0 ? 130 : bytes.count))
        switch random.next() % 4 {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.removeSubrange(place..<min(bytes.count, place + Int(random.next() % 20)))
        case 2: bytes.insert(contentsOf: Array("\r\nTransfer-Encoding: chunked".utf8), at: place)
        default: bytes[place] = Array("0123459-\r\n:{}".utf8)[Int(random.next() % 13)]
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

struct Failed: Error {}

/// Calls `body` on so many OS threads at once; the answers in order.
func together<Value: Sendable>(
    _ count: Int, meanwhile: () -> Void = {}, _ body: @escaping @Sendable (Int) -> Value
) -> [Value] {
    let answers = Mutex([Int: Value]())
    let ended = DispatchSemaphore(value: 0)
    for number in 0..<count {
        Thread {
            let value = body(number)
            answers.withLock { $0[number] = value }
            ended.signal()
        }.start()
    }
    meanwhile()
    for _ in 0..<count { ended.wait() }
    return answers.withLock { all in (0..<count).map { all[$0]! } }
}
