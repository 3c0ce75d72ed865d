// Entries that nobody could finish: taken out of the pending ones, kept with the reason, given back or given
// up by an operator. Off unless a group says after how many deliveries (`GroupOptions.deadAfter`).

internal import LMDB
package import Records

extension LogTransaction {
    /// Takes pending entries out, with a reason; how many were pending.
    package mutating func bury(
        _ stream: StreamName, _ group: String, _ ids: [EntryID], reason: String
    ) throws -> [DeadLetter] {
        try BoundError.check(reason, "reason", max: Limits.reasonBytesMax)
        var open = try open(stream, group)
        var edit = try edit(open, holding: ids)
        var dead: [DeadLetter] = []
        for id in Set(ids).sorted() {
            guard let (entry, delivery) = edit.delivery(id) else { continue }
            dead.append(try letter(entry, delivery, reason, open))
            try put(dead[dead.count - 1], &edit, &open)
        }
        try record(dead: dead, open)
        if !dead.isEmpty { try store(edit, &open) }
        return dead
    }

    /// Makes dead letters pending again, with `consumer`; how many were dead.
    package mutating func retryDeadLetters(
        _ stream: StreamName, _ group: String, _ ids: [EntryID], consumer: String
    ) throws -> Int {
        var open = try open(stream, group)
        var edit = try edit(open, holding: ids)
        let letters = try deadLetters(ids, open)
        guard !letters.isEmpty else { return 0 }
        try record(.deadLettersRetried(letters.map(\.entry.id), consumer: consumer), stream, group)
        let owner = try self.consumer(consumer, &open, holdsLock: false)
        for letter in letters {
            edit.set(letter.entry, Delivery(consumer: owner, deliveredAt: now, count: 0))
        }
        try revive(letters.map(\.entry.id), &open)
        try store(edit, &open)
        return letters.count
    }

    /// Gives dead letters up; how many were dead.
    package mutating func dropDeadLetters(_ stream: StreamName, _ group: String, _ ids: [EntryID]) throws -> Int {
        var open = try open(stream, group)
        let letters = try deadLetters(ids, open)
        guard !letters.isEmpty else { return 0 }
        try record(.deadLettersDropped(letters.map(\.entry.id)), stream, group)
        try revive(letters.map(\.entry.id), &open)
        try store(open)
        return letters.count
    }

    // MARK: For redelivery

    /// True where the entry was delivered as often as the group allows: it is a dead letter now.
    mutating func bury(
        _ entry: IndexEntry, _ delivery: Delivery, _ edit: inout PendingEdit, _ group: inout OpenGroup,
        _ result: inout Redelivered
    ) throws -> Bool {
        let limit = group.state.options.deadAfter
        guard limit > 0, delivery.count >= limit else { return false }
        let reason = "delivered \(delivery.count) times and never acknowledged"
        let letter = try letter(entry, delivery, reason, group)
        try put(letter, &edit, &group)
        result.dead.append(letter)
        return true
    }

    /// One record for each reason.
    mutating func record(dead: [DeadLetter], _ group: OpenGroup) throws {
        for reason in Set(dead.map(\.reason)).sorted() {
            let ids = dead.filter { $0.reason == reason }.map(\.entry.id)
            try record(.deadLettered(ids, reason: reason), group.stream.name, group.name)
        }
    }

    /// Removes dead letters.
    mutating func revive(_ ids: [EntryID], _ group: inout OpenGroup) throws {
        for id in ids {
            guard try transaction.pointee.delete(tables.deadLetters, PrefixedKey(group.state.number, id)) else {
                continue
            }
            group.state.deadLetters -= 1
        }
    }

    // MARK: Parts

    private func letter(
        _ entry: IndexEntry, _ delivery: Delivery, _ reason: String, _ group: OpenGroup
    ) throws -> DeadLetter {
        let consumers = try GroupReading.consumers(transaction.pointee, tables, group.state.number)
        return DeadLetter(
            entry: entry, consumer: consumers.first { $0.state.number == delivery.consumer }?.name ?? "",
            deliveryCount: delivery.count, diedAt: now, reason: reason)
    }

    private mutating func put(
        _ letter: DeadLetter, _ edit: inout PendingEdit, _ group: inout OpenGroup
    ) throws {
        guard group.state.deadLetters < Limits.deadLettersPerGroupMax else {
            throw BoundError(
                "dead letters", "group \(group.name) has \(Limits.deadLettersPerGroupMax); see: groups dead")
        }
        state.pointee.countPut()
        let key = PrefixedKey(group.state.number, letter.entry.id)
        try transaction.pointee.putSealed(tables.deadLetters, key, letter.encoded())
        group.state.deadLetters += 1
        edit.remove(letter.entry.id)
    }

    private func deadLetters(_ ids: [EntryID], _ group: OpenGroup) throws -> [DeadLetter] {
        try Set(ids).sorted().compactMap { id in
            let key = PrefixedKey(group.state.number, id)
            guard let row = try transaction.pointee.getSealed(tables.deadLetters, key) else { return nil }
            return try DeadLetter(id: id, decoding: row)
        }
    }
}
