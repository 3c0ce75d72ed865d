// A performer in virtual time: answers the effects of executions from a scripted exchange and a log of requests, and
// writes down what was done. It may be killed after any effect; the next life gets the requests that stand.

import Domain
import Events
import Exchange
import Records
import Testing

struct ExecutionWorld {
    var venue = ScriptedVenue()
    var policy = ExecutionPolicy()
    var now: Milliseconds = 1_000_000
    /// Of every effect but a pause.
    var latency: Milliseconds = 10
    /// Answers of the log to requests that it does not take: by leg, used up.
    var refusals: [UInt32: String] = [:]
    /// A restore has left open what became of the intents.
    var isBeforeRestore = false
    var ordersOfTheLastMinute = 0

    struct Step: Hashable {
        let effect: ExecutionEffect
        let at: Milliseconds
    }
    private(set) var steps: [Step] = []
    private(set) var requests: [Key: RequestedOrder] = [:]
    private(set) var placed: [RequestedOrder] = []
    private(set) var notes: [ExecutionNote] = []
    private(set) var results: [EventExecutionResult] = []
    /// Committed by the execution that is running, and not yet placed by it.
    private var permits: Set<SequenceNumber> = []

    struct Key: Hashable {
        let intent: SequenceNumber
        let leg: UInt32
    }

    // MARK: Running

    /// From beginning to end.
    @discardableResult
    mutating func run(_ intent: EventTradeIntent, sequence: UInt64 = 7, recordedAt: Milliseconds? = nil)
        -> EventExecutionResult
    {
        _ = live(intent, sequence: sequence, recordedAt: recordedAt)
        return results.last ?? EventExecutionResult()
    }

    /// One life of a process. False: it was killed, the answer to its last effect unheard: after so many effects, or as
    /// soon as something is so.
    mutating func live(
        _ intent: EventTradeIntent, sequence: UInt64 = 7, recordedAt: Milliseconds? = nil, killAfter: Int = .max,
        killWhen: (ExecutionWorld) -> Bool = { _ in false }
    ) -> Bool {
        var execution = start(intent, sequence: sequence, recordedAt: recordedAt)
        var count = 0
        while execution.effect != .finished {
            guard count < 5_000 else {
                Issue.record("it does not end: \(steps.suffix(6))")
                return false
            }
            let answer = perform(execution.effect, intent: SequenceNumber(sequence))
            count += 1
            if count >= killAfter || killWhen(self) {
                permits = []
                return false
            }
            execution.take(answer, at: now)
        }
        return true
    }

    func start(
        _ intent: EventTradeIntent, sequence: UInt64 = 7, recordedAt: Milliseconds? = nil,
        takenOverAt: Milliseconds? = nil
    ) -> Execution {
        let standing = requests.filter { $0.key.intent.rawValue == sequence }.map(\.value)
            .sorted { $0.plan.leg < $1.plan.leg }
        let record = IntentToExecute(
            sequence: SequenceNumber(sequence), intent: intent, recordedAt: recordedAt ?? now, requests: standing,
            takenOverAt: takenOverAt, isBeforeRestore: isBeforeRestore)
        return Execution(record, policy, at: now)
    }

    mutating func perform(_ effect: ExecutionEffect, intent: SequenceNumber) -> ExecutionAnswer {
        if case .pause(let time) = effect {
            #expect((1...60_000).contains(time), "a pause of \(time)")
            steps.append(Step(effect: effect, at: now))
            now += time
            return .done
        }
        now += latency
        steps.append(Step(effect: effect, at: now))
        return venue.isDeaf(at: now) ? (unheard(effect) ?? answer(effect, intent)) : answer(effect, intent)
    }

    private func unheard(_ effect: ExecutionEffect) -> ExecutionAnswer? {
        switch effect {
        case .instrument, .price, .holdings, .trades, .witnesses, .leverage, .cancel: .unanswered("deaf")
        case .lookUp, .place, .ordersOfTheLastMinute, .request, .note, .conclude, .pause, .finished: nil
        }
    }

