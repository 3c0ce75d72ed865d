// Hiding entries inside a write transaction: XDEL and XTRIM. Nothing is deleted: a `stream.hidden` record says
// what readers no longer see, and the records stay.

internal import LMDB
package import Records

extension LogTransaction {
    /// Hides entries by id; how many were visible until now. At most `Limits.hiddenIDsPerRecordMax` at once.
    package mutating func hide(_ stream: StreamName, _ ids: [EntryID]) throws -> Int {
        guard ids.count <= Limits.hiddenIDsPerRecordMax else {
            throw BoundError("entry_ids", "at most \(Limits.hiddenIDsPerRecordMax) are hidden at once")
        }
        guard let known = try indexed(stream) else { return 0 }
        let entries = try Set(ids).sorted().compactMap { id in try visibleEntry(known, id) }
        guard let largest = entries.last else { return 0 }
        let event = LogEvent.streamHidden(stream: stream, hiding: .entries(entries.map(\.id)))
        try state.pointee.appendOwn(event, cause: .none, &transaction.pointee, stamp)
        for run in HiddenRun.runs(entries) { try join(run, known.number) }
        var changed = known
        changed.length -= UInt64(entries.count)
        changed.maxDeletedID = max(known.maxDeletedID, largest.id)
        try finish(&changed)
        return entries.count
    }

    /// Hides every entry that is smaller than `id`; how many were visible until now.
    package mutating func hide(_ stream: StreamName, before id: EntryID) throws -> Int {
        guard let known = try indexed(stream), known.length > 0, id > known.firstID else { return 0 }
        let limit = min(id, known.lastID.next ?? .last)
        var last: IndexEntry?
        try StreamIndex.walkBack(transaction.pointee, tables, known.number, from: limit) { entry in
            if entry.id < limit { last = entry }
            return last == nil
        }
        guard let last, let first = try firstEntry(known.number) else { return 0 }
        var hidden: UInt64 = 0
        var covered: [HiddenRun] = []
        try HiddenEntries.walk(transaction.pointee, tables, known.number, endingFrom: .zero) { run in
            guard run.firstID <= last.id else { return false }
            hidden += min(run.lastOrdinal, last.ordinal) - run.firstOrdinal + 1
            covered.append(run)
            return true
        }
        guard hidden < last.ordinal else { return 0 }
        let event = LogEvent.streamHidden(stream: stream, hiding: .before(limit))
        try state.pointee.appendOwn(event, cause: .none, &transaction.pointee, stamp)
        try cover(from: first, to: last, covered, known.number)
        var changed = known
        changed.length -= last.ordinal - hidden
        try finish(&changed)
        return Int(last.ordinal - hidden)
    }

    /// Hides the oldest entries so that `length` stay visible; how many were hidden.
    package mutating func trim(_ stream: StreamName, toLength length: UInt64) throws -> Int {
        guard let known = try indexed(stream), known.length > length else { return 0 }
        var kept: UInt64 = 0
        var firstKept = known.lastID.next ?? .last
        if length > 0 {
            try StreamIndex.walkVisibleBack(transaction.pointee, tables, known.number, from: .last) { entry in
                kept += 1
                firstKept = entry.id
                return kept < length
            }
        }
        return try hide(stream, before: firstKept)
    }

    // MARK: Parts

    /// The stream, with this transaction's appends in its index.
    private mutating func indexed(_ stream: StreamName) throws -> StreamState? {
        guard let known = try state.pointee.stream(stream, transaction.pointee) else { return nil }
        try state.pointee.writeIndex(of: stream, &transaction.pointee)
        return known
    }

    private func visibleEntry(_ stream: StreamState, _ id: EntryID) throws -> IndexEntry? {
        let found = try StreamIndex.entries(transaction.pointee, tables, stream.number, id...id, limit: 1).first
        guard let found, try !HiddenEntries.contains(transaction.pointee, tables, stream.number, id) else { return nil }
        return found
    }

    private func firstEntry(_ stream: StreamNumber) throws -> IndexEntry? {
        try StreamIndex.entries(transaction.pointee, tables, stream, .zero ... .last, limit: 1).first
    }

    /// Adds a run of entries of which none was hidden, joined with its neighbours.
    private mutating func join(_ run: HiddenRun, _ stream: StreamNumber) throws {
        var joined = run
        if let before = try HiddenEntries.last(transaction.pointee, tables, stream, beginningUpTo: run.firstID),
            before.lastOrdinal + 1 == run.firstOrdinal
        {
            joined = HiddenRun(
                firstID: before.firstID, lastID: run.lastID, firstOrdinal: before.firstOrdinal,
                lastOrdinal: run.lastOrdinal)
        }
        if let after = try HiddenEntries.first(transaction.pointee, tables, stream, endingFrom: run.lastID),
            after.firstOrdinal == run.lastOrdinal + 1
        {
            try transaction.pointee.delete(tables.hidden, PrefixedKey(stream.rawValue, after.firstID))
            joined = HiddenRun(
                firstID: joined.firstID, lastID: after.lastID, firstOrdinal: joined.firstOrdinal,
                lastOrdinal: after.lastOrdinal)
        }
        try put(joined, stream)
    }

    /// One run in the place of those that begin inside it.
    private mutating func cover(
        from first: IndexEntry, to last: IndexEntry, _ covered: [HiddenRun], _ stream: StreamNumber
    ) throws {
        for run in covered {
            try transaction.pointee.delete(tables.hidden, PrefixedKey(stream.rawValue, run.firstID))
        }
        // The last one may reach further.
        if let reaching = covered.last, reaching.lastOrdinal > last.ordinal {
            let joined = HiddenRun(
                firstID: first.id, lastID: reaching.lastID, firstOrdinal: first.ordinal,
                lastOrdinal: reaching.lastOrdinal)
            return try put(joined, stream)
        }
        try join(HiddenRun(first: first, last: last), stream)
    }

    private mutating func put(_ run: HiddenRun, _ stream: StreamNumber) throws {
        state.pointee.countPut()
        try transaction.pointee.put(tables.hidden, PrefixedKey(stream.rawValue, run.firstID), run.encoded())
    }

    /// The stream's first visible entry may be another one now.
    private mutating func finish(_ stream: inout StreamState) throws {
        stream.firstID = .zero
        try StreamIndex.walkVisible(transaction.pointee, tables, stream.number, from: .zero) { entry in
            stream.firstID = entry.id
            return false
        }
        state.pointee.replace(stream)
    }
}
