// The one place where money is rounded: a part of a cost, half to even at 10^-12.
// The intermediate product needs 256 bits. Nothing here may round twice: digits that are cut off before
// the last one are remembered as "something followed".

extension ExactSum {
    /// The last place that a division keeps.
    package static let divisionExponent = -12

    /// self × factor ÷ divisor, rounded half to even at 10^-12. Throws `overflow` where the result does not
    /// fit; a divisor of zero is a programmer's error.
    package func multiplied(by factor: ExactSum, dividedBy divisor: ExactSum) throws(DecimalError) -> ExactSum {
        precondition(!divisor.isZero, "a division by zero")
        let negative = (sign * factor.sign * divisor.sign) < 0
        let power = exponent + factor.exponent - divisor.exponent - ExactSum.divisionExponent
        let product = Wide(coefficient.magnitude, times: factor.coefficient.magnitude)
        let quotient =
            power >= 0
            ? try product.scaledUp(power).roundedQuotient(divisor.coefficient.magnitude)
            : product.roundedQuotient(divisor.coefficient.magnitude, cutting: -power)
        guard quotient.high == 0, quotient.low <= Int128.max.magnitude else { throw .overflow }
        let digits = Int128(quotient.low)
        return try ExactSum(coefficient: negative ? -digits : digits, exponent: ExactSum.divisionExponent)
    }
}

/// 256 bits without sign; only what the division needs.
struct Wide: Equatable {
    var high: UInt128
    var low: UInt128

    init(high: UInt128, low: UInt128) {
        self.high = high
        self.low = low
    }

    init(_ a: UInt128, times b: UInt128) {
        (high, low) = a.multipliedFullWidth(by: b)
    }

    /// × 10^places.
    func scaledUp(_ places: Int) throws(DecimalError) -> Wide {
        guard !(high == 0 && low == 0) else { return self }
        var value = self
        var rest = places
        while rest > 0 {
            let step = min(rest, 38)
            value = try value.times(PowersOfTen.wide[step])
            rest -= step
        }
        return value
    }

    private func times(_ factor: UInt128) throws(DecimalError) -> Wide {
        let lower = Wide(low, times: factor)
        let upper = high.multipliedReportingOverflow(by: factor)
        let sum = upper.partialValue.addingReportingOverflow(lower.high)
        guard !upper.overflow, !sum.overflow else { throw .overflow }
        return Wide(high: sum.partialValue, low: lower.low)
    }

    /// Rounded half to even.
    func roundedQuotient(_ divisor: UInt128) -> Wide {
        let (quotient, remainder) = divided(by: divisor)
        let rest = divisor - remainder
        let up = remainder > rest || (remainder == rest && quotient.low & 1 == 1)
        return up ? quotient.next : quotient
    }

    /// ÷ divisor ÷ 10^places, rounded once, half to even; `places` is positive.
    func roundedQuotient(_ divisor: UInt128, cutting places: Int) -> Wide {
        var (quotient, remainder) = divided(by: divisor)
        var followed = remainder != 0
        var rest = places - 1
        while rest > 0 {
            let step = min(rest, 38)
            (quotient, remainder) = quotient.divided(by: PowersOfTen.wide[step])
            followed = followed || remainder != 0
            rest -= step
        }
        let last: UInt128
        (quotient, last) = quotient.divided(by: 10)
        let up = last > 5 || (last == 5 && (followed || quotient.low & 1 == 1))
        return up ? quotient.next : quotient
    }

    private func divided(by divisor: UInt128) -> (quotient: Wide, remainder: UInt128) {
        if high == 0 {
            let (quotient, remainder) = low.quotientAndRemainder(dividingBy: divisor)
            return (Wide(high: 0, low: quotient), remainder)
        }
        let (upper, carried) = high.quotientAndRemainder(dividingBy: divisor)
        let (lower, remainder) = divisor.dividingFullWidth((carried, low))
        return (Wide(high: upper, low: lower), remainder)
    }

    private var next: Wide {
        let (sum, over) = low.addingReportingOverflow(1)
        return Wide(high: over ? high + 1 : high, low: sum)
    }
}
