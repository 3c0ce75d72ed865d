// What belongs to a record: what led to it, up to the first cause; all that followed from any of these; every record of the
// same traces; and what was in force then: configuration, sessions, streams, the records that these refer to.
// Found by one walk of the headers from the first record to the head.

internal import EventLog
internal import Events
internal import Records

struct Closure {
    private(set) var reasons: [SequenceNumber: Set<BundledRecord.Reason>] = [:]
    private var traces: Set<String> = []
    private var streams: [StreamNumber: SequenceNumber] = [:]

    /// - Parameter head: records behind it are not looked at.
    init(of subject: SequenceNumber, in log: EventLog, head: Head, progress: (SequenceNumber) -> Void) throws {
        guard !subject.isNone, subject <= head.sequence else {
            throw BundleError.noRecord(subject, head: head.sequence)
        }
        try add(subject, .subject)
        try climb(from: subject, log)
        try log.walk(from: SequenceNumber(1), through: head.sequence) { record in
            if record.sequence.rawValue.isMultiple(of: 100_000) { progress(record.sequence) }
            return try look(record)
        }
        for sequence in reasons.keys.sorted() { try climb(from: sequence, log) }
        for sequence in reasons.keys.sorted() { try context(of: sequence, log) }
    }

    private mutating func add(_ sequence: SequenceNumber, _ reason: BundledRecord.Reason) throws {
        if reason.isEvent { reasons[sequence]?.remove(.reference) }
        // What is evidence by itself needs no further reason.
        if reason == .reference, reasons[sequence] != nil { return }
        reasons[sequence, default: []].insert(reason)
        guard reasons.count <= Limits.bundleRecordsMax else { throw BundleError.tooManyRecords(reasons.count) }
    }

    private func record(_ sequence: SequenceNumber, _ log: EventLog) throws -> Record {
        guard let record = try log.snapshot({ try $0.record(sequence) }) else {
            throw LogError.damaged("record \(sequence) is missing")
        }
        return record
    }

    /// Its causes, up to the first one.
    private mutating func climb(from sequence: SequenceNumber, _ log: EventLog) throws {
        var record = try record(sequence, log)
        while true {
            if !record.traceID.isEmpty { traces.insert(record.traceID) }
            let cause = record.header.cause
            if cause.isNone || reasons[cause]?.contains(where: \.isEvent) == true { return }
            try add(cause, .cause)
            record = try self.record(cause, log)
        }
    }

    private mutating func look(_ record: borrowing RecordView) throws -> Bool {
        if record.kind == .streamCreated {
            if case .streamCreated(let created) = try EventRecord.decode(record.record()) {
                streams[StreamNumber(created.number)] = record.sequence
            }
        }
        if !record.cause.isNone, reasons[record.cause] != nil, reasons[record.sequence] == nil {
            try add(record.sequence, .effect)
        }
        if record.traceLength > 0, traces.contains(try record.traceID()) { try add(record.sequence, .trace) }
        return true
    }

    /// What was in force when it was written, and what it refers to.
    private mutating func context(of sequence: SequenceNumber, _ log: EventLog) throws {
        let record = try record(sequence, log)
        if !record.header.session.isNone { try add(record.header.session, .session) }
        if let stream = streams[record.header.stream] { try add(stream, .stream) }
        // What this version cannot read refers to nothing that it knows of.
        guard let event = try? EventRecord.decode(record) else { return }
        let (configuration, others) = event.references
        if configuration > 0, configuration <= sequence.rawValue {
            try add(SequenceNumber(configuration), .configuration)
        }
        for other in others where other > 0 && other < sequence.rawValue { try add(SequenceNumber(other), .reference) }
    }
}

extension Event {
    /// The `config.applied` record that it names, and the other records.
    fileprivate var references: (configuration: UInt64, others: [UInt64]) {
        switch self {
        case .decisionRefused(let message): (message.configSequence, [message.decisionSequence, message.refersTo])
        case .tradeIntent(let message): (message.configSequence, [message.decisionSequence])
        case .orderRequested(let message): (message.configSequence, [message.intentSequence])
        case .executionResult(let message): (0, [message.intentSequence])
        case .orderOutcome(let message): (0, [message.requestSequence])
        case .panicCompleted(let message): (0, [message.panicSequence])
        case .halt(let message): (0, [message.panicSequence])
        case .resume(let message): (0, [message.endsSequence])
        case .conflict(let message): (0, [message.firstSequence])
        case .evidence(let message): (0, [message.about])
        case .sessionStarted, .streamCreated, .streamHidden, .groupChanged, .logRestored, .untyped, .configApplied,
            .messageRefused, .stateDigest, .decision, .fill, .fillDetail, .positionAttested, .heartbeat,
            .panicRequested,
            .panicRefused, .reducingRaised, .reducingEnded:
            (0, [])
        }
    }
}
