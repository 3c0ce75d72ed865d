// Carries one intent to its end: performs what its rules ask, in order, on one thread. It holds the permit of the
// request that this process has just committed, and no other; without one nothing is sent.

package import Domain
internal import EventLog
internal import Events
package import Exchange
internal import Logging
internal import Records

struct ExecutionWorker: Sendable {
    let journal: ExecutionJournal
    let desk: ExchangeDesk
    let port: any ExchangePort
    /// Hears of every end; it knows which of them were found unfinished.
    let board: RecoveryBoard
    let logger: Logger
    /// Waits; false where the service stops and the intent is to be left as it is.
    let pause: @Sendable (Milliseconds) -> Bool
    /// Retries while the log is full.
    let retrying: @Sendable (() throws -> ExecutionAnswer) throws -> ExecutionAnswer

    /// Returns when the intent has its end, or where the service stops in the middle: it is pending then, and goes on
    /// after the next start. Throws where the log cannot go on.
    func run(_ queued: QueuedIntent) throws {
        let record = queued.record
        guard let intent = try journal.intent(record, takenOverAt: queued.takenOverAt) else {
            return try acknowledge(record)
        }
        if !intent.requests.isEmpty {
            logger.notice(
                "RECOVER \(intent.intent.symbol) trace_id=\(record.traceID): \(intent.requests.count) requests")
        }
        var execution = Execution(intent, journal.policy, at: journal.now)
        var permit: SendPermit?
        while true {
            let answer: ExecutionAnswer
            switch execution.effect {
            case .finished: return
            case .pause(let milliseconds):
                guard pause(milliseconds) else { return }
                answer = .done
            case .request(let plan):
                let evidence = execution.trail.parts
                answer = try retrying {
                    try journal.request(plan, of: record.sequence, traceID: record.traceID, evidence: evidence)
                }
                execution.trail.isRecorded()
                Failpoint.requestAfter.hit()
                if case .committed(let request) = answer {
                    permit = SendPermit(appended: request.sequence, clientOrderID: request.clientOrderID)
                }
            case .place(let request):
                answer = .placed(place(request, permit.take()))
                Failpoint.placeAfter.hit()
            case .conclude(let notes, let result):
                let evidence = execution.trail.parts
                answer = try retrying { try conclude(notes, result, record, evidence) }
                execution.trail.isRecorded()
                Failpoint.concludeAfter.hit()
            case .instrument, .price, .holdings, .lookUp, .trades, .witnesses, .leverage, .cancel,
                .ordersOfTheLastMinute:
                answer = try perform(execution.effect)
            case .note(let notes):
                let evidence = execution.trail.parts
                answer = try retrying {
                    try journal.note(notes, traceID: record.traceID, evidence: evidence)
                    return .done
                }
                execution.trail.isRecorded()
                report(notes)
                Failpoint.noteAfter.hit()
            }
            execution.take(answer, at: journal.now)
        }
    }

    private func perform(_ effect: ExecutionEffect) throws -> ExecutionAnswer {
        switch effect {
        case .instrument, .price, .holdings, .lookUp, .trades, .witnesses, .leverage, .cancel:
            var answer: ExecutionAnswer?
            desk.perform(effect) { answer = $0 }
            guard let answer else { preconditionFailure("a blocking line answers before it returns") }
            return answer
        case .ordersOfTheLastMinute: return .count(try journal.ordersOfTheLastMinute())
        case .note, .request, .place, .conclude, .pause, .finished: preconditionFailure("\(effect) is the loop's own")
        }
    }

    /// Without its permit an order is not sent, and nothing is known of it.
    private func place(_ request: RequestedOrder, _ permit: consuming SendPermit?) -> Answer<OrderReport> {
        guard let permit else { return .unknown(Unknown(reason: .notUnderstood, text: "no permit for this order")) }
        let order: NewOrder
        do throws(NotSent) { order = try request.order } catch { return .notSent(error) }
        let plan = request.plan
        Failpoint.placeBefore.hit()
        return port.place(order, permit: permit, .ordinary) { [journal] in journal.mayLeave(plan) }
    }

    private func conclude(
        _ notes: [ExecutionNote], _ result: EventExecutionResult, _ record: Record, _ evidence: [EventEvidence]
    ) throws -> ExecutionAnswer {
        let isFirst = try journal.conclude(
            notes, result, traceID: record.traceID, entry: record.header.entryID, evidence: evidence)
        report(notes)
        board.tell { $0.resolve(record.sequence, as: result.state.text) }
        if isFirst {
            let side = result.side == .unspecified ? "CLOSE" : result.side == .buy ? "BUY" : "SELL"
            let why = result.reason.isEmpty ? "" : " | \(result.reason)"
            logger.info(
                "TERMINAL STATE: \(result.state.text) | \(result.symbol) \(side) | trace_id=\(record.traceID)\(why)")
        } else {
            logger.info("DUPLICATE_SKIP trace_id=\(record.traceID) (it had its result already)")
        }
        return .done
    }

    private func report(_ notes: [ExecutionNote]) {
        for case .outcome(let outcome) in notes where outcome.state.isFinal {
            board.tell { $0.resolve(SequenceNumber(outcome.requestSequence), as: outcome.state.text) }
        }
    }

    /// Its end stands already; its acknowledgement did not.
    private func acknowledge(_ record: Record) throws {
        let id = record.header.entryID
        _ = try retrying {
            try journal.acknowledge(id)
            return .done
        }
        board.tell { $0.resolve(record.sequence, as: "acknowledged") }
        logger.info("DUPLICATE_SKIP trace_id=\(record.traceID) (it had its result already)")
    }
}

extension RequestedOrder {
    /// As it is sent.
    package var order: NewOrder {
        get throws(NotSent) {
            let order: NewOrder
            do {
                order = try NewOrder(
                    symbol: plan.symbol, side: plan.side, positionSide: plan.positionSide, quantity: plan.quantity,
                    terms: .market, reduceOnly: plan.reduceOnly && plan.positionSide == .both,
                    clientOrderID: clientOrderID)
            } catch {
                throw NotSent(reason: .outOfBounds, text: "\(error)")
            }
            guard !plan.reduceOnly || order.canOnlyReduce else {
                throw NotSent(reason: .outOfBounds, text: "an order that may only reduce would open")
            }
            return order
        }
    }
}
