// What the exchange answers, read strictly: every truncation is an error, absurd values are errors, an answer
// about something else is a mismatch, and no bytes whatever end the process.

import Events
import Records
import Testing

@testable import Exchange
@testable import ExchangeClient

@Suite struct ReaderTests {
    static let position =
        #"{"symbol":"BTCUSDT","positionSide":"BOTH","positionAmt":"-0.014","entryPrice":"27631.0523809524","markPrice":"64000.1","unRealizedProfit":"1.5","updateTime":1763818338280}"#
    static let trade =
        #"{"symbol":"BTCUSDT","id":698759,"orderId":25851813,"side":"BUY","positionSide":"BOTH","price":"7819.01","qty":"0.002","quoteQty":"15.63802","realizedPnl":"-0.91539999","commission":"0.07819010","commissionAsset":"USDT","buyer":false,"maker":false,"time":1569514978020}"#
    static let filters = [
        #"{"filterType":"PRICE_FILTER","minPrice":"556.80","maxPrice":"4529764","tickSize":"0.10"}"#,
        #"{"filterType":"LOT_SIZE","minQty":"0.001","maxQty":"1000","stepSize":"0.001"}"#,
        #"{"filterType":"MARKET_LOT_SIZE","minQty":"0.001","maxQty":"120","stepSize":"0.001"}"#,
        #"{"filterType":"MAX_NUM_ORDERS","limit":200}"#, #"{"filterType":"MIN_NOTIONAL","notional":"50"}"#,
    ]

    static func info(_ filters: [String] = filters, symbol: String = "BTCUSDT") -> String {
        #"{"timezone":"UTC","serverTime":1763818338280,"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":6000},{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":300}],"exchangeFilters":[],"symbols":[{"symbol":"\#(symbol)","status":"TRADING","contractType":"PERPETUAL","marginAsset":"USDT","filters":[\#(filters.joined(separator: ","))]}]}"#
    }

    static let ticker = #"{"symbol":"BTCUSDT","bidPrice":"4.00","bidQty":"1","askPrice":"4.01","askQty":"9","time":1}"#
    static let mark = #"{"symbol":"BTCUSDT","markPrice":"11793.63104562","indexPrice":"1","time":1562566020000}"#
    static let algo =
        #"{"algoId":2146760,"clientAlgoId":"x","algoType":"CONDITIONAL","orderType":"STOP_MARKET","symbol":"BTCUSDT","side":"SELL","positionSide":"BOTH","algoStatus":"NEW"}"#

    /// A whole answer and the reader that takes it.
    struct Example: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        let read: @Sendable (JSONValue) throws -> Void
        var testDescription: String { name }

