// Rows of consumer groups, with Redis' words. All of it is persistent: offset, pending entries, owners,
// delivery counts and times survive a kill -9.

package import Records

/// A group's row.
package struct GroupState: Equatable, Sendable {
    /// Numbers the group's consumers and pending entries; never given twice.
    let number: UInt32
    package internal(set) var lastDeliveredID: EntryID
    /// Redis' counter; -1: unknown. Ours is exact through the ordinal.
    package internal(set) var entriesRead: Int64
    var lastConsumer: UInt32

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 48)
        writer.fixed(number)
        writer.fixed(lastDeliveredID)
        writer.fixed(entriesRead)
        writer.fixed(lastConsumer)
        return writer.bytes
    }

    init(number: UInt32, at id: EntryID) {
        self.number = number
        lastDeliveredID = id
        entriesRead = -1
        lastConsumer = 0
    }

    init(decoding bytes: RawSpan) throws {
        var reader = ByteReader(bytes)
        number = try reader.fixed(UInt32.self)
        lastDeliveredID = try reader.entryID()
        entriesRead = try reader.fixed(Int64.self)
        lastConsumer = try reader.fixed(UInt32.self)
        try reader.finish()
    }
}

struct ConsumerState: Equatable {
    let number: UInt32
    var seenAt: Timestamp
    /// It holds a `ConsumerLock` while it lives: where the lock is free, it is dead. Nobody can tell of others.
    var holdsLock: Bool

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 12)
        writer.fixed(number)
        writer.fixed(seenAt.nanoseconds)
        writer.fixed(UInt8(holdsLock ? 1 : 0))
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
        holdsLock = try reader.fixed(UInt8.self) != 0
        try reader.finish()
    }
}

/// Who owns pending entries, since when, and how often they were delivered.
struct Delivery: Hashable {
    var consumer: UInt32
    var deliveredAt: Timestamp
    var count: UInt64
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
        let isSound = firstID <= lastID && (1...UInt64(UInt32.max)).contains(entries) && firstOrdinal < 1 << 62
        guard isSound, delivery.count < .max else {
            throw RecordError.malformed("a run of pending entries that cannot be")
        }
    }

    /// Entries that follow each other, with their deliveries, as few runs as possible.
    static func runs(_ entries: [(entry: IndexEntry, delivery: Delivery)]) -> [PendingRun] {
        var runs: [PendingRun] = []
        for (entry, delivery) in entries {
            if let last = runs.last, last.delivery == delivery, last.firstOrdinal + last.entries == entry.ordinal {
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
}

/// A group as people see it.
package struct GroupSummary: Sendable {
    package struct Consumer: Sendable {
        package let name: String
        package let pending: UInt64
        package let seenAt: Timestamp
        package let holdsLock: Bool
    }
    package let stream: StreamName
    package let group: String
    package let lastDeliveredID: EntryID
    package let entriesRead: Int64
    /// Entries that were not yet delivered; always exact.
    package let lag: UInt64
    package let pending: UInt64
    package let smallestPendingID: EntryID?
    package let largestPendingID: EntryID?
    package let consumers: [Consumer]
}
