// One function for each shape of value that messages hold: text, token, symbol, decimal, whole number,
// time, flag, word. Each says in one sentence what is wrong. Numbers stay text until ExactDecimal reads
// them; a value is never rounded, clamped or replaced by a default here.

import Records

/// What a decimal must satisfy beyond being one.
enum DecimalRule {
    case any
    case positive
    case notNegative
    /// 0…1.
    case share
}

extension Incoming {
    static func missing(_ name: String) -> MessageError { MessageError(name, "is missing") }

    /// For people: at most `max` bytes, no control characters, may be empty.
    mutating func text(_ names: String..., max: Int) throws(MessageError) -> String {
        guard let found = try take(names) else { return "" }
        return try Incoming.text(found, max: max)
    }

    /// As `text`, preferring the value of one origin where a message holds several.
    mutating func firstText(_ names: [String], of origin: Origin, max: Int) throws(MessageError) -> String {
        guard let found = try takeFirst(names, of: origin) else { return "" }
        return try Incoming.text(found, max: max)
    }

    private static func text(_ found: Found, max: Int) throws(MessageError) -> String {
        guard case .string(let text) = found.value else {
            throw MessageError(found.name, "must be text, found \(found.value.typeName)")
        }
        do {
            try BoundError.checkOptional(text, found.name, max: max)
        } catch {
            throw MessageError(error)
        }
        return text
    }

    /// An id of another system: text, or a number as it stands. Printable ASCII without space and "/",
    /// because it becomes part of keys. Empty where there is none.
    mutating func token(_ names: String...) throws(MessageError) -> String {
        guard let found = try take(names) else { return "" }
        let text: String
        switch found.value {
        case .string(let value), .number(let value): text = value
        case .null, .bool, .array, .object:
            throw MessageError(found.name, "must be text, found \(found.value.typeName)")
        }
        guard text.utf8.count <= Limits.producerBytesMax else {
            throw MessageError(found.name, "\(text.utf8.count) bytes, at most \(Limits.producerBytesMax) are allowed")
        }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") }) else {
            throw MessageError(
                found.name, "may hold only printable ASCII without space and /, found \(MessageError.quote(text))")
        }
        return text
    }

    mutating func requiredToken(_ name: String) throws(MessageError) -> String {
        let text = try token(name)
        guard !text.isEmpty else { throw MessageError(name, "must not be empty or missing") }
        return text
    }

    /// 1…32 of A-Z, 0-9, "_" and "-". Lower case becomes upper case.
    mutating func symbol(_ name: String = "symbol") throws(MessageError) -> String {
        guard let found = try take([name]) else { throw Incoming.missing(name) }
        return try Symbol.canonical(try Incoming.text(found, max: Limits.fieldValueBytesMax), field: name)
    }

    mutating func optionalSymbol(_ name: String) throws(MessageError) -> String? {
        guard let found = try take([name]) else { return nil }
        return try Symbol.canonical(try Incoming.text(found, max: Limits.fieldValueBytesMax), field: name)
    }

    mutating func decimal(_ names: String..., rule: DecimalRule) throws(MessageError) -> EventDecimal? {
        guard let found = try take(names) else { return nil }
        return try Incoming.decimal(found, rule).event
    }

    mutating func requiredDecimal(_ name: String, rule: DecimalRule) throws(MessageError) -> EventDecimal {
        guard let found = try take([name]) else { throw Incoming.missing(name) }
        return try Incoming.decimal(found, rule).event
    }

    /// A whole number in `range`; `5.0` is 5.
    mutating func whole(_ names: String..., range: ClosedRange<UInt64>) throws(MessageError) -> UInt64? {
        guard let found = try take(names) else { return nil }
        let decimal = try Incoming.decimal(found, .any)
        guard let value = Incoming.whole(decimal.event), range.contains(value) else {
            throw MessageError(
                found.name,
                "must be a whole number from \(range.lowerBound) to \(range.upperBound), found \(Incoming.shown(found.value))"
            )
        }
        return value
    }

    /// Nanoseconds since 1970, or nil where there is no time. The payload's time comes before the
    /// envelope's, and `names` stand in the order of preference.
    mutating func time(_ names: String...) throws(MessageError) -> Timestamp? {
        guard let found = try takeFirst(names, of: .payload) else { return nil }
        switch found.value {
        case .string(let text), .number(let text): return try TimeText.read(text, field: found.name)
        case .null, .bool, .array, .object:
            throw MessageError(found.name, "must be a time, found \(found.value.typeName)")
        }
    }

    /// True or false in any case. Nil where there is none.
    mutating func flag(_ names: String...) throws(MessageError) -> Bool? {
        guard let found = try take(names) else { return nil }
        if case .bool(let flag) = found.value { return flag }
        if case .string(let text) = found.value {
            if text.lowercased() == "true" { return true }
            if text.lowercased() == "false" { return false }
        }
        throw MessageError(found.name, "must be true or false, found \(Incoming.shown(found.value))")
    }

    /// One of a table of words, in any case. Nil where there is none.
    mutating func word<Word: Worded>(_ names: String..., as type: Word.Type) throws(MessageError) -> Word? {
        try word(names, as: type)
    }

    mutating func word<Word: Worded>(_ names: [String], as type: Word.Type) throws(MessageError) -> Word? {
        let words = Word.words
        guard let found = try take(names) else { return nil }
        guard case .string(let text) = found.value else {
            throw MessageError(found.name, "must be text, found \(found.value.typeName)")
        }
        // Only ASCII: upper case of other letters may become ASCII.
        let upper = text.utf8.allSatisfy { $0 < 0x80 } ? text.uppercased() : ""
        if let hit = words.first(where: { $0.0 == upper }) { return hit.1 }
        throw MessageError(
            found.name, "unknown value \(MessageError.quote(text)), expected \(Incoming.list(words.map(\.0)))")
    }
}

