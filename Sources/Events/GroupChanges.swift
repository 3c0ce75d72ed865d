// A consumer group's changes as messages, and as named values for people.

internal import Records
internal import SwiftProtobuf

extension GroupChange {
    var message: EventGroupChanged.OneOf_Change {
        switch self {
        case .created(let start, let deadAfter):
            .created(.with { ($0.startID, $0.deadAfter) = (start.description, deadAfter) })
        case .idSet(let id, let previous):
            .idSet(.with { ($0.id, $0.previousID) = (id.description, previous.description) })
        case .destroyed(let pending, let deadLetters):
            .destroyed(.with { ($0.pendingDropped, $0.deadLettersDropped) = (pending, deadLetters) })
        case .consumerCreated(let name): .consumerCreated(.with { $0.consumer = name })
        case .consumerDeleted(let name, let pending, let kept):
            .consumerDeleted(.with { ($0.consumer, $0.pending, $0.entriesKept) = (name, pending, kept) })
        case .claimed(let consumer, let ids):
            .claimed(.with { ($0.consumer, $0.entryIds) = (consumer, ids.map(\.description)) })
        case .acknowledged(let ids): .acknowledged(.with { $0.entryIds = ids.map(\.description) })
        case .deadLettered(let ids, let reason):
            .deadLettered(.with { ($0.entryIds, $0.reason) = (ids.map(\.description), reason) })
        case .deadLettersRetried(let ids, let consumer):
            .deadLettersRetried(.with { ($0.entryIds, $0.consumer) = (ids.map(\.description), consumer) })
        case .deadLettersDropped(let ids): .deadLettersDropped(.with { $0.entryIds = ids.map(\.description) })
        case .deadAfterSet(let deliveries): .deadAfterSet(.with { $0.deliveries = deliveries })
        }
    }
}

extension EventGroupChanged {
    var listing: Listing {
        var list = Listing()
        list.text("stream", stream)
        list.text("group", group)
        if let change { change.list(in: &list) }
        return list
    }
}

extension EventGroupChanged.OneOf_Change {
    fileprivate func list(in list: inout Listing) {
        switch self {
        case .created(let change):
            list.text("change", "created")
            list.text("start_id", change.startID)
            list.count("dead_after", change.deadAfter)
        case .idSet(let change):
            list.text("change", "id_set")
            list.text("id", change.id)
            list.text("previous_id", change.previousID)
        case .destroyed(let change):
            list.text("change", "destroyed")
            list.total("pending_dropped", change.pendingDropped)
            list.total("dead_letters_dropped", change.deadLettersDropped)
        case .consumerCreated(let change):
            list.text("change", "consumer_created")
            list.text("consumer", change.consumer)
        case .consumerDeleted(let change):
            list.text("change", "consumer_deleted")
            list.text("consumer", change.consumer)
            list.total("pending", change.pending)
            list.flag("entries_kept", change.entriesKept)
        case .claimed(let change):
            list.text("change", "claimed")
            list.text("consumer", change.consumer)
            list.add("entry_ids", .list(change.entryIds))
        case .acknowledged(let change):
            list.text("change", "acknowledged")
            list.add("entry_ids", .list(change.entryIds))
        case .deadLettered(let change):
            list.text("change", "dead_lettered")
            list.add("entry_ids", .list(change.entryIds))
            list.text("reason", change.reason)
        case .deadLettersRetried(let change):
            list.text("change", "dead_letters_retried")
            list.text("consumer", change.consumer)
            list.add("entry_ids", .list(change.entryIds))
        case .deadLettersDropped(let change):
            list.text("change", "dead_letters_dropped")
            list.add("entry_ids", .list(change.entryIds))
        case .deadAfterSet(let change):
            list.text("change", "dead_after_set")
            list.total("deliveries", change.deliveries)
        }
    }
}
