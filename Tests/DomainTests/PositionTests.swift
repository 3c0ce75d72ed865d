// One position: exact quantity and cost, half to even, crossing zero, hedge legs.

import Domain
import Events
import Records
import Testing

@Suite struct PositionTests {
    struct Row: Sendable {
        let leg: PositionLeg
        /// `B 1.5 @ 100`, one after the other.
        let trades: [String]
        let quantity: String
        let cost: String
        let profit: String
        var excess = "0"
    }

    @Test(arguments: [
        Row(leg: .both, trades: ["B 2 @ 100"], quantity: "2", cost: "200", profit: "0"),
        Row(leg: .both, trades: ["B 2 @ 100", "B 1 @ 130"], quantity: "3", cost: "330", profit: "0"),
        Row(leg: .both, trades: ["B 2 @ 100", "S 1 @ 110"], quantity: "1", cost: "100", profit: "10"),
        Row(leg: .both, trades: ["B 2 @ 100", "S 2 @ 90"], quantity: "0", cost: "0", profit: "-20"),
        Row(leg: .both, trades: ["S 2 @ 100"], quantity: "-2", cost: "-200", profit: "0"),
        Row(leg: .both, trades: ["S 2 @ 100", "B 1 @ 90"], quantity: "-1", cost: "-100", profit: "10"),
        // Crossing zero closes, then opens.
        Row(leg: .both, trades: ["B 2 @ 100", "S 5 @ 110"], quantity: "-3", cost: "-330", profit: "20"),
        Row(leg: .both, trades: ["S 2 @ 100", "B 5 @ 110"], quantity: "3", cost: "330", profit: "-20"),
        // A third of 100 does not end; what was rounded stays in the rest, and the last part takes all.
        Row(
            leg: .both, trades: ["B 3 @ 33.333333333333333", "S 1 @ 40"], quantity: "2", cost: "66.666666666666999",
            profit: "6.666666666667"),
        Row(
            leg: .both, trades: ["B 1 @ 50", "B 2 @ 25", "S 1 @ 40"], quantity: "2", cost: "66.666666666667",
            profit: "6.666666666667"),
        Row(
            leg: .both, trades: ["B 1 @ 50", "B 2 @ 25", "S 1 @ 40", "S 2 @ 40"], quantity: "0", cost: "0", profit: "20"
        ),
        Row(leg: .long, trades: ["B 2 @ 100", "S 1 @ 110"], quantity: "1", cost: "100", profit: "10"),
        Row(leg: .short, trades: ["S 2 @ 100", "B 1 @ 90"], quantity: "1", cost: "100", profit: "10"),
        Row(leg: .short, trades: ["S 2 @ 100", "B 2 @ 120"], quantity: "0", cost: "0", profit: "-40"),
        // A leg never crosses zero.
        Row(leg: .long, trades: ["B 2 @ 100", "S 5 @ 110"], quantity: "0", cost: "0", profit: "20", excess: "3"),
        Row(leg: .short, trades: ["S 2 @ 100", "B 5 @ 90"], quantity: "0", cost: "0", profit: "20", excess: "3"),
        Row(leg: .long, trades: ["S 1 @ 110"], quantity: "0", cost: "0", profit: "0", excess: "1"),
        Row(leg: .short, trades: ["B 1 @ 110", "S 1 @ 100"], quantity: "1", cost: "100", profit: "0", excess: "1"),
    ])
    func takesTrades(row: Row) throws {
        var position = Position()
        var excess = ExactSum.zero
        for text in row.trades {
            excess = try excess.adding(try position.take(PositionTests.trade(text), leg: row.leg))
        }
        #expect(position.quantity == sum(row.quantity))
        #expect(position.cost == sum(row.cost))
        #expect(position.realisedProfit == sum(row.profit))
        #expect(excess == sum(row.excess))
    }

    @Test func showsTheAverageEntryOfBothDirections() throws {
        var position = Position()
        #expect(position.averageEntry == nil)
        _ = try position.take(PositionTests.trade("S 3 @ 10"), leg: .both)
        _ = try position.take(PositionTests.trade("S 3 @ 11"), leg: .both)
        #expect(position.averageEntry?.description == "10.5")
    }

