// The same commands on a log, through its API, with answers in Redis' shape. What Redis decides before it looks
// at a stream (a key that is not there) stands here; everything else is the log's.

import EventLog
import Events
import Records

struct LogCommands {
    let log: EventLog
    /// Breaks something on purpose: a control, which must be found.
    let sabotage: Sabotage?

    enum Sabotage: String, CaseIterable {
        case claimDoesNotCount = "XCLAIM that does not count deliveries"
        case acknowledgesOneTooMany = "XACK that acknowledges the next entry, too"
        case trimIsForgotten = "XTRIM that hides nothing"
    }

    func run(_ command: StreamCommand) throws -> Reply {
        do { return try answer(command) } catch let error as LogError {
            switch error {
            case .groupMissing, .streamMissing: return .error("NOGROUP")
            case .groupAlreadyThere: return .error("BUSYGROUP")
            default: throw error
            }
        }
    }

    private func answer(_ command: StreamCommand) throws -> Reply {
        switch command {
        case .add(let key, let id, let value, let trim): return try add(try name(key), id, value, trim)
        case .delete(let key, let ids):
            return .integer(Int64(try log.transact { try $0.hide(try name(key), ids) }))
        case .trim(let key, let trim):
            return .integer(Int64(try log.transact { try self.trim(try name(key), trim, &$0) }))
        case .length(let key): return .integer(Int64(try stream(key)?.length ?? 0))
        case .range(let key, let from, let to, let count, let reversed):
            return try range(key, from...to, count ?? .max, reversed)
        case .read(let key, let after, let count):
            guard let from = after.next else { return .null }
            guard case .list(let entries) = try range(key, from ... .last, count, false), !entries.isEmpty else {
                return .null
            }
            return .list([.list([.text(key), .list(entries)])])
        case .create(let key, let group, let at, let makeStream, let read):
            guard let start = try place(at, key) else { return .error("ERR") }
            guard try makeStream || stream(key) != nil else { return .error("ERR") }
            try log.transact { try $0.createGroup(try name(key), group, after: start, entriesRead: read) }
            return .text("OK")
        case .setID(let key, let group, let to, let read):
            guard try stream(key) != nil, let id = try place(to, key) else { return .error("ERR") }
            try log.transact { try $0.setID(try name(key), group, to: id, entriesRead: read) }
            return .text("OK")
        case .destroy(let key, let group):
            guard try stream(key) != nil else { return .error("ERR") }
            return .integer(try log.transact { try $0.destroyGroup(try name(key), group) } ? 1 : 0)
        case .createConsumer(let key, let group, let consumer):
            guard try stream(key) != nil else { return .error("ERR") }
            return .integer(try log.transact { try $0.createConsumer(try name(key), group, consumer) } ? 1 : 0)
        case .deleteConsumer(let key, let group, let consumer):
            guard try stream(key) != nil else { return .error("ERR") }
            let dropped = try log.transact { try $0.deleteConsumer(try name(key), group, consumer, entries: .dropped) }
            return .integer(Int64(dropped))
        case .readGroup(let key, let group, let consumer, let from, let count, let noAck):
            return try readGroup(key, group, consumer, from, count ?? .max, noAck)
        case .acknowledge(let key, let group, let ids):
            do {
                return .integer(
                    Int64(try log.transact { try $0.acknowledge(try name(key), group, self.sabotaged(ids, key)) }))
            } catch LogError.groupMissing { return .integer(0) } catch LogError.streamMissing { return .integer(0) }
        case .pending(let key, let group): return try pending(key, group)
        case .pendingEntries(let key, let group, let idle, let from, let to, let count, let consumer):
            return try pendingEntries(key, group, idle, from, to, count, consumer)
        case .claim(let key, let group, let consumer, let ids, let arguments):
            return try claim(key, group, consumer, ids, arguments)
        case .autoClaim(let key, let group, let consumer, let idle, let from, let count, let justID):
            return try autoClaim(key, group, consumer, idle, from, count, justID)
        case .groups(let key): return try groups(key)
        case .consumers(let key, let group): return try consumers(key, group)
        case .state(let key): return try LogState(log: log).reply(try name(key))
        }
    }

