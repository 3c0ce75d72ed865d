// What may be asked and commanded: an endpoint together with the reader of its answer, which also checks that
// the answer speaks of the request. Placing an order is not among them: it takes a permit (`place`).

package import Events
internal import Records

/// Changes nothing; may be asked again at will.
package struct Query<Value: Sendable>: Sendable {
    package let endpoint: Endpoint
    package let read: @Sendable (JSONValue) throws -> Value
}

/// Changes the account, and leads to the same end however often it is sent.
package struct Command<Value: Sendable>: Sendable {
    package let endpoint: Endpoint
    package let read: @Sendable (JSONValue) throws -> Value
}

extension Query {
    /// The exchange's time, in milliseconds. The client takes it as a sample by itself.
    package static func serverTime() -> Query<Int64> {
        Query<Int64>(endpoint: .serverTime) { try AnswerFields($0).whole("serverTime", 1...Int64.max) }
    }

    package static func exchangeInfo() -> Query<ExchangeInfo> {
        Query<ExchangeInfo>(endpoint: .exchangeInfo) { try ExchangeInfo(try AnswerFields($0)) }
    }

    package static func markPrice(_ symbol: SymbolName) -> Query<MarkPrice> {
        Query<MarkPrice>(endpoint: .markPrice(symbol)) { value in
            let price = try MarkPrice(try AnswerFields(value))
            try Mismatch.expect(price.symbol == symbol.text, "symbol")
            return price
        }
    }

    package static func bookTicker(_ symbol: SymbolName) -> Query<BookTicker> {
        Query<BookTicker>(endpoint: .bookTicker(symbol)) { value in
            let ticker = try BookTicker(try AnswerFields(value))
            try Mismatch.expect(ticker.symbol == symbol.text, "symbol")
            return ticker
        }
    }

    /// -2013 of a fresh order is no proof that it is not there.
    package static func order(_ symbol: SymbolName, _ key: OrderKey) -> Query<OrderReport> {
        Query<OrderReport>(endpoint: .order(symbol, key)) { try Readers.order($0, symbol, key) }
    }

    /// Regular orders only; conditional ones are `openAlgoOrders`.
    package static func openOrders(_ symbol: SymbolName?) -> Query<Rows<OrderReport>> {
        Query<Rows<OrderReport>>(endpoint: .openOrders(symbol)) { value in
            let rows = try Rows(value) { (fields) throws(MessageError) in try OrderReport(fields) }
            try Readers.expect(symbol, rows.readable.map(\.symbol))
            return rows
        }
    }

    package static func openAlgoOrders(_ symbol: SymbolName?) -> Query<Rows<AlgoOrderReport>> {
        Query<Rows<AlgoOrderReport>>(endpoint: .openAlgoOrders(symbol)) { value in
            let rows = try Rows(value) { (fields) throws(MessageError) in try AlgoOrderReport(fields) }
            try Readers.expect(symbol, rows.readable.map(\.symbol))
            return rows
        }
    }

    /// Symbols with a position or an open order; a symbol that is not listed is flat, where `isComplete`.
    package static func positions(_ symbol: SymbolName?) -> Query<Rows<PositionReport>> {
        Query<Rows<PositionReport>>(endpoint: .positions(symbol)) { value in
            let rows = try Rows(value) { (fields) throws(MessageError) in try PositionReport(fields) }
            try Readers.expect(symbol, rows.readable.map(\.symbol))
            try Readers.expectOnce(rows.readable.map(\.place), "position")
            return rows
        }
    }

    /// Oldest first. As many as `Limits.tradesPerAnswerMax` mean that there may be more.
    package static func accountTrades(_ symbol: SymbolName, _ range: Endpoint.TradeRange) -> Query<[AccountTrade]> {
        Query<[AccountTrade]>(endpoint: .accountTrades(symbol, range)) { value in
            let trades = try AnswerFields.rows(value).map { try AccountTrade(try AnswerFields($0)) }
            try Readers.expect(symbol, trades.map(\.symbol))
            try Readers.expectOnce(trades.map(\.tradeID), "trade")
            if case .ofOrder(let id) = range {
                try Mismatch.expect(trades.allSatisfy { $0.orderID == id }, "orderId")
            }
            if case .fromID(let id) = range { try Mismatch.expect(trades.allSatisfy { $0.tradeID >= id }, "id") }
            return trades
        }
    }

    package static func accountConfig() -> Query<AccountConfig> {
        Query<AccountConfig>(endpoint: .accountConfig) { try AccountConfig(try AnswerFields($0)) }
    }

    package static func balances() -> Query<Rows<BalanceReport>> {
        Query<Rows<BalanceReport>>(endpoint: .balances) { value in
            try Rows(value) { (fields) throws(MessageError) in try BalanceReport(fields) }
        }
    }
}

