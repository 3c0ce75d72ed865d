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
            try deliver(entries, in: first.id...last.id, to: owner, &open)
        }
        return entries.map { Delivered(entry: $0, deliveryCount: 1) }
    }

    /// Makes the entries pending with `owner`. Where the offset was moved back, some may be pending already, or
    /// dead: they are delivered anew.
    private mutating func deliver(
        _ entries: [IndexEntry], in range: ClosedRange<EntryID>, to owner: UInt32, _ group: inout OpenGroup
    ) throws {
        var edit = PendingEdit(group: group.state.number)
        for run in try runs(group, range) { try edit.load(run, transaction.pointee, tables, group.stream.number) }
        let delivery = Delivery(consumer: owner, deliveredAt: now, count: 1)
        for entry in entries { edit.set(entry, delivery) }
        if group.state.deadLetters > 0 { try revive(entries.map(\.id), &group) }
        try store(edit, &group)
    }

    /// `consumer`'s own pending entries with ids larger than `after`, delivered once more; of hidden ones only
    /// the id, as in Redis. `registers` makes the consumer where it is missing, as Redis does.
    package mutating func readOwn(
        _ stream: StreamName, _ group: String, consumer: String, after: EntryID, count: Int, registers: Bool = false
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
        search.repeatsAlone = true
        return try redeliver(search, to: owner, &open)
    }

    /// How many of the entries were pending and no longer are. Anybody may acknowledge; twice is once.
    package mutating func acknowledge(_ stream: StreamName, _ group: String, _ ids: [EntryID]) throws -> Int {
        var open = try open(stream, group)
        var edit = try edit(open, holding: ids)
        guard edit.count > 0 else { return 0 }
        for id in ids { edit.remove(id) }
        let acknowledged = edit.countBefore - edit.count
        if acknowledged > 0 { try store(edit, &open) }
        return acknowledged
    }

    // MARK: Delivering again

    /// Which pending entries are delivered again.
    struct Search {
        let range: ClosedRange<EntryID>
        let limit: Int
        var owner: UInt32 = 0
        var repeatsAlone = false
    }

    private mutating func redeliver(
        _ search: Search, to owner: UInt32, _ group: inout OpenGroup
    ) throws -> Redelivered {
        var result = Redelivered()
        var edit = PendingEdit(group: group.state.number)
        walk: for run in try runs(group, search.range) where run.delivery.consumer == search.owner {
            if result.delivered.count >= search.limit { break }
            let isRepeated = search.repeatsAlone && run.delivery.count > 1
            if isRepeated, !result.delivered.isEmpty { break }
            try edit.load(run, transaction.pointee, tables, group.stream.number)
            for entry in try run.entries(transaction.pointee, tables, group.stream.number) {
                guard search.range.contains(entry.id) else { continue }
                guard result.delivered.count < search.limit else { break walk }
                if try bury(entry, run.delivery, &edit, &group, &result) { continue }
                try deliverAgain(entry, run.delivery, to: owner, &edit, group, &result)
                if isRepeated { break walk }
            }
        }
        try record(dead: result.dead, group)
        try store(edit, &group)
        return result
    }

    private func deliverAgain(
        _ entry: IndexEntry, _ delivery: Delivery, to owner: UInt32, _ edit: inout PendingEdit, _ group: OpenGroup,
        _ result: inout Redelivered
    ) throws {
        let isHidden = try HiddenEntries.contains(transaction.pointee, tables, group.stream.number, entry.id)
        if isHidden, !group.state.options.readsHidden {
            result.delivered.append(Delivered(entry: entry, deliveryCount: delivery.count, isHidden: true))
            return
        }
        let next = Delivery(consumer: owner, deliveredAt: now, count: delivery.count + 1)
        edit.set(entry, next)
        result.delivered.append(Delivered(entry: entry, deliveryCount: next.count, isHidden: isHidden))
    }
}
