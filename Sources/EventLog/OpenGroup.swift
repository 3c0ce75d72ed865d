// A group inside one write transaction: its rows read, its consumers looked up, its pending entries edited.
// What the operations on groups share.

internal import LMDB
package import Records

struct OpenGroup {
    let stream: StreamState
    let name: String
    var state: GroupState
}

extension LogTransaction {
    /// Loads a group; this transaction's appends are in the stream's index afterwards.
    mutating func open(_ stream: StreamName, _ group: String) throws -> OpenGroup {
        guard let streamState = try state.pointee.stream(stream, transaction.pointee) else {
            throw LogError.streamMissing(stream.text)
        }
        guard let found = try GroupReading.state(transaction.pointee, tables, streamState.number, group) else {
            throw LogError.groupMissing(stream: stream.text, group: group)
        }
        try state.pointee.writeIndex(of: stream, &transaction.pointee)
        return OpenGroup(stream: streamState, name: group, state: found)
    }

    mutating func store(_ group: OpenGroup) throws {
        state.pointee.countPut()
        let key = PrefixedKey(group.stream.number.rawValue, Array(group.name.utf8))
        try transaction.pointee.putSealed(tables.groups, key, group.state.encoded())
    }

    /// Every change by command is a record.
    package mutating func record(_ change: GroupChange, _ stream: StreamName, _ group: String) throws {
        let event = LogEvent.groupChanged(stream: stream, group: group, change: change)
        try state.pointee.appendOwn(event, cause: .none, &transaction.pointee, stamp)
    }

    // MARK: Consumers

    func knownConsumer(_ name: String, _ group: OpenGroup) throws -> ConsumerState? {
        let key = PrefixedKey(group.state.number, Array(name.utf8))
        guard let row = try transaction.pointee.getSealed(tables.consumers, key) else { return nil }
        return try ConsumerState(decoding: row)
    }

    /// The consumer's number; it is made where it is missing, comes back where it was deleted, and is seen now.
    mutating func consumer(_ name: String, _ group: inout OpenGroup, holdsLock: Bool) throws -> UInt32 {
        try BoundError.check(name, "consumer", max: Limits.consumerNameBytesMax)
        var consumer: ConsumerState
        if let known = try knownConsumer(name, group) {
            consumer = known
            if known.isDeleted { group.state.deletedConsumers -= 1 }
        } else {
            let present = try GroupReading.consumers(transaction.pointee, tables, group.state.number).count
            guard present < Limits.consumersPerGroupMax else {
                throw BoundError("consumer", "a group has at most \(Limits.consumersPerGroupMax)")
            }
            group.state.lastConsumer += 1
            consumer = ConsumerState(number: group.state.lastConsumer, seenAt: now, holdsLock: false)
        }
        consumer.seenAt = now
        consumer.isDeleted = false
        consumer.holdsLock = consumer.holdsLock || holdsLock
        try store(consumer, name, group)
        return consumer.number
    }

    mutating func store(_ consumer: ConsumerState, _ name: String, _ group: OpenGroup) throws {
        state.pointee.countPut()
        let key = PrefixedKey(group.state.number, Array(name.utf8))
        try transaction.pointee.putSealed(tables.consumers, key, consumer.encoded())
    }

    // MARK: Pending entries

    func runs(_ group: OpenGroup, _ range: ClosedRange<EntryID>) throws -> [PendingRun] {
        var found: [PendingRun] = []
        try GroupReading.walkRuns(transaction.pointee, tables, group.state.number, range) { run in
            found.append(run)
            return true
        }
        return found
    }

    /// An edit of the runs that may hold one of the ids.
    func edit(_ group: OpenGroup, holding ids: some Collection<EntryID>) throws -> PendingEdit {
        var edit = PendingEdit(group: group.state.number)
        var last: PendingRun?
        for id in ids.sorted() {
            if let last, last.lastID >= id { continue }
            try GroupReading.walkRuns(transaction.pointee, tables, group.state.number, id...id) { run in
                last = run
                try edit.load(run, transaction.pointee, tables, group.stream.number)
                return false
            }
        }
        return edit
    }

    /// Writes the edit and the group's row; deleted consumers that own nothing any more go.
    mutating func store(_ edit: PendingEdit, _ group: inout OpenGroup) throws {
        state.pointee.countPut()
        let change = try edit.store(&transaction.pointee, tables)
        group.state.pending = UInt64(Int64(group.state.pending) + Int64(change))
        if group.state.deletedConsumers > 0 { try forgetDeletedConsumers(&group) }
        try store(group)
    }

    mutating func forgetDeletedConsumers(_ group: inout OpenGroup) throws {
        var owners: Set<UInt32> = []
        for run in try runs(group, .zero ... .last) { owners.insert(run.delivery.consumer) }
        let consumers = try GroupReading.consumers(transaction.pointee, tables, group.state.number)
        for (name, consumer) in consumers where consumer.isDeleted && !owners.contains(consumer.number) {
            try transaction.pointee.delete(tables.consumers, PrefixedKey(group.state.number, Array(name.utf8)))
            group.state.deletedConsumers -= 1
        }
    }
}
