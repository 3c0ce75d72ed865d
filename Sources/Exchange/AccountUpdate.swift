// ACCOUNT_UPDATE: the positions that changed, and why. Only changed rows are told. A row that cannot be read makes
// the message unreadable: a position that is left out would pass for one that did not change.

package import Events

package struct AccountUpdate: Equatable, Sendable {
    package struct Position: Equatable, Sendable {
        package let symbol: String
        package let positionSide: PositionSide
        /// Negative for short, in every mode; zero where it was closed.
        package let quantity: ExactDecimal
        /// For display.
        package let entryPrice: ExactDecimal?

        init(_ fields: AnswerFields) throws(MessageError) {
            symbol = try fields.text("s")
            positionSide = try fields.word("ps", as: PositionSide.self)
            quantity = try fields.decimal("pa")
            entryPrice = fields.displayPrice("ep")
            try positionSide.check(quantity, "pa")
        }

        var place: PositionReport.Place { PositionReport.Place(symbol: symbol, side: positionSide) }
    }

    /// The exchange's own word: ORDER, FUNDING_FEE, DEPOSIT, …
    package let reason: String
    /// Empty where only balances changed.
    package let positions: [Position]
    /// When the engine acted, and when it was told, by the exchange's clock.
    package let transactedAtMilliseconds: Int64
    package let eventAtMilliseconds: Int64

    /// - Parameter message: the whole message; the account is its member `a`.
    init(_ message: AnswerFields) throws(MessageError) {
        eventAtMilliseconds = try message.time("E")
        transactedAtMilliseconds = try message.time("T")
        let fields = try message.object("a")
        reason = try fields.text("m")
        var found: [Position] = []
        if let rows = fields.member("P") {
            for row in try AnswerFields.rows(rows) { found.append(try Position(try AnswerFields(row))) }
        }
        positions = found
        try Readers.expectOnce(found.map(\.place), "position")
    }
}
