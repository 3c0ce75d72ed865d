// Consumer groups inside a write transaction, with Redis 7.0's semantics: what is delivered, to whom, how
// often, commits together with whatever else the transaction does, so that a decision's effect and the
// acknowledgement of its cause are one.

internal import LMDB
package import Records

extension LogTransaction {
    /// Makes a group that delivers the entries after `start`; its stream is made where it is missing.
    /// Recorded as `group.changed`.
    package mutating func createGroup(_ stream: StreamName, _ group: String, after start: EntryID) throws {
        try BoundError.check(group, "group", max: Limits.groupNameBytesMax)
        let known = try state.pointee.stream(stream, transaction.pointee)
        if let known, try GroupReading.state(transaction.pointee, tables, known.number, group) != nil {
            throw LogError.groupAlreadyThere(stream: stream.text, group: group)
        }
        let streamState = try known ?? create(stream)
        let event = LogEvent.groupChanged(stream: stream, group: group, change: .created(at: start))
        try state.pointee.appendOwn(event, cause: .none, &transaction.pointee, stamp)
        let number = try lastGroupNumber() + 1
        var writer = ByteWriter(capacity: 4)
        writer.fixed(number)
        try transaction.pointee.put(tables.meta, "groups", writer.bytes)
        try store(GroupState(number: number, at: start), streamState.number, group)
    }

    /// New entries for `consumer`, at most `count`; they are pending until acknowledged.
    package mutating func readNew(
        _ stream: StreamName, _ group: String, consumer: String, count: Int, holdsLock: Bool = false
    ) throws -> [Delivered] {
        var (streamState, groupState) = try load(stream, group)
        try writeOpenBlock(streamState)
        let limit = min(count, Limits.groupReadEntriesMax)
        guard let from = groupState.lastDeliveredID.next else { return [] }
        let entries = try StreamIndex.entries(
            transaction.pointee, tables, streamState.number, from ... .last, limit: limit)
        guard let last = entries.last else { return [] }
        let owner = try self.consumer(consumer, &groupState, holdsLock)
        let delivery = Delivery(consumer: owner, deliveredAt: now, count: 1)
        for run in PendingRun.runs(entries.map { ($0, delivery) }) { try put(run, groupState.number) }
        groupState.lastDeliveredID = last.id
        groupState.entriesRead = Int64(last.ordinal)
        try store(groupState, streamState.number, group)
        return entries.map { Delivered(entry: $0, deliveryCount: 1) }
    }

    /// `consumer`'s own pending entries with ids larger than `after`, delivered once more.
    package mutating func readOwn(
        _ stream: StreamName, _ group: String, consumer: String, after: EntryID, count: Int
    ) throws -> [Delivered] {
        let (streamState, groupState) = try load(stream, group)
        guard let owner = try knownConsumer(consumer, groupState)?.number else { return [] }
        try writeOpenBlock(streamState)
        guard let from = after.next else { return [] }
        return try redeliver(
            streamState, groupState, from ... .last, limit: min(count, Limits.groupReadEntriesMax), from: owner,
            to: owner)
    }

    /// Takes over what is pending with another consumer, which must be dead; delivered once more.
    package mutating func claim(
        _ stream: StreamName, _ group: String, consumer: String, from dead: String, count: Int,
        holdsLock: Bool = false
    ) throws -> [Delivered] {
        var (streamState, groupState) = try load(stream, group)
        guard let previous = try knownConsumer(dead, groupState)?.number else { return [] }
        try writeOpenBlock(streamState)
        let owner = try self.consumer(consumer, &groupState, holdsLock)
        try store(groupState, streamState.number, group)
        return try redeliver(
            streamState, groupState, .zero ... .last, limit: min(count, Limits.groupReadEntriesMax), from: previous,
            to: owner)
    }

    /// How many of the entries were pending and no longer are. Anybody may acknowledge; twice is once.
    package mutating func acknowledge(_ stream: StreamName, _ group: String, _ ids: [EntryID]) throws -> Int {
        let (streamState, groupState) = try load(stream, group)
        let wanted = Set(ids)
        var acknowledged = 0
        for run in try runs(groupState.number, holding: wanted) {
            let entries = try self.entries(of: run, streamState.number)
            let left = entries.filter { !wanted.contains($0.id) }
            guard left.count < entries.count else { continue }
            acknowledged += entries.count - left.count
            try replace(run, by: left.map { ($0, run.delivery) }, groupState.number)
        }
        return acknowledged
    }

    /// Forgets a consumer that owns nothing; false where it does, or is not there.
    package mutating func forgetConsumer(_ stream: StreamName, _ group: String, _ name: String) throws -> Bool {
        let (_, groupState) = try load(stream, group)
        guard let known = try knownConsumer(name, groupState)?.number else { return false }
        let owns = try runs(groupState.number, .zero ... .last).contains { $0.delivery.consumer == known }
        guard !owns else { return false }
        state.pointee.countPut()
        return try transaction.pointee.delete(tables.consumers, PrefixedKey(groupState.number, Array(name.utf8)))
    }

    // MARK: Parts

