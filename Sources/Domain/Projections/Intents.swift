// Intents without a terminal state, and how many decisions and intents ended in which way. It exists so
// that no intent can stand for minutes without an end, unseen. An intent leaves only by an execution
// result; it must never leave because time has passed.

package import Events
package import Records

package struct Intents: Projection {
    package static let name = "intents"
    package static let version: UInt32 = 1
    package static let kinds = [
        EventKind.decision.kind, EventKind.decisionRefused.kind, EventKind.tradeIntent.kind,
        EventKind.executionResult.kind,
    ]

    private var table: [SequenceNumber: OpenIntent] = [:]
    /// Derived from `table`: a result that others append may know only the trace id.
    private var traces: [String: SequenceNumber] = [:]
    private var refusalCounts: [UInt64: UInt64] = [:]
    private var terminalCounts: [UInt64: UInt64] = [:]
    package private(set) var decisions: UInt64 = 0
    /// Results that ended no open intent.
    package private(set) var unmatchedResults: UInt64 = 0
    /// Intents beyond `Limits.openIntentsMax` open ones: counted, not kept.
    package private(set) var untracked: UInt64 = 0

    package init() {}

    package var openCount: Int { table.count }
    package subscript(intent: SequenceNumber) -> OpenIntent? { table[intent] }
    package func open(traceID: String) -> OpenIntent? { traces[traceID].flatMap { table[$0] } }

    /// Sorted by sequence.
    package var open: [OpenIntent] { table.values.sorted { $0.sequence < $1.sequence } }

    package func refused(_ reason: EventDecisionRefusalReason) -> UInt64 {
        refusalCounts[UInt64(UInt32(truncatingIfNeeded: reason.rawValue))] ?? 0
    }
    package func ended(_ state: EventTerminalState) -> UInt64 {
        terminalCounts[UInt64(UInt32(truncatingIfNeeded: state.rawValue))] ?? 0
    }

    package mutating func apply(_ record: borrowing RecordView) throws(RecordError) {
        guard let kind = EventKind(record.kind) else { return }
        switch kind {
        case .decision: decisions += 1
        case .decisionRefused:
            let reason = try EventDecisionRefused(reading: record).reason
            Intents.count(reason.rawValue, in: &refusalCounts)
        case .tradeIntent: try open(try EventTradeIntent(reading: record), record)
        case .executionResult: try end(try EventExecutionResult(reading: record), record)
        case .sessionStarted, .streamCreated, .conflict, .streamHidden, .groupChanged, .logRestored, .untyped,
            .configApplied,
            .messageRefused, .evidence, .stateDigest, .orderRequested, .orderOutcome, .fill, .fillDetail,
            .positionAttested, .heartbeat,
            .panicRequested, .panicRefused, .panicCompleted, .halt, .resume, .reducingRaised, .reducingEnded:
            break
        }
    }
}

package struct OpenIntent: Hashable, Sendable {
    package let sequence: SequenceNumber
    package let traceID: String
    package let decision: SequenceNumber
    package let symbol: String
    package let action: EventAction
    package let reduceOnly: Bool
    package let moment: Moment
}

extension Intents {
    private mutating func open(_ message: EventTradeIntent, _ record: borrowing RecordView) throws(RecordError) {
        guard table.count < Limits.openIntentsMax else {
            untracked += 1
            return
        }
        let intent = OpenIntent(
            sequence: record.sequence, traceID: try record.traceID(),
            decision: SequenceNumber(message.decisionSequence), symbol: message.symbol, action: message.action,
            reduceOnly: message.reduceOnly, moment: Moment(of: record))
        table[intent.sequence] = intent
        if !intent.traceID.isEmpty { traces[intent.traceID] = intent.sequence }
    }

    private mutating func end(_ message: EventExecutionResult, _ record: borrowing RecordView) throws(RecordError) {
        let named = SequenceNumber(message.intentSequence)
        let sequence = named.isNone ? traces[try record.traceID()] : named
        guard let sequence, let intent = table.removeValue(forKey: sequence) else {
            unmatchedResults += 1
            return
        }
        if traces[intent.traceID] == sequence { traces[intent.traceID] = nil }
        Intents.count(message.state.rawValue, in: &terminalCounts)
    }

    private static func count(_ number: Int, in counts: inout [UInt64: UInt64]) {
        let key = UInt64(UInt32(truncatingIfNeeded: number))
        // A number that no version has given a name is one of very few, or somebody plays tricks.
        if counts.count >= Limits.refusalReasonsCountedMax, counts[key] == nil { return }
        counts[key, default: 0] += 1
    }
}

extension Intents {
    package func encode() -> [UInt8] {
        var writer = ByteWriter()
        writer.table(table)
        writer.table(refusalCounts)
        writer.table(terminalCounts)
        for count in [decisions, unmatchedResults, untracked] { writer.varint(count) }
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(RecordError) {
        var reader = ByteReader(bytes.span.bytes)
        table = try reader.table(max: Limits.openIntentsMax)
        refusalCounts = try reader.table(max: Limits.refusalReasonsCountedMax)
        terminalCounts = try reader.table(max: Limits.refusalReasonsCountedMax)
        decisions = try reader.varint()
        unmatchedResults = try reader.varint()
        untracked = try reader.varint()
        try reader.finish()
        for intent in open where !intent.traceID.isEmpty { traces[intent.traceID] = intent.sequence }
    }
}

extension OpenIntent: Stored {
    package func write(to writer: inout ByteWriter) {
        sequence.write(to: &writer)
        writer.sized(traceID)
        decision.write(to: &writer)
        writer.sized(symbol)
        action.write(to: &writer)
        writer.flag(reduceOnly)
        moment.write(to: &writer)
    }
    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        sequence = try SequenceNumber(from: &reader)
        traceID = try reader.text()
        decision = try SequenceNumber(from: &reader)
        symbol = try reader.text()
        action = try EventAction(from: &reader)
        reduceOnly = try reader.flag()
        moment = try Moment(from: &reader)
    }
}
