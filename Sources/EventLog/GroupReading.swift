// Reading group tables, from any transaction.

internal import LMDB
package import Records

enum GroupReading {
    static func state<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamNumber, _ group: String
    ) throws -> GroupState? {
        guard let row = try transaction.get(tables.groups, PrefixedKey(stream.rawValue, Array(group.utf8))) else {
            return nil
        }
        return try GroupState(decoding: row)
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
                    let run = try PendingRun(firstID: try key.entryID, decoding: cursor.value)
                    guard run.firstID <= range.upperBound else { return }
                    if run.lastID >= range.lowerBound, try !body(run) { return }
                }
                isThere = try cursor.next()
            }
        }
    }

    /// Number → name and row of a group's consumers.
    static func consumers<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ group: UInt32
    ) throws -> [(name: String, state: ConsumerState)] {
        try transaction.withCursor(tables.consumers) { cursor in
            var found: [(name: String, state: ConsumerState)] = []
            var isThere = try cursor.seek(PrefixedKey(group, []))
            while isThere {
                let key = try PrefixedKey(reading: cursor.key)
                guard key.prefix == group else { return found }
                let name = String(decoding: key.rest, as: UTF8.self)
                found.append((name, try ConsumerState(decoding: cursor.value)))
                isThere = try cursor.next()
            }
            return found
        }
    }

    static func summary<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamState, _ name: String, _ group: GroupState
    ) throws -> GroupSummary {
        var byConsumer: [UInt32: UInt64] = [:]
        var total: UInt64 = 0
        var ends: (EntryID, EntryID)?
        try walkRuns(transaction, tables, group.number, .zero ... .last) { run in
            byConsumer[run.delivery.consumer, default: 0] += run.entries
            total += run.entries
            ends = (ends?.0 ?? run.firstID, run.lastID)
            return true
        }
        let consumers = try consumers(transaction, tables, group.number).map { name, state in
            GroupSummary.Consumer(
                name: name, pending: byConsumer[state.number] ?? 0, seenAt: state.seenAt, holdsLock: state.holdsLock)
        }
        let read = try StreamIndex.ordinal(transaction, tables, stream.number, upTo: group.lastDeliveredID)
        guard read <= stream.lastOrdinal else {
            throw LogError.damaged(
                "stream \(stream.name) has \(stream.lastOrdinal) entries by its row, \(read) by its index")
        }
        return GroupSummary(
            stream: stream.name, group: name, lastDeliveredID: group.lastDeliveredID, entriesRead: group.entriesRead,
            lag: stream.lastOrdinal - read,
            pending: total, smallestPendingID: ends?.0,
            largestPendingID: ends?.1, consumers: consumers)
    }
}

extension LogSnapshot {
    /// Every group of every stream, by stream number and group name.
    package func groups() throws -> [GroupSummary] {
        var keys: [(StreamNumber, String)] = []
        try transaction.withCursor(tables.groups) { cursor in
            var isThere = try cursor.first()
            while isThere {
                let key = try PrefixedKey(reading: cursor.key)
                keys.append((StreamNumber(key.prefix), String(decoding: key.rest, as: UTF8.self)))
                isThere = try cursor.next()
            }
        }
        return try keys.map { number, name in
            guard let group = try GroupReading.state(transaction, tables, number, name) else {
                throw LogError.damaged("group \(name) has no row")
            }
            return try GroupReading.summary(transaction, tables, try stream(number), name, group)
        }
    }

    /// A group's pending entries with ids of the closed range, at most `limit`, of one consumer or of all.
    package func pending(
        _ stream: StreamName, _ group: String, _ range: ClosedRange<EntryID>, consumer: String?, limit: Int
    ) throws -> [PendingEntry] {
        guard let streamState = try self.stream(stream) else { throw LogError.streamMissing(stream.text) }
        guard let state = try GroupReading.state(transaction, tables, streamState.number, group) else {
            throw LogError.groupMissing(stream: stream.text, group: group)
        }
        let names = try GroupReading.consumers(transaction, tables, state.number)
        let wanted = consumer.map { name in names.first { $0.name == name }?.state.number ?? 0 }
        var found: [PendingEntry] = []
        try GroupReading.walkRuns(transaction, tables, state.number, range) { run in
            guard wanted == nil || wanted == run.delivery.consumer else { return true }
            let owner = names.first { $0.state.number == run.delivery.consumer }?.name ?? ""
            let from = max(run.firstID, range.lowerBound)
            let to = min(run.lastID, range.upperBound)
            for entry in try entries(streamState.number, from...to, limit: limit - found.count) {
                found.append(
                    PendingEntry(
                        id: entry.id, consumer: owner, deliveredAt: run.delivery.deliveredAt,
                        deliveryCount: run.delivery.count))
            }
            return found.count < limit
        }
        return found
    }
}
