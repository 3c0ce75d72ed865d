// What can be read of streams and groups, from a snapshot or inside a write transaction: there with what the
// transaction itself has already done. Whoever speaks for both (a command alone, and the same command inside a
// transaction) is written once, against this.

internal import LMDB
package import Records

package protocol LogView: ~Copyable {
    func stream(_ name: StreamName) throws -> StreamState?
    /// All streams, by name.
    func streamNames() throws -> [StreamName]
    /// Visible entries with ids in the closed range, in order, at most `limit`.
    func entries(_ stream: StreamNumber, _ range: ClosedRange<EntryID>, limit: Int) throws -> [IndexEntry]
    func entriesBack(_ stream: StreamNumber, _ range: ClosedRange<EntryID>, limit: Int) throws -> [IndexEntry]
    func record(_ sequence: SequenceNumber) throws -> Record?
    /// The record that has the key.
    func sequence(of key: IdempotencyKey, stream: StreamName?) throws -> SequenceNumber?

    /// The groups' names, in byte order.
    func groupNames(_ stream: StreamName) throws -> [String]
    func groupState(_ stream: StreamName, _ group: String) throws -> GroupState?
    func group(_ stream: StreamName, _ group: String) throws -> GroupSummary
    func pending(
        _ stream: StreamName, _ group: String, _ range: ClosedRange<EntryID>, consumer: String?,
        deliveredUntil: Timestamp?, limit: Int
    ) throws -> [PendingEntry]
}

extension LogSnapshot: LogView {
    package func streamNames() throws -> [StreamName] { try StreamIndex.names(transaction, tables) }

    package func sequence(of key: IdempotencyKey, stream: StreamName?) throws -> SequenceNumber? {
        try first(key, stream: stream)
    }

    package func groupNames(_ stream: StreamName) throws -> [String] {
        guard let known = try self.stream(stream) else { return [] }
        return try GroupReading.names(transaction, tables, known.number)
    }

    package func groupState(_ stream: StreamName, _ group: String) throws -> GroupState? {
        guard let known = try self.stream(stream) else { return nil }
        return try GroupReading.state(transaction, tables, known.number, group)
    }
}

extension LogTransaction: LogView {
    package func stream(_ name: StreamName) throws -> StreamState? {
        guard let known = try state.pointee.stream(name, transaction.pointee) else { return nil }
        // A walk of the index sees this transaction's appends then.
        try state.pointee.writeIndex(of: name, &transaction.pointee)
        return known
    }

    package func streamNames() throws -> [StreamName] { try StreamIndex.names(transaction.pointee, tables) }

    package func entries(_ stream: StreamNumber, _ range: ClosedRange<EntryID>, limit: Int) throws -> [IndexEntry] {
        try StreamIndex.visible(transaction.pointee, tables, stream, range, limit: limit)
    }

    package func entriesBack(_ stream: StreamNumber, _ range: ClosedRange<EntryID>, limit: Int) throws -> [IndexEntry] {
        try StreamIndex.visibleBack(transaction.pointee, tables, stream, range, limit: limit)
    }

    package func sequence(of key: IdempotencyKey, stream: StreamName?) throws -> SequenceNumber? {
        try state.pointee.keys.find(key.hash(stream: stream), nil, in: transaction.pointee)
    }

    package func groupNames(_ stream: StreamName) throws -> [String] {
        guard let known = try self.stream(stream) else { return [] }
        return try GroupReading.names(transaction.pointee, tables, known.number)
    }

    package func groupState(_ stream: StreamName, _ group: String) throws -> GroupState? {
        guard let known = try self.stream(stream) else { return nil }
        return try GroupReading.state(transaction.pointee, tables, known.number, group)
    }

    package func group(_ stream: StreamName, _ group: String) throws -> GroupSummary {
        let (known, found) = try find(stream, group)
        return try GroupReading.summary(transaction.pointee, tables, known, group, found)
    }

    package func pending(
        _ stream: StreamName, _ group: String, _ range: ClosedRange<EntryID>, consumer: String?,
        deliveredUntil: Timestamp?, limit: Int
    ) throws -> [PendingEntry] {
        let (known, found) = try find(stream, group)
        return try GroupReading.pending(
            transaction.pointee, tables, known, found, range, consumer: consumer, deliveredUntil: deliveredUntil,
            limit: limit)
    }

    private func find(_ stream: StreamName, _ group: String) throws -> (StreamState, GroupState) {
        guard let known = try self.stream(stream) else { throw LogError.streamMissing(stream.text) }
        guard let found = try GroupReading.state(transaction.pointee, tables, known.number, group) else {
            throw LogError.groupMissing(stream: stream.text, group: group)
        }
        return (known, found)
    }

    /// How much of the log or of its groups this transaction has changed: a caller that compares it before and
    /// after knows whether a failure left something behind.
    package var changes: Int { state.pointee.putCount }
}
