// Between decimals as they are computed and decimals as they stand in messages.
// What is read must be canonical: a message never says one number in two ways.

extension ExactDecimal {
    /// Throws `notCanonical` or `outOfRange`.
    package init(_ event: EventDecimal) throws(DecimalError) {
        let exponent = Int(event.exponent)
        let value = try ExactDecimal(coefficient: event.coefficient, exponent: exponent)
        guard value.coefficient == event.coefficient, value.exponent == exponent else {
            throw .notCanonical(coefficient: event.coefficient, exponent: exponent)
        }
        self = value
    }

    package var event: EventDecimal {
        var event = EventDecimal()
        event.coefficient = coefficient
        event.exponent = Int32(exponent)
        return event
    }
}
