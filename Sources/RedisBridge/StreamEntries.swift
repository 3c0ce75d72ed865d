// Entries as Redis tells them (XREADGROUP, XAUTOCLAIM, XRANGE), read strictly: what does not look like Redis is an
// error, never a guess.

internal import Records

struct RedisEntry: Equatable, Sendable {
    let id: EntryID
    /// Nil: it was deleted from its stream while it was pending.
    let fields: FieldMap?
}

enum StreamEntries {
    /// Key → entries, in the answer's order.
    static func groups(_ reply: RedisReply) throws(RedisTrouble) -> [(key: [UInt8], entries: [RedisEntry])] {
        switch reply {
        case .null: return []
        case .list(let streams):
            var found: [(key: [UInt8], entries: [RedisEntry])] = []
            for stream in streams {
                guard case .list(let parts) = stream, parts.count == 2, case .text(let key) = parts[0] else {
                    throw nonsense("XREADGROUP", reply)
                }
                found.append((key, try entries(parts[1], "XREADGROUP")))
            }
            return found
        case .error(let text): throw .refused(text)
        case .integer, .text: throw nonsense("XREADGROUP", reply)
        }
    }

    struct Claimed: Equatable, Sendable {
        /// Where the next call goes on; 0-0 at the end.
        let cursor: EntryID
        let entries: [RedisEntry]
        /// Were pending, and are in no stream any more; Redis has acknowledged them by itself.
        let deleted: [EntryID]
    }

    static func claimed(_ reply: RedisReply) throws(RedisTrouble) -> Claimed {
        if case .error(let text) = reply { throw .refused(text) }
        guard let parts = reply.list, 2...3 ~= parts.count, let cursor = parts[0].string.flatMap({ EntryID($0) })
        else { throw nonsense("XAUTOCLAIM", reply) }
        // Redis 6.2 shows an entry that is deleted as nil, without its id.
        let shown = (parts[1].list ?? []).filter { $0 != .null }
        var deleted: [EntryID] = []
        for one in parts.count == 3 ? parts[2].list ?? [] : [] {
            guard let id = one.string.flatMap({ EntryID($0) }) else { throw nonsense("XAUTOCLAIM", reply) }
            deleted.append(id)
        }
        return Claimed(cursor: cursor, entries: try entries(.list(shown), "XAUTOCLAIM"), deleted: deleted)
    }

    /// A list of [id, [name, value, …]].
    static func entries(_ reply: RedisReply, _ command: String) throws(RedisTrouble) -> [RedisEntry] {
        if case .error(let text) = reply { throw .refused(text) }
        guard let items = reply.list else { throw nonsense(command, reply) }
        var found: [RedisEntry] = []
        found.reserveCapacity(items.count)
        for item in items {
            guard let parts = item.list, parts.count == 2, let id = parts[0].string.flatMap({ EntryID($0) }),
                parts[0].string == id.description
            else { throw nonsense(command, item) }
            found.append(RedisEntry(id: id, fields: try fields(parts[1], command)))
        }
        return found
    }

    private static func fields(_ reply: RedisReply, _ command: String) throws(RedisTrouble) -> FieldMap? {
        if reply == .null { return nil }
        guard let words = reply.list, words.count.isMultiple(of: 2) else { throw nonsense(command, reply) }
        var fields: [FieldMap.Field] = []
        fields.reserveCapacity(words.count / 2)
        for place in stride(from: 0, to: words.count, by: 2) {
            guard case .text(let name) = words[place], case .text(let value) = words[place + 1] else {
                throw nonsense(command, reply)
            }
            fields.append(FieldMap.Field(name: name, value: value))
        }
        return FieldMap(fields)
    }

    private static func nonsense(_ command: String, _ reply: RedisReply) -> RedisTrouble {
        .nonsense(command: command, answer: reply.summary)
    }
}
