// The second ledger: positions as the exchange attests them, the last statement for each. It exists to
// be compared with the first (Positions); it must never be mixed into it.

package import Events
package import Records

package struct AttestedPositions: Projection {
    package static let name = "attested_positions"
    package static let version: UInt32 = 2
    package static let kinds = [EventKind.positionAttested.kind]

    private var table: [PositionKey: Attested] = [:]
    private var span = OpenSpan()
    /// Statements about a position side that this version does not know.
    package private(set) var unreadable: UInt64 = 0

    package init() {}

    package subscript(key: PositionKey) -> Attested? { table[key] }

    /// Sorted by key; a quantity of zero is a statement too.
    package var all: [(key: PositionKey, attested: Attested)] {
        table.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Since when there has been an open one, without a break; nil: there is none.
    package var openSince: Moment? { span.since }

    package var openCount: Int { table.reduce(0) { $0 + ($1.value.isOpen ? 1 : 0) } }

    package mutating func apply(_ record: borrowing RecordView) throws(RecordError) {
        guard record.kind == EventKind.positionAttested.kind else { return }
        let message = try EventPositionAttested(reading: record)
        guard let leg = PositionLeg(message.positionSide) else {
            unreadable += 1
            return
        }
        let key = PositionKey(venue: message.venue, account: message.account, symbol: message.symbol, leg: leg)
        let wasOpen = table[key]?.isOpen ?? false
        let attested = Attested(
            quantity: try ExactDecimal(stored: message.quantity),
            entryPrice: message.hasEntryPrice ? try ExactDecimal(stored: message.entryPrice) : nil,
            attestedAt: Timestamp(nanoseconds: message.attestedAtNs), sequence: record.sequence,
            moment: Moment(of: record))
        table[key] = attested
        span.change(from: wasOpen, to: attested.isOpen, record)
    }
}

package struct Attested: Hashable, Sendable {
    /// As given: the sign of a short leg is the producer's.
    package let quantity: ExactDecimal
    package let entryPrice: ExactDecimal?
    /// The producer's own time; zero: not given.
    package let attestedAt: Timestamp
    package let sequence: SequenceNumber
    package let moment: Moment

    package var isOpen: Bool { !quantity.isZero }
}

extension AttestedPositions {
    package func encode() -> [UInt8] {
        var writer = ByteWriter()
        writer.table(table)
        writer.varint(unreadable)
        writer.optional(span.since)
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(RecordError) {
        var reader = ByteReader(bytes.span.bytes)
        table = try reader.table(max: Limits.positionsMax)
        unreadable = try reader.varint()
        span = try OpenSpan(count: openCount, since: try reader.optional())
        try reader.finish()
    }
}

extension Attested: Stored {
    package func write(to writer: inout ByteWriter) {
        quantity.write(to: &writer)
        writer.optional(entryPrice)
        attestedAt.write(to: &writer)
        sequence.write(to: &writer)
        moment.write(to: &writer)
    }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        quantity = try ExactDecimal(from: &reader)
        entryPrice = try reader.optional()
        attestedAt = try Timestamp(from: &reader)
        sequence = try SequenceNumber(from: &reader)
        moment = try Moment(from: &reader)
    }
}
