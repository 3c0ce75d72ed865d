// Exact arithmetic of sizes: products, sums, division rounded down, parts of what is too large for one order.

internal import Events
internal import Exchange
internal import Records

/// A size that does not fit its numbers.
struct SizeError: Error {
    let text: String
}

enum Sizing {
    /// The most parts of one close.
    private static let partsMax = Limits.ordersPerIntentMax

    /// In units of the base asset, not rounded to a step. Nil: it needs a price.
    static func wanted(_ intent: EventTradeIntent, _ price: ExactDecimal?) throws(SizeError) -> ExactDecimal? {
        do throws(DecimalError) {
            if intent.hasQuantity { return try ExactDecimal(intent.quantity) }
            guard intent.hasPositionSizeUsd else { throw .empty }
            guard let price else { return nil }
            return try quotient(try ExactDecimal(intent.positionSizeUsd), price)
        } catch {
            throw SizeError(text: "\(error)")
        }
    }

    /// a ÷ b at 12 places or less, never more than it is; both greater than zero.
    static func quotient(_ a: ExactDecimal, _ b: ExactDecimal) throws(DecimalError) -> ExactDecimal {
        guard !b.isZero, !b.isNegative else { throw .outOfRange("a division by \(b)") }
        let one = ExactSum(try ExactDecimal(coefficient: 1, exponent: 0))
        // Rounded half to even, so up to half a unit of the last place too much.
        var result = try ExactSum(a).multiplied(by: one, dividedBy: ExactSum(b))
        if try result.multiplied(by: ExactSum(b)) > ExactSum(a) {
            result = try result.subtracting(try ExactSum(coefficient: 1, exponent: ExactSum.divisionExponent))
        }
        return try decimal(result)
    }

    /// Digits that do not fit are dropped.
    static func decimal(_ sum: ExactSum) throws(DecimalError) -> ExactDecimal {
        var (coefficient, exponent) = (sum.coefficient, sum.exponent)
        while coefficient.magnitude > Int128(Int64.max).magnitude || exponent < ExactDecimal.exponentMin {
            coefficient /= 10
            exponent += 1
        }
        return try ExactDecimal(coefficient: Int64(coefficient), exponent: exponent)
    }

    static func product(_ a: ExactDecimal, _ b: ExactDecimal) throws(SizeError) -> ExactSum {
        do throws(DecimalError) { return try ExactSum.product(of: a, b) } catch { throw SizeError(text: "\(error)") }
    }

    static func scaled(_ a: ExactDecimal, by ratio: EventDecimal) throws(DecimalError) -> ExactDecimal {
        try decimal(try ExactSum.product(of: a, try ExactDecimal(ratio)))
    }

    static func adding(_ a: ExactDecimal, _ b: ExactDecimal) throws(SizeError) -> ExactDecimal {
        do throws(DecimalError) {
            return try decimal(try ExactSum(a).adding(ExactSum(b)))
        } catch {
            throw SizeError(text: "\(error)")
        }
    }

    /// Nil where it does not fit.
    static func sum(_ values: [ExactDecimal]) -> ExactDecimal? {
        do throws(DecimalError) {
            var sum = ExactSum.zero
            for value in values { sum = try sum.adding(ExactSum(value)) }
            return try decimal(sum)
        } catch {
            return nil
        }
    }

    static func floored(_ value: ExactDecimal, _ rule: StepRule) throws(SizeError) -> ExactDecimal? {
        do throws(DecimalError) { return try rule.floored(value) } catch { throw SizeError(text: "\(error)") }
    }

    /// The quantity in orders that the rule allows, and what no order can hold: under a step, or under the minimum.
    static func parts(_ quantity: ExactDecimal, _ rule: StepRule) throws(SizeError) -> Parts {
        var parts = Parts(sizes: [], left: quantity)
        while parts.sizes.count < partsMax, let part = try floored(try largest(of: parts.left, rule), rule),
            !part.isZero
        {
            parts.sizes.append(part)
            parts.left = try adding(parts.left, part.negated)
        }
        return parts
    }

    struct Parts {
        var sizes: [ExactDecimal]
        var left: ExactDecimal
    }

    /// As much as fits into one order; less where the rest would be too small for another.
    private static func largest(of rest: ExactDecimal, _ rule: StepRule) throws(SizeError) -> ExactDecimal {
        guard !rule.maximum.isZero, rest > rule.maximum else { return rest }
        let after = try adding(rest, rule.maximum.negated)
        guard after < rule.minimum else { return rule.maximum }
        let shorter = try adding(rest, rule.minimum.negated)
        return shorter < rule.minimum ? rule.maximum : shorter
    }
}
