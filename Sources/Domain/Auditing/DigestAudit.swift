// Digests of the state that a running service recorded, beside those of this fold at the same sequence.

internal import Events
internal import Records

struct DigestAudit: Sendable {
    static let rule = "state.digest"
    private var kept: [SequenceNumber: [StatePart]] = [:]

    mutating func keep(_ state: State) { kept[state.asOf] = state.parts }

    /// Two processes folded the same records, and came to different states.
    func contradicted(_ record: Record, _ conflict: EventConflict, _ book: inout AuditBook) {
        guard conflict.key.hasPrefix("state.digest/") else { return }
        book.find(
            record.sequence, DigestAudit.rule, expected: "the digests of record \(conflict.firstSequence)",
            found: "others, from another process")
    }

    mutating func recorded(_ record: Record, _ message: EventStateDigest, _ book: inout AuditBook) {
        let asOf = SequenceNumber(message.asOf)
        guard let mine = kept.removeValue(forKey: asOf) else {
            return book.cannotReplay(
                record.sequence, DigestAudit.rule, "the state as of \(asOf) lies before this audit")
        }
        for part in message.parts {
            guard let own = mine.first(where: { $0.name == part.name }), own.version == part.version else {
                book.cannotReplay(
                    record.sequence, DigestAudit.rule, "\(part.name)/\(part.version) is of another version of the folds"
                )
                continue
            }
            let found = Array(part.digest)
            guard own.digest.bytes == found else {
                book.find(
                    record.sequence, DigestAudit.rule, expected: "\(part.name) as of \(asOf): \(own.digest.hex)",
                    found: Hex.encode(found))
                continue
            }
            book.isAsRecorded(record.sequence, DigestAudit.rule)
        }
    }
}
