// The stream against the real simulator, a process of its own: what an order by REST brings, each fault of the
// stream that the simulator knows, and a server that is not there, or not any more.

import CCurl
import Events
import Foundation
import Glibc
import Programmes
import Records
import Testing

@testable import Exchange
@testable import ExchangeClient

/// The simulator, a client and a stream. All end with the test.
private final class Bench {
    let port: Int
    let client: ExchangeClient
    let notices = Notices()
    private var process: RunningProgram?
    private var stream: UserStream?
    private let host: ExchangeHost

    /// - Parameter starts: whether the simulator is there from the start.
    init(starts: Bool = true, settings: StreamSettings = quickSettings()) throws {
        port = try Bench.freePort()
        host = try ExchangeHost("http://127.0.0.1:\(port)", isLive: false, environment: [:])
        client = ExchangeClient(host: host, credentials: Sample.credentials, settings: ClientSettings())
        if starts { try start() }
        let notices = notices
        stream = UserStream(client: client, settings: settings) { notices.take($0) }
        if starts, !notices.wait(for: "connected") { throw Trouble("no stream: \(notices.all)") }
    }

    deinit { close() }

    func close() {
        stream?.close()
        stream = nil
        client.close()
    }

    func start() throws {
        let arguments = ["--port", "\(port)", "--move-every", "0", "--account", "\(Sample.key):\(Sample.secret)"]
        let path = URL(fileURLWithPath: Program.path).deletingLastPathComponent().path + "/exchange-simulator"
        process = try RunningProgram(
            arguments, folder: FileManager.default.temporaryDirectory.path, environment: ["PATH": "/usr/bin:/bin"],
            piped: .output, program: path)
        guard try process?.answers?.next(within: 60)?.hasPrefix("listening") == true else {
            throw Trouble("the simulator did not start: \(process?.errors ?? "")")
        }
    }

    func kill() throws { _ = try process?.killNow() }

    /// Nobody listens there now. Somebody could before we do; then the simulator says so, and the test fails.
    private static func freePort() throws -> Int {
        let server = ScriptedServer { _ in .close }
        defer { server.stop() }
        return server.port
    }

    /// `/sim/…`
    func control(_ path: String, _ body: String) throws {
        let request = WireRequest(
            method: .post, target: "/sim/" + path, body: Array(body.utf8), isWrite: true, carriesKey: false)
        let transfer = Transfer(
            request, host: host, key: nil, settings: ClientSettings(), totalMilliseconds: 10_000,
            answerBytesMax: 1 << 20, lastLook: nil)
        guard case .answered(let answer) = transfer.outcome(curl_easy_perform(transfer.easy)), answer.status == 200
        else { throw Trouble("/sim/\(path) \(body) was not taken") }
    }

    @discardableResult
    func place(_ number: Int) throws -> OrderReport {
        guard case .accepted(let report) = client.place(number) else { throw Failed() }
        return report
    }

    func trades(of order: OrderReport) throws -> [AccountTrade] {
        guard case .accepted(let trades) = client.ask(.accountTrades(Sample.symbol, .ofOrder(order.orderID)), .ordinary)
        else { throw Failed() }
        return trades
    }

    var updates: [OrderUpdate] { Bench.updates(notices.all) }

    static func updates(_ notices: [StreamNotice]) -> [OrderUpdate] {
        notices.compactMap { if case .event(.order(let update)) = $0 { update } else { nil } }
    }
}

@Suite struct SimulatedStreamTests {
    @Test func anOrderByRESTArrivesAsEventsThatSayTheSame() throws {
        let bench = try Bench()
        let order = try bench.place(1)
        #expect(bench.notices.wait(for: "event TRADE_LITE"))
        #expect(bench.notices.words == ["connected", "event NEW", "event ACCOUNT", "event TRADE", "event TRADE_LITE"])
        let update = try #require(bench.updates.last)
        #expect(update.orderID == order.orderID && update.clientOrderID == "bs1" && update.status == .filled)
        #expect(update.quantity == order.quantity && update.executedQuantity == order.executedQuantity)
        #expect(update.averagePrice == order.averagePrice)
        let trade = try #require(try bench.trades(of: order).first)
        let fill = try #require(update.fill)
        #expect(fill.tradeID == trade.tradeID && fill.quantity == trade.quantity && fill.price == trade.price)
        #expect(fill.fee == OrderUpdate.Fee(amount: trade.fee, asset: trade.feeAsset))
        #expect(fill.realizedProfit == trade.realizedProfit && fill.isMaker == trade.isMaker)
        #expect(fill.tradedAtMilliseconds == trade.tradedAtMilliseconds)
    }

    @Test func anOrderThatRestsAndIsCancelledIsTold() throws {
        let bench = try Bench()
        let terms = NewOrder.Terms.limit(price: try ExactDecimal("50000.00"), .goodTillCancel)
        let order = Sample.order(1, quantity: "0.100", terms: terms)
        #expect(bench.client.place(order, permit: Sample.permit(1), .ordinary) { true }.word == "accepted")
        #expect(bench.client.command(.cancelAllOrders(Sample.symbol), .emergency).word == "accepted")
        #expect(bench.notices.wait(for: "event CANCELED"))
        #expect(bench.updates.map(\.status) == [.new, .canceled] && bench.updates.allSatisfy { $0.fill == nil })
    }

