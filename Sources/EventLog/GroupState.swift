// Rows of consumer groups, with Redis' words. All of it is persistent: offset, pending entries, owners,
// delivery counts and times survive a kill -9.

package import Records

/// What a group is made with, beyond Redis.
package struct GroupOptions: Equatable, Sendable {
    /// An entry that was delivered so often and never acknowledged becomes a dead letter instead of being
    /// delivered again; 0: never.
    package var deadAfter: UInt64
    /// Hidden entries are delivered, too: trimming a stream takes nothing from such a group.
    package var readsHidden: Bool

    package init(deadAfter: UInt64, readsHidden: Bool) {
        self.deadAfter = deadAfter
        self.readsHidden = readsHidden
    }

    /// A role's group: what becomes of its entries is recorded, so only the role may end one.
    package var isRole: Bool { readsHidden }

    package static let redis = GroupOptions(deadAfter: 0, readsHidden: false)
    package static let role = GroupOptions(deadAfter: Limits.roleDeadAfterDeliveries, readsHidden: true)
}

/// A group's row.
package struct GroupState: Equatable, Sendable {
    /// Numbers the group's consumers and pending entries; never given twice.
    let number: UInt32
    package internal(set) var lastDeliveredID: EntryID
    /// Redis' counter, by Redis' rules (`RedisCounters`); nil: unknown.
    package internal(set) var entriesRead: Int64?
    var lastConsumer: UInt32 = 0
    package internal(set) var pending: UInt64 = 0
    package internal(set) var deadLetters: UInt64 = 0
    /// Consumers that were deleted and still own pending entries.
    var deletedConsumers: UInt32 = 0
    package internal(set) var options: GroupOptions

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 80)
        writer.fixed(number)
        writer.fixed(lastDeliveredID)
        writer.fixed(entriesRead ?? -1)
        writer.fixed(lastConsumer)
        for count in [pending, deadLetters, options.deadAfter] { writer.fixed(count) }
        writer.fixed(deletedConsumers)
        writer.fixed(UInt8(options.readsHidden ? 1 : 0))
        return writer.bytes
    }

    init(number: UInt32, at id: EntryID, entriesRead: Int64?, options: GroupOptions) {
        self.number = number
        lastDeliveredID = id
        self.entriesRead = entriesRead
        self.options = options
    }

    init(decoding bytes: RawSpan) throws {
        var reader = ByteReader(bytes)
        number = try reader.fixed(UInt32.self)
        lastDeliveredID = try reader.entryID()
        let read = try reader.fixed(Int64.self)
        entriesRead = read < 0 ? nil : read
        lastConsumer = try reader.fixed(UInt32.self)
        pending = try reader.fixed(UInt64.self)
        deadLetters = try reader.fixed(UInt64.self)
        let deadAfter = try reader.fixed(UInt64.self)
        deletedConsumers = try reader.fixed(UInt32.self)
        options = GroupOptions(deadAfter: deadAfter, readsHidden: try reader.fixed(UInt8.self) != 0)
        try reader.finish()
    }
}

/// How many groups there are, and the last number that was given.
struct GroupNumbers: Equatable {
    var last: UInt32 = 0
    var living: UInt32 = 0

    init() {}

    init(decoding bytes: RawSpan) throws {
        var reader = ByteReader(bytes)
        last = try reader.fixed(UInt32.self)
        living = try reader.fixed(UInt32.self)
        try reader.finish()
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 8)
        writer.fixed(last)
        writer.fixed(living)
        return writer.bytes
    }
}

struct ConsumerState: Equatable {
    let number: UInt32
    var seenAt: Timestamp
    /// It holds a `ConsumerLock` while it lives: where the lock is free, it is dead. Nobody can tell of others.
    var holdsLock: Bool
    /// Stays as the owner of what it had not acknowledged, until all of that is claimed or acknowledged.
    var isDeleted = false

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 13)
        writer.fixed(number)
        writer.fixed(seenAt.nanoseconds)
        writer.fixed(UInt8((holdsLock ? 1 : 0) | (isDeleted ? 2 : 0)))
        return writer.bytes
    }

    init(number: UInt32, seenAt: Timestamp, holdsLock: Bool) {
        self.number = number
        self.seenAt = seenAt
        self.holdsLock = holdsLock
    }

    init(decoding bytes: RawSpan) throws {
        var reader = ByteReader(bytes)
        number = try reader.fixed(UInt32.self)
        seenAt = Timestamp(nanoseconds: try reader.fixed(Int64.self))
        let flags = try reader.fixed(UInt8.self)
        (holdsLock, isDeleted) = (flags & 1 != 0, flags & 2 != 0)
        try reader.finish()
    }
}

