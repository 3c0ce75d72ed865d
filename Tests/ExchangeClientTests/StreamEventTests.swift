// Messages of the user-data stream, read strictly: every truncation and every contradiction is an error, what is not
// used is named, and no bytes whatever end the process.

import Events
import Records
import Testing

@testable import Exchange

enum StreamSample {
    /// In the form of the exchange's documentation.
    static let order: [(String, String)] = [
        ("s", #""BTCUSDT""#), ("c", #""bs1""#), ("S", #""SELL""#), ("o", #""MARKET""#), ("f", #""GTC""#),
        ("q", #""0.010""#), ("p", #""0""#), ("ap", #""64000.10""#), ("sp", #""0""#), ("x", #""TRADE""#),
        ("X", #""PARTIALLY_FILLED""#), ("i", "8886774"), ("l", #""0.004""#), ("z", #""0.006""#),
        ("L", #""64000.20""#), ("N", #""USDT""#), ("n", #""0.10240032""#), ("T", "1763818338270"), ("t", "5551"),
        ("b", #""0""#), ("a", #""0""#), ("m", "false"), ("R", "true"), ("wt", #""CONTRACT_PRICE""#),
        ("ot", #""MARKET""#), ("ps", #""BOTH""#), ("cp", "false"), ("rp", #""-1.50""#), ("pP", "false"), ("si", "0"),
        ("ss", "0"), ("V", #""EXPIRE_MAKER""#), ("pm", #""NONE""#), ("gtd", "0"), ("er", #""0""#),
    ]

    /// - Parameter changes: nil removes a member.
    static func orderUpdate(_ changes: [String: String?] = [:]) -> String {
        let members = order.compactMap { name, value -> String? in
            guard let changed = changes[name] else { return "\"\(name)\":\(value)" }
            return changed.map { "\"\(name)\":\($0)" }
        }
        return
            #"{"e":"ORDER_TRADE_UPDATE","E":1763818338280,"T":1763818338279,"o":{\#(members.joined(separator: ","))}}"#
    }

    static let position =
        #"{"s":"BTCUSDT","pa":"-0.014","ep":"27631.05","cr":"1","up":"0","mt":"cross","iw":"0","ps":"BOTH"}"#

    static func accountUpdate(_ positions: [String] = [position]) -> String {
        #"{"e":"ACCOUNT_UPDATE","E":1763818338280,"T":1763818338279,"a":{"m":"ORDER","B":[{"a":"USDT","wb":"1"}],"P":[\#(positions.joined(separator: ","))]}}"#
    }

    static let expired = #"{"e":"listenKeyExpired","E":1763818338280,"listenKey":"pqia91ma19a5s61cv6a81va65sdf19v8"}"#

    static func read(_ text: String) throws(MessageError) -> StreamEvent { try StreamEvent(reading: Array(text.utf8)) }

    static func order(_ text: String) throws -> OrderUpdate {
        guard case .order(let update) = try read(text) else { throw Failed() }
        return update
    }
}

@Suite struct StreamEventTests {
    @Test func aTradeIsReadWhole() throws {
        let update = try StreamSample.order(StreamSample.orderUpdate())
        #expect(update.symbol == "BTCUSDT" && update.clientOrderID == "bs1" && update.orderID == 8_886_774)
        #expect(update.side == .sell && update.positionSide == .both && update.type == "MARKET")
        #expect(update.execution == .trade && update.status == .partiallyFilled && update.reduceOnly)
        #expect(update.quantity.description == "0.01" && update.executedQuantity.description == "0.006")
        #expect(update.averagePrice?.description == "64000.1")
        #expect(update.transactedAtMilliseconds == 1_763_818_338_279)
        #expect(update.eventAtMilliseconds == 1_763_818_338_280)
        let fill = try #require(update.fill)
        #expect(fill.tradeID == 5_551 && fill.quantity.description == "0.004" && fill.price.description == "64000.2")
        #expect(fill.fee == OrderUpdate.Fee(amount: try ExactDecimal("0.10240032"), asset: "USDT"))
        #expect(fill.realizedProfit.description == "-1.5" && !fill.isMaker)
        #expect(fill.tradedAtMilliseconds == 1_763_818_338_270)
    }

    @Test func anOrderThatDoesNotTradeHasNoFill() throws {
        let none: [String: String?] = [
            "x": #""NEW""#, "X": #""NEW""#, "l": #""0""#, "z": #""0""#, "L": #""0""#, "t": "0",
        ]
        let update = try StreamSample.order(StreamSample.orderUpdate(none.merging(["n": nil, "N": nil]) { $1 }))
        #expect(update.fill == nil && update.status == .new && update.executedQuantity.isZero)
    }

    @Test func aFillWithoutAFeeHasNone() throws {
        let update = try StreamSample.order(StreamSample.orderUpdate(["n": nil, "N": nil]))
        #expect(update.fill?.fee == nil && update.fill?.tradeID == 5_551)
    }

    /// A liquidation is a fill that nobody ordered here.
    @Test func whatTheExchangeDidByItselfIsAFillToo() throws {
        let update = try StreamSample.order(
            StreamSample.orderUpdate(["x": #""CALCULATED""#, "c": #""autoclose-1763818338270""#]))
        #expect(update.execution == .calculated && update.fill?.tradeID == 5_551)
    }

    @Test func positionsAreReadWithTheirSigns() throws {
        let long = #"{"s":"ETHUSDT","pa":"2.5","ep":"0","ps":"LONG"}"#
        guard
            case .account(let update) = try StreamSample.read(
                StreamSample.accountUpdate([StreamSample.position, long]))
        else { throw Failed() }
        #expect(update.reason == "ORDER" && update.positions.map(\.quantity.description) == ["-0.014", "2.5"])
        #expect(update.positions.map(\.positionSide) == [.both, .long])
        #expect(update.positions.map(\.entryPrice?.description) == ["27631.05", nil])
    }

    @Test func anAccountUpdateMayHaveNoPositions() throws {
        let text = #"{"e":"ACCOUNT_UPDATE","E":1,"T":1,"a":{"m":"FUNDING_FEE","B":[]}}"#
        guard case .account(let update) = try StreamSample.read(text) else { throw Failed() }
        #expect(update.positions.isEmpty && update.reason == "FUNDING_FEE")
    }

    @Test(arguments: ["TRADE_LITE", "ALGO_UPDATE", "MARGIN_CALL", "ACCOUNT_CONFIG_UPDATE", "WHAT_IS_NEW"])
    func whatIsNotUsedIsNamed(_ type: String) throws {
        #expect(try StreamSample.read(#"{"e":"\#(type)","o":{"x":[1,{}]}}"#) == .other(type: type))
    }

    @Test func theEndOfTheKeyIsRead() throws {
        #expect(try StreamSample.read(StreamSample.expired) == .listenKeyExpired)
    }

    static let examples = [
        StreamSample.orderUpdate(), StreamSample.accountUpdate(), StreamSample.expired, #"{"e":"TRADE_LITE","E":1}"#,
    ]

    @Test(arguments: examples)
    func everyTruncationIsAnError(_ text: String) throws {
        let bytes = Array(text.utf8)
        _ = try StreamEvent(reading: bytes)
        for end in 0..<bytes.count {
            #expect(throws: MessageError.self, "\(end) bytes") { try StreamEvent(reading: Array(bytes[..<end])) }
        }
    }

    @Test(
        arguments: StreamSample.order.map(\.0).filter {
            !["f", "p", "ap", "sp", "b", "a", "wt", "ot", "cp", "pP", "si", "ss", "V", "pm", "gtd", "er"].contains($0)
        })
    func eachMemberOfAFillMustBeThere(_ name: String) {
        let error = #expect(throws: MessageError.self, "\(name)") {
            try StreamSample.read(StreamSample.orderUpdate([name: nil]))
        }
        #expect(error?.field == "ORDER_TRADE_UPDATE \(name)", "\(error as Any)")
    }

    /// Member, value, and the member that the error names where it is another.
    @Test(arguments: [
        ("s", "1"), ("s", #""""#), ("c", "null"), ("c", #""a\nb""#), ("S", #""HOLD""#), ("ps", #""NET""#),
        ("x", #""GUESSED""#), ("X", #""NEARLY""#), ("i", "0"), ("i", "-1"), ("i", "1e3"), ("i", "9223372036854775808"),
        ("i", "true"), ("q", #""-1""#), ("q", #""1e400""#), ("q", #""NaN""#), ("q", "{}"), ("z", #""0.011""#),
        ("z", #""-0.006""#), ("l", #""0""#), ("l", #""0.007""#), ("l", #""-0.004""#), ("l", #""٣""#), ("L", #""0""#),
        ("L", #""-5""#), ("L", #""1000000000001""#), ("T", "0"), ("T", "4102444800001"), ("T", "9223372036854775807"),
        ("t", "-1"), ("m", #""false""#), ("R", "0"), ("rp", #""""#), ("n", #""x""#), ("N", #""""#),
    ])
    func hostileValuesAreErrorsThatNameTheirMember(_ name: String, _ value: String) {
        let error = #expect(throws: MessageError.self) {
            try StreamSample.read(StreamSample.orderUpdate([name: value]))
        }
        #expect(error?.field == "ORDER_TRADE_UPDATE \(name)", "\(error as Any)")
        #expect("\(error as Any)".utf8.count < 300)
    }

    @Test(arguments: [
        ["t": "0"], ["l": #""0""#, "x": #""CANCELED""#], ["l": #""0""#, "t": "0"],
        ["X": #""FILLED""#, "z": #""0""#, "l": #""0""#, "t": "0", "x": #""NEW""#],
        ["n": #""1""#, "N": "null"], ["N": #""USDT""#, "n": "null"],
    ])
    func contradictionsAreErrors(_ changes: [String: String]) {
        #expect(throws: MessageError.self) {
            try StreamSample.read(StreamSample.orderUpdate(changes.mapValues { .some($0) }))
        }
    }

    @Test(arguments: [
        [#"{"s":"BTCUSDT","pa":"-1","ps":"LONG"}"#], [#"{"s":"BTCUSDT","pa":"1","ps":"SHORT"}"#],
        [StreamSample.position, StreamSample.position], [StreamSample.position, "{}"], ["[]"], ["1"],
        [#"{"s":"BTCUSDT","pa":"x","ps":"BOTH"}"#], [#"{"pa":"1","ps":"BOTH"}"#],
    ])
    func aPositionThatCannotBeReadMakesTheMessageUnreadable(_ positions: [String]) {
        #expect(throws: MessageError.self) { try StreamSample.read(StreamSample.accountUpdate(positions)) }
    }

    @Test(arguments: [
        "", "null", "[]", "1", #""x""#, "{}", #"{"e":1}"#, #"{"e":""}"#, #"{"result":null,"id":1}"#,
        #"{"e":"ORDER_TRADE_UPDATE"}"#, #"{"e":"ORDER_TRADE_UPDATE","E":1,"T":1,"o":[]}"#,
        #"{"e":"ACCOUNT_UPDATE","E":1,"T":1}"#, #"{"e":"ACCOUNT_UPDATE","E":1,"T":1,"a":{"m":"ORDER","P":{}}}"#,
        #"{"stream":"abcdefgh","data":{"e":"TRADE_LITE"}}"#, #"{"e":"A","e":"B"}"#,
        String(repeating: "[", count: 1_000),
    ])
    func whatIsNoEventIsAnError(_ text: String) {
        #expect(throws: MessageError.self) { try StreamSample.read(text) }
    }

    @Test func bytesThatAreNotUTF8AreAnError() {
        #expect(throws: MessageError.self) {
            try StreamEvent(reading: Array(#"{"e":"A"#.utf8) + [0xff] + Array(#""}"#.utf8))
        }
    }

    /// Reads or throws, but never ends the process, and never makes a fill whose numbers do not fit together.
    @Test(arguments: [21, 22, 23] as [UInt64])
    func mutatedMessagesNeverCrash(_ seed: UInt64) {
        var random = SplitMix(seed)
        for round in 0..<4_000 {
            var bytes = Array(Self.examples[Int(random.next() % UInt64(Self.examples.count))].utf8)
            for _ in 0...(random.next() % 3) {
                let place = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 4 {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(Array("{}[]\",:0-9e.".utf8)[Int(random.next() % 12)], at: place)
                default: bytes[place] = UInt8(ascii: "9")
                }
            }
            do throws(MessageError) {
                guard case .order(let update) = try StreamEvent(reading: bytes), let fill = update.fill else {
                    continue
                }
                #expect(
                    fill.quantity <= update.executedQuantity && !fill.quantity.isZero, "seed \(seed), round \(round)")
            } catch {
                #expect("\(error)".utf8.count < 2_000, "seed \(seed), round \(round)")
            }
        }
    }
}

@Suite struct ListenKeyTests {
    static let text = String(repeating: "pqia91ma", count: 8)

    @Test func noFormOfAKeyShowsIt() throws {
        let key = try ListenKey(Self.text)
        var dumped = ""
        dump(key, to: &dumped)
        dump([key], to: &dumped)
        let shown = ["\(key)", String(reflecting: key), "\([key])", "\(Optional(key) as Any)", dumped]
        #expect(shown.allSatisfy { !$0.contains("pqia") }, "\(shown)")
    }

    @Test(arguments: [
        "", "short", String(repeating: "a", count: 257), text + "/", text + "?x=1", text + " ", text + "\r\nX: y",
        text + "%2e", text + "é", "../../" + text,
    ])
    func aKeyThatAnAddressWouldReadOtherwiseIsRefusedWithoutQuotingIt(_ text: String) {
        let error = #expect(throws: MessageError.self) { try ListenKey(text) }
        #expect(!"\(error as Any)".contains("pqia"))
    }
}
