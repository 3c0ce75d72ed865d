// What one symbol allows: its units, its filters, its first price. Read from a line of text, the same for the
// built-in catalogue and for a file of the operator's. The filters of the exchange are checked in
// `Filters.swift`; here they only stand.

internal import Events
internal import Records

package struct SymbolRules: Sendable {
    package let name: String
    let base: String
    let quote: String
    let tick: Amount
    let step: Amount
    let pricePlaces: Int
    let quantityPlaces: Int
    let price: ClosedRange<Ticks>
    let quantity: ClosedRange<Lots>
    let marketQuantity: ClosedRange<Lots>
    let minNotional: Amount
    let startPrice: Ticks

    static let percentUp = Amount(105, exponent: -2)
    static let percentDown = Amount(95, exponent: -2)
    /// How far from mark a market order may trade.
    static let takeBound = Amount(5, exponent: -2)
    static let openOrdersMax = 200

    /// The value of one tick times one lot.
    var unit: Amount { tick * step }

    func priceAmount(_ ticks: Ticks) -> Amount { tick * Amount(ticks.value) }
    func quantityAmount(_ lots: Lots) -> Amount { step * Amount(lots.value) }
    func notional(_ ticks: Ticks, _ lots: Lots) -> Amount { priceAmount(ticks) * quantityAmount(lots) }
    func priceText(_ ticks: Ticks) -> String { priceAmount(ticks).text(places: pricePlaces) }
    func quantityText(_ lots: Lots) -> String { quantityAmount(lots).text(places: quantityPlaces) }
    /// The nearest price of that value, towards zero.
    func ticks(of amount: Amount) -> Ticks { Ticks(amount.steps(of: tick).count) }
    func lots(of amount: Amount) -> Lots { Lots(amount.steps(of: step).count) }
}

/// A line of the symbol file that cannot be used; the text says why.
package struct SymbolFileError: Error, Equatable, CustomStringConvertible {
    package let line: Int
    package let problem: String
    package var description: String { "line \(line): \(problem)" }
}

extension SymbolRules {
    /// `SYMBOL BASE QUOTE PRICE TICK STEP MAXQTY MARKETMAXQTY MINNOTIONAL`; `#` begins a comment.
    package static func read(_ text: String) throws(SymbolFileError) -> [SymbolRules] {
        var all: [SymbolRules] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let content = line.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
            let words = content.split { $0 == " " || $0 == "\t" || $0 == "\r" }.map(String.init)
            if words.isEmpty { continue }
            let rules = try SymbolRules(words, line: index + 1)
            guard !all.contains(where: { $0.name == rules.name }) else {
                throw SymbolFileError(line: index + 1, problem: "\(rules.name) stands twice")
            }
            all.append(rules)
        }
        guard !all.isEmpty else { throw SymbolFileError(line: 1, problem: "no symbol in it") }
        guard all.count <= Limits.simulatedSymbolsMax else {
            throw SymbolFileError(line: 1, problem: "more than \(Limits.simulatedSymbolsMax) symbols")
        }
        return all
    }

    private init(_ words: [String], line: Int) throws(SymbolFileError) {
        guard words.count == 9 else {
            throw SymbolFileError(
                line: line,
                problem: "\(words.count) columns; nine are needed: SYMBOL BASE QUOTE PRICE TICK STEP MAXQTY "
                    + "MARKETMAXQTY MINNOTIONAL")
        }
        var numbers: [Amount] = []
        for word in words[3...] {
            guard let number = Amount(text: word), number.isPositive, number.places <= 8 else {
                throw SymbolFileError(line: line, problem: "\(word) is no number above 0 with at most 8 decimals")
            }
            numbers.append(number)
        }
        let (tick, step) = (numbers[1], numbers[2])
        guard [numbers[0]].allSatisfy({ $0.steps(of: tick).isWhole }),
            numbers[3].steps(of: step).isWhole, numbers[4].steps(of: step).isWhole
        else { throw SymbolFileError(line: line, problem: "a price off its tick, or a quantity off its step") }
        self.name = words[0]
        self.base = words[1]
        self.quote = words[2]
        self.tick = tick
        self.step = step
        // The precision is decimals only; the tick is coarser at the exchange, too.
        self.pricePlaces = min(8, tick.places + 1)
        self.quantityPlaces = step.places
        self.startPrice = Ticks(numbers[0].steps(of: tick).count)
        self.price = Ticks(1)...Ticks(max(2, startPrice.value * 50))
        self.quantity = Lots(1)...Lots(numbers[3].steps(of: step).count)
        self.marketQuantity = Lots(1)...Lots(numbers[4].steps(of: step).count)
        self.minNotional = numbers[5]
    }
}
