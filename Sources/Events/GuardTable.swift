// Which records raise, lower or require which guards. Decided from the message alone, inside the write
// transaction, so that no caller can leave a guard out. What must never be added: a way to open risk that
// requires nothing, or a requirement on anything that reduces risk. Unclear means an error, never "none".

import Records

package enum GuardName {
    package static let halt = "halt"
    static let reducing = "reducing"
    static func symbol(_ symbol: String) -> String { "symbol/\(symbol)" }
    static func pair(_ x: String, _ y: String, _ sideX: EventSide, _ sideY: EventSide) -> String {
        "pair/\(x)/\(y)/\(sideX.word)/\(sideY.word)"
    }
    /// Of a pair's guard: whoever has it is named by its record.
    static let trade = "trade"
}

enum GuardTable {
    static func operations(of event: Event) throws(MessageError) -> [GuardOperation] {
        switch event {
        case .halt: [.raise(GuardName.halt, holder: "halt")]
        // An accepted trigger halts at once: there is no window between it and its halt.
        case .panicRequested: [.raise(GuardName.halt, holder: "panic")]
        case .resume(let resume): [try lowered(by: resume)]
        case .reducingRaised(let raised): [.raise(GuardName.reducing, holder: try cause(raised.cause))]
        case .reducingEnded(let ended): [.lower(GuardName.reducing, holder: try cause(ended.cause))]
        case .orderOutcome(let outcome): [try resolution(outcome)]
        case .tradeIntent(let intent): try required(by: intent)
        case .orderRequested(let request): try required(by: request)
        case .executionResult(let result): try released(by: result)
        case .sessionStarted, .streamCreated, .conflict, .streamHidden, .groupChanged, .logRestored, .untyped,
            .configApplied,
            .messageRefused, .evidence, .stateDigest, .decision, .decisionRefused, .fill, .fillDetail,
            .positionAttested,
            .heartbeat, .panicRefused, .panicCompleted:
            []
        }
    }

    private static func lowered(by resume: EventResume) throws(MessageError) -> GuardOperation {
        switch resume.scope {
        case .halt: return .lower(GuardName.halt, holder: nil)
        case .reducing: return .lower(GuardName.reducing, holder: nil)
        case .symbol: return .lower(GuardName.symbol(try known(resume.symbol)), holder: nil)
        case .unspecified, .UNRECOGNIZED: throw MessageError("scope", "must be halt, reducing or symbol")
        }
    }

    private static func resolution(_ outcome: EventOrderOutcome) throws(MessageError) -> GuardOperation {
        guard outcome.requestSequence > 0 else { throw Incoming.missing("request_sequence") }
        let name = GuardName.symbol(try known(outcome.symbol))
        let holder = String(outcome.requestSequence)
        switch outcome.state {
        case .unknown: return .raise(name, holder: holder)
        case .accepted, .partiallyFilled, .filled, .rejected, .canceled, .expired, .notFoundAfterHorizon:
            return .lower(name, holder: holder)
        case .unspecified, .UNRECOGNIZED: throw MessageError("state", "must be one that this version knows")
        }
    }

    private static func required(by intent: EventTradeIntent) throws(MessageError) -> [GuardOperation] {
        let symbol = try known(intent.symbol)
        if intent.hasPair { return try taken(by: intent) }
        switch intent.action {
        case .close: return []
        case .buy: return try opening(symbol, .buy, intent.positionSide, reduceOnly: intent.reduceOnly)
        case .sell: return try opening(symbol, .sell, intent.positionSide, reduceOnly: intent.reduceOnly)
        case .hold, .unspecified, .UNRECOGNIZED: throw MessageError("action", "an intent must be buy, sell or close")
        }
    }

    /// Both legs may increase risk, and the same signal has one trade at a time.
    private static func taken(by intent: EventTradeIntent) throws(MessageError) -> [GuardOperation] {
        let side: EventSide
        switch intent.action {
        case .buy: side = .buy
        case .sell: side = .sell
        case .close, .hold, .unspecified, .UNRECOGNIZED: throw MessageError("action", "a pair trade buys or sells")
        }
        let second = try known(intent.pair.symbolY)
        var operations = try opening(intent.symbol, side, .both, reduceOnly: false)
        operations += try opening(second, intent.pair.sideY, .both, reduceOnly: false)
        let name = GuardName.pair(intent.symbol, second, side, intent.pair.sideY)
        return operations + [.take(name, holder: GuardName.trade)]
    }

    private static func released(by result: EventExecutionResult) throws(MessageError) -> [GuardOperation] {
        guard result.hasPair else { return [] }
        guard result.side == .buy || result.side == .sell else { throw MessageError("side", "must be buy or sell") }
        let name = GuardName.pair(
            try known(result.symbol), try known(result.pair.symbolY), result.side, result.pair.sideY)
        return [.release(name, holder: GuardName.trade)]
    }

    private static func required(by request: EventOrderRequested) throws(MessageError) -> [GuardOperation] {
        let symbol = try known(request.symbol)
        return try opening(symbol, request.side, request.positionSide, reduceOnly: request.reduceOnly)
    }

    /// What an order requires that can increase risk; nothing where it cannot.
    private static func opening(
        _ symbol: String, _ side: EventSide, _ positionSide: EventPositionSide, reduceOnly: Bool
    ) throws(MessageError) -> [GuardOperation] {
        if reduceOnly { return [] }
        switch (side, positionSide) {
        case (.sell, .long), (.buy, .short): return []
        case (.buy, .long), (.sell, .short), (.buy, .both), (.sell, .both), (.buy, .unspecified), (.sell, .unspecified):
            return [
                .requireLowered(GuardName.halt), .requireLowered(GuardName.reducing),
                .requireLowered(GuardName.symbol(symbol)),
            ]
        case (_, .UNRECOGNIZED): throw MessageError("position_side", "must be both, long or short")
        case (.unspecified, _), (.UNRECOGNIZED, _): throw MessageError("side", "must be buy or sell")
        }
    }

    /// A guard's name must be the same for all who mean one symbol.
    private static func known(_ symbol: String) throws(MessageError) -> String {
        let canonical = try Symbol.canonical(symbol)
        guard canonical == symbol else { throw MessageError("symbol", "must be in upper case") }
        return symbol
    }

    private static func cause(_ text: String) throws(MessageError) -> String {
        do {
            try BoundError.check(text, "cause", max: Limits.guardNameBytesMax)
        } catch {
            throw MessageError(error)
        }
        return text
    }
}
