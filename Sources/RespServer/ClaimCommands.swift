// XCLAIM and XAUTOCLAIM, in the order of Redis' checks.

internal import EventLog
internal import Records

enum ClaimCommands {
    static func claim(_ words: Words, _ transaction: inout LogTransaction) throws -> RespValue {
        guard let place = try GroupPlace.find(words.key(1), words[2], transaction) else {
            throw RespError.noGroup(words[1], words[2])
        }
        var options = ClaimOptions()
        options.minIdleMilliseconds = max(
            0, try words.integer(4, RespError("Invalid min-idle-time argument for XCLAIM")))
        var ids: [EntryID] = []
        var next = 5
        while next < words.count, let (id, isWhole) = EntryID.read(words[next], 0, false), isWhole {
            ids.append(id)
            next += 1
        }
        try read(words, from: next, now: transaction.now, &options)
        let consumer = try Key.newName(words[3], "consumer")
        let claimed = try transaction.claim(place.stream, place.group, consumer: consumer, ids, options)
        return .array(try shown(claimed, justIDs: options.justIDs, transaction))
    }

    private static func read(
        _ words: Words, from first: Int, now: Timestamp, _ options: inout ClaimOptions
    ) throws(RespError) {
        var place = first
        var deliveredAt: Int64?
        while place < words.count {
            let more = words.after(place)
            if words.word(place, is: "force") {
                options.force = true
            } else if words.word(place, is: "justid") {
                options.justIDs = true
            } else if words.word(place, is: "idle"), more > 0 {
                place += 1
                let idle = try words.integer(place, invalid("IDLE"))
                deliveredAt = now.milliseconds.subtractingReportingOverflow(idle).partialValue
            } else if words.word(place, is: "time"), more > 0 {
                place += 1
                deliveredAt = try words.integer(place, invalid("TIME"))
            } else if words.word(place, is: "retrycount"), more > 0 {
                place += 1
                let count = try words.integer(place, invalid("RETRYCOUNT"))
                options.retryCount = count < 0 ? nil : UInt64(count)
            } else if words.word(place, is: "lastid"), more > 0 {
                place += 1
                options.lastID = try EntryID(reading: words[place])
            } else {
                throw RespError("Unrecognized XCLAIM option '\(words.text(place))'")
            }
            place += 1
        }
        // A time that cannot be is now.
        if let deliveredAt, deliveredAt >= 0, deliveredAt <= now.milliseconds {
            options.deliveredAt = Timestamp(milliseconds: deliveredAt)
        }
    }

    private static func invalid(_ option: String) -> RespError {
        RespError("Invalid \(option) option argument for XCLAIM")
    }

    static func autoClaim(_ words: Words, _ transaction: inout LogTransaction) throws -> RespValue {
        var options = ClaimOptions()
        options.minIdleMilliseconds = max(
            0, try words.integer(4, RespError("Invalid min-idle-time argument for XAUTOCLAIM")))
        let start = try words.start(5)
        var count: Int64 = 100
        var next = 6
        while next < words.count {
            if words.word(next, is: "count"), words.after(next) > 0 {
                let outside = RespError("COUNT must be > 0")
                count = try words.integer(next + 1, outside)
                guard 1...(Int64.max / 16) ~= count else { throw outside }
                next += 1
            } else if words.word(next, is: "justid") {
                options.justIDs = true
            } else {
                throw RespError.syntax
            }
            next += 1
        }
        guard let place = try GroupPlace.find(words.key(1), words[2], transaction) else {
            throw RespError.noGroup(words[1], words[2])
        }
        let consumer = try Key.newName(words[3], "consumer")
        let claimed = try transaction.autoClaim(
            place.stream, place.group, consumer: consumer, from: start, count: Int(clamping: count), options)
        return .array([
            EntryReplies.id(claimed.cursor), .array(try shown(claimed, justIDs: options.justIDs, transaction)),
            .array(claimed.dropped.map(EntryReplies.id)),
        ])
    }

    private static func shown(
        _ claimed: Redelivered, justIDs: Bool, _ transaction: borrowing LogTransaction
    ) throws -> [RespValue] {
        if justIDs { return claimed.delivered.map { EntryReplies.id($0.entry.id) } }
        var replies = EntryReplies()
        return try replies.delivered(claimed.delivered, transaction)
    }
}
