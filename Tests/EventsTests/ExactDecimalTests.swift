// Exact decimals against literal tables and against schoolbook arithmetic.

import Events
import Records
import Testing

@Suite struct ExactDecimalTests {
    @Test(
        arguments: [
            ("0.10", 1, -1, "0.1"), ("-3", -3, 0, "-3"), ("1e-7", 1, -7, "0.0000001"), ("0", 0, 0, "0"),
            ("-0.000", 0, 0, "0"),
            ("0e999999999999999999999", 0, 0, "0"), ("007.50", 75, -1, "7.5"), ("1E3", 1, 3, "1000"),
            ("1.5e+2", 15, 1, "150"),
            ("60000.10", 600_001, -1, "60000.1"), ("1e18", 1, 18, "1000000000000000000"),
            ("1e19", 10, 18, "10000000000000000000"),
            ("9223372036854775807", 9_223_372_036_854_775_807, 0, "9223372036854775807"),
            ("-9223372036854775807", -9_223_372_036_854_775_807, 0, "-9223372036854775807"),
            ("0.100000000000000000000000000000", 1, -1, "0.1"),
            ("0.000000000000000001", 1, -18, "0.000000000000000001"),
            ("1000000000000000000000000e-20", 1, 4, "10000"),
            ("9e36", 9_000_000_000_000_000_000, 18, "9" + String(repeating: "0", count: 36)),
            ("0.0000000000000000001e1", 1, -18, "0.000000000000000001"),
        ] as [(String, Int64, Int, String)])
    func readsTextExactly(text: String, coefficient: Int64, exponent: Int, plain: String) throws {
        let value = try ExactDecimal(text)
        #expect(value.coefficient == coefficient)
        #expect(value.exponent == exponent)
        #expect(value.description == plain)
        #expect(try ExactDecimal(plain) == value)
        #expect(try ExactDecimal(value.event) == value)
    }

    @Test(arguments: [
        ".", "1.", ".5", "+5", "-", "--1", "1e", "1e+", "e5", "1.5.2", "1,5", " 1", "1 ", "0x10", "NaN", "nan",
        "Infinity", "-inf", "inf",
        "1_000", "١", "1e1.5", "\u{0}",
    ])
    func refusesWhatIsNotANumber(text: String) {
        #expect(throws: DecimalError.notANumber(text)) { try ExactDecimal(text) }
    }

    @Test(arguments: [
        "9223372036854775808", "-9223372036854775808", "0.0000000000000000001", "1e37", "10e36", "1e-19",
        "1.00000000000000000001",
        "12345678901234567891", "1e99999999999999999999", "1e-99999999999999999999",
    ])
    func refusesWhatDoesNotFit(text: String) {
        #expect(throws: DecimalError.outOfRange(text)) { try ExactDecimal(text) }
    }

    @Test func refusesEmptyAndEndlessText() {
        #expect(throws: DecimalError.empty) { try ExactDecimal("") }
        #expect(throws: DecimalError.outOfRange(String(repeating: "0", count: 64))) {
            try ExactDecimal(String(repeating: "0", count: 65))
        }
        #expect(throws: Never.self) { try ExactDecimal(String(repeating: "0", count: 64)) }
    }

    @Test(arguments: [(10, 0), (1, 19), (0, 1), (1, -19), (Int64.min, 0), (100, 17)] as [(Int64, Int32)])
    func refusesAStoredPairThatIsNotCanonical(coefficient: Int64, exponent: Int32) {
        var event = EventDecimal()
        event.coefficient = coefficient
        event.exponent = exponent
        #expect(throws: DecimalError.self) { try ExactDecimal(event) }
    }

    @Test func keepsZerosInTheCoefficientWhereTheExponentIsFull() throws {
        let value = try ExactDecimal(coefficient: 5, exponent: 20)
        #expect(value.coefficient == 500 && value.exponent == 18)
        #expect(try ExactDecimal(value.event) == value)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func ordersAndPrintsAsAtSchool(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        for round in 0..<400 {
            let (a, b) = (try Sample.decimal(&numbers), try Sample.decimal(&numbers))
            let (x, y) = (SchoolbookDecimal(a.description), SchoolbookDecimal(b.description))
            #expect((a < b) == (x < y), "seed \(seed) round \(round): \(a) \(b)")
            #expect((a == b) == (x == y), "seed \(seed) round \(round): \(a) \(b)")
            #expect(try ExactDecimal(a.description) == a, "seed \(seed) round \(round)")
            #expect(try ExactDecimal("\(a.coefficient)e\(a.exponent)") == a, "seed \(seed) round \(round)")
            #expect(a.negated.negated == a)
        }
    }
}

