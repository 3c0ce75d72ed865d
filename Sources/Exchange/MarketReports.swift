// What the exchange says of its market: its time, prices, and the rules of its symbols. A price of zero or
// less, a book that crosses itself and a symbol without filters are errors: nobody may decide on them.

package import Events
internal import Records

package struct MarkPrice: Equatable, Sendable {
    package let symbol: String
    package let markPrice: ExactDecimal
    package let atMilliseconds: Int64

    init(_ fields: AnswerFields) throws(MessageError) {
        symbol = try fields.text("symbol")
        markPrice = try fields.price("markPrice")
        atMilliseconds = try fields.whole("time", 1...Int64.max)
    }
}

package struct BookTicker: Equatable, Sendable {
    package let symbol: String
    package let bidPrice: ExactDecimal
    package let askPrice: ExactDecimal
    package let atMilliseconds: Int64

    init(_ fields: AnswerFields) throws(MessageError) {
        symbol = try fields.text("symbol")
        bidPrice = try fields.price("bidPrice")
        askPrice = try fields.price("askPrice")
        atMilliseconds = try fields.whole("time", 1...Int64.max)
        guard bidPrice < askPrice else {
            throw MessageError("bidPrice", "\(bidPrice) is not under askPrice, \(askPrice)")
        }
    }
}

/// `exchangeInfo`, as far as trading needs it. Symbols that cannot be traded safely are among `unreadable`.
package struct ExchangeInfo: Sendable {
    package let serverMilliseconds: Int64
    package let limits: RateLimits
    package let instruments: Rows<Instrument>

    init(_ fields: AnswerFields) throws(MessageError) {
        serverMilliseconds = try fields.whole("serverTime", 1...Int64.max)
        limits = try ExchangeInfo.limits(try fields.required("rateLimits"))
        instruments = try Rows(try fields.required("symbols")) { (row) throws(MessageError) in try Instrument(row) }
    }

    /// Rules that were read before, and kept.
    init(instruments: Rows<Instrument>) {
        (serverMilliseconds, limits) = (0, RateLimits())
        self.instruments = instruments
    }

    package subscript(_ symbol: SymbolName) -> Instrument? {
        instruments.readable.first { $0.symbol == symbol }
    }

    /// Limits that are not named stay as they are; one that is absurd is an error.
    private static func limits(_ value: JSONValue) throws(MessageError) -> RateLimits {
        var limits = RateLimits()
        for item in try AnswerFields.rows(value) {
            let fields = try AnswerFields(item)
            let limit = Int(try fields.whole("limit", 1...10_000_000))
            let count = try fields.whole("intervalNum", 1...10_000)
            switch (try fields.text("rateLimitType"), try fields.text("interval"), count) {
            case ("REQUEST_WEIGHT", "MINUTE", 1): limits.weightPerMinute = limit
            case ("ORDERS", "MINUTE", 1): limits.ordersPerMinute = limit
            case ("ORDERS", "SECOND", 10): limits.ordersPerTenSeconds = limit
            default: break
            }
        }
        return limits
    }
}