        init<Value>(_ name: String, _ text: String, _ query: Query<Value>) {
            (self.name, self.text) = (name, text)
            read = { _ = try query.read($0) }
        }
        init<Value>(_ name: String, _ text: String, _ command: Command<Value>) {
            (self.name, self.text) = (name, text)
            read = { _ = try command.read($0) }
        }
        init(order name: String, _ text: String) {
            (self.name, self.text) = (name, text)
            read = { _ = try Readers.placed($0, Sample.order(7)) }
        }
    }

    static let symbol = Sample.symbol
    static let examples: [Example] = [
        Example(order: "placed", Sample.orderAnswer(id: "bs7")),
        Example("order", Sample.orderAnswer(id: "bs7"), Query<OrderReport>.order(symbol, .clientID(Sample.id(7)))),
        Example(
            "cancelled", Sample.orderAnswer(id: "bs7"),
            Command<OrderReport>.cancelOrder(symbol, .exchangeID(22_542_179))),
        Example(
            "open orders", "[\(Sample.orderAnswer(id: "a")),\(Sample.orderAnswer(id: "b"))]",
            Query<Void>.openOrders(nil)),
        Example("open algo orders", "[\(algo)]", Query<Void>.openAlgoOrders(symbol)),
        Example("positions", "[\(position)]", Query<Void>.positions(symbol)),
        Example("trades", "[\(trade)]", Query<Void>.accountTrades(symbol, .ofOrder(25_851_813))),
        Example("exchange info", info(), Query<Void>.exchangeInfo()),
        Example("ticker", ticker, Query<Void>.bookTicker(symbol)),
        Example("mark price", mark, Query<Void>.markPrice(symbol)),
        Example("time", #"{"serverTime":1763818338280}"#, Query<Void>.serverTime()),
        Example("config", #"{"feeTier":0,"canTrade":true,"dualSidePosition":false}"#, Query<Void>.accountConfig()),
        Example("balances", #"[{"asset":"USDT","balance":"1.5","availableBalance":"1"}]"#, Query<Void>.balances()),
        Example(
            "done", #"{"code":200,"msg":"The operation of cancel all open order is done."}"#,
            Command<Void>.cancelAllOrders(symbol)),
        Example(
            "countdown", #"{"symbol":"BTCUSDT","countdownTime":"120000"}"#,
            try! Command<Void>.countdownCancelAll(symbol, milliseconds: 120_000)),
        Example(
            "leverage", #"{"leverage":5,"maxNotionalValue":"1","symbol":"BTCUSDT"}"#,
            try! Command<Void>.setLeverage(symbol, 5)),
    ]

    @Test(arguments: examples)
    func aWholeAnswerIsReadAndEveryTruncationIsAnError(_ example: Example) throws {
        let bytes = Array(example.text.utf8)
        try example.read(try JSONText.read(bytes))
        for end in 0..<bytes.count {
            #expect(throws: (any Error).self, "\(example.name), \(end) bytes") {
                try example.read(try JSONText.read(Array(bytes[..<end])))
            }
        }
    }

    /// Reads or throws, but never ends the process, and never an order other than the one that was sent.
    @Test(arguments: [11, 12, 13] as [UInt64])
    func mutatedAnswersNeverCrash(_ seed: UInt64) throws {
        var random = SplitMix(seed)
        for round in 0..<4_000 {
            let example = Self.examples[Int(random.next() % UInt64(Self.examples.count))]
            var bytes = Array(example.text.utf8)
            for _ in 0...(random.next() % 3) {
                let place = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 4 {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(Array("{}[]\",:0-9e.".utf8)[Int(random.next() % 12)], at: place)
                default: bytes[place] = UInt8(ascii: "9")
                }
            }
            do {
                try example.read(try JSONText.read(bytes))
            } catch {
                #expect("\(error)".utf8.count < 2_000, "seed \(seed), round \(round)")
            }
        }
    }

    // MARK: An answer about something else

    @Test(arguments: [
        ("clientOrderId", "\"bs8\""), ("symbol", "\"ETHUSDT\""), ("side", "\"SELL\""), ("positionSide", "\"LONG\""),
        ("type", "\"LIMIT\""), ("reduceOnly", "true"), ("origQty", "\"0.011\""),
    ])
    func anOrderThatIsNotTheOneThatWasSentIsAMismatch(_ member: String, _ value: String) throws {
        let text = Sample.orderAnswer(id: "bs7", [member: value])
        let error = #expect(throws: Mismatch.self) { try Readers.placed(try JSONText.read(text), Sample.order(7)) }
        #expect(error?.text == "the answer's \(member) is not the request's")
    }

    @Test func aLimitOrdersPriceMustBeTheOneThatWasSent() throws {
        let order = Sample.order(7, terms: .limit(price: try ExactDecimal("64000.10"), .goodTillCancel))
        let changes = ["type": "\"LIMIT\"", "status": "\"NEW\"", "executedQty": "\"0\""]
        let same = Sample.orderAnswer(id: "bs7", changes.merging(["price": "\"64000.1\""]) { $1 })
        #expect(try Readers.placed(try JSONText.read(same), order).averagePrice?.description == "64000.1")
        let other = Sample.orderAnswer(id: "bs7", changes.merging(["price": "\"64000.2\""]) { $1 })
        #expect(throws: Mismatch.self) { try Readers.placed(try JSONText.read(other), order) }
    }

    @Test func aCloseMayBeCutDownButNotGrow() throws {
        let close = Sample.order(7, side: .sell, reduceOnly: true)
        func answer(_ quantity: String) throws -> JSONValue {
            try JSONText.read(
                Sample.orderAnswer(id: "bs7", side: "SELL", quantity: quantity, ["reduceOnly": "true"]))
        }
        #expect(try Readers.placed(try answer("0.004"), close).quantity.description == "0.004")
        #expect(throws: Mismatch.self) { try Readers.placed(try answer("0.02"), close) }
    }

    @Test func listsOfAnotherSymbolAndRowsTwiceAreRefused() throws {
        let value = try JSONText.read("[\(Self.position)]")
        #expect(throws: Mismatch.self) { try Query<Void>.positions(try SymbolName("ETHUSDT")).read(value) }
        let twice = try JSONText.read("[\(Self.position),\(Self.position)]")
        #expect(throws: MessageError.self) { try Query<Void>.positions(nil).read(twice) }
        let trades = try JSONText.read("[\(Self.trade),\(Self.trade)]")
        #expect(throws: MessageError.self) { try Query<Void>.accountTrades(Self.symbol, .newest).read(trades) }
        let one = try JSONText.read("[\(Self.trade)]")
        #expect(throws: Mismatch.self) { try Query<Void>.accountTrades(Self.symbol, .ofOrder(1)).read(one) }
        #expect(throws: Mismatch.self) { try Query<Void>.accountTrades(Self.symbol, .fromID(698_760)).read(one) }
    }

    // MARK: Absurd values

    @Test(arguments: [
        ("status", "\"DONE\""), ("orderId", "0"), ("orderId", "-1"), ("orderId", "1.5"), ("orderId", "null"),
        ("orderId", "99999999999999999999"), ("executedQty", "\"-1\""), ("executedQty", "\"0.02\""),
        ("executedQty", "\"0\""), ("executedQty", "\"NaN\""), ("executedQty", "[]"), ("origQty", "\"1e400\""),
        ("clientOrderId", "\"\""), ("clientOrderId", "7"), ("symbol", "\"a\\u0000b\""), ("reduceOnly", "\"true\""),
    ])
    func anAbsurdOrderIsNotRead(_ member: String, _ value: String) throws {
        let text = Sample.orderAnswer(id: "bs7", [member: value])
        #expect(throws: MessageError.self) { try OrderReport(try AnswerFields(try JSONText.read(text))) }
    }

    @Test func priceAndFeesOfAPlacedOrderMayBeMissing() throws {
        let report = try OrderReport(
            try AnswerFields(try JSONText.read(Sample.orderAnswer(id: "a", ["avgPrice": "null"]))))
        #expect(report.averagePrice == nil && report.price == nil)
        let zero = try OrderReport(
            try AnswerFields(try JSONText.read(Sample.orderAnswer(id: "a", ["avgPrice": "\"0.0\""]))))
        #expect(zero.averagePrice == nil)
    }

    @Test(arguments: [
        Self.ticker.replacing("4.00", with: "0"), Self.ticker.replacing("4.00", with: "-4"),
        Self.ticker.replacing("4.00", with: "4.01"), Self.ticker.replacing("4.00", with: "5"),
        Self.ticker.replacing("4.01", with: "1e40"), Self.ticker.replacing("\"4.01\"", with: "null"),
    ])
    func absurdPricesAreErrors(_ text: String) {
        #expect(throws: MessageError.self) { try Query<Void>.bookTicker(Self.symbol).read(try JSONText.read(text)) }
    }

    @Test(arguments: ["0", "-1", "1e30", "", "Infinity"])
    func anAbsurdMarkPriceIsAnError(_ price: String) {
        let text = Self.mark.replacing("11793.63104562", with: price)
        #expect(throws: MessageError.self) { try Query<Void>.markPrice(Self.symbol).read(try JSONText.read(text)) }
    }

    @Test(arguments: [("7819.01", "0"), ("7819.01", "-1"), ("0.002", "0"), ("698759", "0")])
    func aTradeThatCannotBeIsAnErrorOfTheWholeAnswer(_ from: String, _ to: String) {
        let text = "[\(Self.trade.replacing(from, with: to))]"
        #expect(throws: MessageError.self) {
            try Query<Void>.accountTrades(Self.symbol, .newest).read(try JSONText.read(text))
        }
    }

    /// One row that cannot be read must neither hide the others nor pass for "flat".
    @Test func anUnreadablePositionIsToldAndTheOthersAreRead() throws {
        let bad = Self.position.replacing("-0.014", with: "lots").replacing("BTCUSDT", with: "ETHUSDT")
        let rows = try Query<Void>.positions(nil).read(try JSONText.read("[\(bad),\(Self.position),7]"))
        #expect(rows.readable.map(\.symbol) == ["BTCUSDT"] && !rows.isComplete)
        #expect(rows.readable.first?.quantity.description == "-0.014")
        #expect(rows.unreadable.map(\.symbol) == ["ETHUSDT", nil])
        let flat = try Query<Void>.positions(nil).read(try JSONText.read("[]"))
        #expect(flat.readable.isEmpty && flat.isComplete)
    }

    @Test(arguments: [("LONG", "-1"), ("SHORT", "1"), ("UP", "1")])
    func aPositionWithTheSignOfTheOtherSideIsUnreadable(_ side: String, _ quantity: String) throws {
        let text = Self.position.replacing("BOTH", with: side).replacing("-0.014", with: quantity)
        #expect(try !Query<Void>.positions(nil).read(try JSONText.read("[\(text)]")).isComplete)
    }

    @Test func aDisplayPriceWithTooManyDigitsDoesNotHideAPosition() throws {
        let text = Self.position.replacing("27631.0523809524", with: "0.12345678901234567890123456789")
        let rows = try Query<Void>.positions(nil).read(try JSONText.read("[\(text)]"))
        #expect(rows.isComplete && rows.readable[0].entryPrice == nil)
    }

    @Test func tooManyRowsAreRefused() {
        let text = "[" + Array(repeating: "0", count: Limits.exchangeRowsMax + 1).joined(separator: ",") + "]"
        #expect(throws: MessageError.self) { try Query<Void>.positions(nil).read(try JSONText.read(text)) }
    }
}

