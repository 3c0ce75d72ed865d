// May risk be opened? ACTIVE, REDUCING or HALTED, and why. It says in words what the log's table of
// guards enforces, and follows the same rules (GuardTable in Events): it explains, it never decides.
// What must not be added: a way out of HALTED other than `resume`.

internal import Events
package import Records

package struct TradingState: Projection {
    package static let name = "trading_state"
    package static let version: UInt32 = 3
    package static let kinds = [
        EventKind.orderOutcome.kind, EventKind.panicRequested.kind, EventKind.panicCompleted.kind, EventKind.halt.kind,
        EventKind.resume.kind, EventKind.reducingRaised.kind, EventKind.reducingEnded.kind,
    ]

    package enum Mode: String, CaseIterable, Sendable {
        case active = "ACTIVE"
        case reducing = "REDUCING"
        case halted = "HALTED"
    }

    /// Why trading is halted, since the record that halted it; nil: it is not.
    package private(set) var halt: HaltDetails?
    package private(set) var panics = Panics()
    package private(set) var lastResume: ResumeDetails?
    /// The last resume whose scope was the halt; none: there was none. With the next one it says whether the
    /// watchdog is armed.
    package private(set) var lastHaltResume = SequenceNumber.none
    /// When that was.
    package private(set) var haltResumedAt: Moment?
    /// The last accepted trigger whose issuer was the watchdog; none: there was none.
    package private(set) var lastWatchdogTrigger = SequenceNumber.none
    private var reducing: [String: ReducingCause] = [:]
    private var symbols: [GuardedSymbol: SequenceNumber] = [:]

    package init() {}

    package var mode: Mode {
        if halt != nil { return .halted }
        return reducing.isEmpty ? .active : .reducing
    }

    /// Sorted by cause.
    package var reducingCauses: [ReducingCause] { reducing.values.sorted { $0.cause < $1.cause } }

    /// Symbols with an order whose outcome nobody knows, sorted by symbol, then request.
    package var guardedSymbols: [GuardedSymbol] { symbols.keys.sorted() }

    package func isGuarded(_ symbol: String) -> Bool { symbols.keys.contains { $0.symbol == symbol } }

    package mutating func apply(_ record: borrowing RecordView) throws(RecordError) {
        guard let kind = EventKind(record.kind) else { return }
        switch kind {
        case .orderOutcome: try follow(try OrderOutcomeFacts(reading: record), record.sequence)
        case .panicRequested: panic(try EventPanicRequested(reading: record), record)
        case .panicCompleted: panics.complete(try EventPanicCompleted(reading: record), record)
        case .halt: halt(try EventHalt(reading: record), record)
        case .resume: try resume(try EventResume(reading: record), record)
        case .reducingRaised: raise(try EventReducingRaised(reading: record), record)
        case .reducingEnded: reducing[try EventReducingEnded(reading: record).cause] = nil
        case .sessionStarted, .streamCreated, .conflict, .streamHidden, .groupChanged, .logRestored, .untyped,
            .configApplied,
            .messageRefused, .evidence, .stateDigest, .decision, .decisionRefused, .tradeIntent, .executionResult,
            .orderRequested, .fill,
            .fillDetail, .positionAttested, .heartbeat, .panicRefused:
            break
        }
    }
}

package struct HaltDetails: Hashable, Sendable {
    package let reason: String
    /// The halt's source, or the panic's issuer.
    package let source: String
    /// The record that halted; later ones do not replace it.
    package let sequence: SequenceNumber
    package let haltedAt: Moment
    /// The last panic since; none: there was none.
    package fileprivate(set) var panic: SequenceNumber
}

package struct ReducingCause: Hashable, Sendable {
    package let cause: String
    package let detail: String
    package let sequence: SequenceNumber
    package let raisedAt: Moment
}

package struct ResumeDetails: Hashable, Sendable {
    package let sequence: SequenceNumber
    package let `operator`: String
    package let reason: String
    package let resumedAt: Moment
}

