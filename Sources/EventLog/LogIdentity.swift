// Who a log is: its own id, its oldest ancestor's, and up to where a restore has left open what became of its records.

internal import LMDB
package import Records

package struct LogIdentity: Equatable, Sendable {
    /// Names that must never meet another log's (client order ids) are made from it.
    package let id: LogID
    /// The oldest ancestor's id, its own where it was never restored: the hash chain begins with it.
    package let origin: LogID
    /// The newest restore after which nobody knew what had followed. What stands before that record may have been acted
    /// upon in records that are not here. None: there was no such restore.
    package let barrier: SequenceNumber

    package init(id: LogID, origin: LogID, barrier: SequenceNumber) {
        self.id = id
        self.origin = origin
        self.barrier = barrier
    }

    package var genesis: Digest { origin.genesis }

    /// Whether nobody knows what became of that record.
    package func isBeforeRestore(_ sequence: SequenceNumber) -> Bool { sequence < barrier }

    private static let idRow = "log_id"
    private static let originRow = "origin"
    private static let barrierRow = "barrier"

    static func read<T: ReadableTransaction & ~Copyable>(_ transaction: borrowing T, _ tables: Tables) throws -> Self? {
        guard let id = LogID(try transaction.get(tables.meta, idRow)?.array() ?? []) else { return nil }
        let origin = try transaction.get(tables.meta, originRow)?.array()
        guard let origin = origin == nil ? id : LogID(origin ?? []) else {
            throw LogError.damaged("its origin is no id")
        }
        var barrier = SequenceNumber.none
        if let row = try transaction.get(tables.meta, barrierRow) {
            var reader = ByteReader(row)
            barrier = SequenceNumber(try reader.fixed(UInt64.self))
            try reader.finish()
        }
        return LogIdentity(id: id, origin: origin, barrier: barrier)
    }

    func store(_ transaction: inout WriteTransaction, _ tables: Tables) throws {
        try transaction.put(tables.meta, LogIdentity.idRow, id.bytes)
        if origin != id { try transaction.put(tables.meta, LogIdentity.originRow, origin.bytes) }
        guard !barrier.isNone else { return }
        var writer = ByteWriter(capacity: 8)
        writer.fixed(barrier.rawValue)
        try transaction.put(tables.meta, LogIdentity.barrierRow, writer.bytes)
    }
}

/// What the records say of it, against what the table says; for `verify`.
struct ExpectedIdentity {
    private let stored: LogIdentity
    private var last: Restoration?
    private var barrier = SequenceNumber.none
    /// Of the two records before: a restore follows its parent's head, or the session that it began.
    private var before: [Head]

    init(_ stored: LogIdentity) {
        self.stored = stored
        before = [Head(sequence: .none, hash: stored.genesis)]
    }

    mutating func passed(_ head: Head) {
        before.append(head)
        if before.count > 2 { before.removeFirst() }
    }

    /// What is wrong with a `log.restored` record, or nil.
    mutating func add(_ restoration: Restoration, at sequence: SequenceNumber) -> String? {
        guard before.contains(restoration.parentHead) else { return "it does not stand behind the head that it names" }
        guard restoration.parent == last?.id ?? stored.origin else { return "its parent is not the log before it" }
        last = restoration
        if restoration.verdict != .current { barrier = sequence }
        return nil
    }

    /// What is wrong with the table, or nil.
    var problem: String? {
        if stored.id != last?.id ?? stored.origin { return "the log's id is not that of its newest restore" }
        return stored.barrier == barrier ? nil : "the row of its newest uncertain restore is wrong"
    }
}
