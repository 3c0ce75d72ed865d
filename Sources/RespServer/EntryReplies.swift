// Entries as Redis shows them: id, then the fields, verbatim. An answer has a bound: beyond it, it is an error, never
// a part that looks whole.

internal import EventLog
internal import Records

struct EntryReplies {
    private var bytesLeft = Limits.respReplyBytesMax

    static func id(_ id: EntryID) -> RespValue { .text(id.description) }

    mutating func entry(_ entry: IndexEntry, _ view: borrowing some LogView & ~Copyable) throws -> RespValue {
        guard let record = try view.record(entry.sequence) else {
            throw LogError.damaged("entry \(entry.id) has no record \(entry.sequence)")
        }
        bytesLeft -= record.body.count + 64
        guard bytesLeft >= 0 else {
            throw RespError("the answer is larger than \(Limits.respReplyBytesMax) bytes: ask for less with COUNT")
        }
        let fields = try record.fields().fields
        return .array([EntryReplies.id(entry.id), .array(fields.flatMap { [.bulk($0.name), .bulk($0.value)] })])
    }

    mutating func entries(_ entries: [IndexEntry], _ view: borrowing some LogView & ~Copyable) throws -> [RespValue] {
        var replies: [RespValue] = []
        replies.reserveCapacity(entries.count)
        for entry in entries { replies.append(try self.entry(entry, view)) }
        return replies
    }

    /// Of a hidden entry only the id is left.
    mutating func delivered(_ delivered: [Delivered], _ view: borrowing some LogView & ~Copyable) throws -> [RespValue]
    {
        var replies: [RespValue] = []
        for one in delivered {
            let reply =
                one.isHidden
                ? RespValue.array([EntryReplies.id(one.entry.id), .nullArray]) : try entry(one.entry, view)
            replies.append(reply)
        }
        return replies
    }
}
