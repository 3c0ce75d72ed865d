// One object of an answer, member by member: bounded text, whole numbers, exact decimals, flags, words.
// Missing or null is nil for optional members and an error for the others; a value is never rounded, clamped
// or guessed. Errors name the member and quote it cut short.

package import Events
internal import Records

package struct AnswerFields {
    private let value: JSONValue

    package init(_ value: JSONValue) throws(MessageError) {
        guard case .object(let members) = value else {
            throw MessageError("answer", "must be an object, found \(value.typeName)")
        }
        guard members.count <= Limits.fieldsPerMessageMax else {
            throw MessageError("answer", "\(members.count) members, at most \(Limits.fieldsPerMessageMax) are allowed")
        }
        self.value = value
    }

    package static func rows(_ value: JSONValue) throws(MessageError) -> [JSONValue] {
        guard case .array(let items) = value else {
            throw MessageError("answer", "must be an array, found \(value.typeName)")
        }
        guard items.count <= Limits.exchangeRowsMax else {
            throw MessageError("answer", "\(items.count) rows, at most \(Limits.exchangeRowsMax) are allowed")
        }
        return items
    }

    package func member(_ name: String) -> JSONValue? {
        guard let found = value[name], found != .null else { return nil }
        return found
    }

    package func required(_ name: String) throws(MessageError) -> JSONValue {
        guard let found = member(name) else { throw MessageError(name, "is missing") }
        return found
    }

    /// Not empty, bounded, without control characters.
    package func text(_ name: String) throws(MessageError) -> String {
        guard case .string(let text) = try required(name) else { throw MessageError(name, "must be text") }
        do {
            try BoundError.check(text, name, max: Limits.reasonBytesMax)
        } catch {
            throw MessageError(error)
        }
        return text
    }

    package func whole(_ name: String, _ range: ClosedRange<Int64>) throws(MessageError) -> Int64 {
        switch try required(name) {
        case .number(let digits), .string(let digits):
            guard let number = Int64(digits), range.contains(number) else {
                throw MessageError(name, "must be a whole number of \(range), found \(shortened(digits))")
            }
            return number
        case .null, .bool, .array, .object: throw MessageError(name, "must be a whole number")
        }
    }

    package func optionalWhole(_ name: String, _ range: ClosedRange<Int64>) throws(MessageError) -> Int64? {
        member(name) == nil ? nil : try whole(name, range)
    }

    package func decimal(_ name: String) throws(MessageError) -> ExactDecimal {
        switch try required(name) {
        case .number(let digits), .string(let digits):
            do {
                return try ExactDecimal(digits)
            } catch {
                throw MessageError(name, "is not an exact decimal: \(shortened(digits))")
            }
        case .null, .bool, .array, .object: throw MessageError(name, "must be a number")
        }
    }

    package func positive(_ name: String) throws(MessageError) -> ExactDecimal {
        let found = try decimal(name)
        guard !found.isZero, !found.isNegative else {
            throw MessageError(name, "must be greater than zero, found \(found)")
        }
        return found
    }

    /// Greater than zero, and not absurd.
    package func price(_ name: String) throws(MessageError) -> ExactDecimal {
        let found = try positive(name)
        guard found <= AnswerFields.priceMax else { throw MessageError(name, "is absurd: \(found)") }
        return found
    }

    private static let priceMax: ExactDecimal = {
        do {
            return try ExactDecimal(coefficient: Limits.exchangePriceMax, exponent: 0)
        } catch {
            preconditionFailure("the largest price is no exact decimal")
        }
    }()

    package func notNegative(_ name: String) throws(MessageError) -> ExactDecimal {
        let found = try decimal(name)
        guard !found.isNegative else { throw MessageError(name, "must not be negative, found \(found)") }
        return found
    }

    /// For display: nil where it is missing, zero, negative, absurd, or has more digits than an exact decimal holds.
    package func displayPrice(_ name: String) -> ExactDecimal? {
        guard member(name) != nil else { return nil }
        do {
            return try price(name)
        } catch {
            return nil  // it decides nothing; the row must not be lost for it
        }
    }

    package func flag(_ name: String) throws(MessageError) -> Bool {
        guard case .bool(let flag) = try required(name) else { throw MessageError(name, "must be true or false") }
        return flag
    }

    package func optionalFlag(_ name: String) throws(MessageError) -> Bool? {
        member(name) == nil ? nil : try flag(name)
    }

    package func word<Word: RawRepresentable & CaseIterable>(_ name: String, as type: Word.Type) throws(MessageError)
        -> Word
    where Word.RawValue == String {
        let text = try text(name)
        guard let word = Word(rawValue: text) else {
            throw MessageError(name, "unknown word \(shortened(text))")
        }
        return word
    }

    package func optionalWord<Word: RawRepresentable & CaseIterable>(_ name: String, as type: Word.Type)
        throws(MessageError)
        -> Word?
    where Word.RawValue == String {
        member(name) == nil ? nil : try word(name, as: type)
    }

    private func shortened(_ text: String) -> String {
        "\"" + ForeignText.tame(String(text.prefix(Limits.quotedCharactersMax))) + "\""
    }
}

/// A list of which single rows may be unreadable. Whoever concludes "there is nothing" from it must look at
/// `isComplete` first.
package struct Rows<Row: Sendable>: Sendable {
    package struct Unreadable: Equatable, Sendable {
        /// As far as it could be read.
        package let symbol: String?
        package let problem: String
    }

    package private(set) var readable: [Row] = []
    package private(set) var unreadable: [Unreadable] = []
    package var isComplete: Bool { unreadable.isEmpty }

    package init(_ value: JSONValue, _ read: (AnswerFields) throws(MessageError) -> Row) throws(MessageError) {
        for item in try AnswerFields.rows(value) {
            do throws(MessageError) {
                readable.append(try read(try AnswerFields(item)))
            } catch {
                unreadable.append(Unreadable(symbol: Rows.symbol(item), problem: error.description))
            }
        }
    }

    /// Ones that were read before, and kept.
    init(readable: [Row], unreadable: [Unreadable]) {
        self.readable = readable
        self.unreadable = unreadable
    }

    private static func symbol(_ item: JSONValue) -> String? {
        guard case .string(let text) = item["symbol"] else { return nil }
        return ForeignText.tame(String(text.prefix(Limits.quotedCharactersMax)))
    }
}

/// The answer is readable, but speaks of something else than was asked.
package struct Mismatch: Error, Equatable {
    let text: String
    package static func expect(_ matches: Bool, _ field: String) throws(Mismatch) {
        guard matches else { throw Mismatch(text: "the answer's \(field) is not the request's") }
    }
}
