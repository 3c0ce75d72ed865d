// A draft is not yet numbered; a record is in the log. Two types, so that neither is taken for the other.

/// What a caller wants to append.
package struct Draft: Sendable {
    package var kind: Kind
    /// Nil for records that stand in no stream (halts, configuration, sessions).
    package var stream: StreamName?
    package var entryID: EntryIDRequest
    /// Nil: never a duplicate.
    package var key: IdempotencyKey?
    /// One decision and all that follows from it. Empty where there is none.
    package var traceID: String
    /// Who made it, for people.
    package var producer: String
    /// The record that led to this one.
    package var cause: SequenceNumber
    /// The sequence up to which the state was folded that a decision used.
    package var basis: SequenceNumber
    package var body: Body

    package init(
        kind: Kind, stream: StreamName?, entryID: EntryIDRequest = .next, key: IdempotencyKey?, traceID: String = "",
        producer: String, cause: SequenceNumber = .none, basis: SequenceNumber = .none, body: Body
    ) {
        self.kind = kind
        self.stream = stream
        self.entryID = entryID
        self.key = key
        self.traceID = traceID
        self.producer = producer
        self.cause = cause
        self.basis = basis
        self.body = body
    }

    /// Throws where a field breaks its bound. All checks that need no log stand here.
    package func check() throws(BoundError) {
        try key?.check()
        if case .user = key, stream == nil { throw BoundError("key", "a user's key needs a stream") }
        try BoundError.checkOptional(traceID, "trace id", max: Limits.traceBytesMax)
        try BoundError.check(producer, "producer", max: Limits.producerBytesMax)
        guard body.bytes.count <= Limits.bodyBytesMax else {
            throw BoundError("body", "\(body.bytes.count) bytes, at most \(Limits.bodyBytesMax) are allowed")
        }
        if case .exactly(let id) = entryID {
            guard stream != nil else { throw BoundError("entry id", "a record without a stream has none") }
            guard id > .zero else { throw BoundError("entry id", "must be greater than 0-0") }
        }
    }
}
