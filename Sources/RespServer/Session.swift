// What a connection is between its commands: protocol, name, an open MULTI, watched keys. Pure: words in, a reply and
// what is to happen with the connection out.

internal import Records

struct Session: Sendable {
    let id: Int64
    let address: String
    let localAddress: String
    var version = RespVersion.two
    var name = ""
    var lastCommand = "NULL"
    var database = 0
    /// Nil: nobody has said yet who speaks.
    var user: RespUser?
    let users: RespUsers
    private(set) var queue: Queue?
    var watched: [WatchedKey] = []

    struct Queue: Sendable {
        /// Which its next command is for.
        var database: Int
        var commands: [(command: Command, words: Words)] = []
        var bytes = 0
        /// A command of it could not be taken: EXEC will do nothing.
        var isSpoilt = false
    }

    init(id: Int64, address: String, localAddress: String, users: RespUsers = .none) {
        (self.users, user) = (users, users.first)
        self.id = id
        self.address = address
        self.localAddress = localAddress
    }

    // MARK: MULTI

    /// These run at once, whatever is open.
    static func runsInsideMulti(_ command: Command) -> Bool {
        command.course == .transaction && command.name != "unwatch" || command.name == "quit" || command.name == "reset"
    }

    mutating func begin() -> RespValue {
        guard queue == nil else { return RespError("MULTI calls can not be nested").reply }
        queue = Queue(database: database)
        return .ok
    }

    mutating func enqueue(_ command: Command, _ words: Words, databases: Int) -> RespValue {
        let bytes = words.byteCount + 16 * words.count
        guard let open = queue, open.commands.count < Limits.respQueuedCommandsMax,
            open.bytes + bytes <= Limits.respQueuedBytesMax
        else {
            spoil()
            return RespError(
                "a transaction holds at most \(Limits.respQueuedCommandsMax) commands and \(Limits.respQueuedBytesMax) bytes"
            ).reply
        }
        queue?.commands.append((command, words))
        if command.name == "select" { select(words, of: databases) }
        queue?.bytes += bytes
        return .queued
    }

    /// SELECT inside MULTI is for what comes after it there.
    private mutating func select(_ words: Words, of databases: Int) {
        do { queue?.database = try Session.database(words, of: databases) } catch {}  // EXEC will answer the error
    }

    mutating func spoil() { queue?.isSpoilt = true }

    mutating func discard() -> RespValue {
        guard queue != nil else { return RespError("DISCARD without MULTI").reply }
        (queue, watched) = (nil, [])
        return .ok
    }

    enum Exec {
        case refused(RespValue)
        case run([(command: Command, words: Words)], [WatchedKey])
    }

    mutating func takeQueue() -> Exec {
        guard let open = queue else { return .refused(RespError("EXEC without MULTI").reply) }
        defer { (queue, watched) = (nil, []) }
        if open.isSpoilt {
            return .refused(.error("EXECABORT Transaction discarded because of previous errors."))
        }
        return .run(open.commands, watched)
    }

    mutating func reset() {
        (version, name, queue, watched, database) = (.two, "", nil, [], 0)
        user = users.first
    }
}
