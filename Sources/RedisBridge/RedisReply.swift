// What Redis answered, as a value; and what ends a connection.

internal import Records

enum RedisReply: Equatable, Sendable {
    case null
    case integer(Int64)
    case text([UInt8])
    /// The whole text, with its first word.
    case error(String)
    indirect case list([RedisReply])

    static func text(_ text: String) -> RedisReply { .text(Array(text.utf8)) }

    var string: String? {
        guard case .text(let bytes) = self else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    var list: [RedisReply]? {
        guard case .list(let items) = self else { return nil }
        return items
    }

    var isOK: Bool { self == .text("OK") }

    /// The members of a flat list of names and values; nil where it is none.
    var members: [(name: String, value: RedisReply)]? {
        guard let items = list, items.count.isMultiple(of: 2) else { return nil }
        var found: [(name: String, value: RedisReply)] = []
        for place in stride(from: 0, to: items.count, by: 2) {
            guard let name = items[place].string else { return nil }
            found.append((name, items[place + 1]))
        }
        return found
    }

    /// For log lines: bounded, and without control characters.
    var summary: String {
        let text =
            switch self {
            case .null: "nil"
            case .integer(let value): "\(value)"
            case .text(let bytes): String(decoding: bytes.prefix(200), as: UTF8.self)
            case .error(let text): text
            case .list(let items): "a list of \(items.count)"
            }
        return String(
            String.UnicodeScalarView(text.unicodeScalars.prefix(200).map { $0.value < 0x20 ? " " : $0 }))
    }
}

/// Why a connection to Redis is of no use any more. Whatever was under way may have been done or not.
enum RedisTrouble: Error, Equatable, CustomStringConvertible {
    /// Not reached, broken, too late, or not Redis' protocol.
    case dead(String)
    /// Over our caps. Nothing is wrong with Redis: less must be asked for at once.
    case replyTooLarge
    /// Redis answered with an error: read-only, out of memory, loading, no permission.
    case refused(String)
    /// An answer that no Redis gives to this command.
    case nonsense(command: String, answer: String)
    /// Redis has lost what the bridge had put there; all of it is restored before anything else.
    case dataLost(String)
    /// These keys are another log's.
    case othersKeys(String)

    var description: String {
        switch self {
        case .dead(let why): why
        case .replyTooLarge:
            "an answer is larger than \(Limits.redisReplyBytesMax) bytes or \(Limits.redisReplyElementsMax) elements"
        case .refused(let text): "Redis answers \(text)"
        case .nonsense(let command, let answer): "\(command) was answered with \(answer)"
        case .dataLost(let what): "Redis has lost data: \(what)"
        case .othersKeys(let what): what
        }
    }
}
