// The whole state of a stream and its groups, in the shape of Redis' XINFO STREAM FULL.

import EventLog
import Records

struct LogState {
    let log: EventLog

    func reply(_ name: StreamName) throws -> Reply {
        try log.snapshot { snapshot in
            guard let stream = try snapshot.stream(name) else { return .error("ERR") }
            let entries = try snapshot.entries(stream.number, .zero ... .last, limit: .max)
            let groups = try snapshot.groups().filter { $0.stream == name }
            return .list([
                .text("length"), .integer(Int64(stream.length)), .text("last-generated-id"), .text("\(stream.lastID)"),
                .text("max-deleted-entry-id"), .text("\(stream.maxDeletedID)"), .text("entries-added"),
                .integer(Int64(stream.entriesAdded)), .text("recorded-first-entry-id"), .text("\(stream.firstID)"),
                .text("entries"), .list(try entries.map { try LogState.entry($0, snapshot) }),
                .text("groups"), .list(try groups.map { try group($0, snapshot) }),
            ])
        }
    }

    private func group(_ group: GroupSummary, _ snapshot: borrowing LogSnapshot) throws -> Reply {
        let pending = try snapshot.pending(group.stream, group.group, .zero ... .last, consumer: nil, limit: .max)
        return .list([
            .text("name"), .text(group.group), .text("last-delivered-id"), .text("\(group.lastDeliveredID)"),
            .text("entries-read"), group.entriesRead.map { .integer($0) } ?? .null, .text("lag"),
            group.redisLag.map { .integer($0) } ?? .null, .text("pel-count"), .integer(Int64(pending.count)),
            .text("pending"), .list(pending.map { .list([.text("\($0.id)"), .text($0.consumer)] + tail($0)) }),
            .text("consumers"), .list(group.consumers.map { consumer($0, pending) }),
        ])
    }

    private func consumer(_ consumer: GroupSummary.Consumer, _ pending: [PendingEntry]) -> Reply {
        let own = pending.filter { $0.consumer == consumer.name }
        return .list([
            .text("name"), .text(consumer.name), .text("seen-time"), .about(consumer.seenAt.milliseconds),
            .text("pel-count"), .integer(Int64(own.count)), .text("pending"),
            .list(own.map { .list([.text("\($0.id)")] + tail($0)) }),
        ])
    }

    private func tail(_ entry: PendingEntry) -> [Reply] {
        [.about(entry.deliveredAt.milliseconds), .integer(Int64(entry.deliveryCount))]
    }

    /// As XRANGE shows an entry: id, then the fields.
    static func entry(_ entry: IndexEntry, _ snapshot: borrowing LogSnapshot) throws -> Reply {
        guard let record = try snapshot.record(entry.sequence) else { throw Trouble("\(entry) has no record") }
        let fields = try Body.fields(record.body.span.bytes).fields
        let words = fields.flatMap { [$0.name, $0.value] }.map { Reply.text(String(decoding: $0, as: UTF8.self)) }
        return .list([.text("\(entry.id)"), .list(words)])
    }

    /// Of a hidden entry only the id is left.
    static func delivered(_ delivered: Delivered, _ snapshot: borrowing LogSnapshot) throws -> Reply {
        delivered.isHidden
            ? .list([.text("\(delivered.entry.id)"), .null]) : try entry(delivered.entry, snapshot)
    }
}
