// A reply in Redis' protocol, and its bytes in RESP2 and RESP3. Pure. It says what a reply is, not how a version of the
// protocol writes it: a map is flat in RESP2, a null has three forms there.

package indirect enum RespValue: Hashable, Sendable {
    /// `+OK`; without line breaks.
    case simple(String)
    /// With its first word, as `ERR syntax error`; line breaks become spaces, as in Redis.
    case error(String)
    case integer(Int64)
    case bulk([UInt8])
    /// Text for people: a bulk in RESP2.
    case verbatim(String)
    case array([RespValue])
    /// RESP2: an array.
    case set([RespValue])
    /// RESP2: a bulk that is not there.
    case null
    /// RESP2: an array that is not there.
    case nullArray
    /// RESP2: names and values in turn.
    case map([(name: RespValue, value: RespValue)])
    /// RESP2: arrays of two (as XREAD's streams).
    case pairs([(name: RespValue, value: RespValue)])

    package static func text(_ text: String) -> RespValue { .bulk(Array(text.utf8)) }
    package static let ok = RespValue.simple("OK")
    package static let queued = RespValue.simple("QUEUED")

    package var isError: Bool {
        switch self {
        case .error: true
        case .simple, .integer, .bulk, .verbatim, .array, .set, .null, .nullArray, .map, .pairs: false
        }
    }

    package static func == (a: RespValue, b: RespValue) -> Bool { a.encoded(.three) == b.encoded(.three) }
    package func hash(into hasher: inout Hasher) { hasher.combine(encoded(.three)) }
}

package enum RespVersion: Int, Sendable {
    case two = 2
    case three = 3
}

extension RespValue {
    package func encoded(_ version: RespVersion) -> [UInt8] {
        var bytes: [UInt8] = []
        encode(version, into: &bytes)
        return bytes
    }

    package func encode(_ version: RespVersion, into bytes: inout [UInt8]) {
        switch self {
        case .simple(let text): RespValue.line("+", text, &bytes)
        case .error(let text):
            RespValue.line("-", text.map { $0.isNewline ? " " : String($0) }.joined(), &bytes)
        case .integer(let number): RespValue.line(":", String(number), &bytes)
        case .bulk(let value): RespValue.sized("$", value, &bytes)
        case .verbatim(let text) where version == .two: RespValue.sized("$", Array(text.utf8), &bytes)
        case .verbatim(let text): RespValue.sized("=", Array("txt:\(text)".utf8), &bytes)
        case .array(let items):
            RespValue.line("*", String(items.count), &bytes)
            for item in items { item.encode(version, into: &bytes) }
        case .set(let items):
            RespValue.line(version == .two ? "*" : "~", String(items.count), &bytes)
            for item in items { item.encode(version, into: &bytes) }
        case .null: RespValue.line(version == .two ? "$-1" : "_", "", &bytes)
        case .nullArray: RespValue.line(version == .two ? "*-1" : "_", "", &bytes)
        case .map(let members):
            let count = version == .two ? members.count * 2 : members.count
            RespValue.line(version == .two ? "*" : "%", String(count), &bytes)
            RespValue.members(members, version, &bytes)
        case .pairs(let members) where version == .two:
            RespValue.line("*", String(members.count), &bytes)
            for member in members { RespValue.array([member.name, member.value]).encode(version, into: &bytes) }
        case .pairs(let members):
            RespValue.line("%", String(members.count), &bytes)
            RespValue.members(members, version, &bytes)
        }
    }

    private static func members(
        _ members: [(name: RespValue, value: RespValue)], _ version: RespVersion, _ bytes: inout [UInt8]
    ) {
        for member in members {
            member.name.encode(version, into: &bytes)
            member.value.encode(version, into: &bytes)
        }
    }

    private static func line(_ mark: String, _ text: String, _ bytes: inout [UInt8]) {
        bytes += mark.utf8
        bytes += text.utf8
        bytes += [0x0d, 0x0a]
    }

    private static func sized(_ mark: String, _ value: [UInt8], _ bytes: inout [UInt8]) {
        line(mark, String(value.count), &bytes)
        bytes += value
        bytes += [0x0d, 0x0a]
    }

    /// About how many bytes it takes; for bounds.
    package var size: Int {
        switch self {
        case .simple(let text), .error(let text), .verbatim(let text): text.utf8.count + 16
        case .integer: 24
        case .bulk(let value): value.count + 16
        case .null, .nullArray: 5
        case .array(let items), .set(let items): items.reduce(16) { $0 + $1.size }
        case .map(let members), .pairs(let members): members.reduce(16) { $0 + $1.name.size + $1.value.size }
        }
    }
}
