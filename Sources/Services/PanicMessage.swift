// A panic trigger of our own, in form A, and its two ways: into the log, and over the exit worker's socket where the
// log does not take it in time. Both carry the same event id, so that it is one run whichever comes first.

package import EventLog
package import Events
package import Processes
package import Records

package struct PanicMessage: Sendable {
    package let eventID: String
    package let reason: String
    package let issuer: String
    package let producedAt: Timestamp

    /// - Parameters:
    ///   - issuer: one of `PanicTrigger.issuers`; any other is refused by whoever reads it.
    ///   - cause: two messages of one cause have one event id, and so are one run; nil: it is a cause of its own.
    package init(reason: String, issuer: String, at: Timestamp, cause: String? = nil) {
        let bytes = cause.map { Array(Digest.sha256(Array($0.utf8)).bytes.prefix(16)) }
        eventID = PanicMessage.uuid(bytes ?? PanicMessage.randomBytes())
        self.reason = reason
        self.issuer = issuer
        producedAt = at
    }

    package var fields: FieldMap {
        FieldMap([
            ("event_id", eventID), ("reason", reason), ("severity", "CRITICAL"), ("issued_by", issuer),
            ("ts", String(producedAt.milliseconds)),
        ])
    }

    /// Judged by its own time: a log that takes it late takes it all the same. Throws where it would be on record as
    /// a refused one.
    /// - Parameter basis: up to where the state was folded that led to it.
    package func draft(basis: SequenceNumber) throws(MessageError) -> Draft {
        if case .refused(let refused) = PanicTrigger.read(fields, recordedAt: producedAt) {
            throw MessageError("panic", refused.detail)
        }
        var draft = try Intake.draft(
            stream: StreamCatalogue.panics.text, fields: fields, key: nil, traceID: nil, producer: issuer,
            recordedAt: producedAt)
        draft.basis = basis
        return draft
    }

    /// Appends it, before everything else that waits. Throws where the log has not taken it.
    @available(*, noasync)
    /// - Parameter evidence: what it was decided by. Where the log refuses that, the trigger stands without it.
    package func append(
        to log: EventLog, basis: SequenceNumber, _ evidence: EventEvidence? = nil
    ) throws -> SequenceNumber {
        let draft = try draft(basis: basis)
        return try log.transact(.emergency) { [issuer] transaction in
            switch try transaction.append(draft) {
            case .appended(let place):
                if let evidence { try PanicMessage.append(evidence, of: place.sequence, by: issuer, &transaction) }
                return place.sequence
            case .refused(let refusal): throw LogError.refused(refusal)
            case .unknown(let why): throw LogError.outcomeUnknown(why)
            case .duplicate, .conflict: preconditionFailure("a trigger has no key")
            }
        }
    }

    private static func append(
        _ evidence: EventEvidence, of panic: SequenceNumber, by issuer: String, _ transaction: inout LogTransaction
    ) throws {
        var evidence = evidence
        evidence.about = panic.rawValue
        let draft: Draft
        // What cannot be a record must not take the trigger with it.
        do { draft = try Drafts.evidence(evidence, traceID: "", cause: panic, producer: issuer) } catch { return }
        _ = try transaction.append(draft)
    }

    private static func randomBytes() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    /// Of version 4.
    private static func uuid(_ random: [UInt8]) -> String {
        var bytes = random
        bytes[6] = bytes[6] & 0x0f | 0x40
        bytes[8] = bytes[8] & 0x3f | 0x80
        let digits = Array(Hex.encode(bytes))
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }.joined(separator: "-")
    }

    /// Sent by this process when it dies of SIGBUS, which is all that a log whose file was cut off does.
    /// - Parameter takenStatus: its exit status where the exit worker has taken it; nil: it dies of the signal.
    package func setLastWords(to socketPath: String, takenStatus: Int32? = nil) throws(LocalSocketError) {
        try LastWords.set(ExitSocket.message(fields), to: socketPath, takenStatus: takenStatus)
    }
}
