// Commands on streams and groups, as Redis takes them: what the differential programme sends to both sides.

import Records

enum StreamCommand: CustomStringConvertible {
    enum Trim { case length(Int), before(EntryID) }
    enum ReadFrom { case new, own(after: EntryID) }

    struct ClaimArguments {
        var minIdle: Int64 = 0
        /// Relative to the moment of the call.
        var idle: Int64?
        /// Absolute, milliseconds since 1970.
        var time: Int64?
        var retryCount: UInt64?
        var force = false
        var justID = false
        var lastID: EntryID?
    }

    case add(String, id: String, value: String, trim: Trim?)
    case delete(String, [EntryID])
    case trim(String, Trim)
    case length(String)
    case range(String, EntryID, EntryID, count: Int?, reversed: Bool)
    case read(String, after: EntryID, count: Int)
    case create(String, String, at: String, makeStream: Bool, entriesRead: Int64?)
    case setID(String, String, to: String, entriesRead: Int64?)
    case destroy(String, String)
    case createConsumer(String, String, String)
    case deleteConsumer(String, String, String)
    case readGroup(String, String, String, from: ReadFrom, count: Int?, noAck: Bool)
    case acknowledge(String, String, [EntryID])
    case pending(String, String)
    case pendingEntries(String, String, idle: Int64?, EntryID, EntryID, count: Int, consumer: String?)
    case claim(String, String, String, [EntryID], ClaimArguments)
    case autoClaim(String, String, String, minIdle: Int64, from: EntryID, count: Int, justID: Bool)
    case groups(String)
    case consumers(String, String)
    /// The whole state of a stream and its groups.
    case state(String)

    var description: String { words.joined(separator: " ") }

    /// As Redis wants it.
    var words: [String] {
        switch self {
        case .add(let key, let id, let value, let trim):
            ["XADD", key] + (trim.map(Self.words) ?? []) + [id, "v", value]
        case .delete(let key, let ids): ["XDEL", key] + ids.map(\.description)
        case .trim(let key, let trim): ["XTRIM", key] + Self.words(trim)
        case .length(let key): ["XLEN", key]
        case .range(let key, let from, let to, let count, let reversed):
            (reversed ? ["XREVRANGE", key, "\(to)", "\(from)"] : ["XRANGE", key, "\(from)", "\(to)"])
                + (count.map { ["COUNT", "\($0)"] } ?? [])
        case .read(let key, let after, let count): ["XREAD", "COUNT", "\(count)", "STREAMS", key, "\(after)"]
        case .create(let key, let group, let at, let make, let read):
            ["XGROUP", "CREATE", key, group, at] + (make ? ["MKSTREAM"] : []) + Self.words(read)
        case .setID(let key, let group, let to, let read): ["XGROUP", "SETID", key, group, to] + Self.words(read)
        case .destroy(let key, let group): ["XGROUP", "DESTROY", key, group]
        case .createConsumer(let key, let group, let name): ["XGROUP", "CREATECONSUMER", key, group, name]
        case .deleteConsumer(let key, let group, let name): ["XGROUP", "DELCONSUMER", key, group, name]
        case .readGroup(let key, let group, let name, let from, let count, let noAck):
            ["XREADGROUP", "GROUP", group, name] + (count.map { ["COUNT", "\($0)"] } ?? [])
                + (noAck ? ["NOACK"] : []) + ["STREAMS", key] + [Self.word(from)]
        case .acknowledge(let key, let group, let ids): ["XACK", key, group] + ids.map(\.description)
        case .pending(let key, let group): ["XPENDING", key, group]
        case .pendingEntries(let key, let group, let idle, let from, let to, let count, let consumer):
            ["XPENDING", key, group] + (idle.map { ["IDLE", "\($0)"] } ?? []) + ["\(from)", "\(to)", "\(count)"]
                + (consumer.map { [$0] } ?? [])
        case .claim(let key, let group, let name, let ids, let arguments):
            ["XCLAIM", key, group, name, "\(arguments.minIdle)"] + ids.map(\.description) + Self.words(arguments)
        case .autoClaim(let key, let group, let name, let idle, let from, let count, let justID):
            ["XAUTOCLAIM", key, group, name, "\(idle)", "\(from)", "COUNT", "\(count)"] + (justID ? ["JUSTID"] : [])
        case .groups(let key): ["XINFO", "GROUPS", key]
        case .consumers(let key, let group): ["XINFO", "CONSUMERS", key, group]
        case .state(let key): ["XINFO", "STREAM", key, "FULL", "COUNT", "0"]
        }
    }

    private static func words(_ trim: Trim) -> [String] {
        switch trim {
        case .length(let count): ["MAXLEN", "=", "\(count)"]
        case .before(let id): ["MINID", "=", "\(id)"]
        }
    }

    private static func words(_ entriesRead: Int64?) -> [String] { entriesRead.map { ["ENTRIESREAD", "\($0)"] } ?? [] }

    private static func word(_ from: ReadFrom) -> String {
        switch from {
        case .new: ">"
        case .own(let after): "\(after)"
        }
    }

    private static func words(_ arguments: ClaimArguments) -> [String] {
        var words: [String] = []
        if let idle = arguments.idle { words += ["IDLE", "\(idle)"] }
        if let time = arguments.time { words += ["TIME", "\(time)"] }
        if let count = arguments.retryCount { words += ["RETRYCOUNT", "\(count)"] }
        if arguments.force { words.append("FORCE") }
        if arguments.justID { words.append("JUSTID") }
        if let id = arguments.lastID { words += ["LASTID", "\(id)"] }
        return words
    }
}
