// The log's head as the bridge keeps it in Redis: a head that is known elsewhere. A log that was restored or cut off without
// saying so is seen by it. What is decided about it is pure. What must not be added: a smaller head of one lineage written
// over a larger one before a halt says so.

package import EventLog
internal import Events
package import Records
package import Services

/// `backstop:head:<bridge's name>`, a hash.
package struct StoredHead: Equatable, Sendable {
    package let id: LogID
    /// Of the oldest ancestor: whoever has the same is of one lineage.
    package let origin: LogID
    package let head: Head

    package init(_ identity: LogIdentity, _ head: Head) {
        (id, origin, self.head) = (identity.id, identity.origin, head)
    }

    /// Nil where nothing, or nothing that we wrote, is there.
    init?(_ reply: RedisReply) {
        guard let members = reply.members else { return nil }
        var texts: [String: String] = [:]
        for (name, value) in members { texts[name] = value.string }
        guard let id = LogID(hex: texts["log_id"] ?? ""), let origin = LogID(hex: texts["origin"] ?? ""),
            let head = Head("\(texts["sequence"] ?? ""):\(texts["hash"] ?? "")")
        else { return nil }
        (self.id, self.origin, self.head) = (id, origin, head)
    }

    var words: [String] {
        [
            "log_id", "\(id)", "origin", "\(origin)", "sequence", "\(head.sequence)", "hash", "\(head.hash)",
        ]
    }

    package struct CannotAsk: Error, CustomStringConvertible { package let description: String }

    /// What a Redis keeps; nil: nothing. For a restore.
    package static func read(_ address: RedisAddress, _ plan: BridgePlan) throws -> StoredHead? {
        do {
            let reply = try RedisLink(address, blockMilliseconds: 0).run(redis("HGETALL", plan.headKey))
            if case .error(let text) = reply { throw RedisTrouble.refused(text) }
            return StoredHead(reply)
        } catch let trouble as RedisTrouble {
            throw CannotAsk(description: "\(address): \(trouble)")
        }
    }
}

enum HeadVerdict: Equatable {
    case nothing
    case write
    /// Records are missing here, or are others than they were: trading is halted, with this reason.
    case halt(String)

    /// - Parameters:
    ///   - stored: Redis'; nil: there is none.
    ///   - restored: the newest restore that left open what had followed; nil: there was none.
    ///   - hash: of a record of the log, up to its head.
    static func decide(
        _ stored: StoredHead?, _ identity: LogIdentity, _ head: Head, restored: Restoration?,
        hash: (SequenceNumber) throws -> Digest?
    ) rethrows -> HeadVerdict {
        guard let stored, stored.origin == identity.origin else { return .write }
        if stored == StoredHead(identity, head) { return .nothing }
        if stored.head.sequence <= head.sequence {
            let found = stored.head.sequence.isNone ? identity.genesis : try hash(stored.head.sequence)
            if found == stored.head.hash { return .write }
        }
        // The restore has said so already, and halted.
        if let newest = restored?.known.last, stored.head.sequence <= newest.sequence { return .write }
        if stored.head.sequence > head.sequence {
            return .halt("LOG_BEHIND: Redis knows record \(stored.head.sequence), the log ends at \(head.sequence)")
        }
        return .halt("LOG_DIVERGED: Redis knows another record \(stored.head.sequence)")
    }
}
