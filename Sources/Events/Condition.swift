// A condition on the data of a record, as `query --where` takes it: comparisons of fields, joined by and, or,
// not. Numbers are compared as exact decimals. What a record does not have fulfils no comparison; `not` of it does.
// There are no regular expressions: every condition takes time in proportion to the text.

internal import Records

package indirect enum Condition: Equatable, Sendable {
    case comparison(Comparison)
    case not(Condition)
    case all([Condition])
    case any([Condition])

    /// Whether the data of a record (the members that a query shows) fulfils it.
    package func holds(in data: JSONValue) -> Bool {
        switch self {
        case .comparison(let comparison): comparison.holds(in: data)
        case .not(let inner): !inner.holds(in: data)
        case .all(let parts): parts.allSatisfy { $0.holds(in: data) }
        case .any(let parts): parts.contains { $0.holds(in: data) }
        }
    }
}

package struct Comparison: Equatable, Sendable {
    package enum Relation: String, CaseIterable, Sendable {
        case equal = "="
        case unequal = "!="
        case atMost = "<="
        case less = "<"
        case atLeast = ">="
        case greater = ">"
        /// Holds the text somewhere, in small or capital ASCII letters.
        case contains = "~="
        /// The whole text, where `*` stands for anything and `?` for one character.
        case like
    }

    /// The name between dots, from the outside in.
    package let path: [String]
    package let relation: Relation
    package let text: String
    /// The number that the text is; nil where it was quoted, or is none.
    package let number: ExactDecimal?

    package init(path: [String], relation: Relation, text: String, number: ExactDecimal?) {
        self.path = path
        self.relation = relation
        self.text = text
        self.number = number
    }

    package func holds(in data: JSONValue) -> Bool {
        guard let found = Comparison.value(at: path[...], in: data) else { return false }
        if case .array(let items) = found { return items.contains { holds(for: $0) } }
        return holds(for: found)
    }

    /// A member's name may hold dots itself, so the longest name that is there counts.
    private static func value(at path: ArraySlice<String>, in data: JSONValue) -> JSONValue? {
        for length in stride(from: path.count, to: 0, by: -1) {
            guard let member = data[path.prefix(length).joined(separator: ".")] else { continue }
            let rest = path.dropFirst(length)
            if rest.isEmpty { return member }
            if let inner = value(at: rest, in: member) { return inner }
        }
        return nil
    }

    private func holds(for value: JSONValue) -> Bool {
        let found = Comparison.text(of: value)
        switch relation {
        case .contains: return TextMatch.contains(found, text)
        case .like: return TextMatch.isLike(found, text)
        case .equal, .unequal, .less, .atMost, .atLeast, .greater: break
        }
        if let number {
            guard let other = Comparison.number(of: value) else { return relation == .unequal }
            return relation.holds(other == number ? 0 : other < number ? -1 : 1)
        }
        return relation.holds(TextMatch.order(found, text))
    }

    private static func text(of value: JSONValue) -> String {
        switch value {
        case .string(let text), .number(let text): text
        case .null, .bool, .array, .object: JSONText.render(value)
        }
    }

    private static func number(of value: JSONValue) -> ExactDecimal? {
        switch value {
        case .string(let text), .number(let text):
            // What is no decimal is compared with none.
            return try? ExactDecimal(text)
        case .null, .bool, .array, .object: return nil
        }
    }
}

extension Comparison.Relation {
    /// - Parameter order: less than, equal to or greater than zero, as the field is beside the literal.
    fileprivate func holds(_ order: Int) -> Bool {
        switch self {
        case .equal: order == 0
        case .unequal: order != 0
        case .less: order < 0
        case .atMost: order <= 0
        case .atLeast: order >= 0
        case .greater: order > 0
        case .contains, .like: preconditionFailure("compared as text")
        }
    }
}

/// Texts beside each other, by their bytes.
package enum TextMatch {
    /// −1, 0 or 1.
    static func order(_ a: String, _ b: String) -> Int {
        if a.utf8.elementsEqual(b.utf8) { return 0 }
        return a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1
    }

    static func contains(_ text: String, _ part: String) -> Bool {
        let (whole, wanted) = (text.utf8.map(SearchTerm.capital), part.utf8.map(SearchTerm.capital))
        guard let first = wanted.first else { return true }
        guard whole.count >= wanted.count else { return false }
        return (0...whole.count - wanted.count).contains { place in
            whole[place] == first && whole[place..<place + wanted.count].elementsEqual(wanted)
        }
    }

    /// One place to go back to, the last `*`: no pattern takes longer than text × pattern.
    package static func isLike(_ text: String, _ pattern: String) -> Bool {
        let (text, pattern) = (Array(text.unicodeScalars), Array(pattern.unicodeScalars))
        var (place, at) = (0, 0)
        var star: (at: Int, place: Int)?
        while place < text.count {
            if at < pattern.count, pattern[at] == "*" {
                star = (at, place)
                at += 1
            } else if at < pattern.count, pattern[at] == "?" || pattern[at] == text[place] {
                (place, at) = (place + 1, at + 1)
            } else if let last = star {
                star = (last.at, last.place + 1)
                (place, at) = (last.place + 1, last.at + 1)
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == "*" }
    }
}