    // MARK: Streams

    private func name(_ key: String) throws -> StreamName { try StreamName(key) }

    private func stream(_ key: String) throws -> StreamState? { try log.snapshot { try $0.stream(try name(key)) } }

    private func place(_ text: String, _ key: String) throws -> EntryID? {
        text == "$" ? try stream(key)?.lastID ?? .zero : EntryID(text)
    }

    private func add(_ stream: StreamName, _ id: String, _ value: String, _ trim: StreamCommand.Trim?) throws -> Reply {
        let wanted: EntryIDRequest
        if id.hasSuffix("-*") {
            wanted = .nextIn(milliseconds: UInt64(id.dropLast(2))!)
        } else {
            wanted = .exactly(EntryID(id)!)
        }
        let draft = Draft(
            kind: EventKind.untyped.kind, stream: stream, entryID: wanted, key: nil, producer: "differential",
            body: Body(fields: FieldMap([("v", value)]), typed: []))
        return try log.transact { transaction in
            guard case .appended(let place) = try transaction.append(draft) else { return .error("ERR") }
            if let trim { _ = try self.trim(stream, trim, &transaction) }
            return .text("\(place.entryID)")
        }
    }

    private func trim(
        _ stream: StreamName, _ trim: StreamCommand.Trim, _ transaction: inout LogTransaction
    ) throws -> Int {
        if sabotage == .trimIsForgotten { return 0 }
        switch trim {
        case .length(let count): return try transaction.trim(stream, toLength: UInt64(count))
        case .before(let id): return try transaction.hide(stream, before: id)
        }
    }

    private func range(
        _ key: String, _ range: ClosedRange<EntryID>, _ count: Int, _ reversed: Bool
    ) throws -> Reply {
        try log.snapshot { snapshot in
            guard let stream = try snapshot.stream(try name(key)) else { return .list([]) }
            let entries =
                reversed
                ? try snapshot.entriesBack(stream.number, range, limit: count)
                : try snapshot.entries(stream.number, range, limit: count)
            return .list(try entries.map { try LogState.entry($0, snapshot) })
        }
    }

    // MARK: Groups

    private func readGroup(
        _ key: String, _ group: String, _ consumer: String, _ from: StreamCommand.ReadFrom, _ count: Int, _ noAck: Bool
    ) throws -> Reply {
        let delivered: [Delivered]
        switch from {
        case .new:
            delivered = try log.transact {
                try $0.readNew(try name(key), group, consumer: consumer, count: count, noAck: noAck)
            }
            if delivered.isEmpty { return .null }
        case .own(let after):
            delivered = try log.transact {
                try $0.readOwn(try name(key), group, consumer: consumer, after: after, count: count, registers: true)
            }.delivered
        }
        let entries = try log.snapshot { snapshot in try delivered.map { try LogState.delivered($0, snapshot) } }
        return .list([.list([.text(key), .list(entries)])])
    }

    private func pending(_ key: String, _ group: String) throws -> Reply {
        let summary = try log.snapshot { try $0.group(try name(key), group) }
        guard summary.pending > 0 else { return .list([.integer(0), .null, .null, .null]) }
        let owners = summary.consumers.filter { $0.pending > 0 }
        return .list([
            .integer(Int64(summary.pending)), .text("\(summary.smallestPendingID!)"),
            .text("\(summary.largestPendingID!)"),
            .list(owners.map { .list([.text($0.name), .text("\($0.pending)")]) }),
        ])
    }

