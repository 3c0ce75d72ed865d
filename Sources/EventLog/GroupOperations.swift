// Changes of consumer groups by command, with Redis 7.0's semantics: making and destroying groups, moving
// their offset, their consumers. Each is a record.

internal import LMDB
package import Records

extension LogTransaction {
    /// Makes a group that delivers the entries after `start`; its stream is made where it is missing.
    package mutating func createGroup(
        _ stream: StreamName, _ group: String, after start: EntryID, entriesRead: Int64? = nil,
        options: GroupOptions = .redis
    ) throws {
        try BoundError.check(group, "group", max: Limits.groupNameBytesMax)
        let known = try state.pointee.stream(stream, transaction.pointee)
        if let known, try GroupReading.state(transaction.pointee, tables, known.number, group) != nil {
            throw LogError.groupAlreadyThere(stream: stream.text, group: group)
        }
        let streamState = try known ?? create(stream)
        try record(.created(at: start, deadAfter: options.deadAfter), stream, group)
        var numbers = try GroupReading.numbers(transaction.pointee, tables)
        numbers.last += 1
        numbers.living += 1
        try store(numbers)
        let made = GroupState(number: numbers.last, at: start, entriesRead: entriesRead, options: options)
        try store(OpenGroup(stream: streamState, name: group, state: made))
    }

    /// Makes the group from the stream's beginning, or gives one that somebody else has made these options.
    package mutating func ensureGroup(_ stream: StreamName, _ group: String, options: GroupOptions) throws {
        do {
            var open = try open(stream, group)
            guard open.state.options != options else { return }
            try record(.deadAfterSet(options.deadAfter), stream, group)
            open.state.options = options
            try store(open)
        } catch let error as LogError {
            switch error {
            case .groupMissing, .streamMissing: try createGroup(stream, group, after: .zero, options: options)
            default: throw error
            }
        }
    }

    /// Moves the offset: entries after `id` are delivered, also where they were before. Pending ones stay so.
    package mutating func setID(
        _ stream: StreamName, _ group: String, to id: EntryID, entriesRead: Int64? = nil
    ) throws {
        var open = try open(stream, group)
        try record(.idSet(id, previous: open.state.lastDeliveredID), stream, group)
        open.state.lastDeliveredID = id
        open.state.entriesRead = entriesRead
        try store(open)
    }

    /// Entries that fail so often become dead letters; 0: never.
    package mutating func setDeadAfter(_ stream: StreamName, _ group: String, deliveries: UInt64) throws {
        var open = try open(stream, group)
        try record(.deadAfterSet(deliveries), stream, group)
        open.state.options.deadAfter = deliveries
        try store(open)
    }

    /// False where there is no such group. Its pending entries and dead letters go with it.
    package mutating func destroyGroup(_ stream: StreamName, _ group: String) throws -> Bool {
        let open: OpenGroup
        do { open = try self.open(stream, group) } catch LogError.groupMissing { return false }
        let change = GroupChange.destroyed(pending: open.state.pending, deadLetters: open.state.deadLetters)
        try record(change, stream, group)
        for table in [tables.consumers, tables.pending, tables.deadLetters] {
            try deleteAll(in: table, of: open.state.number)
        }
        try transaction.pointee.delete(
            tables.groups, PrefixedKey(open.stream.number.rawValue, Array(group.utf8)))
        var numbers = try GroupReading.numbers(transaction.pointee, tables)
        numbers.living -= 1
        try store(numbers)
        return true
    }

    /// False where it is there already.
    package mutating func createConsumer(_ stream: StreamName, _ group: String, _ name: String) throws -> Bool {
        var open = try open(stream, group)
        if let known = try knownConsumer(name, open), !known.isDeleted { return false }
        try BoundError.check(name, "consumer", max: Limits.consumerNameBytesMax)
        try record(.consumerCreated(name), stream, group)
        _ = try consumer(name, &open, holdsLock: false)
        try store(open)
        return true
    }

    /// What becomes of a deleted consumer's pending entries.
    package enum DeletedConsumersEntries: Sendable {
        /// They stay pending, and the consumer stays listed, until they are claimed or acknowledged.
        case kept
        /// As Redis: nobody will ever get them again.
        case dropped
    }

    /// How many entries were pending with it; 0 where it is not there.
    package mutating func deleteConsumer(
        _ stream: StreamName, _ group: String, _ name: String, entries: DeletedConsumersEntries
    ) throws -> UInt64 {
        var open = try open(stream, group)
        guard var known = try knownConsumer(name, open), !known.isDeleted else { return 0 }
        let owned = try runs(open, .zero ... .last).filter { $0.delivery.consumer == known.number }
        let pending = owned.reduce(0) { $0 + $1.entries }
        try record(.consumerDeleted(name, pending: pending, entriesKept: entries == .kept), stream, group)
        if pending > 0, entries == .kept {
            known.isDeleted = true
            open.state.deletedConsumers += 1
            try store(known, name, open)
        } else {
            for run in owned {
                try transaction.pointee.delete(tables.pending, PrefixedKey(open.state.number, run.firstID))
            }
            open.state.pending -= pending
            try transaction.pointee.delete(tables.consumers, PrefixedKey(open.state.number, Array(name.utf8)))
        }
        try store(open)
        return pending
    }

    /// Forgets a consumer that owns nothing; false where it does, or is not there. State, not a command: roles
    /// tidy up after their dead.
    package mutating func forgetConsumer(_ stream: StreamName, _ group: String, _ name: String) throws -> Bool {
        let open = try open(stream, group)
        guard let known = try knownConsumer(name, open), !known.isDeleted else { return false }
        let owns = try runs(open, .zero ... .last).contains { $0.delivery.consumer == known.number }
        guard !owns else { return false }
        state.pointee.countPut()
        return try transaction.pointee.delete(tables.consumers, PrefixedKey(open.state.number, Array(name.utf8)))
    }

    // MARK: Parts

    private mutating func store(_ numbers: GroupNumbers) throws {
        state.pointee.countPut()
        try transaction.pointee.putSealed(tables.meta, "groups", numbers.encoded())
    }

    private mutating func deleteAll(in table: TableHandle, of group: UInt32) throws {
        var keys: [PrefixedKey] = []
        try transaction.pointee.withCursor(table) { cursor in
            var isThere = try cursor.seek(PrefixedKey(group, []))
            while isThere {
                let key = try PrefixedKey(reading: cursor.key)
                guard key.prefix == group else { return }
                keys.append(key)
                isThere = try cursor.next()
            }
        }
        for key in keys { try transaction.pointee.delete(table, key) }
    }
}
