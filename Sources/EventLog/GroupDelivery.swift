// Delivering, claiming and acknowledging, with Redis 7.0's semantics: what is delivered, to whom, how often,
// commits together with whatever else the transaction does, so that a decision's effect and the
// acknowledgement of its cause are one. State, not records.

internal import LMDB
package import Records

extension LogTransaction {
    /// New entries for `consumer`, at most `count`; they are pending until acknowledged, or, with `noAck`, never.
    package mutating func readNew(
        _ stream: StreamName, _ group: String, consumer: String, count: Int, holdsLock: Bool = false,
        noAck: Bool = false
    ) throws -> [Delivered] {
        var open = try open(stream, group)
        guard let from = open.state.lastDeliveredID.next else { return [] }
        let limit = min(count, Limits.groupReadEntriesMax)
        let entries =
            open.state.options.readsHidden
            ? try StreamIndex.entries(transaction.pointee, tables, open.stream.number, from ... .last, limit: limit)
            : try StreamIndex.visible(transaction.pointee, tables, open.stream.number, from ... .last, limit: limit)
        guard let first = entries.first, let last = entries.last else { return [] }
        let owner = try self.consumer(consumer, &open, holdsLock: holdsLock)
        for entry in entries {
            open.state.entriesRead = RedisCounters.entriesRead(open.state, open.stream, delivered: entry.id)
        }
        open.state.lastDeliveredID = last.id
        if noAck {
            try store(open)
        } else {
            try deliver(entries, in: first.id...last.id, to: owner, named: consumer, &open)
        }
        return entries.map { Delivered(entry: $0, deliveryCount: 1) }
    }

    /// Makes the entries pending with `owner`. Where the offset was moved back, some may be pending already, or
    /// dead: they are delivered anew.
    private mutating func deliver(
        _ entries: [IndexEntry], in range: ClosedRange<EntryID>, to owner: UInt32, named name: String,
        _ group: inout OpenGroup
    ) throws {
        try revive(entries.map(\.id), consumer: name, &group)
        let delivery = Delivery(consumer: owner, deliveredAt: now, count: 1)
        let overlapping = try runs(group, range)
        guard !overlapping.isEmpty else {
            for run in PendingRun.runs(entries.lazy.map { ($0, delivery) }) { try put(run, group) }
            try group.count(\.pending, entries.count)
            return try store(group)
        }
        var edit = PendingEdit(group: group.state.number)
        for run in overlapping { try edit.load(run, transaction.pointee, tables, group.stream.number) }
        for entry in entries { edit.set(entry, delivery) }
        try store(edit, &group)
    }

    /// `consumer`'s own pending entries with ids larger than `after`, delivered once more; of hidden ones only
    /// the id, as in Redis. `registers` makes the consumer where it is missing, as Redis does. With `asRole`,
    /// an entry that has failed before comes alone, as in `takeOver`, and one that failed too often dies.
    package mutating func readOwn(
        _ stream: StreamName, _ group: String, consumer: String, after: EntryID, count: Int, registers: Bool = false,
        asRole: Bool = false
    ) throws -> Redelivered {
        var open = try open(stream, group)
        guard let known = try knownConsumer(consumer, open), let from = after.next else {
            guard registers else { return Redelivered() }
            _ = try self.consumer(consumer, &open, holdsLock: false)
            try store(open)
            return Redelivered()
        }
        var search = Search(range: from ... .last, limit: min(count, Limits.groupReadEntriesMax))
        search.owner = known.number
        search.isRoles = asRole
        if registers { _ = try self.consumer(consumer, &open, holdsLock: false) }
        return try redeliver(search, to: known.number, &open)
    }

    /// Takes over what is pending with another consumer, which must be dead; delivered once more. An entry that
    /// has failed before comes alone, so that its neighbours do not die with it.
    package mutating func takeOver(
        _ stream: StreamName, _ group: String, consumer: String, from dead: String, count: Int,
        holdsLock: Bool = false
    ) throws -> Redelivered {
        var open = try open(stream, group)
        guard let previous = try knownConsumer(dead, open)?.number else { return Redelivered() }
        let owner = try self.consumer(consumer, &open, holdsLock: holdsLock)
        var search = Search(range: .zero ... .last, limit: min(count, Limits.groupReadEntriesMax))
        search.owner = previous
        search.isRoles = true
        return try redeliver(search, to: owner, &open)
    }

    /// How many of the entries were pending and no longer are. Anybody may acknowledge; twice is once.
    package mutating func acknowledge(_ stream: StreamName, _ group: String, _ ids: [EntryID]) throws -> Int {
        try acknowledged(stream, group, ids).count
    }

