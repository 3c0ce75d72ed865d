// Reads and writes JSON strictly (RFC 8259) and within bounds. Foundation's JSON cannot be used here: it
// reads every number through a Double, which changes money, and it loses the order of members.
// Refused beyond the grammar: duplicate member names, NaN and Infinity, nesting over Limits.jsonDepthMax,
// text that is not UTF-8, surrogates without their other half. It must never guess at broken text.

import Records

/// The text is not JSON; `offset` is the first byte that does not fit.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
    package let offset: Int
    package let problem: String
    package var description: String { "\(problem) at byte \(offset)" }
}

package enum JSONText {
    package static func read(_ text: String) throws(JSONError) -> JSONValue {
        try read(Array(text.utf8))
    }

    package static func read(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
        do {
            _ = try UTF8Span(validating: bytes.span)
        } catch {
            throw JSONError(offset: error.byteOffsets.lowerBound, problem: "bytes that are not UTF-8")
        }
        var reader = JSONReader(bytes)
        return try reader.document()
    }

    /// Compact: no space between tokens.
    package static func render(_ value: JSONValue) -> String {
        var out: [UInt8] = []
        append(value, to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    private static func append(_ value: JSONValue, to out: inout [UInt8]) {
        switch value {
        case .null: out += Array("null".utf8)
        case .bool(let flag): out += Array((flag ? "true" : "false").utf8)
        case .number(let text): out += Array(text.utf8)
        case .string(let text): append(quoted: text, to: &out)
        case .array(let items):
            out.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                append(item, to: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let members):
            out.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { out.append(UInt8(ascii: ",")) }
                append(quoted: member.name, to: &out)
                out.append(UInt8(ascii: ":"))
                append(member.value, to: &out)
            }
            out.append(UInt8(ascii: "}"))
        }
    }

    private static func append(quoted text: String, to out: inout [UInt8]) {
        let quote = UInt8(ascii: "\"")
        out.append(quote)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): out += [0x5c, 0x22]
            case UInt8(ascii: "\\"): out += [0x5c, 0x5c]
            case 0x0a: out += Array("\\n".utf8)
            case 0x0d: out += Array("\\r".utf8)
            case 0x09: out += Array("\\t".utf8)
            case 0..<0x20, 0x7f: out += Array("\\u00".utf8) + Array(Hex.encode([byte]).utf8)
            default: out.append(byte)
            }
        }
        out.append(quote)
    }
}