    private mutating func answer(_ effect: ExecutionEffect, _ intent: SequenceNumber) -> ExecutionAnswer {
        switch effect {
        case .instrument(let symbol): return .instrument(venue.instruments[symbol])
        case .price(let symbol): return venue.prices[symbol].map { .price($0) } ?? .unanswered("no price")
        case .holdings(let symbol): return .holdings(venue.rows(symbol), isHedgeMode: venue.isHedgeMode)
        case .lookUp(_, let id): return .lookedUp(venue.lookUp(id, at: now))
        case .trades(_, let order): return .trades(venue.trades(order, at: now))
        case .witnesses(let request): return venue.isSeen(request.clientOrderID) ? .seen("trades") : .notSeen
        case .leverage: return venue.leverageAnswer
        case .cancel(_, let id):
            venue.cancel(id, at: now)
            return .done
        case .place(let request):
            #expect(permits.remove(request.sequence) != nil, "no permit for \(request)")
            placed.append(request)
            return .placed(venue.place(request, at: now))
        case .ordersOfTheLastMinute: return .count(ordersOfTheLastMinute)
        case .request(let plan): return request(plan, intent)
        case .note(let added):
            write(added)
            return .done
        case .conclude(let added, let result):
            write(added)
            results.append(result)
            return .done
        case .pause, .finished: return .done
        }
    }

    private mutating func write(_ added: [ExecutionNote]) {
        notes += added
        for note in added {
            guard case .outcome(let outcome) = note, outcome.state.isEnd,
                let (key, request) = requests.first(where: { $0.value.sequence.rawValue == outcome.requestSequence })
            else { continue }
            let settled = SettledOrder(
                state: outcome.state, exchangeOrderID: outcome.exchangeOrderID,
                executed: try! ExactDecimal(outcome.executedQuantity),
                averagePrice: outcome.hasAveragePrice ? try! ExactDecimal(outcome.averagePrice) : nil,
                reason: outcome.errorText)
            requests[key] = RequestedOrder(
                sequence: request.sequence, plan: request.plan, clientOrderID: request.clientOrderID,
                requestedAt: request.requestedAt, settled: settled)
        }
    }

    private mutating func request(_ plan: OrderPlan, _ intent: SequenceNumber) -> ExecutionAnswer {
        let key = Key(intent: intent, leg: plan.leg)
        if let standing = requests[key] { return .stoodAlready(standing) }
        if let reason = refusals.removeValue(forKey: plan.leg) {
            return .requestRefused(reason: reason, detail: "guard")
        }
        let sequence = SequenceNumber(100 + UInt64(requests.count))
        let request = RequestedOrder(
            sequence: sequence, plan: plan, clientOrderID: try! ClientOrderID("bs\(sequence)"), requestedAt: now,
            settled: nil)
        requests[key] = request
        permits.insert(sequence)
        return .committed(request)
    }
}

// MARK: What was done

extension ExecutionWorld {
    var quantities: [String] { placed.map { "\($0.plan.side.rawValue) \($0.plan.quantity) \($0.plan.symbol)" } }
    var lookUps: Int { steps.count { $0.effect.word == "lookUp" } }

    var hasReduced: Bool { notes.contains { if case .reducing = $0 { true } else { false } } }

    /// Trade ids, as often as they were noted.
    var fills: [String] {
        notes.compactMap { if case .fill(let fill, _) = $0 { fill.tradeID } else { nil } }
    }

    /// States of outcomes, in their order.
    var outcomes: [EventOutcomeState] {
        notes.compactMap { if case .outcome(let outcome) = $0 { outcome.state } else { nil } }
    }

    var venueTrades: [String] {
        venue.orders.flatMap { venue.trades($0.id, at: .max) }.map { "\($0.tradeID)" }
    }
}

extension EventOutcomeState {
    /// Nothing follows it.
    var isEnd: Bool { ![.unknown, .accepted, .partiallyFilled].contains(self) }
}

extension ExecutionEffect {
    /// Its name; of a note that raises it, `reducing`.
    var word: String {
        if case .note(let notes) = self, notes.contains(where: { if case .reducing = $0 { true } else { false } }) {
            return "reducing"
        }
        return String("\(self)".prefix { $0 != "(" })
    }
}
