// An error reply: its first word, then its text, exactly as Redis 7.0.15 says it.

package struct RespError: Error, Equatable, Sendable {
    package let text: String

    /// With its first word.
    package init(whole text: String) { self.text = text }
    /// Of Redis' ordinary errors.
    package init(_ text: String) { self.text = "ERR \(text)" }

    package var reply: RespValue { .error(text) }

    package static let syntax = RespError("syntax error")
    package static let notAnInteger = RespError("value is not an integer or out of range")
    static let invalidID = RespError("Invalid stream ID specified as stream command argument")
    package static let wrongType = RespError(whole: "WRONGTYPE Operation against a key holding the wrong kind of value")
    package static let noSuchKey = RespError("no such key")

    package static func arity(_ command: String) -> RespError {
        RespError("wrong number of arguments for '\(command)' command")
    }

    static func subcommandSyntax(_ subcommand: String, of command: String) -> RespError {
        RespError(
            "unknown subcommand or wrong number of arguments for '\(subcommand.prefix(128))'. Try \(command) HELP.")
    }

    static func noGroup(_ key: [UInt8], _ group: [UInt8], _ tail: String = "") -> RespError {
        let (key, group) = (String(decoding: key, as: UTF8.self), String(decoding: group, as: UTF8.self))
        return RespError(whole: "NOGROUP No such key '\(key)' or consumer group '\(group)'\(tail)")
    }

    static func noGroupOfKey(_ key: [UInt8], _ group: [UInt8]) -> RespError {
        let (key, group) = (String(decoding: key, as: UTF8.self), String(decoding: group, as: UTF8.self))
        return RespError(whole: "NOGROUP No such consumer group '\(group)' for key name '\(key)'")
    }
}
