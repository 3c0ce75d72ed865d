// The rules of one symbol, from its filters: which prices and quantities the exchange takes. A symbol without
// its price or quantity filters has no rules, and so no instrument. Nothing here rounds a price; a quantity
// is only ever rounded down.

package import Events
internal import Records

package struct Instrument: Equatable, Sendable {
    package let symbol: SymbolName
    /// `TRADING`, or why not.
    package let status: String
    package let contractType: String
    package let marginAsset: String
    package let price: StepRule
    package let limitQuantity: StepRule
    /// Its maximum is smaller: larger closes are split.
    package let marketQuantity: StepRule
    /// Price × quantity at least; reduce-only orders are exempt. Nil: no such rule.
    package let notionalMin: ExactDecimal?

    package var isTrading: Bool { status == "TRADING" }

    init(_ fields: AnswerFields) throws(MessageError) {
        symbol = try SymbolName(try fields.text("symbol"))
        status = try fields.text("status")
        contractType = try fields.text("contractType")
        marginAsset = try fields.text("marginAsset")
        let filters = try Instrument.filters(try fields.required("filters"))
        func filter(_ name: String) throws(MessageError) -> AnswerFields {
            guard let found = filters.first(where: { $0.type == name }) else {
                throw MessageError("filters", "\(name) is missing")
            }
            return found.fields
        }
        price = try StepRule(try filter("PRICE_FILTER"), "minPrice", "maxPrice", "tickSize")
        limitQuantity = try StepRule(try filter("LOT_SIZE"), "minQty", "maxQty", "stepSize")
        marketQuantity = try StepRule(try filter("MARKET_LOT_SIZE"), "minQty", "maxQty", "stepSize")
        notionalMin = try filters.first { $0.type == "MIN_NOTIONAL" }?.fields.notNegative("notional")
        guard !limitQuantity.step.isZero, !marketQuantity.step.isZero else {
            throw MessageError("filters", "a quantity's step is zero")
        }
    }

    private struct Filter {
        let type: String
        let fields: AnswerFields
    }

    /// A filter stands once; two would be two rules.
    private static func filters(_ value: JSONValue) throws(MessageError) -> [Filter] {
        var list: [Filter] = []
        for item in try AnswerFields.rows(value) {
            let fields = try AnswerFields(item)
            let type = try fields.text("filterType")
            guard !list.contains(where: { $0.type == type }) else {
                throw MessageError("filters", "\(ForeignText.tame(type)) stands twice")
            }
            list.append(Filter(type: type, fields: fields))
        }
        return list
    }
}

/// min ≤ value ≤ max, and (value − min) a multiple of step. A maximum or step of zero is no rule.
package struct StepRule: Equatable, Sendable {
    package let minimum: ExactDecimal
    package let maximum: ExactDecimal
    package let step: ExactDecimal

    package init(minimum: ExactDecimal, maximum: ExactDecimal, step: ExactDecimal) {
        self.minimum = minimum
        self.maximum = maximum
        self.step = step
    }

    init(_ fields: AnswerFields, _ minName: String, _ maxName: String, _ stepName: String) throws(MessageError) {
        minimum = try fields.notNegative(minName)
        maximum = try fields.notNegative(maxName)
        step = try fields.notNegative(stepName)
        guard maximum.isZero || minimum <= maximum else {
            throw MessageError(minName, "\(minimum) is over \(maxName), \(maximum)")
        }
    }

    package func holds(_ value: ExactDecimal) throws(DecimalError) -> Bool {
        guard value >= minimum, maximum.isZero || value <= maximum else { return false }
        return try floored(value) == value
    }

    /// The largest value not over `value` that stands on a step; nil where it would be under the minimum.
    /// The maximum is not looked at.
    package func floored(_ value: ExactDecimal) throws(DecimalError) -> ExactDecimal? {
        guard value >= minimum else { return nil }
        guard !step.isZero else { return value }
        let exponent = min(value.exponent, min(minimum.exponent, step.exponent))
        let units = try StepRule.units(step, exponent)
        let over = try StepRule.units(value, exponent) - StepRule.units(minimum, exponent)
        let digits = try StepRule.units(minimum, exponent) + over / units * units
        guard let coefficient = Int64(exactly: digits) else { throw .overflow }
        return try ExactDecimal(coefficient: coefficient, exponent: exponent)
    }

    /// The value as a count of 10^exponent.
    private static func units(_ value: ExactDecimal, _ exponent: Int) throws(DecimalError) -> Int128 {
        var digits = Int128(value.coefficient)
        for _ in 0..<(value.exponent - exponent) {
            let (larger, over) = digits.multipliedReportingOverflow(by: 10)
            // Half the range, so that a sum of two cannot wrap.
            guard !over, larger.magnitude < UInt128(1) << 125 else { throw .overflow }
            digits = larger
        }
        return digits
    }
}