/// Who owns pending entries, since when, and how often they were delivered.
struct Delivery: Hashable {
    var consumer: UInt32
    var deliveredAt: Timestamp
    var count: UInt64

    /// The count after one delivery more; it stays within what a row may hold.
    var countAgain: UInt64 { min(count + 1, Limits.deliveryCountMax) }
}

/// Pending entries that follow each other in the stream and share a delivery: stored once, split on demand.
struct PendingRun: Equatable {
    let firstID: EntryID
    let lastID: EntryID
    let firstOrdinal: UInt64
    let entries: UInt64
    let delivery: Delivery

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 52)
        writer.fixed(lastID)
        writer.fixed(firstOrdinal)
        writer.fixed(entries)
        writer.fixed(delivery.consumer)
        writer.fixed(delivery.deliveredAt.nanoseconds)
        writer.fixed(delivery.count)
        return writer.bytes
    }

    init(firstID: EntryID, lastID: EntryID, firstOrdinal: UInt64, entries: UInt64, delivery: Delivery) {
        self.firstID = firstID
        self.lastID = lastID
        self.firstOrdinal = firstOrdinal
        self.entries = entries
        self.delivery = delivery
    }

    init(firstID: EntryID, decoding bytes: RawSpan) throws {
        var reader = ByteReader(bytes)
        self.firstID = firstID
        lastID = try reader.entryID()
        firstOrdinal = try reader.fixed(UInt64.self)
        entries = try reader.fixed(UInt64.self)
        delivery = Delivery(
            consumer: try reader.fixed(UInt32.self),
            deliveredAt: Timestamp(nanoseconds: try reader.fixed(Int64.self)), count: try reader.fixed(UInt64.self))
        try reader.finish()
        let isSound =
            firstID <= lastID && (1...Limits.pendingRunEntriesMax).contains(entries) && firstOrdinal < 1 << 62
        guard isSound, delivery.count <= Limits.deliveryCountMax else {
            throw RecordError.malformed("a run of pending entries that cannot be")
        }
    }

    /// Entries that follow each other, with their deliveries, as few runs as possible.
    static func runs(_ entries: some Sequence<(entry: IndexEntry, delivery: Delivery)>) -> [PendingRun] {
        var runs: [PendingRun] = []
        for (entry, delivery) in entries {
            if let last = runs.last, last.delivery == delivery, last.firstOrdinal + last.entries == entry.ordinal,
                last.entries < Limits.pendingRunEntriesMax
            {
                runs[runs.count - 1] = PendingRun(
                    firstID: last.firstID, lastID: entry.id, firstOrdinal: last.firstOrdinal,
                    entries: last.entries + 1, delivery: delivery)
            } else {
                runs.append(
                    PendingRun(
                        firstID: entry.id, lastID: entry.id, firstOrdinal: entry.ordinal, entries: 1,
                        delivery: delivery))
            }
        }
        return runs
    }
}

/// One pending entry, for callers.
package struct PendingEntry: Hashable, Sendable {
    package let id: EntryID
    package let consumer: String
    package let deliveredAt: Timestamp
    package let deliveryCount: UInt64
}

/// What a read of a group delivers.
package struct Delivered: Hashable, Sendable {
    package let entry: IndexEntry
    package let deliveryCount: UInt64
    /// Readers of the stream no longer see it; its record is still there.
    package var isHidden = false
}

/// What was to be delivered again.
package struct Redelivered: Equatable, Sendable {
    package var delivered: [Delivered] = []
    /// Hidden entries that are no longer pending with anybody.
    package var dropped: [EntryID] = []
    /// Delivered too often: dead letters now.
    package var dead: [DeadLetter] = []
    /// Where the next search goes on; zero at the end.
    package var cursor: EntryID = .zero

    package init() {}

    package var isNothing: Bool { delivered.isEmpty && dropped.isEmpty && dead.isEmpty }
}