// MARK: - Helpers

extension Incoming {
    private static func decimal(_ found: Found, _ rule: DecimalRule) throws(MessageError) -> ExactDecimal {
        let text: String
        switch found.value {
        case .string(let value), .number(let value): text = value
        case .null, .bool, .array, .object:
            throw MessageError(found.name, "must be a number, found \(found.value.typeName)")
        }
        let value: ExactDecimal
        do {
            value = try ExactDecimal(text)
        } catch {
            throw MessageError(found.name, problem(error, text))
        }
        guard let broken = rule.broken(by: value) else { return value }
        throw MessageError(found.name, "\(broken), found \(MessageError.quote(text))")
    }

    private static func problem(_ error: DecimalError, _ text: String) -> String {
        switch error {
        case .empty, .notANumber: "not a number \(MessageError.quote(text))"
        case .outOfRange, .notCanonical, .overflow:
            "out of the range of exact decimals (18 digits, exponent -18 to 18): \(MessageError.quote(text))"
        }
    }

    /// Nil where it is negative, has a fraction, or is over 10^18.
    static func whole(_ decimal: EventDecimal) -> UInt64? {
        guard decimal.coefficient >= 0, (0...18).contains(decimal.exponent) else { return nil }
        var value = UInt64(decimal.coefficient)
        for _ in 0..<decimal.exponent {
            let (next, over) = value.multipliedReportingOverflow(by: 10)
            if over { return nil }
            value = next
        }
        return value
    }

    private static func shown(_ value: JSONValue) -> String {
        scalarText(value).map(MessageError.quote) ?? value.typeName
    }

    /// `A, B or C`.
    static func list(_ words: [String]) -> String {
        words.count < 2 ? words.joined() : words.dropLast().joined(separator: ", ") + " or " + words[words.count - 1]
    }
}

extension DecimalRule {
    /// What `value` must be and is not.
    fileprivate func broken(by value: ExactDecimal) -> String? {
        switch self {
        case .any: nil
        case .positive: value.isNegative || value.isZero ? "must be greater than zero" : nil
        case .notNegative: value.isNegative ? "must not be negative" : nil
        case .share: value.isNegative || value > DecimalRule.one ? "must be from 0 to 1" : nil
        }
    }

    private static let one: ExactDecimal = {
        do {
            return try ExactDecimal(coefficient: 1, exponent: 0)
        } catch {
            preconditionFailure("1 is a decimal")
        }
    }()
}

package enum Symbol {
    /// Upper case; throws unless it is 1…32 of A-Z, 0-9, "_" and "-".
    package static func canonical(_ text: String, field: String = "symbol") throws(MessageError) -> String {
        guard !text.isEmpty else { throw MessageError(field, "must not be empty") }
        guard text.utf8.count <= Limits.symbolBytesMax else {
            throw MessageError(field, "\(text.utf8.count) bytes, at most \(Limits.symbolBytesMax) are allowed")
        }
        let upper = text.uppercased()
        guard text.utf8.allSatisfy({ $0 < 0x80 }), upper.utf8.allSatisfy(isAllowed) else {
            throw MessageError(field, "may hold only A-Z, 0-9, _ and -, found \(MessageError.quote(text))")
        }
        return upper
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
