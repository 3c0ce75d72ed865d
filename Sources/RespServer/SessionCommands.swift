// The commands that need no log, with Redis 7.0.15's replies: PING, HELLO, AUTH, CLIENT, COMMAND, INFO and the like.

/// What is to happen with the connection after the reply.
enum AfterReply: Sendable {
    case nothing
    case close
}

/// What a session's command may ask of its server.
protocol SessionHost {
    var commands: CommandTable { get }
    var databases: Int { get }
    /// An extension's answer; nil: the session's own is asked for.
    func extended(_ command: Command, _ words: Words, from client: Int64) throws(RespError) -> RespValue?
    func information(_ sections: Set<String>) -> String
    /// One line of CLIENT LIST each; nil: all.
    func clientLines(_ ids: Set<Int64>?) -> [String]
    func unblock(_ id: Int64, withError: Bool) -> Bool
}

extension Session {
    mutating func answer(
        _ command: Command, _ words: Words, _ host: any SessionHost
    ) -> (reply: RespValue, after: AfterReply) {
        do {
            if command.name == "quit" { return (.ok, .close) }
            if let value = try host.extended(command, words, from: id) { return (value, .nothing) }
            return (try reply(command, words, host), .nothing)
        } catch { return (error.reply, .nothing) }
    }

    private mutating func reply(
        _ command: Command, _ words: Words, _ host: any SessionHost
    ) throws(RespError) -> RespValue {
        switch command.name {
        case "ping":
            guard words.count <= 2 else { throw .arity("ping") }
            return words.count == 2 ? .bulk(words[1]) : .simple("PONG")
        case "echo": return .bulk(words[1])
        case "hello": return try hello(words)
        case "auth": return try auth(words)
        case "select":
            database = try Session.database(words, of: host.databases)
            return .ok
        case "reset":
            reset()
            return .simple("RESET")
        case "acl":
            guard words.word(1, is: "whoami") else { throw .subcommandSyntax(words.text(1), of: "ACL") }
            return .text(user?.name ?? RespUsers.defaultName)
        case "client": return try client(words, host)
        case "command": return try commands(words, host.commands)
        case "info":
            let wanted = Set((1..<max(1, words.count)).map { words.lower($0) })
            return .verbatim(host.information(wanted))
        default: throw RespError("\(command.name) cannot run here")
        }
    }

    static func database(_ words: Words, of count: Int) throws(RespError) -> Int {
        let number = try words.integer(1)
        guard Int64(Int32.min)...Int64(Int32.max) ~= number else {
            throw RespError("value is out of range, value must between \(Int32.min) and \(Int32.max)")
        }
        guard 0..<Int64(count) ~= number else { throw RespError("DB index is out of range") }
        return Int(number)
    }

    // MARK: HELLO and AUTH

    private mutating func hello(_ words: Words) throws(RespError) -> RespValue {
        var wanted = version
        if words.count > 1 {
            let number = try words.integer(1, RespError("Protocol version is not an integer or out of range"))
            guard let known = RespVersion(rawValue: Int(clamping: number)) else {
                throw RespError(whole: "NOPROTO unsupported protocol version")
            }
            wanted = known
        }
        var (place, newName, newUser) = (2, String?.none, user)
        while place < words.count {
            if words.word(place, is: "auth"), words.after(place) >= 2 {
                newUser = try known(words[place + 1], words[place + 2])
                place += 3
            } else if words.word(place, is: "setname"), words.after(place) >= 1 {
                newName = try Session.clientName(words[place + 1])
                place += 2
            } else {
                throw RespError("Syntax error in HELLO option '\(words.text(place))'")
            }
        }
        guard let newUser else {
            throw RespError(
                whole:
                    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"
            )
        }
        (version, user) = (wanted, newUser)
        if let newName { name = newName }
        return .map([
            (.text("server"), .text("redis")), (.text("version"), .text(RedisVersion.text)),
            (.text("proto"), .integer(Int64(version.rawValue))), (.text("id"), .integer(id)),
            (.text("mode"), .text("standalone")), (.text("role"), .text("master")), (.text("modules"), .array([])),
        ])
    }

