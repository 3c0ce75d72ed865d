// Sums and products of exact decimals in 128 bits: costs, profits, fees. It exists because a product of
// two 64-bit coefficients, or a sum of a million of them, does not fit into 64.
// It must never round but where `multiplied(by:dividedBy:)` says so, and never wrap: what does not fit is
// the error `overflow`.

package import Records

/// coefficient × 10^exponent, exact and canonical: no trailing zeros in the coefficient (unless the
/// exponent would pass 36), zero is 0 × 10^0.
package struct ExactSum: Hashable, Sendable {
    /// −(2^127−1)…2^127−1.
    package let coefficient: Int128
    /// −36…36.
    package let exponent: Int

    package static let exponentMin = -36
    package static let exponentMax = 36
    package static let zero = ExactSum(canonical: 0, 0)

    private init(canonical coefficient: Int128, _ exponent: Int) {
        self.coefficient = coefficient
        self.exponent = exponent
    }

    package init(_ decimal: ExactDecimal) {
        let coefficient = Int128(decimal.coefficient)
        // An exponent of 18 may have left zeros behind.
        self =
            decimal.exponent == ExactDecimal.exponentMax
            ? ExactSum.stripped(coefficient, decimal.exponent) : ExactSum(canonical: coefficient, decimal.exponent)
    }

    /// Throws `overflow` where the value does not fit.
    package init(coefficient: Int128, exponent: Int) throws(DecimalError) {
        let sum = ExactSum.stripped(coefficient, exponent)
        guard sum.coefficient != .min, sum.exponent >= ExactSum.exponentMin else { throw .overflow }
        guard sum.exponent <= ExactSum.exponentMax else { throw .overflow }
        self = sum
    }

    package static func product(of a: ExactDecimal, _ b: ExactDecimal) throws(DecimalError) -> ExactSum {
        stripped(Int128(a.coefficient) * Int128(b.coefficient), a.exponent + b.exponent)
    }

    package var isZero: Bool { coefficient == 0 }
    package var isNegative: Bool { coefficient < 0 }
    /// −1, 0 or 1.
    package var sign: Int { Int(coefficient.signum()) }
    package var negated: ExactSum { ExactSum(canonical: -coefficient, exponent) }
    package var magnitude: ExactSum { isNegative ? negated : self }

    package func adding(_ other: ExactSum) throws(DecimalError) -> ExactSum {
        if other.isZero { return self }
        if isZero { return other }
        let power = min(exponent, other.exponent)
        let (sum, over) = try scaled(to: power).addingReportingOverflow(try other.scaled(to: power))
        if over { throw .overflow }
        return try ExactSum(coefficient: sum, exponent: power)
    }

    package func subtracting(_ other: ExactSum) throws(DecimalError) -> ExactSum {
        try adding(other.negated)
    }

    /// Exact; throws `overflow` where the product does not fit.
    package func multiplied(by other: ExactSum) throws(DecimalError) -> ExactSum {
        let (product, over) = coefficient.multipliedReportingOverflow(by: other.coefficient)
        if over { throw .overflow }
        return try ExactSum(coefficient: product, exponent: exponent + other.exponent)
    }

    /// The coefficient at a smaller exponent.
    private func scaled(to power: Int) throws(DecimalError) -> Int128 {
        let places = exponent - power
        if places == 0 { return coefficient }
        guard places < PowersOfTen.wide.count else { throw .overflow }
        let factor = Int128(PowersOfTen.wide[places])
        let (value, over) = coefficient.multipliedReportingOverflow(by: factor)
        if over { throw .overflow }
        return value
    }

    /// Without trailing zeros, as far as the exponent may grow.
    private static func stripped(_ coefficient: Int128, _ exponent: Int) -> ExactSum {
        if coefficient == 0 { return .zero }
        var power = exponent
        if var digits = Int64(exactly: coefficient) {
            while power < exponentMax, digits & 1 == 0, digits % 10 == 0 {
                digits /= 10
                power += 1
            }
            return ExactSum(canonical: Int128(digits), power)
        }
        var digits = coefficient
        while power < exponentMax, digits & 1 == 0, digits % 10 == 0 {
            digits /= 10
            power += 1
        }
        return ExactSum(canonical: digits, power)
    }
}

extension ExactSum: Comparable, CustomStringConvertible {
    package static func < (a: ExactSum, b: ExactSum) -> Bool {
        if a.sign != b.sign { return a.sign < b.sign }
        if a.exponent == b.exponent { return a.coefficient < b.coefficient }
        return a.isNegative ? smaller(b, a) : smaller(a, b)
    }

    /// Of the magnitudes: is `a` the smaller?
    private static func smaller(_ a: ExactSum, _ b: ExactSum) -> Bool {
        let power = min(a.exponent, b.exponent)
        // At most one of them is scaled; one that does not fit is the larger.
        guard let left = a.magnitude(at: power) else { return false }
        guard let right = b.magnitude(at: power) else { return true }
        return left < right
    }

    /// Nil where it is over 128 bits.
    private func magnitude(at power: Int) -> UInt128? {
        let places = exponent - power
        guard !isZero, places > 0 else { return coefficient.magnitude }
        guard places < PowersOfTen.wide.count else { return nil }
        let (value, over) = coefficient.magnitude.multipliedReportingOverflow(by: PowersOfTen.wide[places])
        return over ? nil : value
    }

    /// Plain decimal notation, never scientific.
    package var description: String {
        PlainDecimal.text(negative: isNegative, digits: String(coefficient.magnitude), exponent: exponent)
    }
}

extension ExactSum {
    /// 17 bytes: exponent (i8), coefficient (i128, little-endian). Equal values, equal bytes.
    package func encode(into writer: inout ByteWriter) {
        writer.fixed(Int8(exponent))
        writer.fixed(coefficient)
    }

    /// Reads what `encode` wrote; anything not canonical is an error.
    @_lifetime(reader: copy reader)
    package init(reading reader: inout ByteReader) throws(RecordError) {
        let power = Int(try reader.fixed(Int8.self))
        let digits = try reader.fixed(Int128.self)
        guard digits != .min, (ExactSum.exponentMin...ExactSum.exponentMax).contains(power),
            ExactSum.stripped(digits, power) == ExactSum(canonical: digits, power)
        else { throw .malformed("a sum that is not canonical") }
        self.init(canonical: digits, power)
    }
}

enum PowersOfTen {
    /// 10^0…10^38: all that fit into 128 bits unsigned; 10^38 fits signed too.
    static let wide: [UInt128] = {
        var powers: [UInt128] = [1]
        for _ in 1...38 { powers.append(powers[powers.count - 1] * 10) }
        return powers
    }()
}