@Suite struct ExactSumTests {
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func addsMultipliesAndComparesAsAtSchool(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        var overflows = 0
        for round in 0..<400 {
            let where_ = "seed \(seed) round \(round)"
            let (a, b) = (try Sample.decimal(&numbers), try Sample.decimal(&numbers))
            let product = try ExactSum.product(of: a, b)
            let model = SchoolbookDecimal(a.description) * SchoolbookDecimal(b.description)
            #expect(SchoolbookDecimal(product.description) == model, "\(where_): \(a) × \(b)")
            let other = try ExactSum.product(of: try Sample.decimal(&numbers), try Sample.decimal(&numbers))
            let otherModel = SchoolbookDecimal(other.description)
            #expect((product < other) == (model < otherModel), "\(where_): \(product) < \(other)")
            do {
                let sum = try product.adding(other)
                #expect(SchoolbookDecimal(sum.description) == model + otherModel, "\(where_): \(product) + \(other)")
                let difference = try product.subtracting(other)
                #expect(SchoolbookDecimal(difference.description) == model + otherModel.negated, "\(where_)")
                #expect(try Sample.roundTrip(sum) == sum, "\(where_)")
            } catch DecimalError.overflow {
                overflows += 1
            }
        }
        #expect(overflows < 300, "seed \(seed): too few sums fitted")
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func takesAPartOfACostAsAtSchool(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        var checked = 0
        for round in 0..<400 {
            let where_ = "seed \(seed) round \(round)"
            let cost = try ExactSum.product(of: try Sample.decimal(&numbers), try Sample.decimal(&numbers))
            let closed = try Sample.sum(&numbers)
            let held = try Sample.sum(&numbers)
            if held.isZero { continue }
            let model = SchoolbookDecimal.part(
                SchoolbookDecimal(cost.description), SchoolbookDecimal(closed.description),
                SchoolbookDecimal(held.description), places: 12)
            do throws(DecimalError) {
                let part = try cost.multiplied(by: closed, dividedBy: held)
                #expect(SchoolbookDecimal(part.description) == model, "\(where_): \(cost) × \(closed) ÷ \(held)")
                checked += 1
            } catch {
                #expect(
                    error == .overflow && model.natural.text.count >= 39, "\(where_): \(cost) × \(closed) ÷ \(held)")
            }
        }
        #expect(checked > 100, "seed \(seed): only \(checked) parts fitted")
    }

    @Test(
        arguments: [
            ("1", "1", "3", "0.333333333333"), ("2", "1", "3", "0.666666666667"), ("1", "1", "-3", "-0.333333333333"),
            ("0.000000000001", "1", "2", "0"), ("0.000000000003", "1", "2", "0.000000000002"),
            ("-0.000000000003", "1", "2", "-0.000000000002"),
            ("0.0000000000005", "1", "1", "0"), ("0.0000000000015", "1", "1", "0.000000000002"),
            ("0.00000000000050001", "1", "1", "0.000000000001"),
            ("0", "7", "9", "0"), ("60000.1", "0.5", "2", "15000.025"), ("1e18", "1e18", "1e18", "1000000000000000000"),
            ("1e-18", "1e-18", "1e18", "0"),
        ] as [(String, String, String, String)])
    func roundsHalfToEven(cost: String, closed: String, held: String, part: String) throws {
        let result = try Sample.sum(cost).multiplied(by: Sample.sum(closed), dividedBy: Sample.sum(held))
        #expect(result.description == part)
    }

    @Test func refusesWhatIsOver128Bits() throws {
        let large = try ExactSum(coefficient: .max, exponent: 0)
        #expect(throws: DecimalError.overflow) { try large.adding(try Sample.sum("1")) }
        #expect(throws: DecimalError.overflow) { try large.adding(try Sample.sum("0.1")) }
        #expect(throws: DecimalError.overflow) {
            try large.multiplied(by: try Sample.sum("1"), dividedBy: try Sample.sum("1"))
        }
        #expect(throws: DecimalError.overflow) { try ExactSum(coefficient: .min, exponent: 0) }
        #expect(try large.subtracting(large).isZero)
    }

    @Test func refusesStoredBytesThatAreNotCanonical() throws {
        for (exponent, coefficient) in [(Int8(0), Int128(10)), (1, 0), (37, 1), (-37, 1), (0, .min)] {
            var writer = ByteWriter()
            writer.fixed(exponent)
            writer.fixed(coefficient)
            #expect(throws: RecordError.self) {
                var reader = ByteReader(writer.bytes.span.bytes)
                _ = try ExactSum(reading: &reader)
            }
        }
    }
}

private enum Sample {
    static func sum(_ text: String) throws -> ExactSum { ExactSum(try ExactDecimal(text)) }

    /// Every width and every exponent, zero among them.
    static func decimal(_ numbers: inout SeededNumbers) throws -> ExactDecimal {
        let wide = numbers.next() >> UInt64.random(in: 1...63, using: &numbers)
        let value = Int64(wide) * (Bool.random(using: &numbers) ? 1 : -1)
        let exponents = Bool.random(using: &numbers) ? -8...2 : -18...18
        return try ExactDecimal(coefficient: value, exponent: Int.random(in: exponents, using: &numbers))
    }

    static func sum(_ numbers: inout SeededNumbers) throws -> ExactSum {
        if Bool.random(using: &numbers) { return ExactSum(try decimal(&numbers)) }
        return try ExactSum.product(of: try decimal(&numbers), try decimal(&numbers))
    }

    static func roundTrip(_ sum: ExactSum) throws -> ExactSum {
        var writer = ByteWriter()
        sum.encode(into: &writer)
        #expect(writer.bytes.count == 17)
        var reader = ByteReader(writer.bytes.span.bytes)
        return try ExactSum(reading: &reader)
    }
}
