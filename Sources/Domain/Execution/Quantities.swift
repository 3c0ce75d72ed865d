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

    /// In units of the base asset, not rounded to a step.
    static func wanted(_ intent: EventTradeIntent, _ price: ExactDecimal) throws(SizeError) -> ExactDecimal {
        do throws(DecimalError) {
            if intent.hasQuantity { return try ExactDecimal(intent.quantity) }
            guard intent.hasPositionSizeUsd else { throw .empty }
            return try quotient(try ExactDecimal(intent.positionSizeUsd), price)
        } catch {
            throw SizeError(text: "\(error)")
        }
    }

    /// a ÷ b, towards zero at 12 places or less.
    static func quotient(_ a: ExactDecimal, _ b: ExactDecimal) throws(DecimalError) -> ExactDecimal {
        let one = ExactSum(try ExactDecimal(coefficient: 1, exponent: 0))
        return try decimal(try ExactSum(a).multiplied(by: one, dividedBy: ExactSum(b)))
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

    /// The quantity in orders that the rule allows. What is under a step stays.
    static func parts(_ quantity: ExactDecimal, _ rule: StepRule) -> [ExactDecimal] {
        var rest = quantity
        var parts: [ExactDecimal] = []
        while parts.count < partsMax {
            do throws(SizeError) {
                let wanted = rule.maximum.isZero ? rest : min(rest, rule.maximum)
                guard let part = try floored(wanted, rule), !part.isZero else { return parts }
                parts.append(part)
                rest = try adding(rest, part.negated)
            } catch {
                return parts
            }
        }
        return parts
    }
}
