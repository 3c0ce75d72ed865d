// A projection is a fold of the log: a value that any reader gets by applying the same records in order.
// It exists so that positions, orders and halts can be thrown away and computed again.
// A fold must never read a clock, draw a random number, do I/O, use floating point, or let the order of a
// Dictionary or Set reach its bytes. A change of what a fold computes or of its bytes is a new version.

package import Records

package protocol Projection: Hashable, Sendable {
    /// In commands, checkpoints and metrics.
    static var name: String { get }
    static var version: UInt32 { get }
    /// The kinds that it reads. Every other record is skipped by its header.
    static var kinds: [Kind] { get }

    /// Of an empty log.
    init()
    /// Throws where the record's body cannot be read; never for content that the log accepted.
    mutating func apply(_ record: borrowing RecordView) throws(RecordError)
    /// Canonical: equal projections, equal bytes.
    func encode() -> [UInt8]
    /// Throws for bytes that `encode` of this version cannot have made.
    init(decoding bytes: [UInt8]) throws(RecordError)
}

extension Projection {
    /// SHA-256 over name, version and bytes.
    package var digest: Digest {
        var writer = ByteWriter()
        writer.sized(Self.name)
        writer.fixed(Self.version)
        writer.raw(encode())
        return Digest.sha256(writer.bytes)
    }
}

/// When a record was written: on the wall, and by the clock of its boot. Ages are differences of
/// `monotonicAt`, and only between records of one boot (their sessions say which).
package struct Moment: Hashable, Sendable {
    package let recordedAt: Timestamp
    package let monotonicAt: BootInstant
    /// The `session.started` record whose boot the clock belongs to.
    package let session: SequenceNumber

    package init(recordedAt: Timestamp, monotonicAt: BootInstant, session: SequenceNumber) {
        self.recordedAt = recordedAt
        self.monotonicAt = monotonicAt
        self.session = session
    }

    init(of record: Record) {
        self.init(
            recordedAt: record.header.recordedAt, monotonicAt: record.header.monotonicAt,
            session: record.header.session)
    }

    package init(of record: borrowing RecordView) {
        self.init(recordedAt: record.recordedAt, monotonicAt: record.monotonicAt, session: record.session)
    }
}
