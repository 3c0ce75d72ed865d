// A draft with everything that can be computed before the lock: bounds checked, digests made, guards known.

package import Records

/// One object: it is handed on, never copied.
package final class PreparedDraft: @unchecked Sendable {
    let draft: Draft
    let keyHash: KeyHash?
    /// Of the key index' runs, where they were asked before the lock. Set by who made this, before anybody else sees it.
    var runsAnswer: KeyRuns.Answer?
    let content: Digest
    let guards: [GuardOperation]
    /// Key, trace id, producer, body: what follows the header.
    let tail: [UInt8]
    let tailDigest: Digest
    private let keyLength: Int
    private let flags: UInt32

    /// Throws `Refusal.bound` where the draft breaks a bound, and what the rules throw where the body is
    /// not of its kind.
    package init(_ draft: Draft, rules: LogRules) throws {
        do { try draft.check() } catch { throw Refusal.bound(error) }
        let facts: DraftFacts
        do { facts = try rules.facts(draft.kind, draft.body.bytes) } catch {
            throw Refusal.bound(BoundError("body", "\(error)"))
        }
        guard facts.guards.count <= Limits.guardOperationsPerRecordMax else {
            throw Refusal.bound(BoundError("guards", "\(facts.guards.count) operations in one record"))
        }
        self.draft = draft
        guards = facts.guards
        keyHash = draft.key?.hash(stream: draft.stream)
        content = LogRules.contentDigest(stream: draft.stream, kind: draft.kind, identity: facts.identity)
        let key = draft.key?.text.utf8
        keyLength = key?.count ?? 0
        flags = draft.key?.isUser == true ? Header.Flag.userKey : 0
        var writer = ByteWriter(
            capacity: keyLength + draft.traceID.utf8.count + draft.producer.utf8.count + draft.body.bytes.count)
        if let key { writer.raw(key) }
        writer.raw(draft.traceID.utf8)
        writer.raw(draft.producer.utf8)
        writer.raw(draft.body.bytes)
        tail = writer.bytes
        tailDigest = Digest.sha256(tail)
    }

    func header(
        sequence: SequenceNumber, session: SequenceNumber, recordedAt: Timestamp, monotonicAt: BootInstant,
        stream: StreamNumber, entryID: EntryID
    ) -> Header {
        Header(
            kind: draft.kind, flags: flags, sequence: sequence,
            session: session, recordedAt: recordedAt, monotonicAt: monotonicAt, cause: draft.cause, basis: draft.basis,
            stream: stream, entryID: entryID, keyLength: keyLength, traceLength: draft.traceID.utf8.count,
            producerLength: draft.producer.utf8.count, bodyLength: draft.body.bytes.count, content: content)
    }
}
