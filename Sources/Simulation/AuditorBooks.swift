// What the log's records say, written down once more, by other means than Domain's folds and the log's guards: intents
// and their ends, requests and their outcomes, fills, positions, guards. It only reads.

internal import Events
internal import Records

struct AuditorBooks {
    struct Intent {
        let symbol: String
        var isEnded = false
    }
    struct Request {
        let intent: UInt64
        let symbol: String
        let side: String
        let place: String
        let quantity: ExactSum
        let mayOpen: Bool
        let clientID: String
        let recordedAt: Milliseconds
        let isExit: Bool
        var isFinal = false
        /// Some outcome stands in the log.
        var isSpokenOf = false
    }
    private(set) var openDecisions: Set<UInt64> = []
    private(set) var intents: [UInt64: Intent] = [:]
    private(set) var openIntents: [UInt64] = []
    private(set) var requests: [UInt64: Request] = [:]
    private(set) var openRequests: [UInt64] = []
    private(set) var requestOfClientID: [String: UInt64] = [:]
    private(set) var fills: Set<String> = []
    /// Of fills, by symbol and side.
    private(set) var positions: [String: ExactSum] = [:]
    private(set) var openPanics: [UInt64] = []
    /// All triggers are completed, and trading is halted still.
    var isExited: Bool { openPanics.isEmpty && hasCompleted && isGuarded("halt") }
    private var hasCompleted = false
    private(set) var unknownCount = 0
    private(set) var givenUpCount = 0
    /// Why `reducing` was raised, how often.
    private(set) var reducingCounts: [String: Int] = [:]
    private(set) var reducingResumedAt: Milliseconds = 0
    private var requestsOfIntent: [UInt64: [UInt64]] = [:]
    private var givenUp: Set<UInt64> = []
    /// Name → who raised it, since when.
    private var raised: [String: [(holder: String, since: Milliseconds)]] = [:]

    func isGuarded(_ name: String) -> Bool { !(raised[name] ?? []).isEmpty }
    func isReducing(for cause: String) -> Bool { (raised["reducing"] ?? []).contains { $0.holder == cause } }
    func isEnded(_ intent: UInt64) -> Bool { intents[intent]?.isEnded ?? false }
    func requests(of intent: UInt64) -> [UInt64] { requestsOfIntent[intent] ?? [] }
    func isGivenUp(_ request: UInt64) -> Bool { givenUp.contains(request) }

    /// What forbids to open that symbol, for the longest time.
    func firstGuard(of symbol: String) -> (name: String, since: Milliseconds)? {
        ["halt", "reducing", "symbol/\(symbol)"].compactMap { name in
            raised[name]?.map(\.since).min().map { (name, $0) }
        }.min { $0.1 < $1.1 }
    }

    private mutating func endDecision(_ record: Record, _ find: (String) -> Void) {
        let decision = record.header.cause.rawValue
        if openDecisions.remove(decision) == nil {
            find("\(record.sequence) ends \(decision), which is no open decision")
        }
    }

    static func place(_ side: EventPositionSide) -> String {
        side == .long ? "LONG" : side == .short ? "SHORT" : "BOTH"
    }

    /// Returns a line for the digest, where the record matters.
    mutating func take(_ event: Event, _ record: Record, _ find: (String) -> Void) throws -> String? {
        let at = record.header.recordedAt.milliseconds
        let number = record.sequence.rawValue
        switch event {
        case .decision: openDecisions.insert(number)
        case .tradeIntent(let intent):
            endDecision(record, find)
            intents[number] = Intent(symbol: intent.symbol)
            openIntents.append(number)
            return "intent \(at) \(number) \(intent.symbol) \(intent.action)"
        case .decisionRefused(let refused):
            endDecision(record, find)
            return "refused \(at) \(refused.reason)"
        case .orderRequested(let request): return try take(request, number, at, find)
        case .orderOutcome(let outcome): return take(outcome, number, at, find)
        case .fill(let fill): return try take(fill, at, find)
        case .executionResult(let result): return take(result, at, find)
        case .halt: raise("halt", "halt", at)
        case .panicRequested:
            raise("halt", "panic", at)
            openPanics.append(number)
        case .panicCompleted(let completed):
            guard openPanics.contains(completed.panicSequence) else {
                find("panic \(completed.panicSequence) is completed twice, or was none")
                return nil
            }
            openPanics.removeAll { $0 == completed.panicSequence }
            hasCompleted = true
            return "completed \(at) \(number) \(completed.positionsTotal)/\(completed.positionsFailed)"
        case .reducingRaised(let reducing):
            reducingCounts[reducing.cause, default: 0] += 1
            raise("reducing", reducing.cause, at)
        case .reducingEnded(let ended): raised["reducing"]?.removeAll { $0.holder == ended.cause }
        case .resume(let resume):
            if resume.scope == .halt { hasCompleted = false }
            if resume.scope == .reducing { reducingResumedAt = at }
            raised[
                resume.scope == .halt ? "halt" : resume.scope == .reducing ? "reducing" : "symbol/\(resume.symbol)"] =
                nil
        default: return nil
        }
        return "\(at) \(number) kind \(record.kind.rawValue)"
    }

