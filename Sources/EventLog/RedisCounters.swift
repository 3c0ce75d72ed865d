// Redis 7.0's arithmetic of entries-read and lag, with its blind spots: both are unknown where entries were
// deleted by id in between. Ours is exact, through ordinals; this one is for those who ask for Redis'.

internal import Records

enum RedisCounters {
    /// Entries-read after `id` was delivered as new.
    static func entriesRead(_ group: GroupState, _ stream: StreamState, delivered id: EntryID) -> Int64? {
        if let read = group.entriesRead, !hasTombstone(stream, from: id) { return read + 1 }
        return stream.entriesAdded > 0 ? estimate(stream, id) : group.entriesRead
    }

    /// Nil: unknown. May be negative, as Redis'.
    static func lag(_ group: GroupState, _ stream: StreamState) -> Int64? {
        if stream.entriesAdded == 0 { return 0 }
        let added = Int64(clamping: stream.entriesAdded)
        if let read = group.entriesRead, !hasTombstone(stream, from: group.lastDeliveredID) { return added - read }
        return estimate(stream, group.lastDeliveredID).map { added - $0 }
    }

    /// Whether an entry was deleted at `id` or after it, as far as Redis can tell.
    private static func hasTombstone(_ stream: StreamState, from id: EntryID) -> Bool {
        guard stream.length > 0, stream.maxDeletedID != .zero, stream.firstID <= stream.maxDeletedID else {
            return false
        }
        return id <= stream.maxDeletedID
    }

    /// How many entries were ever added up to `id`; nil: unknown.
    private static func estimate(_ stream: StreamState, _ id: EntryID) -> Int64? {
        let added = Int64(clamping: stream.entriesAdded)
        if added == 0 { return 0 }
        if stream.length == 0, id <= stream.lastID { return added }
        if id == stream.lastID { return added }
        if id > stream.lastID { return nil }
        guard stream.maxDeletedID == .zero || stream.maxDeletedID < stream.firstID else { return nil }
        let length = Int64(clamping: stream.length)
        if id < stream.firstID { return added - length }
        return id == stream.firstID ? added - length + 1 : nil
    }
}