/// An order whose outcome nobody knows, and its symbol.
package struct GuardedSymbol: Hashable, Comparable, Sendable {
    package let symbol: String
    package let request: SequenceNumber
    package static func < (a: GuardedSymbol, b: GuardedSymbol) -> Bool { (a.symbol, a.request) < (b.symbol, b.request) }
}

extension TradingState {
    mutating func follow(_ outcome: OrderOutcomeFacts, _ sequence: SequenceNumber) throws(RecordError) {
        switch outcome.state {
        case .unknown:
            let key = GuardedSymbol(symbol: outcome.symbol, request: SequenceNumber(outcome.requestSequence))
            if symbols[key] == nil { symbols[key] = sequence }
        case .accepted, .partiallyFilled, .filled, .rejected, .canceled, .expired, .notFoundAfterHorizon:
            if symbols.isEmpty { return }
            symbols[GuardedSymbol(symbol: outcome.symbol, request: SequenceNumber(outcome.requestSequence))] = nil
        case .unspecified, .UNRECOGNIZED:
            throw .malformed("record \(sequence): outcome \(outcome.state.rawValue) is not known to this version")
        }
    }

    /// An accepted trigger halts at once.
    private mutating func panic(_ request: EventPanicRequested, _ record: borrowing RecordView) {
        panics.open(request, record)
        if request.issuer == PanicTrigger.watchdogIssuer { lastWatchdogTrigger = record.sequence }
        halted(request.reason, request.issuer, record, panic: record.sequence)
    }

    private mutating func halt(_ message: EventHalt, _ record: borrowing RecordView) {
        halted(message.reason, message.source, record, panic: SequenceNumber(message.panicSequence))
    }

    private mutating func halted(
        _ reason: String, _ source: String, _ record: borrowing RecordView, panic: SequenceNumber
    ) {
        guard halt == nil else {
            if !panic.isNone { halt?.panic = panic }
            return
        }
        halt = HaltDetails(
            reason: reason, source: source, sequence: record.sequence, haltedAt: Moment(of: record), panic: panic)
    }

    private mutating func raise(_ message: EventReducingRaised, _ record: borrowing RecordView) {
        guard reducing[message.cause] == nil else { return }
        reducing[message.cause] = ReducingCause(
            cause: message.cause, detail: message.detail, sequence: record.sequence, raisedAt: Moment(of: record))
    }

    private mutating func resume(_ message: EventResume, _ record: borrowing RecordView) throws(RecordError) {
        switch message.scope {
        case .halt:
            (halt, lastHaltResume, haltResumedAt) = (nil, record.sequence, Moment(of: record))
            panics.forgetRuns()
        case .reducing: reducing = [:]
        case .symbol: symbols = symbols.filter { $0.key.symbol != message.symbol }
        case .unspecified, .UNRECOGNIZED:
            throw .malformed(
                "record \(record.sequence): resume scope \(message.scope.rawValue) is not known to this version")
        }
        lastResume = ResumeDetails(
            sequence: record.sequence, operator: message.operator, reason: message.reason, resumedAt: Moment(of: record)
        )
    }
}

extension TradingState {
    package func encode() -> [UInt8] {
        var writer = ByteWriter()
        writer.optional(halt)
        panics.write(to: &writer)
        writer.optional(lastResume)
        writer.table(reducing)
        writer.table(symbols)
        lastHaltResume.write(to: &writer)
        writer.optional(haltResumedAt)
        lastWatchdogTrigger.write(to: &writer)
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(RecordError) {
        var reader = ByteReader(bytes.span.bytes)
        halt = try reader.optional()
        panics = try Panics(from: &reader)
        lastResume = try reader.optional()
        reducing = try reader.table(max: Limits.guardHoldersMax)
        symbols = try reader.table(max: Limits.openOrdersMax)
        lastHaltResume = try SequenceNumber(from: &reader)
        haltResumedAt = try reader.optional()
        lastWatchdogTrigger = try SequenceNumber(from: &reader)
        try reader.finish()
    }
}
