// The recursive descent behind JSONText.read: one function for each rule of the grammar, every read
// checked against the end. Works on bytes that are known to be UTF-8. It must never recurse deeper than
// Limits.jsonDepthMax, which is what keeps hostile input from the end of the stack.

import Records

struct JSONReader {
    private let bytes: [UInt8]
    private var index = 0
    private var depth = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func document() throws(JSONError) -> JSONValue {
        skipSpace()
        let result = try value()
        skipSpace()
        guard index == bytes.count else { throw error("something after the end of the value") }
        return result
    }

    private mutating func value() throws(JSONError) -> JSONValue {
        guard let byte = peek else { throw error("the text ends where a value must stand") }
        switch byte {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), 0x30...0x39: return .number(try number())
        default: throw notAValue()
        }
    }

    private mutating func object() throws(JSONError) -> JSONValue {
        try open()
        var members: [JSONMember] = []
        var names: Set<[UInt8]> = []
        if close(UInt8(ascii: "}")) { return .object([]) }
        while true {
            let start = index
            guard peek == UInt8(ascii: "\"") else { throw error("a member's name in quotes is missing") }
            let name = try string()
            guard names.insert(Array(name.utf8)).inserted else {
                throw JSONError(offset: start, problem: "the member \(MessageError.quote(name)) stands twice")
            }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw error("a colon is missing after a member's name") }
            skipSpace()
            members.append(JSONMember(name, try value()))
            if close(UInt8(ascii: "}")) { return .object(members) }
            guard take(UInt8(ascii: ",")) else { throw error("a comma or } is missing in an object") }
            skipSpace()
        }
    }

    private mutating func array() throws(JSONError) -> JSONValue {
        try open()
        var items: [JSONValue] = []
        if close(UInt8(ascii: "]")) { return .array([]) }
        while true {
            items.append(try value())
            if close(UInt8(ascii: "]")) { return .array(items) }
            guard take(UInt8(ascii: ",")) else { throw error("a comma or ] is missing in an array") }
            skipSpace()
        }
    }

    private mutating func open() throws(JSONError) {
        guard depth < Limits.jsonDepthMax else { throw error("nested deeper than \(Limits.jsonDepthMax)") }
        depth += 1
        index += 1
        skipSpace()
    }

    /// Skips space, and takes the closing byte where it stands next.
    private mutating func close(_ byte: UInt8) -> Bool {
        skipSpace()
        guard take(byte) else { return false }
        depth -= 1
        return true
    }

    private mutating func number() throws(JSONError) -> String {
        let start = index
        _ = take(UInt8(ascii: "-"))
        if starts("Infinity") { throw notAValue() }
        let leadingZero = peek == UInt8(ascii: "0")
        let whole = digits()
        guard whole > 0 else { throw error("a digit is missing in a number") }
        guard !leadingZero || whole == 1 else {
            throw JSONError(offset: start, problem: "a number with a leading zero")
        }
        if take(UInt8(ascii: ".")) {
            guard digits() > 0 else { throw error("a digit is missing after the point") }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard digits() > 0 else { throw error("a digit is missing in an exponent") }
        }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    private mutating func string() throws(JSONError) -> String {
        index += 1
        var out: [UInt8] = []
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                return String(decoding: out, as: UTF8.self)
            case UInt8(ascii: "\\"):
                index += 1
                try escape(into: &out)
            case 0..<0x20: throw error("a control character in a string")
            default:
                out.append(byte)
                index += 1
            }
        }
        throw error("the text ends inside a string")
    }

    private mutating func escape(into out: inout [UInt8]) throws(JSONError) {
        guard let byte = peek else { throw error("the text ends inside a string") }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(byte)
        case UInt8(ascii: "b"): out.append(0x08)
        case UInt8(ascii: "f"): out.append(0x0c)
        case UInt8(ascii: "n"): out.append(0x0a)
        case UInt8(ascii: "r"): out.append(0x0d)
        case UInt8(ascii: "t"): out.append(0x09)
        case UInt8(ascii: "u"): out.append(contentsOf: String(Character(try scalar())).utf8)
        default: throw JSONError(offset: index - 1, problem: "an unknown escape in a string")
        }
    }

    /// What follows `\u`, with the second half of a pair.
    private mutating func scalar() throws(JSONError) -> Unicode.Scalar {
        let start = index - 2
        let first = try unit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xdc00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
            throw JSONError(offset: start, problem: "half a surrogate pair in a string")
        }
        let second = try unit()
        guard (0xdc00...0xdfff).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
        else { throw JSONError(offset: start, problem: "half a surrogate pair in a string") }
        return scalar
    }

    private mutating func unit() throws(JSONError) -> UInt32 {
        guard index + 4 <= bytes.count else { throw error("the text ends inside an escape") }
        let text = String(decoding: bytes[index..<index + 4], as: UTF8.self)
        guard let pair = Hex.decode(text), pair.count == 2 else {
            throw error("an escape without four hexadecimal digits")
        }
        index += 4
        return UInt32(pair[0]) << 8 | UInt32(pair[1])
    }

    private mutating func word(_ text: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
        guard starts(text) else { throw notAValue() }
        index += text.utf8.count
        return value
    }

    private func notAValue() -> JSONError {
        for name in ["NaN", "nan", "Infinity", "inf"] where starts(name) {
            return error("\(name) is not a number in JSON")
        }
        return error("not a JSON value")
    }

    private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        index += 1
        return true
    }

    private mutating func digits() -> Int {
        let start = index
        while let byte = peek, (0x30...0x39).contains(byte) { index += 1 }
        return index - start
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { index += 1 }
    }

    private func starts(_ text: String) -> Bool { bytes[index...].starts(with: text.utf8) }
    private func error(_ problem: String) -> JSONError { JSONError(offset: index, problem: problem) }
}
