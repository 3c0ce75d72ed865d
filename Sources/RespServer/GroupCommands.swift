// XGROUP, XACK and XPENDING, in the order of Redis' checks.

internal import EventLog
internal import Records

enum GroupCommands {
    // MARK: XGROUP

    static func group(_ words: Words, exact: Bool, _ transaction: inout LogTransaction) throws -> RespValue {
        let subcommand = words.lower(1)
        let options = try options(words, subcommand)
        let stream = try words.key(2).streamToRead()
        let known = try stream.flatMap { try transaction.stream($0) }
        if known == nil, !options.makesStream {
            throw RespError(
                "The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically."
            )
        }
        let place = try GroupPlace.find(words.key(2), words[3], transaction)
        let unknown = RespError.subcommandSyntax(words.text(1), of: "XGROUP")
        switch subcommand {
        case "create" where 5...8 ~= words.count:
            let id = words.exactly(4, "$") ? known?.lastID ?? .zero : try EntryID(reading: words[4])
            guard place == nil else { throw RespError(whole: "BUSYGROUP Consumer Group name already exists") }
            try transaction.createGroup(
                try words.key(2).streamToWrite(), try Key.newName(words[3], "group"), after: id,
                entriesRead: options.entriesRead)
            return .ok
        case "destroy" where words.count == 4:
            guard let place else { return .integer(0) }
            return .integer(try transaction.destroyGroup(place.stream, place.group) ? 1 : 0)
        case "setid", "createconsumer", "delconsumer":
            guard let place else { throw RespError.noGroupOfKey(words[2], words[3]) }
            return try change(words, subcommand, place, options, exact: exact, &transaction)
        default: throw unknown
        }
    }

    private static func change(
        _ words: Words, _ subcommand: String, _ place: GroupPlace, _ options: GroupOptionsGiven, exact: Bool,
        _ transaction: inout LogTransaction
    ) throws -> RespValue {
        switch subcommand {
        case "setid" where words.count == 5 || words.count == 7:
            let id =
                words.exactly(4, "$") ? place.streamState.lastID : try EntryID(reading: words[4], allowsEnds: true)
            try transaction.setID(place.stream, place.group, to: id, entriesRead: options.entriesRead)
            return .ok
        case "createconsumer" where words.count == 5:
            let name = try Key.newName(words[4], "consumer")
            return .integer(try transaction.createConsumer(place.stream, place.group, name) ? 1 : 0)
        case "delconsumer" where words.count == 5:
            guard let name = Key.name(words[4]) else { return .integer(0) }
            let pending = try transaction.deleteConsumer(
                place.stream, place.group, name, entries: exact ? .dropped : .kept)
            return .integer(Int64(clamping: pending ?? 0))
        default: throw RespError.subcommandSyntax(words.text(1), of: "XGROUP")
        }
    }

    private struct GroupOptionsGiven {
        var makesStream = false
        var entriesRead: Int64?
    }

    private static func options(_ words: Words, _ subcommand: String) throws(RespError) -> GroupOptionsGiven {
        var options = GroupOptionsGiven()
        var place = 5
        while place < words.count {
            if subcommand == "create", words.word(place, is: "mkstream") {
                options.makesStream = true
                place += 1
            } else if subcommand == "create" || subcommand == "setid", words.word(place, is: "entriesread"),
                words.after(place) > 0
            {
                let read = try words.integer(place + 1)
                guard read >= -1 else { throw RespError("value for ENTRIESREAD must be positive or -1") }
                options.entriesRead = read == -1 ? nil : read
                place += 2
            } else {
                throw .subcommandSyntax(words.text(1), of: "XGROUP")
            }
        }
        return options
    }

    // MARK: XACK

    static func acknowledge(_ words: Words, _ transaction: inout LogTransaction) throws -> RespValue {
        guard let place = try GroupPlace.find(words.key(1), words[2], transaction) else { return .integer(0) }
        let ids = try StreamCommands.ids(words, from: 3)
        return .integer(Int64(try transaction.acknowledge(place.stream, place.group, ids)))
    }

    // MARK: XPENDING

    static func pending(
        _ words: Words, now: Timestamp, _ view: borrowing some LogView & ~Copyable
    ) throws -> RespValue {
        guard words.count == 3 || 6...9 ~= words.count else { throw RespError.syntax }
        let long = words.count >= 6 ? try PendingRange(words) : nil
        guard let place = try GroupPlace.find(words.key(1), words[2], view) else {
            throw RespError.noGroup(words[1], words[2])
        }
        guard let long else { return try summary(place, view) }
        return try entries(long, place, now, view)
    }

    private static func summary(_ place: GroupPlace, _ view: borrowing some LogView & ~Copyable) throws -> RespValue {
        let summary = try view.group(place.stream, place.group)
        guard let smallest = summary.smallestPendingID, let largest = summary.largestPendingID else {
            return .array([.integer(0), .null, .null, .nullArray])
        }
        let owners = summary.consumers.filter { $0.pending > 0 }
        return .array([
            .integer(Int64(clamping: summary.pending)), EntryReplies.id(smallest), EntryReplies.id(largest),
            .array(owners.map { .array([.text($0.name), .text("\($0.pending)")]) }),
        ])
    }

    private static func entries(
        _ long: PendingRange, _ place: GroupPlace, _ now: Timestamp, _ view: borrowing some LogView & ~Copyable
    ) throws -> RespValue {
        var consumer: String?
        if let bytes = long.consumer {
            guard let name = Key.name(bytes) else { return .array([]) }
            consumer = name
        }
        guard long.start <= long.end else { return .array([]) }
        let found = try view.pending(
            place.stream, place.group, long.start...long.end, consumer: consumer,
            deliveredUntil: long.deliveredUntil(now), limit: min(long.count, Limits.groupReadEntriesMax))
        return .array(
            found.map {
                .array([
                    EntryReplies.id($0.id), .text($0.consumer),
                    .integer(max(0, now.milliseconds - $0.deliveredAt.milliseconds)),
                    .integer(Int64(clamping: $0.deliveryCount)),
                ])
            })
    }

    private struct PendingRange {
        var idle: Int64 = 0
        let count: Int
        let start: EntryID
        let end: EntryID
        var consumer: [UInt8]?

        init(_ words: Words) throws(RespError) {
            var first = 3
            if words.word(3, is: "idle") {
                idle = try words.integer(4)
                guard words.count >= 8 else { throw .syntax }
                first = 5
            }
            count = Int(clamping: max(0, try words.integer(first + 2)))
            start = try words.start(first)
            end = try words.end(first + 1)
            if first + 3 < words.count { consumer = words[first + 3] }
        }

        func deliveredUntil(_ now: Timestamp) -> Timestamp? {
            guard idle > 0 else { return nil }
            guard idle < Limits.idleMillisecondsMax else { return Timestamp(nanoseconds: .min) }
            return Timestamp(nanoseconds: now.nanoseconds - idle * 1_000_000)
        }
    }
}
