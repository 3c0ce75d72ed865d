// Reading the index of one stream, from any transaction.

internal import LMDB
internal import Records

enum StreamIndex {
    /// Calls `body` with each entry, hidden or not, whose id is `start` or larger, in order, until it answers
    /// false.
    static func walk<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamNumber, from start: EntryID,
        _ body: (IndexEntry) throws -> Bool
    ) throws {
        try transaction.withCursor(tables.blocks) { cursor in
            var isThere = try cursor.seekBack(PrefixedKey(stream.rawValue, start))
            // The block before `start` may be another stream's; then the next one is ours, if any is.
            if isThere, try PrefixedKey(reading: cursor.key).prefix != stream.rawValue {
                isThere = try cursor.next()
            } else if !isThere {
                isThere = try cursor.first()
            }
            var goOn = true
            while isThere, goOn {
                let key = try PrefixedKey(reading: cursor.key)
                guard key.prefix == stream.rawValue else { return }
                try Block.each(cursor.value, firstID: try key.entryID) { entry in
                    if entry.id < start { return true }
                    goOn = try body(entry)
                    return goOn
                }
                if goOn { isThere = try cursor.next() }
            }
        }
    }

    /// As `walk`, backwards from the last entry whose id is `end` or smaller.
    static func walkBack<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamNumber, from end: EntryID,
        _ body: (IndexEntry) throws -> Bool
    ) throws {
        try transaction.withCursor(tables.blocks) { cursor in
            var isThere = try cursor.seekBack(PrefixedKey(stream.rawValue, end))
            while isThere {
                let key = try PrefixedKey(reading: cursor.key)
                guard key.prefix == stream.rawValue else { return }
                var entries: [IndexEntry] = []
                try Block.each(cursor.value, firstID: try key.entryID) { entry in
                    if entry.id <= end { entries.append(entry) }
                    return entry.id < end
                }
                for entry in entries.reversed() {
                    guard try body(entry) else { return }
                }
                isThere = try cursor.previous()
            }
        }
    }

    /// As `walk`, without hidden entries.
    static func walkVisible<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamNumber, from start: EntryID,
        _ body: (IndexEntry) throws -> Bool
    ) throws {
        var from = start
        while true {
            let hidden = try HiddenEntries.first(transaction, tables, stream, endingFrom: from)
            guard let hidden else { return try walk(transaction, tables, stream, from: from, body) }
            if hidden.firstID > from {
                var goOn = true
                try walk(transaction, tables, stream, from: from) { entry in
                    guard entry.id < hidden.firstID else { return false }
                    goOn = try body(entry)
                    return goOn
                }
                if !goOn { return }
            }
            guard let next = hidden.lastID.next else { return }
            from = next
        }
    }

    /// As `walkBack`, without hidden entries.
    static func walkVisibleBack<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamNumber, from end: EntryID,
        _ body: (IndexEntry) throws -> Bool
    ) throws {
        var from = end
        while true {
            let hidden = try HiddenEntries.last(transaction, tables, stream, beginningUpTo: from)
            guard let hidden else { return try walkBack(transaction, tables, stream, from: from, body) }
            if hidden.lastID < from {
                var goOn = true
                try walkBack(transaction, tables, stream, from: from) { entry in
                    guard entry.id > hidden.lastID else { return false }
                    goOn = try body(entry)
                    return goOn
                }
                if !goOn { return }
            }
            guard let previous = hidden.firstID.previous else { return }
            from = previous
        }
    }

    /// The visible entries with ids in the closed range, at most `limit`.
    static func visible<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamNumber, _ range: ClosedRange<EntryID>, limit: Int
    ) throws -> [IndexEntry] {
        var found: [IndexEntry] = []
        guard limit > 0 else { return [] }
        try walkVisible(transaction, tables, stream, from: range.lowerBound) { entry in
            guard entry.id <= range.upperBound else { return false }
            found.append(entry)
            return found.count < limit
        }
        return found
    }

    /// As `visible`, from the end.
    static func visibleBack<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamNumber, _ range: ClosedRange<EntryID>, limit: Int
    ) throws -> [IndexEntry] {
        var found: [IndexEntry] = []
        guard limit > 0 else { return [] }
        try walkVisibleBack(transaction, tables, stream, from: range.upperBound) { entry in
            guard entry.id >= range.lowerBound else { return false }
            found.append(entry)
            return found.count < limit
        }
        return found
    }

    /// The names of all streams, in byte order.
    static func names<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables
    ) throws -> [StreamName] {
        try transaction.withCursor(tables.streamNames) { cursor in
            var found: [StreamName] = []
            var isThere = try cursor.first()
            while isThere {
                found.append(try StreamName(String(decoding: cursor.key.array(), as: UTF8.self)))
                isThere = try cursor.next()
            }
            return found
        }
    }

    /// The entries with ids in the closed range, hidden or not, at most `limit`.
    static func entries<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamNumber, _ range: ClosedRange<EntryID>, limit: Int
    ) throws -> [IndexEntry] {
        var found: [IndexEntry] = []
        guard limit > 0 else { return [] }
        try walk(transaction, tables, stream, from: range.lowerBound) { entry in
            guard entry.id <= range.upperBound else { return false }
            found.append(entry)
            return found.count < limit
        }
        return found
    }

    /// The number in its stream of the last entry whose id is `id` or smaller; 0: there is none.
    static func ordinal<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ stream: StreamNumber, upTo id: EntryID
    ) throws -> UInt64 {
        var ordinal: UInt64 = 0
        try walkBack(transaction, tables, stream, from: id) { entry in
            ordinal = entry.ordinal
            return false
        }
        return ordinal
    }

    static func state<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ name: StreamName
    ) throws -> StreamState? {
        guard let bytes = try transaction.get(tables.streamNames, name.text) else { return nil }
        var reader = ByteReader(bytes)
        return try state(transaction, tables, StreamNumber(try reader.fixed(UInt32.self)))
    }

    static func state<T: ReadableTransaction & ~Copyable>(
        _ transaction: borrowing T, _ tables: Tables, _ number: StreamNumber
    ) throws -> StreamState {
        guard let row = try transaction.get(tables.streams, number.rawValue) else {
            throw LogError.damaged("stream \(number.rawValue) has no row")
        }
        return try StreamState(number: number, decoding: row)
    }
}
