// What can be computed again of an emergency exit: its closes bear the names that follow from trigger, symbol, side and
// part, may only reduce, and its completion's figures agree with each other. What the exchange showed the worker is in
// its journal, not in the log: sizes and moments of its closes are not computed again, and each run says so.

internal import Events
internal import Exchange
internal import Records

struct ExitAudit: Sendable {
    private var parts: [SequenceNumber: [String: UInt32]] = [:]

    mutating func requested(
        _ record: Record, _ message: EventOrderRequested, _ past: any AuditPast, _ book: inout AuditBook
    )
        throws
    {
        let panic = SequenceNumber(message.intentSequence)
        guard let trigger = try past.record(panic), case .panicRequested(let request) = try EventRecord.decode(trigger)
        else {
            return book.find(record.sequence, ExitRun.rule, expected: "a trigger", found: "record \(panic) is none")
        }
        guard message.reduceOnly else {
            return book.find(
                record.sequence, ExitRun.rule, expected: "an order that can only reduce", found: "one that may open")
        }
        guard let symbol = SymbolName.known(message.symbol), let side = message.positionSide.exit else {
            return book.find(record.sequence, ExitRun.rule, expected: "a place", found: "\(message.symbol)")
        }
        let place = "\(symbol)/\(side.rawValue)"
        let part = (parts[panic]?[place] ?? 0) + 1
        parts[panic, default: [:]][place] = part
        let names = ExitAudit.triggers(trigger, request, past).map {
            ClientOrderID.ofClose(trigger: $0, symbol: symbol, positionSide: side, part: part).text
        }
        if names.contains(message.clientOrderID) { return book.isAsRecorded(record.sequence, ExitRun.rule) }
        guard names.isEmpty else {
            return book.find(
                record.sequence, ExitRun.rule, expected: "client order id \(names[0])", found: message.clientOrderID)
        }
        book.cannotReplay(record.sequence, ExitRun.rule, "the run's own name is not in the log")
    }

    /// What the run may be called: after its record, or after what came over the socket.
    private static func triggers(
        _ record: Record, _ request: EventPanicRequested, _ past: any AuditPast
    ) -> [String] {
        let own = "panic.requested/"
        if case .own(let key) = record.key, key.hasPrefix(own) { return [String(key.dropFirst(own.count))] }
        return ["\(past.logID(at: record.sequence))/\(record.sequence)"]
    }

    mutating func completed(
        _ record: Record, _ message: EventPanicCompleted, _ past: any AuditPast, _ book: inout AuditBook
    )
        throws
    {
        let panic = SequenceNumber(message.panicSequence)
        parts[panic] = nil
        if panic.isNone { return }
        guard let trigger = try past.record(panic), trigger.kind == EventKind.panicRequested.kind,
            trigger.sequence < record.sequence
        else {
            return book.find(record.sequence, ExitRun.rule, expected: "a trigger", found: "record \(panic) is none")
        }
        guard message.positionsClosed + message.positionsFailed == message.positionsTotal else {
            return book.find(
                record.sequence, ExitRun.rule, expected: "\(message.positionsTotal) positions closed or failed",
                found: "\(message.positionsClosed) closed, \(message.positionsFailed) failed")
        }
        guard message.positionsFailed == 0 || !message.failedSymbols.isEmpty else {
            return book.find(record.sequence, ExitRun.rule, expected: "the symbols that failed", found: "none")
        }
        book.cannotReplay(
            record.sequence, ExitRun.rule,
            "what the exchange showed is not in the log: only names and figures are compared")
    }
}

extension EventPositionSide {
    fileprivate var exit: PositionSide? {
        switch self {
        case .both, .unspecified: .both
        case .long: .long
        case .short: .short
        case .UNRECOGNIZED: nil
        }
    }
}
