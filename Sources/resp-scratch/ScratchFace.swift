// The extension of the Redis face: which commands there are beside the log's own, and who answers each. Belongs to the
// server's event loop, which waits for every transaction: nothing here runs beside anything else.

import EventLog
import Records
import RespServer

final class ScratchFace: RespExtension, @unchecked Sendable {
    var space = ScratchSpace()
    private var saved = ScratchSpace()
    var configuration = Configuration()
    var statistics = Statistics()

    let databases = 16
    var trimStep: Int { configuration.streamNodeEntries }

    // MARK: Keys

    func meaning(of key: [UInt8], database: Int) -> Key {
        let key = ScratchKey(database: database, bytes: key)
        return space[key] == nil ? .stream(space.name(of: key)) : .other
    }

    func touches(_ key: [UInt8], database: Int) -> UInt64 {
        space.touches(ScratchKey(database: database, bytes: key))
    }

    func save() { saved = space }
    func restore() { space = saved }

    // MARK: Commands

    let commands: [Command] = [
        Command(
            name: "client", arity: -2, course: .session,
            subcommands: [
                "getname": 2, "help": 2, "id": 2, "info": 2, "kill": -3, "list": -2, "no-evict": 3, "setname": 3,
                "unblock": -3,
            ]),
        Command(
            name: "config", arity: -2, course: .session,
            subcommands: ["get": -3, "help": 2, "resetstat": 2, "set": -4]),
        Command(name: "function", arity: -2, course: .write, subcommands: ["flush": -2]),
        Command(name: "flushall", arity: -1, course: .write),
        Command(name: "flushdb", arity: -1, course: .write),
        Command(name: "dbsize", arity: 1, course: .read),
        Command(name: "keys", arity: 2, course: .read),
        Command(name: "scan", arity: -2, course: .read),
        key("del", -2, .write, last: -1), key("exists", -2, .read, last: -1), key("unlink", -2, .write, last: -1),
        key("rename", 3, .write, last: 2), key("renamenx", 3, .write, last: 2),
        key("ttl", 2, .read), key("type", 2, .read), key("xsetid", -3, .write),
        key("get", 2, .read), key("set", -3, .write), key("incr", 2, .write), key("incrby", 3, .write),
        key("llen", 2, .read), key("lpush", -3, .write), key("lrange", 4, .read), key("rpush", -3, .write),
        key("sadd", -3, .write), key("scard", 2, .read), key("smembers", 2, .read),
        key("hexists", 3, .read), key("hget", 3, .read), key("hgetall", 2, .read), key("hset", -4, .write),
    ]

    private static func key(_ name: String, _ arity: Int, _ course: Command.Course, last: Int = 1) -> Command {
        Command(name: name, arity: arity, course: course, firstKey: 1, lastKey: last)
    }

    func answer(
        _ command: Command, _ words: Words, from client: Int64, _ host: any ExtensionHost
    ) throws(RespError) -> RespValue? {
        switch command.name {
        case "config":
            if words.lower(1) == "resetstat" {
                statistics = Statistics()
                host.resetCounters()
                return .ok
            }
            return try configuration.answer(words)
        case "client" where words.lower(1) == "kill": return try ClientKill(words).run(from: client, host)
        default: return nil
        }
    }

    func read(_ command: Command, _ words: Words, _ view: borrowing some LogView & ~Copyable) throws -> RespValue? {
        switch command.name {
        case "dbsize": return .integer(Int64(try there(words.scope.database, view).count))
        case "keys": return .array(try keys(words, matching: words[1], view).map { .bulk($0.bytes) })
        case "scan": return try scan(words, view)
        case "exists": return .integer(Int64(try words.all.dropFirst().count { try type(at($0, words), view) != nil }))
        case "ttl": return .integer(try type(at(words[1], words), view) == nil ? -2 : -1)
        case "type": return .simple(try type(at(words[1], words), view) ?? "none")
        case "get", "llen", "lrange", "scard", "smembers", "hexists", "hget", "hgetall":
            return try ValueCommands(words, try value(words, view)).read(command.name)
        default: return nil
        }
    }

    func write(_ command: Command, _ words: Words, _ transaction: inout LogTransaction) throws -> RespValue? {
        switch command.name {
        case "flushall", "flushdb":
            try ScratchFace.checkFlush(words, from: 1, RespError.syntax)
            let database = command.name == "flushdb" ? words.scope.database : nil
            space.empty(database, there: try there(nil, transaction))
            return .ok
        case "function":
            try ScratchFace.checkFlush(words, from: 2, RespError("FUNCTION FLUSH only supports SYNC|ASYNC option"))
            return .ok
        case "del", "unlink": return try delete(words, transaction)
        case "rename", "renamenx": return try rename(words, transaction)
        case "xsetid":
            let key = at(words[1], words)
            return try SetIDCommand(words).run(words, &transaction) {
                space.forget(key)
                return space.name(of: key)
            }
        case "set", "incr", "incrby", "lpush", "rpush", "sadd", "hset":
            // SET takes the place of whatever is there.
            let old = command.name == "set" ? space[at(words[1], words)] : try value(words, transaction)
            let isThere = try type(at(words[1], words), transaction) != nil
            var values = ValueCommands(words, old)
            let reply = try values.write(command.name, isThere: isThere)
            if let new = values.changed { space.put(new, at: at(words[1], words)) }
            return reply
        default: return nil
        }
    }

    private static func checkFlush(_ words: Words, from first: Int, _ error: RespError) throws(RespError) {
        guard words.count > first else { return }
        guard words.count == first + 1, words.word(first, is: "sync") || words.word(first, is: "async") else {
            throw error
        }
    }

    // MARK: Numbers

    func ran(_ command: String, microseconds: Int64, isFailed: Bool) {
        statistics.ran(command, microseconds: microseconds, isFailed: isFailed)
    }
    func failedBlocked(_ command: String) { statistics.failedBlocked(command) }
    func refused(_ command: String?) { statistics.refused(command) }
    func failed(_ text: String) { statistics.failed(text) }

    func sections(_ wanted: Set<String>, _ log: EventLog) -> [InfoSection] {
        var counts: [(String, String)] = []
        do {
            let there = try log.snapshot { snapshot in try self.there(nil, snapshot) }
            for database in 0..<databases {
                let count = there.count { $0.database == database }
                if count > 0 { counts.append(("db\(database)", "keys=\(count),expires=0,avg_ttl=0")) }
            }
        } catch { counts = [("unreadable", "\(error)")] }
        var sections: [InfoSection] = [("Keyspace", counts), ("Errorstats", statistics.errorLines)]
        if !wanted.isDisjoint(with: ["commandstats", "all", "everything"]) {
            sections.append(("Commandstats", statistics.commandLines))
        }
        return sections
    }
}
