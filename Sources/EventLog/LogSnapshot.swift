// Everything that can be read of the log, from one consistent state. Short: a snapshot held open makes the
// file grow.

internal import LMDB
package import Records

/// Lent to the closure of `EventLog.snapshot`; it cannot be stored.
package struct LogSnapshot: ~Copyable {
    let transaction: ReadTransaction
    let tables: Tables
    let genesis: Digest
    let keys: KeyReader

    package func head() throws -> Head { try LogReading.head(transaction, tables, genesis: genesis).0 }

    package func record(_ sequence: SequenceNumber) throws -> Record? {
        try LogReading.record(transaction, tables, sequence)
    }

    /// Calls `body` with each record from `start` on, lent, until it answers false.
    package func walk(from start: SequenceNumber, _ body: (borrowing RecordView) throws -> Bool) throws {
        try LogReading.walk(transaction, tables, from: start, body)
    }

    /// The record that has the key.
    package func first(_ key: IdempotencyKey, stream: StreamName?) throws -> SequenceNumber? {
        try keys.first(key.hash(stream: stream), in: transaction)
    }

    // MARK: Streams

    package func stream(_ name: StreamName) throws -> StreamState? {
        try StreamIndex.state(transaction, tables, name)
    }

    package func stream(_ number: StreamNumber) throws -> StreamState {
        try StreamIndex.state(transaction, tables, number)
    }

    /// All streams, by number.
    package func streams() throws -> [StreamState] {
        try transaction.withCursor(tables.streams) { cursor in
            var found: [StreamState] = []
            var isThere = try cursor.first()
            while isThere {
                var reader = ByteReader(cursor.key)
                let number = StreamNumber(try reader.ordered(UInt32.self))
                found.append(try StreamState(number: number, decoding: cursor.value))
                isThere = try cursor.next()
            }
            return found
        }
    }

    /// Visible entries of a stream with ids in the closed range, in order, at most `limit`.
    package func entries(_ stream: StreamNumber, _ range: ClosedRange<EntryID>, limit: Int) throws -> [IndexEntry] {
        try StreamIndex.visible(transaction, tables, stream, range, limit: limit)
    }

    /// As `entries`, from the end.
    package func entriesBack(_ stream: StreamNumber, _ range: ClosedRange<EntryID>, limit: Int) throws -> [IndexEntry] {
        try StreamIndex.visibleBack(transaction, tables, stream, range, limit: limit)
    }

    /// As `entries`, hidden ones, too: what was written, whatever readers still see of it.
    package func everyEntry(_ stream: StreamNumber, _ range: ClosedRange<EntryID>, limit: Int) throws -> [IndexEntry] {
        try StreamIndex.entries(transaction, tables, stream, range, limit: limit)
    }

    // MARK: Guards

    package func guards() throws -> GuardState {
        GuardState(holders: try GuardTable.all(tables, transaction))
    }
}

extension EventLog {
    /// Runs `body` on one consistent state.
    package func snapshot<R>(_ body: (borrowing LogSnapshot) throws -> R) throws -> R {
        try environment.read { transaction in
            try body(
                LogSnapshot(
                    transaction: transaction.alias(), tables: tables, genesis: identity.genesis, keys: keyReader))
        }
    }

    package func head() throws -> Head { try snapshot { try $0.head() } }

    /// Calls `body` with every record from `start` through `end` (nil: through the head as it is when the
    /// walk gets there), in bounded read transactions. Stops where `body` answers false.
    package func walk(
        from start: SequenceNumber, through end: SequenceNumber?, _ body: (borrowing RecordView) throws -> Bool
    ) throws {
        var next = start
        var goOn = true
        while goOn {
            var seen = 0
            try snapshot { snapshot in
                try snapshot.walk(from: next) { record in
                    if let end, record.sequence > end { return false }
                    goOn = try body(record)
                    next = record.sequence.next
                    seen += 1
                    return goOn && seen < Limits.scanRecordsPerTransactionMax
                }
            }
            if seen < Limits.scanRecordsPerTransactionMax { return }
        }
    }

    /// Returns when the log has grown past `sequence`, or after `milliseconds`; the head then.
    @available(*, noasync)
    package func wait(past sequence: SequenceNumber, milliseconds: Int) throws -> Head {
        let deadline = clock.boot().nanoseconds + UInt64(max(0, milliseconds)) * 1_000_000
        while true {
            let head = try head()
            let now = clock.boot().nanoseconds
            if head.sequence > sequence || now >= deadline { return head }
            let left = Int((deadline - now + 999_999) / 1_000_000)
            try waker.wait(milliseconds: left) { try self.head().sequence > sequence }
        }
    }
}
