// One symbol's market: a price that walks and an order book around it, both from the seed. Levels are not
// stored: each is computed from seed, move and place, less what has been taken since the last move.
// Time does not pass here; `move` is called by whoever keeps it.

struct MarketOptions: Sendable, Equatable {
    /// Levels on each side.
    var levels = 50
    /// In quote units, of one level, on average.
    var levelNotional: Int64 = 50_000
    /// Largest move, in hundredths of a basis point of the price; 0 stands still.
    var moveMax: Int64 = 200
}

struct Level: Equatable, Sendable {
    let place: Int
    let price: Ticks
    let lots: Lots
}

struct Market: Sendable {
    let rules: SymbolRules
    var options: MarketOptions
    /// Mark, index and last price alike.
    private(set) var price: Ticks
    private(set) var moves: UInt64 = 0
    private let seed: UInt64
    private var generator: SeededGenerator
    /// Side of the resting quantity → lots taken, by place.
    private var taken: [[Int: Lots]] = [[:], [:]]

    init(_ rules: SymbolRules, options: MarketOptions, seed: UInt64) {
        self.rules = rules
        self.options = options
        self.seed = seed
        self.price = rules.startPrice
        self.generator = SeededGenerator(seed: seed)
    }

    mutating func move() {
        let span = max(1, Int64(Int128(price.value) * Int128(options.moveMax) / 1_000_000))
        let step = options.moveMax == 0 ? 0 : Int64(generator.below(UInt64(2 * span + 1))) - span
        set(price + Ticks(step))
    }

    /// Kept inside the symbol's range, so that levels exist on both sides.
    mutating func set(_ target: Ticks) {
        moves += 1
        taken = [[:], [:]]
        price = min(max(target, rules.price.lowerBound + 1), rules.price.upperBound - 1)
    }

    private var gap: Int64 { max(1, price.value / 20_000) }

    /// - Parameter side: whose orders rest there: `.buy` is bids. Nil beyond the book's end.
    func level(_ side: Side, _ place: Int) -> Level? {
        guard place < options.levels else { return nil }
        let distance = Ticks(max(1, gap / 2) + Int64(place) * gap)
        let levelPrice = side == .buy ? price - distance : price + distance
        guard rules.price.contains(levelPrice) else { return nil }
        let used = taken[side == .buy ? 0 : 1][place] ?? 0
        return Level(place: place, price: levelPrice, lots: max(0, size(side, place) - used))
    }

    /// 50 to 150 % of the average.
    private func size(_ side: Side, _ place: Int) -> Lots {
        let word = seed &+ moves &* 0x9E37_79B9 &+ UInt64(place) &* 0x85EB_CA6B &+ (side == .buy ? 1 : 2)
        let percent = 50 + Int64(SeededGenerator.mixed(word) % 101)
        let wanted = Amount(options.levelNotional * percent, exponent: -2)
        return max(1, rules.lots(of: wanted.divided(by: rules.priceAmount(price))))
    }

    /// The best level that still has something.
    func best(_ side: Side, from place: Int = 0) -> Level? {
        var place = place
        while let level = level(side, place) {
            if level.lots > 0 { return level }
            place += 1
        }
        return nil
    }

    mutating func take(_ side: Side, place: Int, _ lots: Lots) {
        taken[side == .buy ? 0 : 1][place, default: 0] += lots
    }
}