    private func lastGroupNumber() throws -> UInt32 {
        guard let row = try transaction.pointee.get(tables.meta, "groups") else { return 0 }
        var reader = ByteReader(row)
        return try reader.fixed(UInt32.self)
    }

    private mutating func load(_ stream: StreamName, _ group: String) throws -> (StreamState, GroupState) {
        guard let streamState = try state.pointee.stream(stream, transaction.pointee) else {
            throw LogError.streamMissing(stream.text)
        }
        guard let found = try GroupReading.state(transaction.pointee, tables, streamState.number, group) else {
            throw LogError.groupMissing(stream: stream.text, group: group)
        }
        return (streamState, found)
    }

    /// Appends of this transaction that are only in memory must be in the index before it is read.
    private mutating func writeOpenBlock(_ stream: StreamState) throws {
        try state.pointee.writeIndex(of: stream.name, &transaction.pointee)
    }

    private mutating func store(_ group: GroupState, _ stream: StreamNumber, _ name: String) throws {
        state.pointee.countPut()
        try transaction.pointee.put(tables.groups, PrefixedKey(stream.rawValue, Array(name.utf8)), group.encoded())
    }

    /// The consumer's number; it is made on its first delivery, and seen now.
    private mutating func consumer(
        _ name: String, _ group: inout GroupState, _ holdsLock: Bool
    ) throws -> UInt32 {
        try BoundError.check(name, "consumer", max: Limits.consumerNameBytesMax)
        state.pointee.countPut()
        let consumer: ConsumerState
        if let known = try knownConsumer(name, group) {
            consumer = ConsumerState(number: known.number, seenAt: now, holdsLock: holdsLock || known.holdsLock)
        } else {
            let present = try GroupReading.consumers(transaction.pointee, tables, group.number).count
            guard present < Limits.consumersPerGroupMax else {
                throw BoundError("consumer", "a group has at most \(Limits.consumersPerGroupMax)")
            }
            group.lastConsumer += 1
            consumer = ConsumerState(number: group.lastConsumer, seenAt: now, holdsLock: holdsLock)
        }
        let key = PrefixedKey(group.number, Array(name.utf8))
        try transaction.pointee.put(tables.consumers, key, consumer.encoded())
        return consumer.number
    }

    private func knownConsumer(_ name: String, _ group: GroupState) throws -> ConsumerState? {
        let key = PrefixedKey(group.number, Array(name.utf8))
        guard let row = try transaction.pointee.get(tables.consumers, key) else { return nil }
        return try ConsumerState(decoding: row)
    }

    private mutating func redeliver(
        _ stream: StreamState, _ group: GroupState, _ range: ClosedRange<EntryID>, limit: Int, from owner: UInt32,
        to next: UInt32
    ) throws -> [Delivered] {
        var found: [Delivered] = []
        for run in try runs(group.number, range) where run.delivery.consumer == owner && found.count < limit {
            var rewritten: [(entry: IndexEntry, delivery: Delivery)] = []
            for entry in try entries(of: run, stream.number) {
                guard range.contains(entry.id), found.count < limit else {
                    rewritten.append((entry, run.delivery))
                    continue
                }
                let count = run.delivery.count + 1
                rewritten.append((entry, Delivery(consumer: next, deliveredAt: now, count: count)))
                found.append(Delivered(entry: entry, deliveryCount: count))
            }
            try replace(run, by: rewritten, group.number)
        }
        return found
    }

    private func runs(_ group: UInt32, _ range: ClosedRange<EntryID>) throws -> [PendingRun] {
        var found: [PendingRun] = []
        try GroupReading.walkRuns(transaction.pointee, tables, group, range) { run in
            found.append(run)
            return true
        }
        return found
    }

    /// The runs that may hold one of the ids, each once, in order.
    private func runs(_ group: UInt32, holding ids: Set<EntryID>) throws -> [PendingRun] {
        var found: [PendingRun] = []
        for id in ids.sorted() {
            if let last = found.last, last.lastID >= id { continue }
            try GroupReading.walkRuns(transaction.pointee, tables, group, id...id) { run in
                found.append(run)
                return false
            }
        }
        return found
    }

    private func entries(of run: PendingRun, _ stream: StreamNumber) throws -> [IndexEntry] {
        let found = try StreamIndex.entries(
            transaction.pointee, tables, stream, run.firstID...run.lastID, limit: Int(run.entries) + 1)
        guard found.count == Int(run.entries), found.first?.ordinal == run.firstOrdinal else {
            throw LogError.damaged("pending entries \(run.firstID) to \(run.lastID) are not in their stream's index")
        }
        return found
    }

    private mutating func replace(
        _ run: PendingRun, by entries: [(entry: IndexEntry, delivery: Delivery)], _ group: UInt32
    ) throws {
        state.pointee.countPut()
        try transaction.pointee.delete(tables.pending, PrefixedKey(group, run.firstID))
        for run in PendingRun.runs(entries) { try put(run, group) }
    }

    private mutating func put(_ run: PendingRun, _ group: UInt32) throws {
        state.pointee.countPut()
        try transaction.pointee.put(tables.pending, PrefixedKey(group, run.firstID), run.encoded())
    }
}