@Suite struct InstrumentTests {
    static func info(_ filters: [String] = ReaderTests.filters, symbol: String = "BTCUSDT") throws -> ExchangeInfo {
        try Query<Void>.exchangeInfo().read(try JSONText.read(ReaderTests.info(filters, symbol: symbol)))
    }

    @Test func filtersBecomeRules() throws {
        let info = try Self.info()
        let instrument = try #require(info[Sample.symbol])
        #expect(instrument.isTrading && instrument.marketQuantity.maximum.description == "120")
        #expect(instrument.price.step.description == "0.1" && instrument.notionalMin?.description == "50")
        #expect(info.limits.weightPerMinute == 6_000 && info.limits.ordersPerTenSeconds == 300)
    }

    @Test(arguments: [0, 1, 2])
    func aSymbolWithoutItsFiltersIsNoInstrument(_ missing: Int) throws {
        var filters = ReaderTests.filters
        filters.remove(at: missing)
        let info = try Self.info(filters)
        #expect(info[Sample.symbol] == nil && info.instruments.unreadable.map(\.symbol) == ["BTCUSDT"])
        #expect(try Self.info([])[Sample.symbol] == nil)
    }

    @Test(arguments: [
        ("stepSize\":\"0.001", "stepSize\":\"0"), ("stepSize\":\"0.001", "stepSize\":\"-1"),
        ("maxQty\":\"120", "maxQty\":\"0.0001"), ("minQty\":\"0.001", "minQty\":\"x"),
        ("MARKET_LOT_SIZE", "LOT_SIZE"),
    ])
    func absurdFiltersAreNoInstrument(_ from: String, _ to: String) throws {
        #expect(try Self.info(ReaderTests.filters.map { $0.replacing(from, with: to) })[Sample.symbol] == nil)
    }

