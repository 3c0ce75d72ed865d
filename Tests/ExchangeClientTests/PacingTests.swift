// What the client does when the exchange says "wait" or "your clock is wrong", over the wire. The wall clock is
// the test's own.

import Events
import Synchronization
import Testing

@testable import Exchange
@testable import ExchangeClient

@Suite struct PacingTests {
    final class Wall: Sendable {
        private let now = Mutex<Int64>(1_763_818_320_000)
        var milliseconds: Int64 { now.withLock { $0 } }
        func move(_ milliseconds: Int64) { now.withLock { $0 += milliseconds } }
        var settings: ClientSettings {
            var settings = ClientSettings()
            settings.wallMilliseconds = { self.milliseconds }
            return settings
        }
    }

    @Test(arguments: [(429, "throttled/weight"), (418, "throttled/banned")])
    func whileTheExchangeSaysWaitNothingIsSent(_ status: Int, _ word: String) throws {
        let wall = Wall()
        let isWell = Mutex(false)
        try withServer(
            settings: wall.settings,
            {
                isWell.withLock { $0 }
                    ? .answer(200, Sample.orderAnswer($0))
                    : .answer(status, Sample.error(-1003, "Too many requests"), headers: ["Retry-After: 7"])
            }
        ) { client, server in
            let first = client.place(1)
            #expect(first.word == word)
            guard case .throttled(let throttling) = first else { throw Failed() }
            #expect(throttling.retryAfterMilliseconds == 7_000)
            isWell.withLock { $0 = true }
            wall.move(6_999)
            #expect(client.place(2).word == word)
            #expect(client.command(.cancelAllOrders(Sample.symbol), .emergency).word == word)
            #expect(server.received.count == 1, "nothing was sent in between")
            wall.move(1)
            #expect(client.place(3).word == "accepted" && server.received.count == 2)
        }
    }

    @Test func aLimitOfOrdersLeavesQuestionsAlone() throws {
        let wall = Wall()
        try withServer(
            settings: wall.settings,
            { request in
                request.method == "POST"
                    ? .answer(429, Sample.error(-1015, "Too many new orders"), headers: ["Retry-After: 3"])
                    : .answer(200, Sample.orderAnswer(request))
            }
        ) { client, server in
            #expect(client.place(1).word == "throttled/orders" && client.place(2).word == "throttled/orders")
            #expect(client.ask(.order(Sample.symbol, .clientID(Sample.id(1))), .ordinary).word == "accepted")
            #expect(server.received.count == 2)
        }
    }

    @Test func usedWeightStopsWhatIsNotAnEmergency() throws {
        let wall = Wall()
        try withServer(
            settings: wall.settings,
            { .answer(200, Sample.orderAnswer($0), headers: ["x-mbx-used-weight-1m: 1560"]) }
        ) { client, server in
            let query = Query<OrderReport>.order(Sample.symbol, .clientID(Sample.id(1)))
            #expect(client.ask(query, .ordinary).word == "accepted")
            #expect(client.ask(query, .ordinary).word == "throttled/ownBudget")
            #expect(client.ask(query, .emergency).word == "accepted")
            wall.move(60_000)
            #expect(client.ask(query, .ordinary).word == "accepted")
            #expect(server.received.count == 3)
        }
    }

    /// The exchange's clock is five seconds ahead of ours: the stamp is refused, the client asks for the time by
    /// itself, and the next order is stamped right. The refused order is not sent again.
    @Test(arguments: [5_000, -5_000] as [Int64])
    func aRefusedTimeStampLeadsToANewOne(_ skew: Int64) throws {
        let wall = Wall()
        try withServer(
            settings: wall.settings,
            { request in
                let server = wall.milliseconds + skew
                if request.path == "/fapi/v1/premiumIndex" { return .answer(200, ReaderTests.mark) }
                if request.path == "/fapi/v1/time" { return .answer(200, #"{"serverTime":\#(server)}"#) }
                guard let stamp = request.parameter("timestamp").flatMap({ Int64($0) }), abs(stamp - server) < 1_000
                else {
                    return .answer(400, Sample.error(-1021, "Timestamp for this request is outside of the recvWindow."))
                }
                return .answer(200, Sample.orderAnswer(request))
            }
        ) { client, server in
            #expect(client.place(1).word == "rejected/clock")
            #expect(server.wait { requests, _ in requests.contains { $0.path == "/fapi/v1/time" } })
            // The answer to the client's own question may still be on its way: one round trip after another.
            var rounds = 0
            while client.clockOffset.milliseconds == nil, rounds < 1_000 {
                _ = client.ask(.markPrice(Sample.symbol), .emergency)
                rounds += 1
            }
            #expect(client.clockOffset.milliseconds == skew && !client.clockOffset.isDoubted)
            #expect(client.place(2).word == "accepted" && server.arrivals == ["bs1": 1, "bs2": 1])
        }
    }

    @Test func askingForTheTimeIsASample() throws {
        let wall = Wall()
        try withServer(
            settings: wall.settings, { _ in .answer(200, #"{"serverTime":\#(wall.milliseconds + 77)}"#) }
        ) { client, _ in
            #expect(client.ask(.serverTime(), .ordinary).word == "accepted")
            #expect(client.clockOffset.milliseconds == 77)
        }
    }

    @Test func theExchangesLimitsAreTakenFromItsAnswer() throws {
        let wall = Wall()
        let info = ReaderTests.info().replacing("\"limit\":6000", with: "\"limit\":10")
        try withServer(
            settings: wall.settings,
            { .answer(200, $0.path.hasSuffix("exchangeInfo") ? info : ReaderTests.mark) }
        ) { client, _ in
            #expect(client.ask(.exchangeInfo(), .ordinary).word == "accepted")
            let words = (0..<6).map { _ in client.ask(.markPrice(Sample.symbol), .ordinary).word }
            // Six of ten may be used, and one is gone.
            #expect(words == Array(repeating: "accepted", count: 5) + ["throttled/ownBudget"])
        }
    }
}
