// Big decimals the way they are taught at school: arrays of digits, one at a time. An independent model
// for the exact decimals, slow and plain on purpose. It must not use anything that it judges.

/// A natural number, digits in base 10, least first, no leading zeros.
struct SchoolbookNatural: Comparable {
    var digits: [Int]

    init(_ digits: [Int]) {
        self.digits = digits
        while self.digits.last == 0 { self.digits.removeLast() }
    }
    init(_ text: some StringProtocol) { self.init(text.reversed().map { $0.wholeNumberValue! }) }

    var isZero: Bool { digits.isEmpty }
    var text: String { digits.isEmpty ? "0" : digits.reversed().map(String.init).joined() }
    func timesTen(_ places: Int) -> Self { Self(Array(repeating: 0, count: places) + digits) }

    static func < (a: Self, b: Self) -> Bool {
        if a.digits.count != b.digits.count { return a.digits.count < b.digits.count }
        for index in a.digits.indices.reversed() where a.digits[index] != b.digits[index] {
            return a.digits[index] < b.digits[index]
        }
        return false
    }

    static func + (a: Self, b: Self) -> Self {
        var out: [Int] = []
        var carry = 0
        for index in 0..<max(a.digits.count, b.digits.count) {
            let sum =
                carry + (index < a.digits.count ? a.digits[index] : 0) + (index < b.digits.count ? b.digits[index] : 0)
            out.append(sum % 10)
            carry = sum / 10
        }
        return Self(out + [carry])
    }

    /// a must not be smaller than b.
    static func - (a: Self, b: Self) -> Self {
        var out: [Int] = []
        var borrow = 0
        for index in a.digits.indices {
            var digit = a.digits[index] - borrow - (index < b.digits.count ? b.digits[index] : 0)
            borrow = digit < 0 ? 1 : 0
            if digit < 0 { digit += 10 }
            out.append(digit)
        }
        precondition(borrow == 0)
        return Self(out)
    }

    static func * (a: Self, b: Self) -> Self {
        var out = Array(repeating: 0, count: a.digits.count + b.digits.count + 1)
        for (i, x) in a.digits.enumerated() {
            for (j, y) in b.digits.enumerated() { out[i + j] += x * y }
        }
        for index in 0..<out.count - 1 {
            out[index + 1] += out[index] / 10
            out[index] %= 10
        }
        return Self(out)
    }

    func divided(by divisor: Self) -> (quotient: Self, remainder: Self) {
        var quotient: [Int] = []
        var rest = Self([])
        for digit in digits.reversed() {
            rest = Self([digit] + rest.digits)
            var count = 0
            while !(rest < divisor) {
                rest = rest - divisor
                count += 1
            }
            quotient.append(count)
        }
        return (Self(quotient.reversed()), rest)
    }
}

/// sign × natural × 10^-places.
struct SchoolbookDecimal: Equatable, Comparable {
    var negative: Bool
    var natural: SchoolbookNatural
    var places: Int

    /// Plain notation.
    init(_ text: String) {
        negative = text.hasPrefix("-")
        let parts = text.drop { $0 == "-" }.split(separator: ".")
        places = parts.count == 2 ? parts[1].count : 0
        natural = SchoolbookNatural(parts.joined())
    }
    init(negative: Bool, _ natural: SchoolbookNatural, places: Int) {
        (self.negative, self.natural, self.places) = (negative, natural, places)
    }

    private func at(_ places: Int) -> SchoolbookNatural { natural.timesTen(places - self.places) }
    private static func aligned(_ a: Self, _ b: Self) -> (SchoolbookNatural, SchoolbookNatural, Int) {
        let places = max(a.places, b.places)
        return (a.at(places), b.at(places), places)
    }

    static func == (a: Self, b: Self) -> Bool {
        let (x, y, _) = aligned(a, b)
        return x == y && (x.isZero || a.negative == b.negative)
    }
    static func < (a: Self, b: Self) -> Bool {
        (a + Self(negative: !b.negative, b.natural, places: b.places)).isBelowZero
    }
    var isBelowZero: Bool { negative && !natural.isZero }
    var negated: Self { Self(negative: !negative, natural, places: places) }

    static func + (a: Self, b: Self) -> Self {
        let (x, y, places) = aligned(a, b)
        if a.negative == b.negative { return Self(negative: a.negative, x + y, places: places) }
        return x < y
            ? Self(negative: b.negative, y - x, places: places) : Self(negative: a.negative, x - y, places: places)
    }
    static func * (a: Self, b: Self) -> Self {
        Self(negative: a.negative != b.negative, a.natural * b.natural, places: a.places + b.places)
    }

    /// a × b ÷ c, half to even at `places`.
    static func part(_ a: Self, _ b: Self, _ c: Self, places: Int) -> Self {
        let shift = places + c.places - a.places - b.places
        let top = (a.natural * b.natural).timesTen(max(shift, 0))
        let bottom = c.natural.timesTen(max(-shift, 0))
        var (quotient, remainder) = top.divided(by: bottom)
        let double = remainder + remainder
        if bottom < double || (double == bottom && (quotient.digits.first ?? 0) % 2 == 1) {
            quotient = quotient + SchoolbookNatural([1])
        }
        return Self(negative: (a.negative != b.negative) != c.negative, quotient, places: places)
    }
}

/// SplitMix64: the same seed gives the same numbers everywhere.
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
