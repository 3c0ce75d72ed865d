// XINFO STREAM [FULL], GROUPS and CONSUMERS, in the order of Redis' checks. The radix tree's numbers are those that
// Redis would have for small entries: there is no such tree here.

internal import EventLog
internal import Records

struct InfoCommands {
    /// Redis' own lag, with its blind spots, instead of ours, which is always exact.
    let exact: Bool
    let now: Timestamp

    func info(_ words: Words, _ view: borrowing some LogView & ~Copyable) throws -> RespValue {
        guard let name = try words.key(2).streamToRead(), let stream = try view.stream(name) else {
            throw RespError.noSuchKey
        }
        switch words.lower(1) {
        case "stream": return try self.stream(words, stream, view)
        case "groups" where words.count == 3:
            return .array(try view.groupNames(name).map { .map(group(try view.group(name, $0))) })
        case "consumers" where words.count == 4:
            guard let place = try GroupPlace.find(words.key(2), words[3], view) else {
                throw RespError.noGroupOfKey(words[2], words[3])
            }
            return .array(try view.group(name, place.group).consumers.map { .map(consumer($0)) })
        default: throw RespError.subcommandSyntax(words.text(1), of: "XINFO")
        }
    }

    private typealias Members = [(name: RespValue, value: RespValue)]

    private func lag(_ group: GroupSummary) -> RespValue {
        guard exact else { return .integer(Int64(clamping: group.lag)) }
        return group.redisLag.map { .integer($0) } ?? .null
    }

    private func group(_ group: GroupSummary) -> Members {
        [
            (.text("name"), .text(group.group)),
            (.text("consumers"), .integer(Int64(group.consumers.count))),
            (.text("pending"), .integer(Int64(clamping: group.pending))),
            (.text("last-delivered-id"), EntryReplies.id(group.lastDeliveredID)),
            (.text("entries-read"), group.entriesRead.map { .integer($0) } ?? .null),
            (.text("lag"), lag(group)),
        ]
    }

    private func consumer(_ consumer: GroupSummary.Consumer) -> Members {
        [
            (.text("name"), .text(consumer.name)),
            (.text("pending"), .integer(Int64(clamping: consumer.pending))),
            (.text("idle"), .integer(max(0, now.milliseconds - consumer.seenAt.milliseconds))),
        ]
    }

    // MARK: XINFO STREAM

    private func stream(
        _ words: Words, _ stream: StreamState, _ view: borrowing some LogView & ~Copyable
    ) throws -> RespValue {
        var members = common(stream)
        guard words.count > 3 else {
            members.append((.text("groups"), .integer(Int64(try view.groupNames(stream.name).count))))
            let first = try view.entries(stream.number, .zero ... .last, limit: 1)
            let last = try view.entriesBack(stream.number, .zero ... .last, limit: 1)
            members.append((.text("first-entry"), try ends(first, view)))
            members.append((.text("last-entry"), try ends(last, view)))
            return .map(members)
        }
        let limit = try fullCount(words)
        var replies = EntryReplies()
        let entries = try view.entries(stream.number, .zero ... .last, limit: limit)
        members.append((.text("entries"), .array(try replies.entries(entries, view))))
        var groups: [RespValue] = []
        for name in try view.groupNames(stream.name) {
            groups.append(.map(try full(try view.group(stream.name, name), limit, view)))
        }
        members.append((.text("groups"), .array(groups)))
        return .map(members)
    }

    private func common(_ stream: StreamState) -> Members {
        let nodes = (Int64(clamping: stream.length) + 99) / 100
        return [
            (.text("length"), .integer(Int64(clamping: stream.length))),
            (.text("radix-tree-keys"), .integer(nodes)),
            (.text("radix-tree-nodes"), .integer(nodes + 1)),
            (.text("last-generated-id"), EntryReplies.id(stream.lastID)),
            (.text("max-deleted-entry-id"), EntryReplies.id(stream.maxDeletedID)),
            (.text("entries-added"), .integer(Int64(clamping: stream.entriesAdded))),
            (.text("recorded-first-entry-id"), EntryReplies.id(stream.firstID)),
        ]
    }

    private func ends(_ entries: [IndexEntry], _ view: borrowing some LogView & ~Copyable) throws -> RespValue {
        var replies = EntryReplies()
        return try replies.entries(entries, view).first ?? .null
    }

    private func fullCount(_ words: Words) throws(RespError) -> Int {
        let unknown = RespError.subcommandSyntax(words.text(1), of: "XINFO")
        guard words.count == 4 || words.count == 6, words.word(3, is: "full") else { throw unknown }
        guard words.count == 6 else { return 10 }
        guard words.word(4, is: "count") else { throw unknown }
        let count = try words.integer(5)
        if count == 0 { return .max }
        return count < 0 ? 10 : Int(clamping: count)
    }

    private func full(
        _ group: GroupSummary, _ limit: Int, _ view: borrowing some LogView & ~Copyable
    ) throws -> Members {
        let pending = try view.pending(
            group.stream, group.group, .zero ... .last, consumer: nil, deliveredUntil: nil, limit: limit)
        var consumers: [RespValue] = []
        for consumer in group.consumers {
            let own = try view.pending(
                group.stream, group.group, .zero ... .last, consumer: consumer.name, deliveredUntil: nil, limit: limit)
            consumers.append(
                .map([
                    (.text("name"), .text(consumer.name)),
                    (.text("seen-time"), .integer(consumer.seenAt.milliseconds)),
                    (.text("pel-count"), .integer(Int64(clamping: consumer.pending))),
                    (.text("pending"), .array(own.map { .array([EntryReplies.id($0.id)] + InfoCommands.tail($0)) })),
                ]))
        }
        return [
            (.text("name"), .text(group.group)),
            (.text("last-delivered-id"), EntryReplies.id(group.lastDeliveredID)),
            (.text("entries-read"), group.entriesRead.map { .integer($0) } ?? .null),
            (.text("lag"), lag(group)),
            (.text("pel-count"), .integer(Int64(clamping: group.pending))),
            (
                .text("pending"),
                .array(
                    pending.map { .array([EntryReplies.id($0.id), .text($0.consumer)] + InfoCommands.tail($0)) })
            ),
            (.text("consumers"), .array(consumers)),
        ]
    }

    private static func tail(_ entry: PendingEntry) -> [RespValue] {
        [.integer(entry.deliveredAt.milliseconds), .integer(Int64(clamping: entry.deliveryCount))]
    }
}
