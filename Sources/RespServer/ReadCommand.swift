// XREAD and XREADGROUP: their words, what they read at once, and what a client that blocks waits for. All keys, groups
// and ids are checked before anything is delivered.

internal import EventLog
internal import Records

struct ReadCommand: Sendable {
    var group: [UInt8]?
    var consumer: [UInt8] = []
    /// Nil: all there is.
    var count: Int?
    /// Milliseconds; 0: for ever; nil: it does not wait.
    var block: Int64?
    var noAck = false
    var keys: [[UInt8]] = []
    var ids: [[UInt8]] = []
    private var scope = KeyScope()

    init(_ words: Words) throws(RespError) {
        let isGroup = words.lower(0) == "xreadgroup"
        scope = words.scope
        var place = 1
        while place < words.count, keys.isEmpty {
            let more = words.after(place)
            if words.word(place, is: "block"), more > 0 {
                block = try ReadCommand.timeout(words, place + 1)
                place += 1
            } else if words.word(place, is: "count"), more > 0 {
                let number = try words.integer(place + 1)
                count = number > 0 ? Int(clamping: number) : nil
                place += 1
            } else if words.word(place, is: "streams"), more > 0 {
                try readStreams(words, place + 1)
            } else if words.word(place, is: "group"), more >= 2 {
                guard isGroup else { throw ReadCommand.onlyForGroups("GROUP") }
                (group, consumer) = (words[place + 1], words[place + 2])
                place += 2
            } else if words.word(place, is: "noack") {
                guard isGroup else { throw ReadCommand.onlyForGroups("NOACK") }
                noAck = true
            } else {
                throw .syntax
            }
            place += 1
        }
        guard !keys.isEmpty else { throw .syntax }
        guard !isGroup || group != nil else { throw RespError("Missing GROUP option for XREADGROUP") }
    }

    private static func onlyForGroups(_ option: String) -> RespError {
        RespError("The \(option) option is only supported by XREADGROUP. You called XREAD instead.")
    }

    private static func timeout(_ words: Words, _ place: Int) throws(RespError) -> Int64 {
        let number = try words.integer(place, RespError("timeout is not an integer or out of range"))
        guard number >= 0 else { throw RespError("timeout is negative") }
        return number
    }

    private mutating func readStreams(_ words: Words, _ first: Int) throws(RespError) {
        let rest = words.count - first
        guard rest.isMultiple(of: 2) else {
            throw RespError(
                "Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.")
        }
        keys = Array(words.all[first..<first + rest / 2])
        ids = Array(words.all[(first + rest / 2)...])
    }
}

/// One stream of the command.
struct ReadSource: Sendable {
    enum From: Equatable, Sendable {
        /// XREAD: entries after this one.
        case after(EntryID)
        /// XREADGROUP `>`.
        case new
        /// XREADGROUP with an id: the consumer's own.
        case own(after: EntryID)
    }
    let key: [UInt8]
    fileprivate let scope: KeyScope
    let from: From

    /// Which stream the key means now; nil: none can have this name, or it holds something else.
    var stream: StreamName? {
        do { return try scope.key(key).streamToRead() } catch { return nil }  // who waits is not told of the type
    }
}

extension ReadCommand {
    /// Checks every key, group and id; `$` becomes the last id of now.
    func sources(_ view: borrowing some LogView & ~Copyable) throws -> [ReadSource] {
        var sources: [ReadSource] = []
        for (key, id) in zip(keys, ids) {
            let stream = try scope.key(key).streamToRead()
            if let group, try GroupPlace.find(scope.key(key), group, view) == nil {
                throw RespError.noGroup(key, group, " in XREADGROUP with GROUP option")
            }
            sources.append(ReadSource(key: key, scope: scope, from: try from(id, stream, view)))
        }
        return sources
    }

    private func from(
        _ id: [UInt8], _ stream: StreamName?, _ view: borrowing some LogView & ~Copyable
    ) throws -> ReadSource.From {
        if id == [0x24] {
            guard group == nil else {
                throw RespError(
                    "The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set."
                )
            }
            guard let stream, let known = try view.stream(stream) else { return .after(.zero) }
            return .after(known.lastID)
        }
        if id == [0x3e] {
            guard group != nil else {
                throw RespError(
                    "The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.")
            }
            return .new
        }
        let after = try EntryID(reading: id)
        guard group != nil else { return .after(after) }
        return after == .last ? .new : .own(after: after)
    }

    // MARK: Reading

    /// `.nullArray`: there is nothing.
    func read(_ sources: [ReadSource], _ view: borrowing some LogView & ~Copyable) throws -> RespValue {
        var found: [(name: RespValue, value: RespValue)] = []
        var replies = EntryReplies()
        for source in sources {
            guard case .after(let id) = source.from, let from = id.next, let name = source.stream,
                let stream = try view.stream(name)
            else { continue }
            let entries = try view.entries(stream.number, from ... .last, limit: count ?? .max)
            guard !entries.isEmpty else { continue }
            found.append((.bulk(source.key), .array(try replies.entries(entries, view))))
        }
        return found.isEmpty ? .nullArray : .pairs(found)
    }

    func readGroup(_ sources: [ReadSource], _ transaction: inout LogTransaction) throws -> RespValue {
        guard let groupBytes = group, let group = Key.name(groupBytes) else { throw RespError.syntax }
        let consumer = try Key.newName(self.consumer, "consumer")
        let limit = min(count ?? .max, Limits.groupReadEntriesMax)
        var found: [(name: RespValue, value: RespValue)] = []
        var replies = EntryReplies()
        for source in sources {
            guard let stream = source.stream else { continue }
            let delivered: [Delivered]
            switch source.from {
            case .after: continue
            case .new:
                delivered = try transaction.readNew(
                    stream, group, consumer: consumer, count: limit, noAck: noAck)
                if delivered.isEmpty { continue }
            case .own(let after):
                delivered = try transaction.readOwn(
                    stream, group, consumer: consumer, after: after, count: limit, registers: true
                ).delivered
            }
            found.append((.bulk(source.key), .array(try replies.delivered(delivered, transaction))))
        }
        return found.isEmpty ? .nullArray : .pairs(found)
    }

    // MARK: Waiting

    /// As a client that was blocked reads: the first stream that has something, and no more than Redis gives it.
    func unblocked() -> ReadCommand {
        var command = self
        command.count = count ?? Limits.respBlockedEntriesMax
        return command
    }

    /// Whether a stream has something for it. The groups are there.
    func hasNews(_ source: ReadSource, _ view: borrowing some LogView & ~Copyable) throws -> Bool {
        guard let stream = source.stream, let known = try view.stream(stream) else {
            guard source.from == .new else { return false }
            throw RespError(whole: "UNBLOCKED the stream key no longer exists")
        }
        let after: EntryID
        switch source.from {
        case .after(let id): after = id
        case .own: return true
        case .new:
            guard let group, let name = Key.name(group), let state = try view.groupState(stream, name) else {
                throw RespError(whole: "NOGROUP the consumer group this client was blocked on no longer exists")
            }
            after = state.lastDeliveredID
            if state.options.readsHidden { return known.lastID > after }
        }
        guard known.lastID > after, let from = after.next else { return false }
        return try !view.entries(known.number, from ... .last, limit: 1).isEmpty
    }
}
