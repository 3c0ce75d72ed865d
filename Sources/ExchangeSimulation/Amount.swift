// Money, prices and quantities as the venue computes with them: an `ExactSum` with operators.
// Everything that reaches an operator has passed the venue's filters or its bounds for control requests, so
// an overflow is a programmer's error and not a client's. It must never pass through floating point.

internal import Events
internal import Records

struct Amount: Hashable, Sendable {
    let sum: ExactSum

    static let zero = Amount(ExactSum.zero)
    /// What the exchange writes money with.
    static let moneyPlaces = 8

    init(_ sum: ExactSum) { self.sum = sum }

    init(_ coefficient: Int64, exponent: Int = 0) {
        self.sum = Amount.fits { () throws(DecimalError) in
            try ExactSum(coefficient: Int128(coefficient), exponent: exponent)
        }
    }

    /// Nil where the text is no decimal, or one that the venue does not compute with.
    init?(text: String) {
        do throws(DecimalError) {
            let decimal = try ExactDecimal(text)
            guard decimal.magnitude <= Amount.largest.decimal, decimal.exponent >= -12 else { return nil }
            self.sum = ExactSum(decimal)
        } catch {
            return nil
        }
    }

    private static let largest = (
        decimal: fits { () throws(DecimalError) in
            try ExactDecimal(coefficient: Int64(Limits.simulatedAmountMax), exponent: 0)
        }, ()
    )

    var isZero: Bool { sum.isZero }
    var isNegative: Bool { sum.isNegative }
    var isPositive: Bool { sum.sign > 0 }
    var magnitude: Amount { Amount(sum.magnitude) }
    /// Digits after the point, as far as they are not zero.
    var places: Int { max(0, -sum.exponent) }

    static func fits<T>(_ compute: () throws(DecimalError) -> T) -> T {
        do throws(DecimalError) {
            return try compute()
        } catch {
            preconditionFailure("an amount beyond 128 bits: a bound before it is missing")
        }
    }
}

extension Amount: Comparable {
    static func < (a: Amount, b: Amount) -> Bool { a.sum < b.sum }
    static func + (a: Amount, b: Amount) -> Amount {
        Amount(fits { () throws(DecimalError) in try a.sum.adding(b.sum) })
    }
    static func - (a: Amount, b: Amount) -> Amount {
        Amount(fits { () throws(DecimalError) in try a.sum.subtracting(b.sum) })
    }
    static func * (a: Amount, b: Amount) -> Amount {
        Amount(fits { () throws(DecimalError) in try a.sum.multiplied(by: b.sum) })
    }
    static prefix func - (a: Amount) -> Amount { Amount(a.sum.negated) }
    static func += (a: inout Amount, b: Amount) { a = a + b }
    static func -= (a: inout Amount, b: Amount) { a = a - b }

    /// self × factor ÷ divisor, half to even at 10^-12.
    func times(_ factor: Amount, dividedBy divisor: Amount) -> Amount {
        Amount(Amount.fits { () throws(DecimalError) in try sum.multiplied(by: factor.sum, dividedBy: divisor.sum) })
    }

    func divided(by divisor: Amount) -> Amount { times(Amount(1), dividedBy: divisor) }

    /// Half to even.
    func rounded(places: Int) -> Amount {
        let cut = -sum.exponent - places
        guard cut > 0 else { return self }
        let unit = Amount.power(cut)
        let (quotient, remainder) = sum.coefficient.magnitude.quotientAndRemainder(dividingBy: unit)
        let rest = unit - remainder
        let up = remainder > rest || (remainder == rest && quotient & 1 == 1)
        let digits = Int128(quotient) + (up ? 1 : 0)
        return Amount(
            Amount.fits { () throws(DecimalError) in
                try ExactSum(coefficient: sum.isNegative ? -digits : digits, exponent: -places)
            })
    }

    /// What goes into the books: rounded to the places that the exchange writes.
    var money: Amount { rounded(places: Amount.moneyPlaces) }

    /// How many whole steps, towards zero, and whether nothing is left over.
    func steps(of step: Amount) -> (count: Int64, isWhole: Bool) {
        let power = min(sum.exponent, step.sum.exponent)
        let value = sum.coefficient * Int128(Amount.power(sum.exponent - power))
        let unit = step.sum.coefficient * Int128(Amount.power(step.sum.exponent - power))
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: unit)
        return (Int64(clamping: quotient), remainder == 0)
    }

    private static func power(_ places: Int) -> UInt128 {
        precondition(places >= 0 && places <= 38, "a power of ten beyond 128 bits")
        var value: UInt128 = 1
        for _ in 0..<places { value *= 10 }
        return value
    }
}

extension Amount: CustomStringConvertible {
    var description: String { sum.description }

    /// With exactly so many digits after the point, as the exchange pads its numbers.
    func text(places: Int) -> String {
        let text = rounded(places: places).description
        guard places > 0 else { return text }
        let after = text.firstIndex(of: ".").map { text.utf8.distance(from: $0, to: text.endIndex) - 1 }
        let padding = String(repeating: "0", count: places - (after ?? 0))
        return after == nil ? text + "." + padding : text + padding
    }

    var moneyText: String { text(places: Amount.moneyPlaces) }
}