    private mutating func raise(_ name: String, _ holder: String, _ at: Milliseconds) {
        guard !(raised[name] ?? []).contains(where: { $0.holder == holder }) else { return }
        raised[name, default: []].append((holder, at))
    }

    private mutating func take(
        _ request: EventOrderRequested, _ number: UInt64, _ at: Milliseconds, _ find: (String) -> Void
    ) throws -> String {
        let place = AuditorBooks.place(request.positionSide)
        let closesLeg =
            place == "LONG" && request.side == .sell || place == "SHORT" && request.side == .buy
        let mayOpen = !request.reduceOnly && !closesLeg
        if mayOpen, let (name, _) = firstGuard(of: request.symbol) {
            find("request \(number) may open \(request.symbol), and \(name) is raised")
        }
        let isExit = request.rule == "exit/1"
        if !isExit, intents[request.intentSequence] == nil { find("request \(number) has no intent") }
        if isExit, mayOpen || !openPanics.contains(request.intentSequence) {
            find("request \(number) of the exit may open, or has no trigger that stands")
        }
        if isEnded(request.intentSequence) { find("request \(number) follows the end of its intent") }
        if requestOfClientID[request.clientOrderID] != nil { find("request \(number): its client order id is used") }
        requests[number] = Request(
            intent: request.intentSequence, symbol: request.symbol, side: request.side == .buy ? "BUY" : "SELL",
            place: place, quantity: ExactSum(try ExactDecimal(request.quantity)), mayOpen: mayOpen,
            clientID: request.clientOrderID, recordedAt: at, isExit: isExit)
        requestOfClientID[request.clientOrderID] = number
        openRequests.append(number)
        requestsOfIntent[request.intentSequence, default: []].append(number)
        return "request \(at) \(number) \(request.leg) \(request.symbol) \(request.side) \(requests[number]!.quantity)"
    }

    private mutating func take(
        _ outcome: EventOrderOutcome, _ number: UInt64, _ at: Milliseconds, _ find: (String) -> Void
    ) -> String {
        let line = "outcome \(at) \(outcome.requestSequence) \(outcome.state) \(outcome.errorCode)"
        guard var request = requests[outcome.requestSequence] else {
            find("outcome \(number) has no request")
            return line
        }
        let name = "symbol/\(request.symbol)"
        let holder = "\(outcome.requestSequence)"
        request.isSpokenOf = true
        switch outcome.state {
        case .unknown:
            unknownCount += 1
            raise(name, holder, at)
        case .accepted, .partiallyFilled: raised[name]?.removeAll { $0.holder == holder }
        case .filled, .rejected, .canceled, .expired, .notFoundAfterHorizon:
            if request.isFinal { find("request \(holder) has two final outcomes") }
            request.isFinal = true
            openRequests.removeAll { $0 == outcome.requestSequence }
            raised[name]?.removeAll { $0.holder == holder }
        case .unspecified, .UNRECOGNIZED: find("outcome \(number) has no state")
        }
        requests[outcome.requestSequence] = request
        return line
    }

    private mutating func take(_ fill: EventFill, _ at: Milliseconds, _ find: (String) -> Void) throws -> String {
        let name = "\(fill.symbol)/\(fill.tradeID)"
        if !fills.insert(name).inserted { find("fill \(name) stands twice") }
        let quantity = ExactSum(try ExactDecimal(fill.quantity))
        let key = "\(fill.symbol)/\(AuditorBooks.place(fill.positionSide))"
        positions[key] = try (positions[key] ?? .zero).adding(fill.side == .buy ? quantity : quantity.negated)
        return "fill \(at) \(name) \(quantity)"
    }

    private mutating func take(
        _ result: EventExecutionResult, _ at: Milliseconds, _ find: (String) -> Void
    ) -> String {
        let number = result.intentSequence
        if intents[number] == nil { find("a result of \(number), which is no intent") }
        if isEnded(number) { find("intent \(number) has two ends") }
        intents[number]?.isEnded = true
        openIntents.removeAll { $0 == number }
        if result.reason.hasPrefix("delivered_too_often") {
            givenUpCount += 1
            givenUp.formUnion(requests(of: number))
        }
        return "end \(at) \(number) \(result.state) \(result.reason.prefix { $0 != ":" })"
    }
}