    private mutating func auth(_ words: Words) throws(RespError) -> RespValue {
        guard words.count <= 3 else { throw .syntax }
        if words.count == 2, !users.isEmpty {
            user = try known(Array(RespUsers.defaultName.utf8), words[1])
            return .ok
        }
        guard words.count == 3 else {
            throw RespError(
                "AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
            )
        }
        user = try known(words[1], words[2])
        return .ok
    }

    private func known(_ name: [UInt8], _ password: [UInt8]) throws(RespError) -> RespUser {
        guard let user = users.user(name, password) else {
            throw RespError(whole: "WRONGPASS invalid username-password pair or user is disabled.")
        }
        return user
    }

    // MARK: CLIENT

    private mutating func client(_ words: Words, _ host: any SessionHost) throws(RespError) -> RespValue {
        switch words.lower(1) {
        case "id": return .integer(id)
        case "getname": return name.isEmpty ? .null : .text(name)
        case "setname":
            name = try Session.clientName(words[2])
            return .ok
        case "setinfo": return .ok
        case "no-evict":
            guard words.word(2, is: "on") || words.word(2, is: "off") else { throw .syntax }
            return .ok
        case "info": return .verbatim(host.clientLines([id]).joined(separator: "\n") + "\n")
        case "list": return .verbatim(host.clientLines(try listed(words)).map { $0 + "\n" }.joined())
        case "unblock":
            let wanted = try words.integer(2)
            guard words.count <= 4 else { throw .subcommandSyntax(words.text(1), of: "CLIENT") }
            var withError = false
            if words.count == 4 {
                withError = words.word(3, is: "error")
                guard withError || words.word(3, is: "timeout") else {
                    throw RespError("CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
                }
            }
            return .integer(host.unblock(wanted, withError: withError) ? 1 : 0)
        case "help": return HelpTexts.reply("CLIENT", HelpTexts.client)
        default: throw .subcommandSyntax(words.text(1), of: "CLIENT")
        }
    }

    private func listed(_ words: Words) throws(RespError) -> Set<Int64>? {
        if words.count == 2 { return nil }
        if words.count == 4, words.word(2, is: "type") {
            if words.word(3, is: "normal") { return nil }
            for other in ["master", "replica", "slave", "pubsub"] where words.lower(3) == other { return [] }
            throw RespError("Unknown client type '\(words.text(3))'")
        }
        guard words.count > 3, words.word(2, is: "id") else { throw .syntax }
        var ids: Set<Int64> = []
        for place in 3..<words.count { ids.insert(try words.integer(place, RespError("Invalid client ID"))) }
        return ids
    }

    private static func clientName(_ bytes: [UInt8]) throws(RespError) -> String {
        guard bytes.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw RespError("Client names cannot contain spaces, newlines or special characters.")
        }
        guard bytes.count <= respNameBytesMax else {
            throw RespError("Client names have at most \(respNameBytesMax) bytes.")
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: COMMAND

    private func commands(_ words: Words, _ table: CommandTable) throws(RespError) -> RespValue {
        guard words.count > 1 else { return .array(table.all.map(\.described)) }
        switch words.lower(1) {
        case "count": return .integer(Int64(table.all.count))
        case "docs": return .map([])
        case "list" where words.count == 2: return .array(table.all.map { .text($0.name) })
        case "list": throw .syntax
        case "info":
            if words.count == 2 { return .array(table.all.map(\.described)) }
            return .array((2..<words.count).map { table.named(words.lower($0))?.described ?? .nullArray })
        case "help": return HelpTexts.reply("COMMAND", HelpTexts.command)
        default: throw .subcommandSyntax(words.text(1), of: "COMMAND")
        }
    }
}

extension Command {
    /// Name, arity, flags, first and last key, step, and the parts of newer versions, empty.
    var described: RespValue {
        var flags: [RespValue] = [.simple(course == .write ? "write" : "readonly")]
        if isBlocking { flags.append(.simple("blocking")) }
        return .array([
            .text(name), .integer(Int64(arity)), .array(course == .read || course == .write ? flags : []),
            .integer(Int64(firstKey)), .integer(Int64(lastKey)), .integer(firstKey == 0 ? 0 : 1), .array([]),
            .array([]),
            .array([]), .array([]),
        ])
    }
}
