// Performs what one intent's machine asks, in virtual time: the log at once, the exchange when its answer comes. It
// decides nothing, unless its world's sabotage says so: then it does wrong what an auditor must find.

internal import Domain
internal import EventLog
internal import Events
internal import Exchange
internal import Records
internal import Services

final class SimulatedIntent {
    private let queued: QueuedIntent
    private let process: SimulatedProcess
    private var execution: Execution?
    private var permit: SendPermit?
    private var hasSentAgain = false
    private var record: Record { queued.record }
    private var journal: ExecutionJournal { process.journal }
    private var sabotage: WorldPlan.Sabotage { process.plan.sabotage }

    init(_ queued: QueuedIntent, _ process: SimulatedProcess) {
        self.queued = queued
        self.process = process
    }

    func start() throws {
        if sabotage == .acknowledgesFirst { try journal.acknowledge(record.header.entryID) }
        guard var intent = try journal.intent(record, takenOverAt: queued.takenOverAt) else {
            try journal.acknowledge(record.header.entryID)
            return try process.finished(queued)
        }
        if sabotage == .sendsWhatStands {
            intent = IntentToExecute(
                sequence: intent.sequence, intent: intent.intent, recordedAt: intent.recordedAt, requests: [],
                takenOverAt: nil, isBeforeRestore: false)
        }
        execution = Execution(intent, journal.policy, at: journal.now)
        soon()
    }

    private func soon() {
        process.time.after(1) { try self.perform() }
    }

    private func answer(_ answer: ExecutionAnswer) {
        guard !process.isDead else { return }
        var now = journal.now
        if sabotage == .believesAtOnce, case .lookedUp(.rejected(let rejection)) = answer, rejection.kind == .notFound {
            now += 60_000
        }
        execution?.take(answer, at: now)
        soon()
    }

    private func perform() throws {
        guard process.mayGoOn(), let effect = execution?.effect else { return }
        switch effect {
        case .finished: try process.finished(queued)
        case .pause(let milliseconds): process.time.after(milliseconds) { self.answer(.done) }
        case .request(let plan): answer(try request(plan))
        case .place(let request): place(request, permit.take())
        case .ordersOfTheLastMinute: answer(.count(try journal.ordersOfTheLastMinute()))
        case .note(let notes):
            try journal.note(notes, traceID: record.traceID, evidence: evidence())
            answer(.done)
        case .conclude(let notes, let result):
            _ = try journal.conclude(
                notes, result, traceID: record.traceID, entry: record.header.entryID, evidence: evidence())
            answer(.done)
        case .witnesses where sabotage == .believesAtOnce: answer(.notSeen)
        case .instrument, .price, .holdings, .lookUp, .trades, .witnesses, .leverage, .cancel:
            process.desk.perform(effect) { self.answer($0) }
        }
    }

    /// It stands in the log with what is written now: here a write fails only where its world ends.
    private func evidence() -> [EventEvidence] {
        defer { execution?.trail.isRecorded() }
        return execution?.trail.parts ?? []
    }

    private func request(_ plan: OrderPlan) throws -> ExecutionAnswer {
        var answer = try journal.request(
            plan, of: record.sequence, traceID: record.traceID, evidence: evidence())
        if sabotage == .sendsWhatStands, case .stoodAlready(let found) = answer, found.settled == nil {
            answer = .committed(found)
        }
        if case .committed(let request) = answer { permit = .init(request) }
        return answer
    }

    private func place(_ request: RequestedOrder, _ permit: consuming SendPermit?) {
        guard let permit else {
            return answer(.placed(.unknown(Unknown(reason: .notUnderstood, text: "no permit for this order"))))
        }
        let order: NewOrder
        do throws(NotSent) { order = try request.order } catch { return answer(.placed(.notSent(error))) }
        let look = { [journal, sabotage] in sabotage == .forgetsGuards || journal.mayLeave(request.plan) }
        process.line.place(order, permit: permit, lastLook: look) { found in
            guard case .unknown = found, self.sabotage == .sendsAgain, !self.hasSentAgain else {
                return self.answer(.placed(found))
            }
            self.hasSentAgain = true
            self.place(request, SendPermit(request))
        }
    }
}

extension SendPermit {
    fileprivate init(_ request: RequestedOrder) {
        self.init(appended: request.sequence, clientOrderID: request.clientOrderID)
    }
}