    @Test func leavesThePositionAloneOnOverflow() throws {
        var position = Position()
        _ = try position.take(Trade(buys: true, quantity: decimal("1"), price: decimal("9e36")), leg: .both)
        let before = position
        // The quantity fits, the cost does not.
        #expect(throws: DecimalError.overflow) {
            _ = try position.take(Trade(buys: true, quantity: decimal("1"), price: decimal("1e-18")), leg: .both)
        }
        #expect(position == before)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func agreesWithWholeNumbers(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        for leg in PositionLeg.allCases {
            var position = Position()
            var model = PositionModel()
            var excess = ExactSum.zero
            for step in 0..<500 {
                let (buys, amount, price) = PositionTests.random(&numbers)
                let trade = Trade(
                    buys: buys, quantity: try ExactDecimal(coefficient: amount, exponent: -3),
                    price: try ExactDecimal(coefficient: price, exponent: -2))
                excess = try excess.adding(try position.take(trade, leg: leg))
                switch leg {
                case .both: model.take(buys: buys, Int128(amount), Int128(price))
                case .long: model.takeLeg(opens: buys, isLong: true, Int128(amount), Int128(price))
                case .short: model.takeLeg(opens: !buys, isLong: false, Int128(amount), Int128(price))
                }
                let sign: Int128 = leg == .short ? -1 : 1
                let place: Comment = "seed \(seed) leg \(leg) step \(step)"
                let expected = [
                    try ExactSum(coefficient: sign * model.quantity, exponent: -3),
                    try ExactSum(coefficient: sign * model.cost, exponent: -12),
                    try ExactSum(coefficient: model.profit, exponent: -12),
                    try ExactSum(coefficient: model.excess, exponent: -3),
                ]
                try #require([position.quantity, position.cost, position.realisedProfit, excess] == expected, place)
            }
        }
    }

    /// However a fill is cut into parts, the quantity is the same, and cost less profit is what was paid.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func isTheSameForAnyPartition(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        for round in 0..<100 {
            var (whole, parts) = (Position(), Position())
            var paid = ExactSum.zero
            for _ in 0..<10 {
                let (buys, amount, price) = PositionTests.random(&numbers)
                let cost = try ExactDecimal(coefficient: price, exponent: -2)
                let quantity = try ExactDecimal(coefficient: amount, exponent: -3)
                _ = try whole.take(Trade(buys: buys, quantity: quantity, price: cost), leg: .both)
                let value = try ExactSum.product(of: quantity, cost)
                paid = try buys ? paid.adding(value) : paid.subtracting(value)
                for part in PositionTests.cut(amount, &numbers) {
                    let piece = Trade(
                        buys: buys, quantity: try ExactDecimal(coefficient: part, exponent: -3), price: cost)
                    _ = try parts.take(piece, leg: .both)
                }
            }
            #expect(whole.quantity == parts.quantity, "seed \(seed) round \(round)")
            #expect(try whole.cost.subtracting(whole.realisedProfit) == paid, "seed \(seed) round \(round)")
            #expect(try parts.cost.subtracting(parts.realisedProfit) == paid, "seed \(seed) round \(round)")
        }
    }

    /// Opening trades may come in any order and any parts.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func opensTheSameInAnyOrder(seed: UInt64) throws {
        var numbers = SeededNumbers(seed: seed)
        for leg in PositionLeg.allCases {
            var trades: [Trade] = []
            for _ in 0..<30 {
                let (_, amount, price) = PositionTests.random(&numbers)
                for part in PositionTests.cut(amount, &numbers) {
                    trades.append(
                        Trade(
                            buys: leg != .short, quantity: try ExactDecimal(coefficient: part, exponent: -3),
                            price: try ExactDecimal(coefficient: price, exponent: -2)))
                }
            }
            var (one, other) = (Position(), Position())
            for trade in trades { _ = try one.take(trade, leg: leg) }
            for trade in trades.shuffled(using: &numbers) { _ = try other.take(trade, leg: leg) }
            #expect(one == other, "seed \(seed) leg \(leg)")
        }
    }
}

extension PositionTests {
    private static func trade(_ text: String) -> Trade {
        let words = text.split(separator: " ").map(String.init)
        return Trade(buys: words[0] == "B", quantity: decimal(words[1]), price: decimal(words[3]))
    }

    private static func random(_ numbers: inout SeededNumbers) -> (buys: Bool, amount: Int64, price: Int64) {
        (numbers.chance(50), Int64(1 + numbers.upTo(99_999)), Int64(1 + numbers.upTo(9_999_999)))
    }

    private static func cut(_ amount: Int64, _ numbers: inout SeededNumbers) -> [Int64] {
        var parts: [Int64] = []
        var rest = amount
        while rest > 0 {
            let part = numbers.chance(20) ? rest : Int64.random(in: 1...rest, using: &numbers)
            parts.append(part)
            rest -= part
        }
        return parts
    }
}
