// What happens at once in one run of contention, from the run's number and the seed.

struct ContentionPlan: CustomStringConvertible {
    enum Fate: String, CaseIterable {
        case filled
        /// It is filled, and no answer comes.
        case ghost
        /// A part is filled, the rest expires.
        case partial
        /// Feeds know the trades before execution does.
        case late
    }
    static let quantities = [
        ("BTCUSDT", "0.02"), ("ETHUSDT", "0.6"), ("SOLUSDT", "12"), ("XRPUSDT", "700"), ("BNBUSDT", "2"),
        ("LTCUSDT", "15"),
    ]

    let number: Int
    let symbol: String
    let side: String
    let quantity: String
    let fate: Fate
    let answerLateMilliseconds: Int
    /// What other hands trade meanwhile, on another symbol.
    let otherSymbol: String
    let otherSides: [String]
    /// Afterwards bitcoin and ether are closed at once.
    let closesBoth: Bool

    init(number: Int, _ generator: inout SeededGenerator) {
        self.number = number
        let place = Int.random(in: 0..<ContentionPlan.quantities.count, using: &generator)
        (symbol, quantity) = ContentionPlan.quantities[place]
        side = Bool.random(using: &generator) ? "buy" : "sell"
        // Each fate in turn, so that a share of a few runs meets all of them.
        fate = Fate.allCases[number % Fate.allCases.count]
        answerLateMilliseconds = Int.random(in: 20...150, using: &generator)
        let other = (place + Int.random(in: 1..<ContentionPlan.quantities.count, using: &generator))
        otherSymbol = ContentionPlan.quantities[other % ContentionPlan.quantities.count].0
        var sides: [String] = []
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            sides.append(Bool.random(using: &generator) ? "BUY" : "SELL")
        }
        otherSides = sides
        closesBoth = number % 5 == 4
    }

    var trace: String { "\(symbol)-\(number)" }

    /// As one of the exchange's faults; nil: it does nothing wrong.
    var fault: String? {
        switch fate {
        case .filled: nil
        case .ghost: #"{"kind":"ghost","wire":"close","method":"POST","path":"/fapi/v1/order","symbol":"\#(symbol)"}"#
        case .partial: #"{"kind":"partial_fill","percent":60,"symbol":"\#(symbol)"}"#
        case .late:
            #"{"kind":"delay","after_ms":\#(answerLateMilliseconds),"method":"POST","path":"/fapi/v1/order","symbol":"\#(symbol)"}"#
        }
    }

    var description: String {
        "run \(number) (\(symbol) \(side) \(quantity) \(fate.rawValue); others \(otherSides) \(otherSymbol)"
            + "\(closesBoth ? "; closes both" : ""))"
    }
}
