// One position and what a trade does to it. A position is (quantity, cost), both exact; a reduction takes
// cost × closed ÷ quantity, rounded half to even at 10^-12; crossing zero closes, then opens; average
// entry is for display. Nothing else may be rounded, and the average may never be computed with.

package import Events
package import Records

/// One-way mode has only `both`; hedge mode has `long` and `short`.
package enum PositionLeg: UInt8, CaseIterable, Hashable, Comparable, Sendable {
    case both = 1
    case long = 2
    case short = 3

    /// Unspecified is one-way mode. Nil for a side that this version does not know.
    package init?(_ side: EventPositionSide) {
        switch side {
        case .both, .unspecified: self = .both
        case .long: self = .long
        case .short: self = .short
        case .UNRECOGNIZED: return nil
        }
    }

    package var event: EventPositionSide {
        switch self {
        case .both: .both
        case .long: .long
        case .short: .short
        }
    }

    package static func < (a: PositionLeg, b: PositionLeg) -> Bool { a.rawValue < b.rawValue }
}

package struct PositionKey: Hashable, Comparable, Sendable {
    package let venue: String
    package let account: String
    package let symbol: String
    package let leg: PositionLeg

    package init(venue: String, account: String, symbol: String, leg: PositionLeg) {
        self.venue = venue
        self.account = account
        self.symbol = symbol
        self.leg = leg
    }

    package static func < (a: PositionKey, b: PositionKey) -> Bool {
        (a.venue, a.account, a.symbol, a.leg) < (b.venue, b.account, b.symbol, b.leg)
    }
}

/// What was bought or sold.
package struct Trade: Hashable, Sendable {
    package let buys: Bool
    /// Greater than zero.
    package let quantity: ExactDecimal
    package let price: ExactDecimal

    package init(buys: Bool, quantity: ExactDecimal, price: ExactDecimal) {
        self.buys = buys
        self.quantity = quantity
        self.price = price
    }
}

package struct Position: Hashable, Sendable {
    /// In base units. `both`: negative is short. `long` and `short`: never negative.
    package private(set) var quantity = ExactSum.zero
    /// In quote units, of the quantity's sign.
    package private(set) var cost = ExactSum.zero
    /// In quote units, fees not included.
    package private(set) var realisedProfit = ExactSum.zero
    /// Of the fills, by asset, as given: positive is paid.
    package internal(set) var fees = AssetSums()
    package internal(set) var fills: UInt64 = 0
    /// How many fills could not be taken whole; see `Positions.anomalies`.
    package internal(set) var anomalies: UInt64 = 0
    /// The last fill.
    package internal(set) var sequence = SequenceNumber.none

    package init() {}

    package var isOpen: Bool { !quantity.isZero }

    /// Cost ÷ quantity at 10^-12, for display only. Nil where nothing is held, or where it does not fit.
    package var averageEntry: ExactSum? {
        guard isOpen else { return nil }
        do {
            return try cost.multiplied(by: Position.one, dividedBy: quantity)
        } catch {
            return nil
        }
    }

    private static let one: ExactSum = {
        do throws(DecimalError) {
            return try ExactSum(coefficient: 1, exponent: 0)
        } catch {
            preconditionFailure("one is a sum")
        }
    }()
}

extension Position {
    /// Applies a trade. Returns what a hedge leg was asked to close beyond what it held; that part changes
    /// nothing. Throws `overflow`, and then nothing has changed.
    package mutating func take(_ trade: Trade, leg: PositionLeg) throws(DecimalError) -> ExactSum {
        var next = self
        let amount = ExactSum(trade.quantity)
        var excess = ExactSum.zero
        switch leg {
        case .both: try next.takeOneWay(amount, trade)
        case .long where trade.buys: try next.open(amount, trade.price, .long, stored: .long)
        case .long: excess = try next.closeLeg(amount, trade.price, .long)
        case .short where trade.buys: excess = try next.closeLeg(amount, trade.price, .short)
        case .short: try next.open(amount, trade.price, .short, stored: .long)
        }
        self = next
        return excess
    }

    /// Which way a holding earns, and which sign a stored quantity has (`long` is positive).
    private enum Direction { case long, short }

    private mutating func takeOneWay(_ amount: ExactSum, _ trade: Trade) throws(DecimalError) {
        let way: Direction = trade.buys ? .long : .short
        let held: Direction = quantity.isNegative ? .short : .long
        if !isOpen || held == way { return try open(amount, trade.price, way, stored: way) }
        let closed = min(amount, quantity.magnitude)
        try close(closed, trade.price, held, stored: held)
        let rest = try amount.subtracting(closed)
        if !rest.isZero { try open(rest, trade.price, way, stored: way) }
    }

    /// Closes what is there; returns the rest.
    private mutating func closeLeg(
        _ amount: ExactSum, _ price: ExactDecimal, _ way: Direction
    ) throws(DecimalError) -> ExactSum {
        let closed = min(amount, quantity)
        if !closed.isZero { try close(closed, price, way, stored: .long) }
        return try amount.subtracting(closed)
    }

    private mutating func open(
        _ amount: ExactSum, _ price: ExactDecimal, _ way: Direction, stored: Direction
    ) throws(DecimalError) {
        let paid = try amount.multiplied(by: ExactSum(price))
        quantity = try quantity.adding(Position.signed(amount, stored))
        cost = try cost.adding(Position.signed(paid, stored))
    }

    /// `amount` is not more than the quantity's magnitude.
    private mutating func close(
        _ amount: ExactSum, _ price: ExactDecimal, _ way: Direction, stored: Direction
    ) throws(DecimalError) {
        let held = quantity.magnitude
        // The whole quantity takes the whole cost, to the last digit.
        let released =
            amount == held
            ? Position.signed(cost, stored)
            : try Position.signed(cost, stored).multiplied(by: amount, dividedBy: held)
        let received = try amount.multiplied(by: ExactSum(price))
        let profit = try received.subtracting(released)
        realisedProfit = try realisedProfit.adding(Position.signed(profit, way))
        quantity = try quantity.subtracting(Position.signed(amount, stored))
        cost = try cost.subtracting(Position.signed(released, stored))
    }

    private static func signed(_ sum: ExactSum, _ direction: Direction) -> ExactSum {
        switch direction {
        case .long: sum
        case .short: sum.negated
        }
    }
}

extension PositionKey: Stored {
    package func write(to writer: inout ByteWriter) {
        writer.sized(venue)
        writer.sized(account)
        writer.sized(symbol)
        writer.fixed(leg.rawValue)
    }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        let (venue, account, symbol) = (try reader.text(), try reader.text(), try reader.text())
        let number = try reader.fixed(UInt8.self)
        guard let leg = PositionLeg(rawValue: number) else { throw .malformed("position side \(number)") }
        self.init(venue: venue, account: account, symbol: symbol, leg: leg)
    }
}

extension Position: Stored {
    package func write(to writer: inout ByteWriter) {
        quantity.write(to: &writer)
        cost.write(to: &writer)
        realisedProfit.write(to: &writer)
        fees.write(to: &writer)
        writer.varint(fills)
        writer.varint(anomalies)
        sequence.write(to: &writer)
    }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        quantity = try ExactSum(from: &reader)
        cost = try ExactSum(from: &reader)
        realisedProfit = try ExactSum(from: &reader)
        fees = try AssetSums(from: &reader)
        fills = try reader.varint()
        anomalies = try reader.varint()
        sequence = try SequenceNumber(from: &reader)
    }
}