    @Test func aSymbolThatCannotBeNamedDoesNotHideTheOthers() throws {
        let info = try Self.info(symbol: "币安人生USDT")
        #expect(info.instruments.readable.isEmpty && info.instruments.unreadable.count == 1)
    }

    @Test(arguments: [
        ("0.0014", "0.001"), ("0.001", "0.001"), ("0.0009", "nil"), ("120.9999", "120.999"), ("-1", "nil"),
        ("9000000000000", "9000000000000"), ("0", "nil"),
    ])
    func quantitiesAreOnlyEverRoundedDown(_ quantity: String, _ floored: String) throws {
        let rule = try #require(try Self.info()[Sample.symbol]).marketQuantity
        #expect(try rule.floored(try ExactDecimal(quantity))?.description ?? "nil" == floored)
    }

    @Test func stepsCountFromTheMinimum() throws {
        let rule = StepRule(
            minimum: try ExactDecimal("0.5"), maximum: .zero, step: try ExactDecimal("0.2"))
        #expect(try rule.holds(try ExactDecimal("0.9")) && !rule.holds(try ExactDecimal("1")))
        #expect(try rule.floored(try ExactDecimal("1"))?.description == "0.9")
    }

    @Test func digitsThatDoNotFitAreAnErrorAndNotARule() throws {
        let rule = StepRule(minimum: .zero, maximum: .zero, step: try ExactDecimal("1e-18"))
        #expect(throws: DecimalError.self) { try rule.floored(try ExactDecimal("9e36")) }
    }
}
