// Reads a condition: `reason ~= "timeout" and (quantity >= 0.5 or not symbol like "BTC*")`.
//
//     condition   alternative { "or" alternative }
//     alternative term { "and" term }
//     term        "not" term | "(" condition ")" | field relation literal
//     field       a name, with dots to what is inside it; "quoted" where it holds other characters
//     relation    = != < <= > >= ~= like
//     literal     a word, a number, or "quoted" text with \" and \\
//
// Pure and bounded. What cannot be read is an error that says at which byte; it never guesses.

internal import Records

/// `offset` is the first byte that does not fit.
package struct ConditionError: Error, Equatable, Sendable, CustomStringConvertible {
    package let offset: Int
    package let problem: String
    package var description: String { "\(problem) at byte \(offset)" }
}

package struct ConditionParser {
    private let bytes: [UInt8]
    private var place = 0
    private var comparisons = 0

    package static func read(_ text: String) throws(ConditionError) -> Condition {
        var parser = ConditionParser(bytes: Array(text.utf8))
        guard parser.bytes.count <= Limits.conditionBytesMax else {
            throw ConditionError(
                offset: Limits.conditionBytesMax,
                problem: "a condition of \(parser.bytes.count) bytes, at most \(Limits.conditionBytesMax) are allowed,")
        }
        let condition = try parser.alternatives(depth: 0)
        guard parser.isAtEnd else { throw parser.error("\"and\" or \"or\" is expected") }
        return condition
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    // MARK: Grammar

    private mutating func alternatives(depth: Int) throws(ConditionError) -> Condition {
        var parts = [try conjunction(depth: depth)]
        while take(word: "or") { parts.append(try conjunction(depth: depth)) }
        return parts.count == 1 ? parts[0] : .any(parts)
    }

    private mutating func conjunction(depth: Int) throws(ConditionError) -> Condition {
        var parts = [try term(depth: depth)]
        while take(word: "and") { parts.append(try term(depth: depth)) }
        return parts.count == 1 ? parts[0] : .all(parts)
    }

    private mutating func term(depth: Int) throws(ConditionError) -> Condition {
        guard depth < Limits.conditionDepthMax else {
            throw error("nested deeper than \(Limits.conditionDepthMax)")
        }
        if take(word: "not") { return .not(try term(depth: depth + 1)) }
        guard take(byte: "(") else { return .comparison(try comparison()) }
        let inner = try alternatives(depth: depth + 1)
        guard take(byte: ")") else { throw error("a closing bracket is expected") }
        return inner
    }

    private mutating func comparison() throws(ConditionError) -> Comparison {
        comparisons += 1
        guard comparisons <= Limits.conditionComparisonsMax else {
            throw error("more than \(Limits.conditionComparisonsMax) comparisons")
        }
        let path = try field()
        let relation = try relation()
        skipSpace()
        let start = place
        let (text, isQuoted) = try literal()
        if relation == .like, text.utf8.count > Limits.conditionPatternBytesMax {
            throw ConditionError(
                offset: start, problem: "a pattern of more than \(Limits.conditionPatternBytesMax) bytes")
        }
        let number = try isQuoted ? nil : number(text, at: start)
        return Comparison(path: path, relation: relation, text: text, number: number)
    }

    private mutating func field() throws(ConditionError) -> [String] {
        skipSpace()
        let start = place
        let (text, isQuoted) = try word("a field's name is expected", isLiteral: false)
        if isQuoted { return [text] }
        let path = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard path.allSatisfy({ !$0.isEmpty }) else {
            throw ConditionError(offset: start, problem: "a field's name with nothing beside a dot")
        }
        return path
    }

    private mutating func relation() throws(ConditionError) -> Comparison.Relation {
        if take(word: "like") { return .like }
        skipSpace()
        // The longer ones stand first.
        for relation in Comparison.Relation.allCases where relation != .like {
            guard bytes[place...].starts(with: relation.rawValue.utf8) else { continue }
            place += relation.rawValue.utf8.count
            return relation
        }
        throw error("one of = != < <= > >= ~= like is expected")
    }

    private mutating func literal() throws(ConditionError) -> (text: String, isQuoted: Bool) {
        try word("a value is expected (\"quoted\" where it holds spaces)", isLiteral: true)
    }

    /// Nil: it is no number, and is compared as text.
    private func number(_ text: String, at start: Int) throws(ConditionError) -> ExactDecimal? {
        do { return try ExactDecimal(text) } catch {
            guard case .outOfRange = error else { return nil }
            throw ConditionError(offset: start, problem: "\(error); quote it to compare it as text,")
        }
    }

    // MARK: Words

    private mutating func word(
        _ wanted: String, isLiteral: Bool
    ) throws(ConditionError) -> (text: String, isQuoted: Bool) {
        skipSpace()
        guard place < bytes.count else { throw error("\(wanted), and it ends") }
        if bytes[place] == UInt8(ascii: "\"") { return (try quoted(), true) }
        let start = place
        while place < bytes.count, ConditionParser.isBare(bytes[place], isLiteral: isLiteral) { place += 1 }
        let text = String(decoding: bytes[start..<place], as: UTF8.self)
        guard place > start, isLiteral || !ConditionParser.keywords.contains(text.lowercased()) else {
            place = start
            throw error(wanted)
        }
        return (text, false)
    }

    private static let keywords: Set<String> = ["and", "or", "not", "like"]

    private mutating func quoted() throws(ConditionError) -> String {
        let start = place
        place += 1
        var text: [UInt8] = []
        while place < bytes.count {
            let byte = bytes[place]
            place += 1
            if byte == UInt8(ascii: "\"") { return String(decoding: text, as: UTF8.self) }
            guard byte == UInt8(ascii: "\\") else {
                text.append(byte)
                continue
            }
            guard place < bytes.count, [UInt8(ascii: "\""), UInt8(ascii: "\\")].contains(bytes[place]) else {
                throw ConditionError(offset: place - 1, problem: "only \\\" and \\\\ may stand behind a backslash:")
            }
            text.append(bytes[place])
            place += 1
        }
        throw ConditionError(offset: start, problem: "a quote that does not end, begun")
    }

    /// Letters, digits and some signs; literals may hold more of them.
    private static func isBare(_ byte: UInt8, isLiteral: Bool) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x80...0xff: true
        case UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"): true
        case UInt8(ascii: ":"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "*"), UInt8(ascii: "?"),
            UInt8(ascii: "@"), UInt8(ascii: "#"), UInt8(ascii: "%"):
            isLiteral
        default: false
        }
    }

    private mutating func take(byte: Unicode.Scalar) -> Bool {
        skipSpace()
        guard place < bytes.count, bytes[place] == UInt8(ascii: byte) else { return false }
        place += 1
        return true
    }

    /// In small or capital letters, and not as the beginning of a longer word.
    private mutating func take(word: String) -> Bool {
        skipSpace()
        let end = place + word.utf8.count
        guard end <= bytes.count,
            bytes[place..<end].map({ SearchTerm.capital($0) }) == word.uppercased().utf8.map({ $0 }),
            end == bytes.count || !ConditionParser.isBare(bytes[end], isLiteral: false)
        else { return false }
        place = end
        return true
    }

    private var isAtEnd: Bool {
        mutating get {
            skipSpace()
            return place == bytes.count
        }
    }

    private mutating func skipSpace() {
        while place < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[place]) { place += 1 }
    }

    private func error(_ problem: String) -> ConditionError { ConditionError(offset: place, problem: problem) }
}
