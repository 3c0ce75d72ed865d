// XLEN, XRANGE, XREVRANGE, XDEL, XTRIM, in the order of Redis' checks.

internal import EventLog
internal import Records

enum StreamCommands {
    static func length(_ words: Words, _ view: borrowing some LogView & ~Copyable) throws -> RespValue {
        guard let name = try words.key(1).streamToRead(), let stream = try view.stream(name) else { return .integer(0) }
        return .integer(Int64(clamping: stream.length))
    }

    static func range(
        _ words: Words, isReversed: Bool, _ view: borrowing some LogView & ~Copyable
    ) throws -> RespValue {
        let (from, to) = isReversed ? (3, 2) : (2, 3)
        let start = try words.start(from)
        let end = try words.end(to)
        let count = try count(words)
        guard let name = try words.key(1).streamToRead(), let stream = try view.stream(name) else { return .array([]) }
        if count == 0 { return .nullArray }
        guard start <= end else { return .array([]) }
        let limit = count.map { Int(clamping: $0) } ?? .max
        let entries =
            isReversed
            ? try view.entriesBack(stream.number, start...end, limit: limit)
            : try view.entries(stream.number, start...end, limit: limit)
        var replies = EntryReplies()
        return .array(try replies.entries(entries, view))
    }

    private static func count(_ words: Words) throws(RespError) -> Int64? {
        var count: Int64?
        var place = 4
        while place < words.count {
            guard words.word(place, is: "count"), words.after(place) > 0 else { throw .syntax }
            count = max(0, try words.integer(place + 1))
            place += 2
        }
        return count
    }

    static func delete(_ words: Words, _ transaction: inout LogTransaction) throws -> RespValue {
        guard let name = try words.key(1).streamToRead(), try transaction.stream(name) != nil else {
            return .integer(0)
        }
        let ids = try ids(words, from: 2)
        try Trim.check(name, "XDEL")
        return .integer(Int64(try transaction.hide(name, ids)))
    }

    static func trim(_ words: Words, _ transaction: inout LogTransaction) throws -> RespValue {
        let options = try AddOrTrimOptions(words, isAdd: false)
        guard let name = try words.key(1).streamToRead(), try transaction.stream(name) != nil, let trim = options.trim
        else { return .integer(0) }
        try Trim.check(name, "XTRIM")
        return .integer(Int64(try trim.run(name, &transaction)))
    }

    static func ids(_ words: Words, from first: Int) throws(RespError) -> [EntryID] {
        var ids: [EntryID] = []
        for place in first..<words.count { ids.append(try EntryID(reading: words[place])) }
        return ids
    }
}
