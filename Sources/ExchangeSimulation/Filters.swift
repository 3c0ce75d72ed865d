// The exchange's filters, as functions of a symbol's rules: what passes is a whole number of ticks or lots
// inside the symbol's range.

extension SymbolRules {
    func checkedLots(_ amount: Amount, in range: ClosedRange<Lots>) throws(VenueError) -> Lots {
        guard amount.places <= quantityPlaces else { throw .precision }
        guard amount.isPositive else { throw .quantityNotPositive }
        let (count, isWhole) = amount.steps(of: step)
        guard isWhole || count > 0 else { throw .quantityTooSmall }
        guard Lots(count) <= range.upperBound else { throw .quantityTooLarge }
        guard Lots(count) >= range.lowerBound else { throw .quantityTooSmall }
        guard isWhole else { throw .step }
        return Lots(count)
    }

    func checkedPrice(_ amount: Amount) throws(VenueError) -> Ticks {
        guard amount.places <= pricePlaces else { throw .precision }
        let (count, isWhole) = amount.steps(of: tick)
        guard Ticks(count) <= price.upperBound else { throw .priceTooHigh }
        guard Ticks(count) >= price.lowerBound else { throw .priceTooLow }
        guard isWhole else { throw .tick }
        return Ticks(count)
    }

    /// PERCENT_PRICE.
    func checkBand(_ side: Side, _ limit: Ticks, mark: Ticks) throws(VenueError) {
        let bound = band(mark)
        if side == .buy, limit > bound.upperBound { throw .priceAboveBand(priceText(bound.upperBound)) }
        if side == .sell, limit < bound.lowerBound { throw .priceBelowBand(priceText(bound.lowerBound)) }
    }

    /// What lies within the percentages of a mark price.
    func band(_ mark: Ticks) -> ClosedRange<Ticks> {
        let low = (priceAmount(mark) * SymbolRules.percentDown).steps(of: tick)
        let high = (priceAmount(mark) * SymbolRules.percentUp).steps(of: tick).count
        return Ticks(low.isWhole ? low.count : low.count + 1)...Ticks(high)
    }
}
