// Reading group tables, from any transaction.

internal import LMDB
package import Records

enum GroupReading {
    static func state<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamNumber, _ group: String
    ) throws -> GroupState? {
        guard let row = try transaction.getSealed(tables.groups, PrefixedKey(stream.rawValue, Array(group.utf8)))
        else { return nil }
        return try GroupState(decoding: row)
    }

    static func numbers<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables
    ) throws -> GroupNumbers {
        guard let row = try transaction.getSealed(tables.meta, "groups") else { return GroupNumbers() }
        return try GroupNumbers(decoding: row)
    }

    /// A group's pending runs that hold ids of the closed range, in order, until `body` answers false.
    static func walkRuns<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ group: UInt32, _ range: ClosedRange<EntryID>,
        _ body: (PendingRun) throws -> Bool
    ) throws {
        try transaction.withCursor(tables.pending) { cursor in
            var isThere = try cursor.seekBack(PrefixedKey(group, range.lowerBound))
            // The run before may be another group's, or end before the range: then skip it.
            if !isThere { isThere = try cursor.first() }
            while isThere {
                let key = try PrefixedKey(reading: cursor.key)
                guard key.prefix <= group else { return }
                if key.prefix == group {
                    let firstID = try key.entryID
                    let run = try cursor.readSealed(tables.pending) { try PendingRun(firstID: firstID, decoding: $0) }
                    guard run.firstID <= range.upperBound else { return }
                    if run.lastID >= range.lowerBound, try !body(run) { return }
                }
                isThere = try cursor.next()
            }
        }
    }

    /// A group's consumers, in byte order of their names.
    static func consumers<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ group: UInt32
    ) throws -> [(name: String, state: ConsumerState)] {
        try transaction.withCursor(tables.consumers) { cursor in
            var found: [(name: String, state: ConsumerState)] = []
            var isThere = try cursor.seek(PrefixedKey(group, []))
            while isThere {
                let key = try PrefixedKey(reading: cursor.key)
                guard key.prefix == group else { return found }
                let state = try cursor.readSealed(tables.consumers) { try ConsumerState(decoding: $0) }
                found.append((String(decoding: key.rest, as: UTF8.self), state))
                isThere = try cursor.next()
            }
            return found
        }
    }

    /// The names of a stream's groups, in byte order.
    static func names<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamNumber
    ) throws -> [String] {
        try transaction.withCursor(tables.groups) { cursor in
            var found: [String] = []
            var isThere = try cursor.seek(PrefixedKey(stream.rawValue, []))
            while isThere {
                let key = try PrefixedKey(reading: cursor.key)
                guard key.prefix == stream.rawValue else { break }
                found.append(String(decoding: key.rest, as: UTF8.self))
                isThere = try cursor.next()
            }
            return found
        }
    }

    /// A group's pending entries with ids of the closed range, at most `limit`, of one consumer or of all,
    /// delivered at `deliveredUntil` or before.
    static func pending<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamState, _ group: GroupState,
        _ range: ClosedRange<EntryID>, consumer: String?, deliveredUntil: Timestamp?, limit: Int
    ) throws -> [PendingEntry] {
        let consumers = try consumers(transaction, tables, group.number)
        let names = Dictionary(uniqueKeysWithValues: consumers.map { ($0.state.number, $0.name) })
        let wanted = consumer.map { name in consumers.first { $0.name.utf8.elementsEqual(name.utf8) }?.state.number ?? 0
        }
        var found: [PendingEntry] = []
        guard limit > 0 else { return [] }
        try walkRuns(transaction, tables, group.number, range) { run in
            guard wanted == nil || wanted == run.delivery.consumer else { return true }
            if let deliveredUntil, run.delivery.deliveredAt > deliveredUntil { return true }
            for entry in try run.entries(transaction, tables, stream.number) where range.contains(entry.id) {
                guard found.count < limit else { return false }
                found.append(
                    PendingEntry(
                        id: entry.id, consumer: names[run.delivery.consumer] ?? "",
                        deliveredAt: run.delivery.deliveredAt, deliveryCount: run.delivery.count))
            }
            return found.count < limit
        }
        return found
    }

    static func summary<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamState, _ name: String, _ group: GroupState
    ) throws -> GroupSummary {
        var byConsumer: [UInt32: (count: UInt64, smallest: EntryID)] = [:]
        var ends: (EntryID, EntryID)?
        try walkRuns(transaction, tables, group.number, .zero ... .last) { run in
            byConsumer[run.delivery.consumer, default: (0, run.firstID)].count += run.entries
            ends = (ends?.0 ?? run.firstID, run.lastID)
            return true
        }
        let consumers = try consumers(transaction, tables, group.number).map { name, state in
            GroupSummary.Consumer(
                name: name, pending: byConsumer[state.number]?.count ?? 0,
                smallestPendingID: byConsumer[state.number]?.smallest, seenAt: state.seenAt,
                holdsLock: state.holdsLock, isDeleted: state.isDeleted)
        }
        return GroupSummary(
            stream: stream.name, group: name, lastDeliveredID: group.lastDeliveredID, entriesRead: group.entriesRead,
            lag: try lag(transaction, tables, stream, group), redisLag: RedisCounters.lag(group, stream),
            pending: group.pending, smallestPendingID: ends?.0, largestPendingID: ends?.1,
            deadLetters: group.deadLetters, options: group.options, consumers: consumers)
    }

    /// Entries behind the offset that the group will deliver.
    private static func lag<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamState, _ group: GroupState
    ) throws -> UInt64 {
        let read = try StreamIndex.ordinal(transaction, tables, stream.number, upTo: group.lastDeliveredID)
        guard read <= stream.lastOrdinal else {
            throw LogError.damaged(
                "stream \(stream.name) has \(stream.lastOrdinal) entries by its row, \(read) by its index")
        }
        if group.options.readsHidden { return stream.lastOrdinal - read }
        let hidden = try HiddenEntries.count(
            transaction, tables, stream.number, after: read, from: group.lastDeliveredID)
        guard hidden <= stream.lastOrdinal - read else {
            throw LogError.damaged("stream \(stream.name) hides more entries than it has")
        }
        return stream.lastOrdinal - read - hidden
    }
}