    @Test(arguments: ["liquidation", "adl", "other_client"])
    func whatAnotherHandDoesIsAFillToo(_ reason: String) throws {
        let bench = try Bench()
        try bench.place(1)
        #expect(bench.notices.wait(for: "event TRADE"))
        try bench.control(
            "position", #"{"symbol":"BTCUSDT","side":"SELL","quantity":"0.010","reason":"\#(reason)"}"#)
        #expect(bench.notices.wait { Bench.updates($0).count { $0.fill != nil } == 2 }, "\(bench.notices.all)")
        let update = try #require(bench.updates.last)
        #expect(update.side == .sell && update.clientOrderID != "bs1" && update.fill?.quantity.description == "0.01")
    }

    // MARK: Faults of the stream

    @Test func aDisconnectedStreamComesBackAndRESTHasWhatItMissed() throws {
        let bench = try Bench()
        try bench.control("stream-faults", #"{"kind":"disconnect","event":"ORDER_TRADE_UPDATE"}"#)
        let order = try bench.place(1)
        #expect(bench.notices.wait(for: "connected", times: 2))
        #expect(bench.notices.words.contains("disconnected ended") && bench.updates.allSatisfy { $0.fill == nil })
        #expect(try bench.trades(of: order).count == 1)
        try bench.place(2)
        #expect(bench.notices.wait(for: "event TRADE"))
        #expect(bench.updates.last?.clientOrderID == "bs2")
    }

    @Test func aStalledStreamIsNoticedByItsSilence() throws {
        let bench = try Bench(settings: quickSettings { $0.pacing.silenceMilliseconds = 400 })
        try bench.control("stream", #"{"action":"stall"}"#)
        try bench.place(1)
        let connections = bench.notices.words.count { $0 == "connected" }
        #expect(bench.notices.wait(for: "connected", times: connections + 1))
        #expect(bench.notices.words.contains("disconnected silent"))
    }

    @Test func anEventMayComeTwice() throws {
        let bench = try Bench()
        try bench.control("stream-faults", #"{"kind":"duplicate","event":"ORDER_TRADE_UPDATE","times":2}"#)
        try bench.place(1)
        #expect(bench.notices.wait(for: "event TRADE", times: 2))
        #expect(bench.updates[2] == bench.updates[3])
    }

    @Test func eventsMayComeInAnotherOrder() throws {
        let bench = try Bench()
        try bench.control("stream-faults", #"{"kind":"swap","event":"ORDER_TRADE_UPDATE"}"#)
        try bench.place(1)
        #expect(bench.notices.wait(for: "event TRADE_LITE"))
        #expect(bench.notices.words.prefix(4) == ["connected", "event ACCOUNT", "event NEW", "event TRADE"])
    }

    @Test func anEventMayComeLate() throws {
        let bench = try Bench()
        try bench.control("stream-faults", #"{"kind":"late","event":"ORDER_TRADE_UPDATE","skip":1,"ms":150}"#)
        try bench.place(1)
        #expect(bench.notices.wait(for: "event TRADE"))
        #expect(bench.notices.words.suffix(2) == ["event TRADE_LITE", "event TRADE"])
    }

    /// The stream cannot know: that is why it must not be the only witness.
    @Test func anEventMayNeverCome() throws {
        let bench = try Bench()
        try bench.control("stream-faults", #"{"kind":"drop","event":"ORDER_TRADE_UPDATE","times":2}"#)
        let order = try bench.place(1)
        #expect(bench.notices.wait(for: "event TRADE_LITE"))
        #expect(bench.updates.isEmpty)
        #expect(try bench.trades(of: order).count == 1)
    }

    @Test func anExpiredKeyIsReplaced() throws {
        let bench = try Bench()
        try bench.control("stream", #"{"action":"expire"}"#)
        #expect(bench.notices.wait(for: "connected", times: 2))
        #expect(bench.notices.words == ["connected", "event listenKeyExpired", "disconnected keyExpired", "connected"])
        try bench.place(1)
        #expect(bench.notices.wait(for: "event TRADE"))
    }

    /// Somebody else with the same API key ends the key: -1125 at the next extension, whatever the connection says.
    @Test func aKeyThatSomebodyElseClosedIsReplaced() throws {
        let bench = try Bench(settings: quickSettings { $0.pacing.renewalMilliseconds = 30 })
        #expect(bench.client.command(.closeUserStream(), .emergency).word == "accepted")
        #expect(bench.notices.wait(for: "connected", times: 2))
        try bench.place(1)
        #expect(bench.notices.wait(for: "event TRADE"))
    }

    // MARK: The server comes and goes

    @Test func aServerThatComesLaterIsFound() throws {
        let bench = try Bench(starts: false)
        #expect(bench.notices.wait(for: "disconnected noKey", times: 3))
        try bench.start()
        #expect(bench.notices.wait(for: "connected"))
        try bench.place(1)
        #expect(bench.notices.wait(for: "event TRADE"))
        #expect(bench.notices.losses.allSatisfy { $0.reason == .noKey })
    }

    @Test func aServerThatIsKilledAndStartedAgainIsFoundAgain() throws {
        let bench = try Bench()
        try bench.kill()
        #expect(bench.notices.wait(for: "disconnected noKey"))
        #expect(bench.notices.words.prefix(2) == ["connected", "disconnected lost"])
        try bench.start()
        #expect(bench.notices.wait(for: "connected", times: 2))
        try bench.place(1)
        #expect(bench.notices.wait(for: "event TRADE"))
    }

    @Test func closingEndsItWhileTheServerLives() throws {
        let bench = try Bench()
        try bench.place(1)
        #expect(bench.notices.wait(for: "event TRADE_LITE"))
        bench.close()
        #expect(bench.notices.words.suffix(2) == ["event TRADE_LITE", "disconnected closed"])
    }
}
