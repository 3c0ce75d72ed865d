// A stream's counters, set to what no record says. Only for logs that are thrown away: of any other, `verify` rightly
// says that it is damaged. DoorTests holds who may call it.

package import Records

extension LogTransaction {
    /// The stream is made where it is missing. Nil: as it is.
    /// - Returns: false where it has had an entry after `lastID`; then nothing is changed.
    package mutating func setUnrecordedCounters(
        _ name: StreamName, lastID: EntryID, entriesAdded: UInt64?, maxDeletedID: EntryID?
    ) throws -> Bool {
        var stream = try self.stream(name) ?? create(name)
        var last: IndexEntry?
        try StreamIndex.walkBack(transaction.pointee, tables, stream.number, from: .last) { entry in
            last = entry
            return false
        }
        if let last, last.id > lastID { return false }
        stream.lastID = lastID
        stream.entriesAdded = entriesAdded ?? stream.entriesAdded
        stream.maxDeletedID = maxDeletedID ?? stream.maxDeletedID
        state.pointee.replace(stream)
        state.pointee.countPut()
        return true
    }
}
