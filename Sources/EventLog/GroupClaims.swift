// XCLAIM and XAUTOCLAIM: pending entries change hands by command of a client, by idle time. Roles never claim
// so: they take over from consumers that are dead (`takeOver`).

internal import LMDB
package import Records

/// The options of XCLAIM, with Redis' meaning.
package struct ClaimOptions: Equatable, Sendable {
    package var minIdleMilliseconds: Int64 = 0
    /// When the entries count as delivered; nil: now.
    package var deliveredAt: Timestamp?
    /// Sets the delivery count instead of adding one.
    package var retryCount: UInt64?
    /// Makes entries pending that are not, where the stream has them.
    package var force = false
    /// Only ids are wanted: nothing is counted as delivered.
    package var justIDs = false
    /// Moves the group's offset forward to this id.
    package var lastID: EntryID?

    package init() {}
}

extension LogTransaction {
    /// Makes the given entries `consumer`'s, where they are pending long enough.
    package mutating func claim(
        _ stream: StreamName, _ group: String, consumer: String, _ ids: [EntryID], _ options: ClaimOptions
    ) throws -> Redelivered {
        if let count = options.retryCount, count > Limits.deliveryCountMax {
            throw BoundError("retry count", "\(count), at most \(Limits.deliveryCountMax) is allowed")
        }
        var open = try open(stream, group)
        if let last = options.lastID, last > open.state.lastDeliveredID { open.state.lastDeliveredID = last }
        var edit = try edit(open, holding: ids)
        var claim = Claim(name: consumer, options: options)
        for id in ids { try claimOne(id, &claim, &edit, &open) }
        try record(dead: claim.result.dead, open)
        try store(edit, &open)
        return claim.result
    }

    /// Walks the pending entries from `start` and makes those `consumer`'s that are idle long enough, at most
    /// `count`; the result's cursor says where the next walk begins.
    package mutating func autoClaim(
        _ stream: StreamName, _ group: String, consumer: String, from start: EntryID, count: Int,
        _ options: ClaimOptions
    ) throws -> Redelivered {
        var open = try open(stream, group)
        var claim = Claim(name: consumer, options: options)
        var edit = PendingEdit(group: open.state.number)
        let count = min(count, Limits.groupReadEntriesMax)
        var looksLeft = count * Limits.claimLooksPerEntry
        walk: for run in try runs(open, start ... .last, entries: looksLeft) {
            let entries = try run.entries(transaction.pointee, tables, open.stream.number)
            try edit.load(run, transaction.pointee, tables, open.stream.number)
            for entry in entries where entry.id >= start {
                guard looksLeft > 0, claim.count < count else {
                    claim.result.cursor = entry.id
                    break walk
                }
                looksLeft -= 1
                try claimOne(entry.id, &claim, &edit, &open)
            }
        }
        try record(dead: claim.result.dead, open)
        try store(edit, &open)
        return claim.result
    }

    // MARK: Parts

    /// One claim under way.
    private struct Claim {
        let name: String
        let options: ClaimOptions
        /// Known once something is claimed: Redis makes a consumer only then.
        var owner: UInt32?
        /// An id that is given twice does not fail twice.
        var claimed: Set<EntryID> = []
        var result = Redelivered()
        var count: Int { result.delivered.count + result.dropped.count + result.dead.count }
    }

    private mutating func claimOne(
        _ id: EntryID, _ claim: inout Claim, _ edit: inout PendingEdit, _ group: inout OpenGroup
    ) throws {
        let pending = edit.delivery(id)
        guard let entry = try claimable(id, pending?.entry, group) else {
            guard pending != nil else { return }
            edit.remove(id)
            claim.result.dropped.append(id)
            return
        }
        if let pending {
            let idle = now.milliseconds - pending.delivery.deliveredAt.milliseconds
            if claim.options.minIdleMilliseconds > 0, idle < claim.options.minIdleMilliseconds { return }
            let counts = claim.options.retryCount == nil && !claim.options.justIDs && !claim.claimed.contains(id)
            if counts, !group.state.options.isRole, try bury(entry, pending.delivery, &edit, &group, &claim.result) {
                return
            }
        } else if !claim.options.force {
            return
        }
        let owner = try claim.owner ?? consumer(claim.name, &group, holdsLock: false)
        claim.owner = owner
        if pending == nil { try revive([id], consumer: claim.name, &group) }
        var delivery = pending?.delivery ?? Delivery(consumer: owner, deliveredAt: now, count: 1)
        let count = claim.options.retryCount ?? (claim.options.justIDs ? delivery.count : delivery.countAgain)
        delivery = Delivery(consumer: owner, deliveredAt: min(claim.options.deliveredAt ?? now, now), count: count)
        edit.set(entry, delivery)
        claim.claimed.insert(id)
        claim.result.delivered.append(Delivered(entry: entry, deliveryCount: count))
    }

    /// The entry, where the group's readers may have it.
    private func claimable(_ id: EntryID, _ pending: IndexEntry?, _ group: OpenGroup) throws -> IndexEntry? {
        let number = group.stream.number
        let found = try pending ?? StreamIndex.entries(transaction.pointee, tables, number, id...id, limit: 1).first
        guard let found, !group.state.options.readsHidden else { return found }
        return try HiddenEntries.contains(transaction.pointee, tables, group.stream, id) ? nil : found
    }

    /// The runs from the range's start on that hold at least `entries` entries of it, and one more.
    private func runs(_ group: OpenGroup, _ range: ClosedRange<EntryID>, entries: Int) throws -> [PendingRun] {
        var found: [PendingRun] = []
        var held = 0
        try GroupReading.walkRuns(transaction.pointee, tables, group.state.number, range) { run in
            found.append(run)
            // The first one may begin before the range.
            if found.count > 1 { held += Int(run.entries) }
            return held <= entries
        }
        return found
    }
}