    /// As `acknowledge`: which ones, in order.
    package mutating func acknowledged(
        _ stream: StreamName, _ group: String, _ ids: [EntryID]
    ) throws -> [EntryID] {
        var open = try open(stream, group)
        let wanted = ids.sorted()
        var acknowledged: [EntryID] = []
        var next = 0
        while next < wanted.count {
            var run: PendingRun?
            try GroupReading.walkRuns(transaction.pointee, tables, open.state.number, wanted[next] ... .last) {
                run = $0
                return false
            }
            guard let run else { break }
            let last = wanted[next...].firstIndex { $0 > run.lastID } ?? wanted.count
            acknowledged += try acknowledge(wanted[next..<last], in: run, open)
            next = last
        }
        guard !acknowledged.isEmpty else { return [] }
        try open.count(\.pending, -acknowledged.count)
        if open.state.deletedConsumers > 0 { try forgetDeletedConsumers(&open) }
        try store(open)
        return acknowledged
    }

    /// - Parameter ids: sorted; none is larger than the run's last.
    private mutating func acknowledge(
        _ ids: ArraySlice<EntryID>, in run: PendingRun, _ group: OpenGroup
    ) throws -> [EntryID] {
        guard let largest = ids.last, largest >= run.firstID else { return [] }
        var next = ids.startIndex
        var (left, done) = ([IndexEntry](), [EntryID]())
        for entry in try run.entries(transaction.pointee, tables, group.stream.number) {
            while next < ids.endIndex, ids[next] < entry.id { next += 1 }
            if next < ids.endIndex, ids[next] == entry.id { done.append(entry.id) } else { left.append(entry) }
        }
        guard !done.isEmpty else { return [] }
        let kept = PendingRun.runs(left.lazy.map { ($0, run.delivery) })
        state.pointee.countPut()
        if kept.first?.firstID != run.firstID {
            try transaction.pointee.delete(tables.pending, PrefixedKey(group.state.number, run.firstID))
        }
        for run in kept { try put(run, group) }
        return done
    }

    private mutating func put(_ run: PendingRun, _ group: OpenGroup) throws {
        state.pointee.countPut()
        try transaction.pointee.putSealed(tables.pending, PrefixedKey(group.state.number, run.firstID), run.encoded())
    }

    // MARK: Delivering again

    /// Which pending entries are delivered again.
    struct Search {
        let range: ClosedRange<EntryID>
        let limit: Int
        var owner: UInt32 = 0
        /// By a role: one at a time where an entry has failed before.
        var isRoles = false
    }

    private mutating func redeliver(
        _ search: Search, to owner: UInt32, _ group: inout OpenGroup
    ) throws -> Redelivered {
        var result = Redelivered()
        var edit = PendingEdit(group: group.state.number)
        let mayBury = search.isRoles || !group.state.options.isRole
        walk: for run in try runs(group, search) {
            let isRepeated = search.isRoles && run.delivery.count > 1
            if isRepeated, !result.delivered.isEmpty { break }
            try edit.load(run, transaction.pointee, tables, group.stream.number)
            for entry in try run.entries(transaction.pointee, tables, group.stream.number) {
                guard search.range.contains(entry.id) else { continue }
                guard result.delivered.count + result.dead.count < search.limit else { break walk }
                if try mayBury && bury(entry, run.delivery, &edit, &group, &result) { continue }
                try deliverAgain(entry, run.delivery, to: owner, &edit, group, &result)
                if isRepeated { break walk }
            }
        }
        try record(dead: result.dead, group)
        try store(edit, &group)
        return result
    }

    /// The owner's runs, until they hold as many entries as are looked for.
    private func runs(_ group: OpenGroup, _ search: Search) throws -> [PendingRun] {
        var found: [PendingRun] = []
        var held = 0
        try GroupReading.walkRuns(transaction.pointee, tables, group.state.number, search.range) { run in
            guard run.delivery.consumer == search.owner else { return true }
            found.append(run)
            // The first one may begin before the range.
            if found.count > 1 { held += Int(run.entries) }
            return held < search.limit
        }
        return found
    }

    private func deliverAgain(
        _ entry: IndexEntry, _ delivery: Delivery, to owner: UInt32, _ edit: inout PendingEdit, _ group: OpenGroup,
        _ result: inout Redelivered
    ) throws {
        let isHidden = try HiddenEntries.contains(transaction.pointee, tables, group.stream, entry.id)
        if isHidden, !group.state.options.readsHidden {
            result.delivered.append(Delivered(entry: entry, deliveryCount: delivery.count, isHidden: true))
            return
        }
        let next = Delivery(consumer: owner, deliveredAt: now, count: delivery.countAgain)
        edit.set(entry, next)
        result.delivered.append(Delivered(entry: entry, deliveryCount: next.count, isHidden: isHidden))
    }
}
