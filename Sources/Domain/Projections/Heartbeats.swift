// The last heartbeat of each service, and since when it has said what it says; and which boot the newest records
// are of. The watchdog judges by differences of the record's boot clock, so moments are kept whole; nothing here
// knows what time it is.

package import Events
package import Records

package struct Heartbeats: Projection {
    package static let name = "heartbeats"
    package static let version: UInt32 = 2
    package static let kinds = [EventKind.sessionStarted.kind, EventKind.heartbeat.kind]

    private var table: [String: Heart] = [:]
    /// Heartbeats of services beyond `Limits.heartbeatServicesMax`: counted, not kept.
    package private(set) var untracked: UInt64 = 0

    /// Of the newest session; nil: the log has none.
    package private(set) var boot: Boot?

    package init() {}

    package subscript(service: String) -> Heart? { table[service] }

    /// Sorted by service.
    package var all: [(service: String, heart: Heart)] {
        table.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    package mutating func apply(_ record: borrowing RecordView) throws(RecordError) {
        if record.kind == EventKind.sessionStarted.kind {
            let id = try EventSessionStarted(reading: record).bootID
            if boot?.id != id { boot = Boot(id: id, firstSession: record.sequence) }
        }
        guard record.kind == EventKind.heartbeat.kind else { return }
        let message = try HeartbeatFacts(reading: record)
        let moment = Moment(of: record)
        let known = table[message.serviceID]
        guard known != nil || table.count < Limits.heartbeatServicesMax else {
            untracked += 1
            return
        }
        table[message.serviceID] = Heart(message, record.sequence, moment, after: known)
    }
}

/// One run of the machine. Boots follow each other: a session from the first one on is of this boot.
package struct Boot: Hashable, Sendable {
    package let id: String
    package let firstSession: SequenceNumber

    package func has(_ moment: Moment) -> Bool { moment.session >= firstSession }
}

package struct Heart: Hashable, Sendable {
    /// Of the last heartbeat.
    package let sequence: SequenceNumber
    package let moment: Moment
    package let status: EventHeartStatus
    package let activePositions: UInt32
    /// The producer's own time; zero: not given.
    package let lastDecisionAt: Timestamp
    /// The first of the unbroken row of heartbeats that said DEGRADED; nil: the last one did not.
    package let degradedSince: Moment?
    /// The first heartbeat that said the present `lastDecisionAt`.
    package let decidedSince: Moment
    /// The first of the unbroken row of heartbeats with active positions; nil: the last one had none.
    package let positionsSince: Moment?
    package let count: UInt64
}

extension Heart {
    fileprivate init(_ message: HeartbeatFacts, _ sequence: SequenceNumber, _ moment: Moment, after known: Heart?) {
        self.sequence = sequence
        self.moment = moment
        status = message.status
        activePositions = message.activePositions
        lastDecisionAt = Timestamp(nanoseconds: message.lastDecisionAtNs)
        switch message.status {
        case .degraded: degradedSince = known?.degradedSince ?? moment
        case .alive, .unspecified, .UNRECOGNIZED: degradedSince = nil
        }
        let moved = known?.lastDecisionAt.nanoseconds != message.lastDecisionAtNs
        decidedSince = moved ? moment : known?.decidedSince ?? moment
        positionsSince = message.activePositions == 0 ? nil : known?.positionsSince ?? moment
        count = (known?.count ?? 0) + 1
    }
}

extension Heartbeats {
    package func encode() -> [UInt8] {
        var writer = ByteWriter()
        writer.table(table)
        writer.varint(untracked)
        writer.optional(boot)
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(RecordError) {
        var reader = ByteReader(bytes.span.bytes)
        table = try reader.table(max: Limits.heartbeatServicesMax)
        untracked = try reader.varint()
        boot = try reader.optional()
        try reader.finish()
    }
}

extension Boot: Stored {
    package func write(to writer: inout ByteWriter) {
        writer.sized(id)
        firstSession.write(to: &writer)
    }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        id = try reader.text()
        firstSession = try SequenceNumber(from: &reader)
    }
}

extension Heart: Stored {
    package func write(to writer: inout ByteWriter) {
        sequence.write(to: &writer)
        moment.write(to: &writer)
        status.write(to: &writer)
        writer.fixed(activePositions)
        lastDecisionAt.write(to: &writer)
        writer.optional(degradedSince)
        decidedSince.write(to: &writer)
        writer.optional(positionsSince)
        writer.varint(count)
    }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        sequence = try SequenceNumber(from: &reader)
        moment = try Moment(from: &reader)
        status = try EventHeartStatus(from: &reader)
        activePositions = try reader.fixed(UInt32.self)
        lastDecisionAt = try Timestamp(from: &reader)
        degradedSince = try reader.optional()
        decidedSince = try Moment(from: &reader)
        positionsSince = try reader.optional()
        count = try reader.varint()
    }
}