extension LogSnapshot {
    /// Every group of every stream, by stream number and group name.
    package func groups() throws -> [GroupSummary] {
        var found: [(StreamNumber, String, GroupState)] = []
        try transaction.withCursor(tables.groups) { cursor in
            var isThere = try cursor.first()
            while isThere {
                let key = try PrefixedKey(reading: cursor.key)
                let state = try cursor.readSealed(tables.groups) { try GroupState(decoding: $0) }
                found.append((StreamNumber(key.prefix), String(decoding: key.rest, as: UTF8.self), state))
                isThere = try cursor.next()
            }
        }
        return try found.map { number, name, group in
            try GroupReading.summary(transaction, tables, try stream(number), name, group)
        }
    }

    package func group(_ stream: StreamName, _ group: String) throws -> GroupSummary {
        let (streamState, state) = try find(stream, group)
        return try GroupReading.summary(transaction, tables, streamState, group, state)
    }

    /// A group's pending entries with ids of the closed range, at most `limit`, of one consumer or of all,
    /// delivered at `deliveredUntil` or before.
    package func pending(
        _ stream: StreamName, _ group: String, _ range: ClosedRange<EntryID>, consumer: String?,
        deliveredUntil: Timestamp? = nil, limit: Int
    ) throws -> [PendingEntry] {
        let (streamState, state) = try find(stream, group)
        return try GroupReading.pending(
            transaction, tables, streamState, state, range, consumer: consumer, deliveredUntil: deliveredUntil,
            limit: limit)
    }

    /// Entries that nobody could finish, with ids of the closed range, at most `limit`.
    package func deadLetters(
        _ stream: StreamName, _ group: String, _ range: ClosedRange<EntryID>, limit: Int
    ) throws -> [DeadLetter] {
        let (_, state) = try find(stream, group)
        return try transaction.withCursor(tables.deadLetters) { cursor in
            var found: [DeadLetter] = []
            var isThere = try cursor.seek(PrefixedKey(state.number, range.lowerBound))
            while isThere, found.count < limit {
                let key = try PrefixedKey(reading: cursor.key)
                let id = try key.entryID
                guard key.prefix == state.number, id <= range.upperBound else { break }
                found.append(try cursor.readSealed(tables.deadLetters) { try DeadLetter(id: id, decoding: $0) })
                isThere = try cursor.next()
            }
            return found
        }
    }

    private func find(_ stream: StreamName, _ group: String) throws -> (StreamState, GroupState) {
        guard let streamState = try self.stream(stream) else { throw LogError.streamMissing(stream.text) }
        guard let state = try GroupReading.state(transaction, tables, streamState.number, group) else {
            throw LogError.groupMissing(stream: stream.text, group: group)
        }
        return (streamState, state)
    }
}
