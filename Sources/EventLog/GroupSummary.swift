// A group as people and Redis' XINFO see it.

package import Records

package struct GroupSummary: Sendable {
    package struct Consumer: Equatable, Sendable {
        package let name: String
        package let pending: UInt64
        package let smallestPendingID: EntryID?
        package let seenAt: Timestamp
        package let holdsLock: Bool
        /// Deleted by command; stays until what it had is claimed or acknowledged.
        package let isDeleted: Bool
    }
    package let stream: StreamName
    package let group: String
    package let lastDeliveredID: EntryID
    /// By Redis' rules; nil: unknown.
    package let entriesRead: Int64?
    /// Entries that were not yet delivered; always exact.
    package let lag: UInt64
    /// By Redis' rules; nil: unknown.
    package let redisLag: Int64?
    package let pending: UInt64
    package let smallestPendingID: EntryID?
    package let largestPendingID: EntryID?
    package let deadLetters: UInt64
    package let options: GroupOptions
    /// In byte order of their names.
    package let consumers: [Consumer]
}

/// An entry that nobody could finish.
package struct DeadLetter: Equatable, Sendable {
    package let entry: IndexEntry
    /// Who had it last.
    package let consumer: String
    package let deliveryCount: UInt64
    package let diedAt: Timestamp
    package let reason: String

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + consumer.utf8.count + reason.utf8.count)
        writer.fixed(entry.sequence.rawValue)
        writer.fixed(entry.ordinal)
        writer.fixed(deliveryCount)
        writer.fixed(diedAt.nanoseconds)
        writer.sized(consumer)
        writer.sized(reason)
        return writer.bytes
    }

    init(entry: IndexEntry, consumer: String, deliveryCount: UInt64, diedAt: Timestamp, reason: String) {
        self.entry = entry
        self.consumer = consumer
        self.deliveryCount = deliveryCount
        self.diedAt = diedAt
        self.reason = reason
    }

    init(id: EntryID, decoding bytes: RawSpan) throws {
        var reader = ByteReader(bytes)
        let sequence = SequenceNumber(try reader.fixed(UInt64.self))
        entry = IndexEntry(id: id, sequence: sequence, ordinal: try reader.fixed(UInt64.self))
        deliveryCount = try reader.fixed(UInt64.self)
        diedAt = Timestamp(nanoseconds: try reader.fixed(Int64.self))
        consumer = try reader.text(max: Limits.consumerNameBytesMax)
        reason = try reader.text(max: Limits.reasonBytesMax)
        try reader.finish()
    }
}
