// The commands that are known, how many words each takes, and how each runs. A command that is not in this table gets
// Redis' "unknown command".

package struct Command: Hashable, Sendable {
    package enum Course: Hashable, Sendable {
        /// Of the connection: its reply needs no log.
        case session
        /// Answered from one snapshot.
        case read
        /// Answered inside the writer's transaction.
        case write
        /// Begins, ends or watches a transaction of the client.
        case transaction
    }

    package let name: String
    /// Words with the name; negative: at least so many.
    let arity: Int
    let course: Course
    /// The first word that is a key; 0: none is.
    var firstKey = 0
    var lastKey = 0
    /// The second word chooses among these; with their arities.
    var subcommands: [String: Int] = [:]
    var isBlocking = false
    /// An extension's.
    var isExtended = false

    /// With its subcommand, as in CLIENT LIST.
    func shown(_ words: Words) -> String {
        subcommands.isEmpty || words.count < 2 ? name : "\(name)|\(words.lower(1))"
    }

    static let own: [Command] = session + keys + streams

    package init(
        name: String, arity: Int, course: Course, firstKey: Int = 0, lastKey: Int = 0, subcommands: [String: Int] = [:],
        isBlocking: Bool = false
    ) {
        (self.name, self.arity, self.course) = (name, arity, course)
        (self.firstKey, self.lastKey) = (firstKey, lastKey)
        (self.subcommands, self.isBlocking) = (subcommands, isBlocking)
    }

    private static let session: [Command] = [
        Command(name: "acl", arity: -2, course: .session, subcommands: ["whoami": 2]),
        Command(name: "auth", arity: -2, course: .session),
        Command(
            name: "client", arity: -2, course: .session,
            subcommands: [
                "getname": 2, "help": 2, "id": 2, "info": 2, "list": -2, "no-evict": 3, "setinfo": 4, "setname": 3,
                "unblock": -3,
            ]),
        Command(
            name: "command", arity: -1, course: .session,
            subcommands: ["count": 2, "docs": -2, "help": 2, "info": -2, "list": -2]),
        Command(name: "discard", arity: 1, course: .transaction),
        Command(name: "echo", arity: 2, course: .session),
        Command(name: "exec", arity: 1, course: .transaction),
        Command(name: "hello", arity: -1, course: .session),
        Command(name: "info", arity: -1, course: .session),
        Command(name: "multi", arity: 1, course: .transaction),
        Command(name: "ping", arity: -1, course: .session),
        Command(name: "quit", arity: -1, course: .session),
        Command(name: "reset", arity: 1, course: .session),
        Command(name: "select", arity: 2, course: .session),
        Command(name: "unwatch", arity: 1, course: .transaction),
        Command(name: "watch", arity: -2, course: .transaction, firstKey: 1, lastKey: -1),
    ]

    private static let keys: [Command] = [
        Command(name: "dbsize", arity: 1, course: .read),
        Command(name: "del", arity: -2, course: .write, firstKey: 1, lastKey: -1),
        Command(name: "exists", arity: -2, course: .read, firstKey: 1, lastKey: -1),
        Command(name: "get", arity: 2, course: .read, firstKey: 1, lastKey: 1),
        Command(name: "hexists", arity: 3, course: .read, firstKey: 1, lastKey: 1),
        Command(name: "hget", arity: 3, course: .read, firstKey: 1, lastKey: 1),
        Command(name: "hgetall", arity: 2, course: .read, firstKey: 1, lastKey: 1),
        Command(name: "hset", arity: -4, course: .write, firstKey: 1, lastKey: 1),
        Command(name: "keys", arity: 2, course: .read),
        Command(name: "scan", arity: -2, course: .read),
        Command(name: "set", arity: -3, course: .write, firstKey: 1, lastKey: 1),
        Command(name: "ttl", arity: 2, course: .read, firstKey: 1, lastKey: 1),
        Command(name: "type", arity: 2, course: .read, firstKey: 1, lastKey: 1),
    ]

    private static let streams: [Command] = [
        Command(name: "xack", arity: -4, course: .write, firstKey: 1, lastKey: 1),
        Command(name: "xadd", arity: -5, course: .write, firstKey: 1, lastKey: 1),
        Command(name: "xautoclaim", arity: -6, course: .write, firstKey: 1, lastKey: 1),
        Command(name: "xclaim", arity: -6, course: .write, firstKey: 1, lastKey: 1),
        Command(name: "xdel", arity: -3, course: .write, firstKey: 1, lastKey: 1),
        Command(
            name: "xgroup", arity: -2, course: .write,
            subcommands: [
                "create": -5, "createconsumer": 5, "delconsumer": 5, "destroy": 4, "help": 2, "setid": -5,
            ]),
        Command(
            name: "xinfo", arity: -2, course: .read,
            subcommands: ["consumers": 4, "groups": 3, "help": 2, "stream": -3]),
        Command(name: "xlen", arity: 2, course: .read, firstKey: 1, lastKey: 1),
        Command(name: "xpending", arity: -3, course: .read, firstKey: 1, lastKey: 1),
        Command(name: "xrange", arity: -4, course: .read, firstKey: 1, lastKey: 1),
        Command(name: "xread", arity: -4, course: .read, isBlocking: true),
        Command(name: "xreadgroup", arity: -7, course: .write, isBlocking: true),
        Command(name: "xrevrange", arity: -4, course: .read, firstKey: 1, lastKey: 1),
        Command(name: "xtrim", arity: -4, course: .write, firstKey: 1, lastKey: 1),
    ]

}

/// The commands of one server: the log's own, and an extension's beside them or in their place.
struct CommandTable: Sendable {
    let all: [Command]
    private let byName: [String: Command]

    init(_ others: [Command]) {
        let names = Set(others.map(\.name))
        let others = others.map { command in
            var command = command
            command.isExtended = true
            return command
        }
        all = (Command.own.filter { !names.contains($0.name) } + others).sorted { $0.name < $1.name }
        byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
    }

    /// The command that the words name, with as many words as it takes.
    func find(_ words: Words) throws(RespError) -> Command {
        guard let command = byName[words.lower(0)] else { throw CommandTable.unknown(words) }
        guard CommandTable.fits(command.arity, words) else { throw .arity(command.name) }
        guard !command.subcommands.isEmpty, words.count > 1 else { return command }
        guard let arity = command.subcommands[words.lower(1)] else {
            throw RespError(
                "unknown subcommand '\(words.text(1).prefix(128))'. Try \(command.name.uppercased()) HELP.")
        }
        guard CommandTable.fits(arity, words) else { throw .arity("\(command.name)|\(words.lower(1))") }
        return command
    }

    func named(_ name: String) -> Command? { byName[name] }

    private static func fits(_ arity: Int, _ words: Words) -> Bool {
        arity >= 0 ? words.count == arity : words.count >= -arity
    }

    private static func unknown(_ words: Words) -> RespError {
        var shown = ""
        for place in 1..<max(1, words.count) where shown.utf8.count < 128 {
            shown += "'\(String(decoding: words[place].prefix(128 - shown.utf8.count), as: UTF8.self))' "
        }
        return RespError(
            "unknown command '\(words.text(0).prefix(128))', with args beginning with: \(shown)")
    }
}
