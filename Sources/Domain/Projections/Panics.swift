// Panic triggers that stand, and the last completion. An accepted trigger never expires: it stands until
// it has a completion. A trigger with the event id of a run in progress, or of one that closed everything less than
// 60 s ago and was not resumed since, belongs to that run and gets no completion of its own; it still halts
// (TradingState).

internal import Events
package import Records

package struct Panics: Hashable, Sendable {
    /// Since a completion, by the wall clock of the records.
    package static let coalesceNanoseconds: Int64 = 60_000_000_000

    private var table: [SequenceNumber: OpenPanic] = [:]
    private var recent: [RecentRun] = []
    package private(set) var lastCompletion: PanicCompletion?

    package init() {}

    /// Sorted by sequence: the first one is the run to do next.
    package var open: [OpenPanic] { table.values.sorted { $0.sequence < $1.sequence } }
}

package struct OpenPanic: Hashable, Sendable {
    package let sequence: SequenceNumber
    /// Empty: the producer gave none.
    package let eventID: String
    package let reason: String
    package let issuer: String
    package let requestedAt: Moment
}

package struct PanicCompletion: Hashable, Sendable {
    package let sequence: SequenceNumber
    package let panic: SequenceNumber
    package let eventID: String
    package let positionsTotal: UInt32
    package let positionsClosed: UInt32
    package let positionsFailed: UInt32
    package let failedSymbols: [String]
    package let executionMilliseconds: UInt64
    package let completedAt: Moment
}

/// A run that a later trigger may belong to.
struct RecentRun: Hashable, Sendable {
    let eventID: String
    let completedAt: Timestamp
}

extension Panics {
    mutating func open(_ message: EventPanicRequested, _ record: borrowing RecordView) {
        if !message.eventID.isEmpty, isRunning(message.eventID) || wasJustRun(message.eventID, record.recordedAt) {
            return
        }
        table[record.sequence] = OpenPanic(
            sequence: record.sequence, eventID: message.eventID, reason: message.reason, issuer: message.issuer,
            requestedAt: Moment(of: record))
    }

    mutating func complete(_ message: EventPanicCompleted, _ record: borrowing RecordView) {
        let panic = SequenceNumber(message.panicSequence)
        // A completion that ends no trigger of the log, or not all positions, stands for nothing that comes later.
        if let eventID = table.removeValue(forKey: panic)?.eventID, !eventID.isEmpty, message.positionsFailed == 0 {
            remember(RecentRun(eventID: eventID, completedAt: record.recordedAt))
        }
        lastCompletion = PanicCompletion(
            sequence: record.sequence, panic: panic, eventID: message.eventID, positionsTotal: message.positionsTotal,
            positionsClosed: message.positionsClosed, positionsFailed: message.positionsFailed,
            failedSymbols: message.failedSymbols, executionMilliseconds: message.executionTimeMs,
            completedAt: Moment(of: record))
    }

    /// After a resume positions may be open again.
    mutating func forgetRuns() { recent = [] }

    private func isRunning(_ eventID: String) -> Bool { table.values.contains { $0.eventID == eventID } }

    private func wasJustRun(_ eventID: String, _ at: Timestamp) -> Bool {
        recent.contains {
            $0.eventID == eventID && at.nanoseconds - $0.completedAt.nanoseconds < Panics.coalesceNanoseconds
        }
    }

    private mutating func remember(_ run: RecentRun) {
        recent.removeAll {
            $0.eventID == run.eventID
                || run.completedAt.nanoseconds - $0.completedAt.nanoseconds >= Panics.coalesceNanoseconds
        }
        if recent.count == Limits.recentPanicsKeptMax { recent.removeFirst() }
        recent.append(run)
    }
}

extension Panics: Stored {
    package func write(to writer: inout ByteWriter) {
        writer.table(table)
        writer.list(recent)
        writer.optional(lastCompletion)
    }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        table = try reader.table(max: Limits.openPanicsMax)
        recent = try reader.list(max: Limits.recentPanicsKeptMax)
        lastCompletion = try reader.optional()
    }
}

extension OpenPanic: Stored {
    package func write(to writer: inout ByteWriter) {
        sequence.write(to: &writer)
        for text in [eventID, reason, issuer] { writer.sized(text) }
        requestedAt.write(to: &writer)
    }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        sequence = try SequenceNumber(from: &reader)
        eventID = try reader.text()
        reason = try reader.text()
        issuer = try reader.text()
        requestedAt = try Moment(from: &reader)
    }
}

extension PanicCompletion: Stored {
    package func write(to writer: inout ByteWriter) {
        sequence.write(to: &writer)
        panic.write(to: &writer)
        writer.sized(eventID)
        for count in [positionsTotal, positionsClosed, positionsFailed] { writer.fixed(count) }
        writer.list(failedSymbols)
        writer.varint(executionMilliseconds)
        completedAt.write(to: &writer)
    }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        sequence = try SequenceNumber(from: &reader)
        panic = try SequenceNumber(from: &reader)
        eventID = try reader.text()
        positionsTotal = try reader.fixed(UInt32.self)
        positionsClosed = try reader.fixed(UInt32.self)
        positionsFailed = try reader.fixed(UInt32.self)
        failedSymbols = try reader.list(max: Limits.bodyBytesMax)
        executionMilliseconds = try reader.varint()
        completedAt = try Moment(from: &reader)
    }
}

extension RecentRun: Stored {
    func write(to writer: inout ByteWriter) {
        writer.sized(eventID)
        completedAt.write(to: &writer)
    }
    @_lifetime(reader: copy reader)
    init(from reader: inout ByteReader) throws(RecordError) {
        eventID = try reader.text()
        completedAt = try Timestamp(from: &reader)
    }
}