    private func pendingEntries(
        _ key: String, _ group: String, _ idle: Int64?, _ from: EntryID, _ to: EntryID, _ count: Int,
        _ consumer: String?
    ) throws -> Reply {
        let now = log.clock.now()
        let until = idle.flatMap { $0 > 0 ? Timestamp(nanoseconds: now.nanoseconds - $0 * 1_000_000) : nil }
        let found = try log.snapshot {
            try $0.pending(try name(key), group, from...to, consumer: consumer, deliveredUntil: until, limit: count)
        }
        return .list(
            found.map {
                let idle = max(0, now.milliseconds - $0.deliveredAt.milliseconds)
                return .list([
                    .text("\($0.id)"), .text($0.consumer), .about(idle), .integer(Int64($0.deliveryCount)),
                ])
            })
    }

    private func claim(
        _ key: String, _ group: String, _ consumer: String, _ ids: [EntryID], _ arguments: StreamCommand.ClaimArguments
    ) throws -> Reply {
        var options = ClaimOptions()
        options.minIdleMilliseconds = arguments.minIdle
        if let time = arguments.time {
            options.deliveredAt = Timestamp(nanoseconds: time * 1_000_000)
        } else if let idle = arguments.idle {
            options.deliveredAt = Timestamp(nanoseconds: log.clock.now().nanoseconds - idle * 1_000_000)
        }
        options.retryCount = arguments.retryCount
        options.force = arguments.force
        options.justIDs = arguments.justID || sabotage == .claimDoesNotCount
        options.lastID = arguments.lastID
        let claimed = try log.transact { [options] in
            try $0.claim(try name(key), group, consumer: consumer, ids, options)
        }
        return .list(try shown(claimed, justID: arguments.justID))
    }

    private func autoClaim(
        _ key: String, _ group: String, _ consumer: String, _ idle: Int64, _ from: EntryID, _ count: Int, _ justID: Bool
    ) throws -> Reply {
        var options = ClaimOptions()
        options.minIdleMilliseconds = idle
        options.justIDs = justID
        let claimed = try log.transact { [options] in
            try $0.autoClaim(try name(key), group, consumer: consumer, from: from, count: count, options)
        }
        return .list([
            .text("\(claimed.cursor)"), .list(try shown(claimed, justID: justID)),
            .list(claimed.dropped.map { .text("\($0)") }),
        ])
    }

    private func shown(_ claimed: Redelivered, justID: Bool) throws -> [Reply] {
        if justID { return claimed.delivered.map { .text("\($0.entry.id)") } }
        return try log.snapshot { snapshot in try claimed.delivered.map { try LogState.delivered($0, snapshot) } }
    }

    private func groups(_ key: String) throws -> Reply {
        guard try stream(key) != nil else { return .error("ERR") }
        let name = try name(key)
        let all = try log.snapshot { try $0.groups() }.filter { $0.stream == name }
        return .list(
            all.map { group in
                .list([
                    .text("name"), .text(group.group), .text("consumers"), .integer(Int64(group.consumers.count)),
                    .text("pending"), .integer(Int64(group.pending)), .text("last-delivered-id"),
                    .text("\(group.lastDeliveredID)"), .text("entries-read"),
                    group.entriesRead.map { .integer($0) } ?? .null, .text("lag"),
                    group.redisLag.map { .integer($0) } ?? .null,
                ])
            })
    }

    private func consumers(_ key: String, _ group: String) throws -> Reply {
        guard try stream(key) != nil else { return .error("ERR") }
        let now = log.clock.now().milliseconds
        let summary = try log.snapshot { try $0.group(try name(key), group) }
        return .list(
            summary.consumers.map {
                .list([
                    .text("name"), .text($0.name), .text("pending"), .integer(Int64($0.pending)), .text("idle"),
                    .about(now - $0.seenAt.milliseconds),
                ])
            })
    }

    private func sabotaged(_ ids: [EntryID], _ key: String) -> [EntryID] {
        guard sabotage == .acknowledgesOneTooMany, let last = ids.last else { return ids }
        return ids + [EntryID(last.milliseconds + 1, 0), EntryID(last.milliseconds, last.counter + 1)]
    }
}
