// The lines of the side journal and the words between worker and recorder: out as they went in, and whatever is cut
// off or changed is an error, never another line and never the end of the process.

import Events
import Records
import Testing

@testable import Domain
@testable import Exchange

@Suite struct ExitCodecTests {
    private static let trigger = ExitTrigger(
        log: LogID([UInt8](repeating: 7, count: 16))!, sequence: SequenceNumber(9), eventID: "e \"1\"\n", reason: "ü",
        issuer: "ops", severity: "CRITICAL", producedAtNs: 5, acceptedAtNs: 6, haltedAtBootNs: 7)
    private static let place = ExitPlace(symbol: ExitWorld.symbols[0], side: .short)
    private static let close = CloseOrder(
        trigger: trigger.id, place: place, part: 3, side: .buy, quantity: decimal("0.125"))
    private static let ended = ClosedOrder(
        state: .filled, executed: decimal("0.125"), averagePrice: decimal("99.5"), exchangeOrderID: 4, errorCode: 0,
        reason: "")
    private static let refused = ClosedOrder(
        state: .rejected, executed: .zero, averagePrice: nil, exchangeOrderID: 0, errorCode: -2019,
        reason: "\\ \u{1} no")

    private static var lines: [ExitLine] {
        var market = ExitMarket()
        market.isHedged = true
        market.hold(place.symbol, -125, .short)
        let order = market.arrive(close, CloseFate(), at: 1)!
        let trade = market.trades(of: order.id)[0]
        let completion = ExitCompletion(
            positionsTotal: 3, positionsClosed: 1, positionsFailed: 2, failedSymbols: ["A", "B"],
            executionMilliseconds: 12)
        return [
            .trigger(trigger), .request(close, number: 1, atNs: 2), .outcome(close, ended, number: 1),
            .outcome(close, refused, number: 4_294_967_295),
            .trade(ExitTrade(trade, of: close.clientOrderID.text, number: 1)),
            .completion(ExitEnd(completion: completion, startedAtNs: 1, completedAtNs: Int64.max)),
        ]
    }

    @Test func linesComeOutAsTheyWentIn() throws {
        for line in ExitCodecTests.lines {
            #expect(!line.text.contains("\n"))
            #expect(try ExitLine(line.text, trigger: ExitCodecTests.trigger.id) == line)
            let order = RecorderOrder(trigger: ExitCodecTests.trigger.id, place: 3, line: line)
            #expect(try RecorderOrder(order.text).line == line && RecorderOrder(order.text) == order)
        }
    }

    @Test(arguments: [
        RecorderNotice.alive, .opened(log: "l", head: .max), .panic(trigger), .imported(trigger: "t", lines: 3),
        .bound(trigger: "t", panic: 7, haltedAtBootNs: .max),
        .stuck(trigger: "t", line: 2, reason: "\"why\""),
    ])
    func noticesComeOutAsTheyWentIn(notice: RecorderNotice) throws {
        #expect(try RecorderNotice(notice.text) == notice)
    }

    @Test func whatIsCutOffIsNoLine() {
        for line in ExitCodecTests.lines {
            let bytes = Array(line.text.utf8)
            for count in bytes.indices {
                let cut = String(decoding: bytes[..<count], as: UTF8.self)
                #expect(throws: ExitLineError.self) { try ExitLine(cut, trigger: ExitCodecTests.trigger.id) }
                #expect(throws: ExitLineError.self) { try RecorderNotice(cut) }
            }
        }
    }

    /// Two bytes are changed: an error, or a line that writes itself as it was read.
    @Test func whatIsChangedIsAnErrorOrALine() {
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        func next(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(count))
        }
        for line in ExitCodecTests.lines {
            for _ in 0..<2_000 {
                var bytes = Array(line.text.utf8)
                for _ in 0..<2 { bytes[next(bytes.count)] = UInt8(next(256)) }
                let text = String(decoding: bytes, as: UTF8.self)
                do throws(ExitLineError) {
                    let read = try ExitLine(text, trigger: ExitCodecTests.trigger.id)
                    #expect(try ExitLine(read.text, trigger: ExitCodecTests.trigger.id) == read)
                } catch {}  // refused is fine
            }
        }
    }

    /// A close is named after its trigger, place and part: under another run's trigger it is none.
    @Test func aCloseOfAnotherRunIsRefused() {
        let text = ExitLine.request(ExitCodecTests.close, number: 1, atNs: 2).text
        #expect(throws: ExitLineError.self) { try ExitLine(text, trigger: "other") }
        #expect(throws: ExitLineError.self) { try ExitLine(text, trigger: nil) }
        let other = text.replacing("\"part\":3", with: "\"part\":4")
        #expect(throws: ExitLineError.self) { try ExitLine(other, trigger: ExitCodecTests.trigger.id) }
    }
}
