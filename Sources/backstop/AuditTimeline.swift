// What the audit's page draws: how many records of each sort came when, in a fixed number of intervals, and the records
// that change what may be done. Bounded, whatever the log's size.

import EventLog
import Events
import Records

struct AuditTimeline {
    enum Lane: String, CaseIterable {
        case heartbeats, decisions, intents, orders, fills, safety
    }
    struct Mark {
        let sequence: SequenceNumber
        let at: Timestamp
        let kind: EventKind
        let text: String
    }
    static let intervals = 240

    let start: Timestamp
    let end: Timestamp
    private(set) var counts: [Lane: [Int]] = Dictionary(
        uniqueKeysWithValues: Lane.allCases.map { ($0, [Int](repeating: 0, count: AuditTimeline.intervals)) })
    private(set) var marks: [Mark] = []
    private(set) var marksLeftOut = 0

    init(of log: EventLog) throws {
        (start, end) = try log.snapshot { snapshot in
            let head = try snapshot.head().sequence
            let first = try snapshot.record(SequenceNumber(1))?.header.recordedAt ?? Timestamp(nanoseconds: 0)
            return (first, try snapshot.record(head)?.header.recordedAt ?? first)
        }
    }

    mutating func add(_ record: borrowing RecordView) {
        guard let kind = EventKind(record.kind) else { return }
        let place = interval(record.recordedAt)
        if let lane = AuditTimeline.lane(kind) { counts[lane]?[place] += 1 }
        guard AuditTimeline.marked.contains(kind) else { return }
        guard marks.count < Limits.auditMarksMax else {
            marksLeftOut += 1
            return
        }
        let text: String
        do { text = ShownRecord(record: try record.record(), stream: nil).summary } catch { text = "unreadable" }
        marks.append(Mark(sequence: record.sequence, at: record.recordedAt, kind: kind, text: text))
    }

    func interval(_ at: Timestamp) -> Int {
        let whole = max(1, end.nanoseconds - start.nanoseconds)
        let place = Double(at.nanoseconds - start.nanoseconds) / Double(whole)
        return min(AuditTimeline.intervals - 1, max(0, Int(place * Double(AuditTimeline.intervals))))
    }

    private static func lane(_ kind: EventKind) -> Lane? {
        switch kind {
        case .heartbeat: .heartbeats
        case .decision, .decisionRefused: .decisions
        case .tradeIntent, .executionResult: .intents
        case .orderRequested, .orderOutcome: .orders
        case .fill: .fills
        case .panicRequested, .panicRefused, .panicCompleted, .halt, .resume, .reducingRaised, .reducingEnded: .safety
        case .sessionStarted, .streamCreated, .conflict, .streamHidden, .groupChanged, .logRestored, .untyped,
            .configApplied,
            .messageRefused, .evidence, .stateDigest, .fillDetail, .positionAttested:
            nil
        }
    }

    private static let marked: Set<EventKind> = [
        .sessionStarted, .configApplied, .conflict, .panicRequested, .panicRefused, .panicCompleted, .halt, .resume,
        .reducingRaised, .reducingEnded,
    ]
}
