// Running commands: alone on a snapshot, together in one write transaction, or as a client's EXEC. Each is checked
// completely before it changes anything, so one that fails changes nothing and the rest goes on. Whatever fails after
// it changed something ends its transaction; it never half happens.

internal import EventLog
internal import Events
internal import Records
internal import Domain
internal import Services

/// A command that was read and counted, with what can be made of it before the writer's turn.
struct Operation: Sendable {
    let command: Command
    let words: Words
    var add: AddCommand?
    /// Nil: the server.
    var producer: String?
    /// Its reply, where it is decided already.
    var decided: RespValue?

    /// How far the log may fill for it; nil: it writes nothing.
    var writeClass: WriteClass? {
        if decided != nil { return nil }
        switch command.course {
        case .session, .read, .transaction: return nil
        case .write:
            if command.changesHalt { return .emergency }
            return add?.draft.writeClass ?? .group
        }
    }
}

/// What commands need beside their words.
struct Execution: Sendable {
    let log: EventLog
    let board: HaltBoard
    let exact: Bool
    let producer: String
    let `extension`: (any RespExtension)?
    let commands: CommandTable

    init(log: EventLog, board: HaltBoard, exact: Bool, producer: String, extension: (any RespExtension)?) {
        (self.log, self.board, self.exact, self.producer) = (log, board, exact, producer)
        self.extension = `extension`
        commands = CommandTable(`extension`?.commands ?? [])
    }

    var now: Timestamp { log.clock.now() }
    private var keys: KeyCommands { KeyCommands(board: board, now: now) }

    // MARK: Reading

    func read(_ operation: Operation, _ view: borrowing some LogView & ~Copyable) throws -> RespValue {
        if let decided = operation.decided { return decided }
        let words = operation.words
        if let reply = try self.extension?.read(operation.command, words, view) { return reply }
        switch operation.command.name {
        case "xlen": return try StreamCommands.length(words, view)
        case "xrange": return try StreamCommands.range(words, isReversed: false, view)
        case "xrevrange": return try StreamCommands.range(words, isReversed: true, view)
        case "xread":
            let command = try ReadCommand(words)
            return try command.read(try command.sources(view), view)
        case "xpending": return try GroupCommands.pending(words, now: now, view)
        case "xinfo":
            if words.lower(1) == "help" { return HelpTexts.reply("XINFO", HelpTexts.xinfo) }
            return try InfoCommands(exact: exact, now: now).info(words, view)
        case "type": return .simple(try keys.type(words[1], view) ?? "none")
        case "exists": return try keys.exists(words, view)
        case "keys": return try keys.keys(words, view)
        case "scan": return try keys.scan(words, view)
        case "dbsize": return .integer(Int64(try keys.names(view).count))
        case "get": return try keys.get(words[1], view)
        case "ttl": return try keys.timeToLive(words[1], view)
        case "hget": return try keys.hashGet(words, view)
        case "hexists": return try keys.hashHas(words, view)
        case "hgetall": return try keys.hashAll(words, view)
        default: throw RespError("\(operation.command.name) cannot run here")
        }
    }

    /// Its reply from one snapshot, also where it fails.
    func answer(reading operation: Operation) -> RespValue {
        do { return try log.snapshot { try read(operation, $0) } } catch { return Execution.reply(to: error) }
    }

    func halt(_ words: Words, _ view: borrowing some LogView & ~Copyable) throws -> HaltCommand {
        try HaltCommand(words, keys, view)
    }

    // MARK: Writing

    private func write(_ operation: Operation, _ transaction: inout LogTransaction) throws -> RespValue {
        if let decided = operation.decided { return decided }
        let words = operation.words
        if let reply = try self.extension?.write(operation.command, words, &transaction) { return reply }
        switch operation.command.name {
        case "xadd": return try add(operation, transaction.now).run(&transaction)
        case "xdel": return try StreamCommands.delete(words, &transaction)
        case "xtrim": return try StreamCommands.trim(words, &transaction)
        case "xack": return try GroupCommands.acknowledge(words, &transaction)
        case "xgroup":
            if words.lower(1) == "help" { return HelpTexts.reply("XGROUP", HelpTexts.xgroup) }
            return try GroupCommands.group(words, exact: exact, &transaction)
        case "xreadgroup":
            let command = try ReadCommand(words)
            return try command.readGroup(try command.sources(transaction), &transaction)
        case "xclaim": return try ClaimCommands.claim(words, &transaction)
        case "xautoclaim": return try ClaimCommands.autoClaim(words, &transaction)
        case "set": return try keys.set(words, operation.producer ?? producer, &transaction)
        case "hset", "del": return try halt(words, operation.producer ?? producer, &transaction)
        default: return try read(operation, transaction)
        }
    }

    /// Prepared before its turn, unless an extension says only then what its key means.
    private func add(_ operation: Operation, _ now: Timestamp) throws -> AddCommand {
        if let add = operation.add { return add }
        return try AddCommand(operation.words, producer: producer, now: now, rules: log.rules)
    }