extension Command {
    package static func cancelOrder(_ symbol: SymbolName, _ key: OrderKey) -> Command<OrderReport> {
        Command<OrderReport>(endpoint: .cancelOrder(symbol, key)) { try Readers.order($0, symbol, key) }
    }

    package static func cancelAllOrders(_ symbol: SymbolName) -> Command<Void> {
        Command<Void>(endpoint: .cancelAllOrders(symbol), read: Readers.done)
    }

    package static func cancelAllAlgoOrders(_ symbol: SymbolName) -> Command<Void> {
        Command<Void>(endpoint: .cancelAllAlgoOrders(symbol), read: Readers.done)
    }

    /// Cancels the symbol's regular orders unless it is repeated in time; 0 stops it. It closes no position.
    package static func countdownCancelAll(_ symbol: SymbolName, milliseconds: Int) throws(MessageError)
        -> Command<CountdownReport>
    {
        guard (0...Limits.countdownMillisecondsMax).contains(milliseconds) else {
            throw MessageError("countdown", "must be 0 to \(Limits.countdownMillisecondsMax) ms, found \(milliseconds)")
        }
        return Command<CountdownReport>(endpoint: .countdownCancelAll(symbol, milliseconds: milliseconds)) { value in
            let report = try CountdownReport(try AnswerFields(value))
            try Mismatch.expect(report.symbol == symbol.text, "symbol")
            try Mismatch.expect(report.milliseconds == Int64(milliseconds), "countdownTime")
            return report
        }
    }

    package static func setLeverage(_ symbol: SymbolName, _ leverage: Int) throws(MessageError) -> Command<Void> {
        guard (1...125).contains(leverage) else {
            throw MessageError("leverage", "must be a whole number from 1 to 125, found \(leverage)")
        }
        return Command<Void>(endpoint: .setLeverage(symbol, leverage)) { value in
            let fields = try AnswerFields(value)
            try Mismatch.expect(try fields.text("symbol") == symbol.text, "symbol")
            try Mismatch.expect(try fields.whole("leverage", 1...125) == Int64(leverage), "leverage")
        }
    }

    package static func setMarginType(_ symbol: SymbolName, _ type: MarginType) -> Command<Void> {
        Command<Void>(endpoint: .setMarginType(symbol, type), read: Readers.done)
    }

    package static func setHedgeMode(_ isHedge: Bool) -> Command<Void> {
        Command<Void>(endpoint: .setHedgeMode(isHedge), read: Readers.done)
    }
}

/// One live key an account, whoever asked for it: another process of the same API key listens under it, too.
extension Command {
    /// The live key, extended to 60 minutes from now, or a new one.
    package static func startUserStream() -> Command<ListenKey> {
        Command<ListenKey>(endpoint: .startUserStream) { try ListenKey(try AnswerFields($0).text("listenKey")) }
    }

    /// Extends it to 60 minutes from now; rejected with -1125 where there is none any more.
    /// - Returns: the key that was extended; nil where the exchange does not say.
    package static func keepUserStreamAlive() -> Command<ListenKey?> {
        Command<ListenKey?>(endpoint: .keepUserStreamAlive) { value in
            let fields = try AnswerFields(value)
            return fields.member("listenKey") == nil ? nil : try ListenKey(try fields.text("listenKey"))
        }
    }

    /// Ends the stream of everybody who listens under the key.
    package static func closeUserStream() -> Command<Void> {
        Command<Void>(endpoint: .closeUserStream) { _ = try AnswerFields($0) }
    }
}

/// What several readers share.
package enum Readers {
    static func order(_ value: JSONValue, _ symbol: SymbolName, _ key: OrderKey) throws -> OrderReport {
        let report = try OrderReport(try AnswerFields(value))
        try report.check(symbol, key)
        return report
    }

    package static func placed(_ value: JSONValue, _ order: NewOrder) throws -> OrderReport {
        let report = try OrderReport(try AnswerFields(value))
        try report.check(against: order)
        return report
    }

    /// `{"code":200,"msg":"…"}`
    @Sendable static func done(_ value: JSONValue) throws {
        _ = try AnswerFields(value).whole("code", 200...200)
    }

    /// Nil: any symbol.
    static func expect(_ symbol: SymbolName?, _ found: [String]) throws(Mismatch) {
        guard let symbol else { return }
        try Mismatch.expect(found.allSatisfy { $0 == symbol.text }, "symbol")
    }

    static func expectOnce<Value: Hashable>(_ values: [Value], _ what: String) throws(MessageError) {
        guard Set(values).count == values.count else { throw MessageError("answer", "a \(what) stands twice") }
    }
}
