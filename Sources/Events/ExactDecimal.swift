// A decimal number as it was written: money, quantities, prices, shares. Read from text, kept exactly,
// written back as text. It exists because a Double cannot hold 0.1.
// It must never round, never pass through floating point, and never hold one value in two shapes:
// two equal numbers have equal bytes, or the identity of a record would depend on how it was typed.

internal import Records

package enum DecimalError: Error, Equatable, Sendable, CustomStringConvertible {
    case empty
    /// Not in the grammar of a decimal number.
    case notANumber(String)
    /// A number, but with too many digits, or too large, or too small.
    case outOfRange(String)
    /// A stored pair that is not in canonical form.
    case notCanonical(coefficient: Int64, exponent: Int)
    /// A sum or product that does not fit its 128 bits.
    case overflow

    package var description: String {
        switch self {
        case .empty: "a decimal must not be empty"
        case .notANumber(let text): "not a decimal number: \(text)"
        case .outOfRange(let text): "decimal out of range (18 digits, exponent -18 to 18): \(text)"
        case .notCanonical(let coefficient, let exponent):
            "decimal not in canonical form: \(coefficient) x 10^\(exponent)"
        case .overflow: "decimal sum over 128 bits"
        }
    }
}

/// coefficient × 10^exponent, exact and canonical: no trailing zeros in the coefficient (unless the
/// exponent would pass 18), zero is 0 × 10^0.
package struct ExactDecimal: Hashable, Sendable {
    /// −(2^63−1)…2^63−1.
    package let coefficient: Int64
    /// −18…18.
    package let exponent: Int

    package static let exponentMin = -18
    package static let exponentMax = 18
    package static let zero = ExactDecimal(canonical: 0, 0)

    private init(canonical coefficient: Int64, _ exponent: Int) {
        self.coefficient = coefficient
        self.exponent = exponent
    }

    /// Any pair of that value; throws `outOfRange` where the value does not fit.
    package init(coefficient: Int64, exponent: Int) throws(DecimalError) {
        func refused() -> DecimalError { .outOfRange("\(coefficient)e\(exponent)") }
        guard coefficient != .min else { throw refused() }
        guard let fitted = ExactDecimal.fit(coefficient, exponent) else { throw refused() }
        self = fitted
    }

    /// Reads `-?digits(.digits)?([eE][+-]?digits)?`, at most 64 bytes; leading zeros are allowed.
    package init(_ text: String) throws(DecimalError) {
        guard !text.isEmpty else { throw .empty }
        guard text.utf8.count <= Limits.decimalTextBytesMax else { throw .outOfRange(String(text.prefix(64))) }
        var scan = DecimalScan()
        guard scan.read(text) else { throw .notANumber(text) }
        guard !scan.tooManyDigits, let fitted = ExactDecimal.fit(scan.coefficient, scan.exponent) else {
            throw .outOfRange(text)
        }
        self = fitted
    }

    package var isZero: Bool { coefficient == 0 }
    package var isNegative: Bool { coefficient < 0 }
    package var negated: ExactDecimal { ExactDecimal(canonical: -coefficient, exponent) }
    package var magnitude: ExactDecimal { isNegative ? negated : self }

    /// The canonical pair of that value, or nil where there is none.
    private static func fit(_ coefficient: Int64, _ exponent: Int) -> ExactDecimal? {
        guard coefficient != 0 else { return .zero }
        var digits = coefficient
        var power = exponent
        while power < exponentMax, digits & 1 == 0, digits % 10 == 0 {
            digits /= 10
            power += 1
        }
        while power > exponentMax {
            let (larger, over) = digits.multipliedReportingOverflow(by: 10)
            if over { return nil }
            digits = larger
            power -= 1
        }
        return power < exponentMin ? nil : ExactDecimal(canonical: digits, power)
    }
}

extension ExactDecimal: Comparable, CustomStringConvertible {
    package static func < (a: ExactDecimal, b: ExactDecimal) -> Bool { ExactSum(a) < ExactSum(b) }

    /// Plain decimal notation, never scientific. Reads back as the same value where it has at most 64 bytes,
    /// which every canonical value has.
    package var description: String {
        PlainDecimal.text(negative: isNegative, digits: String(coefficient.magnitude), exponent: exponent)
    }
}

/// Digits and an exponent as people write them.
enum PlainDecimal {
    static func text(negative: Bool, digits: String, exponent: Int) -> String {
        let sign = negative ? "-" : ""
        if exponent >= 0 { return sign + digits + (digits == "0" ? "" : String(repeating: "0", count: exponent)) }
        let places = -exponent
        let padded = String(repeating: "0", count: max(0, places + 1 - digits.utf8.count)) + digits
        return sign + padded.dropLast(places) + "." + padded.suffix(places)
    }
}

/// The grammar, one pass over the bytes. Trailing zeros are held back until a digit follows them, so that
/// they never use up the coefficient.
private struct DecimalScan {
    var coefficient: Int64 = 0
    var exponent = 0
    var tooManyDigits = false
    private var heldZeros = 0
    /// More than any text of 64 bytes can need.
    private static let exponentDigitsValueMax = 10_000

    /// False where the text is not a decimal number.
    mutating func read(_ text: String) -> Bool {
        var rest = text.utf8[...]
        let negative = rest.first == UInt8(ascii: "-")
        if negative { rest.removeFirst() }
        guard digits(&rest, fraction: false) else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            guard digits(&rest, fraction: true) else { return false }
        }
        exponent += heldZeros
        if let mark = rest.first, mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") {
            rest.removeFirst()
            guard power(&rest) else { return false }
        }
        if negative { coefficient = -coefficient }
        return rest.isEmpty
    }

    /// One digit or more.
    private mutating func digits(_ rest: inout Substring.UTF8View, fraction: Bool) -> Bool {
        var any = false
        while let digit = DecimalScan.digit(rest.first) {
            rest.removeFirst()
            any = true
            if fraction { exponent -= 1 }
            if digit == 0 {
                heldZeros += coefficient == 0 ? 0 : 1
                continue
            }
            for _ in 0..<heldZeros { push(0) }
            heldZeros = 0
            push(digit)
        }
        return any
    }

    private mutating func push(_ digit: Int64) {
        let (shifted, over) = coefficient.multipliedReportingOverflow(by: 10)
        let (sum, carried) = shifted.addingReportingOverflow(digit)
        if over || carried {
            tooManyDigits = true
        } else {
            coefficient = sum
        }
    }

    private mutating func power(_ rest: inout Substring.UTF8View) -> Bool {
        let negative = rest.first == UInt8(ascii: "-")
        if negative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        var value = 0
        var any = false
        while let digit = DecimalScan.digit(rest.first) {
            rest.removeFirst()
            any = true
            value = min(value * 10 + Int(digit), DecimalScan.exponentDigitsValueMax)
        }
        exponent += negative ? -value : value
        return any
    }

    private static func digit(_ byte: UInt8?) -> Int64? {
        guard let byte, (0x30...0x39).contains(byte) else { return nil }
        return Int64(byte - 0x30)
    }
}