    private func halt(_ words: Words, _ producer: String, _ transaction: inout LogTransaction) throws -> RespValue {
        switch try halt(words, transaction) {
        case .nothing: return .integer(0)
        case .resume:
            throw RespError(whole: "HALTED a resume asks the exchange first, so it cannot be part of a transaction")
        case .halt(let reason, let source, let members):
            let wasHalted = try transaction.holder(of: GuardName.halt) != nil
            return try HaltCommand.halt(
                reason, source, members: members, wasHalted: wasHalted, producer, &transaction)
        }
    }

    /// A failure that is the command's own is its reply; any other ends the transaction.
    private func answer(
        _ operation: Operation, isAlone: Bool, _ transaction: inout LogTransaction
    ) throws -> RespValue {
        let before = transaction.changes
        do { return try write(operation, &transaction) } catch {
            guard transaction.changes == before, Execution.isOwn(error, isAlone: isAlone) else { throw error }
            return Execution.reply(to: error)
        }
    }

    private static func isOwn(_ error: any Error, isAlone: Bool) -> Bool {
        switch error {
        case is RespError, is BoundError, is MessageError: true
        // In smaller company it may fit.
        case LogError.refused(.tooMuchAtOnce): isAlone
        case LogError.refused, LogError.streamMissing, LogError.groupMissing: true
        default: false
        }
    }

    /// In one transaction, in order.
    func answers(_ operations: [Operation], _ transaction: inout LogTransaction) throws -> [RespValue] {
        var replies: [RespValue] = []
        for operation in operations {
            replies.append(try answer(operation, isAlone: operations.count == 1, &transaction))
        }
        return replies
    }

    /// EXEC: nil where a watched key has changed.
    func exec(
        _ operations: [Operation], _ watched: [WatchedKey], _ transaction: inout LogTransaction
    ) throws -> [RespValue]? {
        for key in watched where try WatchedKey(key.name, key.scope, board, transaction) != key { return nil }
        var replies: [RespValue] = []
        var bytes = 0
        for operation in operations {
            let reply = try answer(operation, isAlone: true, &transaction)
            bytes += reply.size
            guard bytes <= Limits.respReplyBytesMax else {
                throw RespError("the answer of EXEC is larger than \(Limits.respReplyBytesMax) bytes")
            }
            replies.append(reply)
        }
        return replies
    }

    // MARK: Errors

    static func reply(to error: any Error) -> RespValue {
        switch error {
        case let error as RespError: return error.reply
        case let error as LogError: return reply(to: error)
        default: return .error("ERR \(error)")
        }
    }

    private static func reply(to error: LogError) -> RespValue {
        switch error {
        case .refused(.guarded(let name, let by)):
            return .error("\(name == GuardName.halt ? "HALTED" : "GUARDED") guard \(name) is raised by record \(by)")
        case .refused(.full(let what)): return .error("OOM \(what)")
        case .outcomeUnknown(let why): return .error("UNKNOWN \(why)")
        case .poisoned, .damaged: return .error("MISCONF \(error)")
        case .groupMissing(let stream, let group): return RespError.noGroup(Array(stream.utf8), Array(group.utf8)).reply
        case .missing, .alreadyThere, .notALog, .formatUnknown, .olderInUse, .notWritable, .filesystemRefused,
            .namespaceRefused,
            .isBackup, .notEmpty, .insideItself, .beingMade, .inUse, .diskTooSmall, .notWritten, .closed, .readOnly,
            .streamMissing, .groupAlreadyThere, .consumerHeld, .refused:
            return .error("ERR \(error)")
        }
    }
}

/// A key as WATCH saw it. Reading, delivering and acknowledging do not change a stream, as in Redis.
struct WatchedKey: Sendable {
    private enum Seen: Equatable, Sendable {
        case stream(StreamState?)
        case halt(SequenceNumber?)
        case claimed(SequenceNumber?)
        case nothing
    }
    let name: [UInt8]
    let scope: KeyScope
    private let seen: Seen
    /// An extension's changes of it.
    private let touches: UInt64

    static func != (a: WatchedKey, b: WatchedKey) -> Bool { a.seen != b.seen || a.touches != b.touches }

    init(_ name: [UInt8], _ scope: KeyScope, _ board: HaltBoard, _ view: borrowing some LogView & ~Copyable) throws {
        (self.name, self.scope) = (name, scope)
        touches = scope.touches(name)
        switch scope.key(name) {
        case .stream(let stream): seen = .stream(try view.stream(stream))
        case .haltHash, .haltText: seen = .halt(try board.current().trading.halt?.sequence)
        case .intentDedup, .orderDedup: seen = .claimed(try DedupKey(name)?.sequence(view))
        case .impossible, .other: seen = .nothing
        }
    }
}
