// Runs every execution again on what it was told: each life's evidence is fed to the rules, which must ask the same
// questions, want the same orders and come to the same end as are recorded.

internal import Events
internal import Exchange
internal import Records

struct ExecutionAudit: Sendable {
    private struct LifeName: Hashable {
        let intent: SequenceNumber
        let session: SequenceNumber
        let startedAt: Milliseconds
    }
    private struct Life {
        var execution: Execution
        var parts: UInt32
        var steps = 0
    }
    private enum Broken: Error {
        case cannot(String)
        case differs(expected: String, found: String)
    }
    private var lives: [LifeName: Life] = [:]
    /// Whose evidence came last.
    private var latest: [SequenceNumber: LifeName] = [:]
    /// In the order of their beginnings; what has ended is among them for a while.
    private var begun: [LifeName] = []
    private var steps = 0
    var livesHeld: Int { lives.count }

    // MARK: Evidence

    mutating func said(
        _ record: Record, _ evidence: EventEvidence, _ past: any AuditPast, _ book: inout AuditBook
    ) throws {
        let intent = SequenceNumber(evidence.about)
        let name = LifeName(intent: intent, session: record.header.session, startedAt: evidence.startedAtMs)
        latest[intent] = nil
        do {
            var life = try life(name, record, evidence, past)
            drop(name)
            try go(on: &life, record, evidence, past)
            keep(life, name)
            latest[intent] = name
        } catch Broken.cannot(let why) {
            drop(name)
            book.cannotReplay(record.sequence, evidence.rule, why)
        } catch Broken.differs(let expected, let found) {
            drop(name)
            book.find(record.sequence, evidence.rule, expected: expected, found: found)
        }
    }

    /// Bounded, whatever a log holds: of a life that is dropped the next part says that it cannot be computed again.
    private mutating func keep(_ life: Life, _ name: LifeName) {
        if life.parts == 1 { begun.append(name) }
        lives[name] = life
        steps += life.steps
        var oldest = begun.startIndex
        while lives.count > Limits.auditLivesMax || steps > Limits.auditStepsMax, oldest < begun.endIndex {
            drop(begun[oldest])
            oldest += 1
        }
        begun.removeSubrange(..<oldest)
        if begun.count > 2 * Limits.auditLivesMax { begun.removeAll { lives[$0] == nil } }
    }

    private mutating func drop(_ name: LifeName) {
        if let life = lives.removeValue(forKey: name) { steps -= life.steps }
    }

    private func life(
        _ name: LifeName, _ said: Record, _ evidence: EventEvidence, _ past: any AuditPast
    ) throws -> Life {
        if evidence.part > 1 {
            guard let life = lives[name], life.parts + 1 == evidence.part else {
                throw Broken.cannot("part \(evidence.part) of its evidence, without the one before")
            }
            return life
        }
        guard AnswerFields.moments.contains(name.startedAt) else {
            throw Broken.cannot("its evidence cannot be read: started_at_ms is no moment")
        }
        guard name.intent < said.sequence, let record = try past.record(name.intent),
            case .tradeIntent(let intent) = try EventRecord.decode(record)
        else { throw Broken.differs(expected: "evidence about an intent", found: "record \(name.intent) is none") }
        guard let first = try ExecutionAudit.rows(evidence).first else { throw Broken.cannot("its evidence is empty") }
        let begin = try ExecutionAudit.read { () throws(MessageError) in try EvidentBeginning(evidence: first) }
        guard let policy = try past.execution(begin.config) else {
            throw Broken.cannot("its configuration, record \(begin.config), cannot be read")
        }
        for request in begin.requests { try check(request, name.intent, before: said.sequence, past) }
        let work = IntentToExecute(
            sequence: name.intent, intent: intent, recordedAt: begin.recordedAt, requests: begin.requests,
            takenOverAt: begin.takenOverAt, isBeforeRestore: begin.isBeforeRestore)
        return Life(execution: Execution(work, policy, at: name.startedAt), parts: 0)
    }

    private func go(
        on life: inout Life, _ said: Record, _ evidence: EventEvidence, _ past: any AuditPast
    ) throws {
        var rows = try ExecutionAudit.rows(evidence)[...]
        if evidence.part == 1 { rows = rows.dropFirst() }
        guard life.steps + rows.count <= Limits.auditStepsPerLifeMax else {
            throw Broken.cannot("it has more than \(Limits.auditStepsPerLifeMax) steps")
        }
        for row in rows {
            let step = try ExecutionAudit.read { () throws(MessageError) in try EvidentStep(evidence: row) }
            let effect = life.execution.effect
            guard step.asked == effect.label else {
                throw Broken.differs(expected: effect.label, found: step.asked)
            }
            guard effect.takes(step.answer) else {
                throw Broken.differs(
                    expected: "an answer to \(effect.label)", found: JSONText.render(step.answer.evidence))
            }
            switch step.answer {
            case .committed(let request), .stoodAlready(let request):
                try check(request, SequenceNumber(evidence.about), before: said.sequence, past)
            case .instrument, .price, .holdings, .count, .done, .unanswered, .declined, .requestRefused, .placed,
                .lookedUp, .trades, .seen, .notSeen:
                break
            }
            life.execution.take(step.answer, at: step.at)
            // It was said already, and stands in the log.
            life.execution.trail.isRecorded()
        }
        life.parts = evidence.part
        life.steps += rows.count
    }

    /// A request that was told of is the one that stands in the log, and so is its end.
    private func check(
        _ request: RequestedOrder, _ intent: SequenceNumber, before said: SequenceNumber, _ past: any AuditPast
    ) throws {
        guard request.sequence < said, let record = try past.record(request.sequence),
            case .orderRequested(let message) = try EventRecord.decode(record),
            message.intentSequence == intent.rawValue, message.clientOrderID == request.clientOrderID.text,
            request.plan.isThat(of: message)
        else {
            throw Broken.differs(
                expected: "request \(request.clientOrderID), \(request.plan.label)",
                found: "record \(request.sequence) is not that request")
        }
        guard let settled = request.settled else { return }
        guard let record = try past.first(EventOrderOutcome.finalKey(of: request.sequence), before: said),
            case .orderOutcome(let message) = try EventRecord.decode(record), settled.isThat(of: message)
        else {
            throw Broken.differs(
                expected: "outcome \(settled.state.text) of \(settled.executed), request \(request.sequence)",
                found: "no such outcome before it")
        }
    }

    // MARK: What followed

    /// - Parameter isAsked: what the rules must want at this moment. Nil: they want something else, which it names.
    private func compare(
        _ record: Record, _ intent: SequenceNumber, _ book: inout AuditBook,
        _ difference: (ExecutionEffect) -> (expected: String, found: String)?
    ) {
        guard let name = latest[intent], let life = lives[name] else {
            return book.cannotReplay(record.sequence, Execution.rule, "there is no evidence of what it was decided by")
        }
        if let (expected, found) = difference(life.execution.effect) {
            return book.find(record.sequence, Execution.rule, expected: expected, found: found)
        }
        book.isAsRecorded(record.sequence, Execution.rule)
    }

    func requested(
        _ record: Record, _ message: EventOrderRequested, _ past: any AuditPast, _ book: inout AuditBook
    ) {
        compare(record, SequenceNumber(message.intentSequence), &book) { effect in
            guard case .request(let plan) = effect else { return (effect.label, "a request") }
            let name = ClientOrderID.of(past.logID(at: record.sequence), requestKey: message.key).text
            let expected = plan.message(of: message, clientOrderID: name)
            return ExecutionAudit.difference(.orderRequested(expected), .orderRequested(message))
        }
    }

    func ended(_ record: Record, _ message: EventOrderOutcome, _ intent: SequenceNumber, _ book: inout AuditBook) {
        if message.givenUp {
            return book.cannotReplay(record.sequence, Execution.rule, "given up: deliveries are no records")
        }
        compare(record, intent, &book) { effect in
            let notes: [ExecutionNote]
            switch effect {
            case .note(let found): notes = found
            case .conclude(let found, _): notes = found
            default: return (effect.label, "an outcome")
            }
            let outcomes = notes.compactMap { note -> EventOrderOutcome? in
                if case .outcome(let outcome) = note { outcome } else { nil }
            }
            if outcomes.contains(message) { return nil }
            guard let expected = outcomes.first(where: { $0.requestSequence == message.requestSequence }) else {
                return ("no outcome of request \(message.requestSequence)", message.state.text)
            }
            return ExecutionAudit.difference(.orderOutcome(expected), .orderOutcome(message))
        }
    }

    mutating func concluded(_ record: Record, _ message: EventExecutionResult, _ book: inout AuditBook) {
        let intent = SequenceNumber(message.intentSequence)
        if message.reason.hasPrefix("delivered_too_often") {
            book.cannotReplay(record.sequence, Execution.rule, "given up: deliveries are no records")
        } else {
            compare(record, intent, &book) { effect in
                guard case .conclude(_, let expected) = effect else { return (effect.label, "a result") }
                return ExecutionAudit.difference(.executionResult(expected), .executionResult(message))
            }
        }
        latest[intent] = nil
        for name in lives.keys where name.intent == intent { drop(name) }
    }

    // MARK: Reading

    private static func difference(_ expected: Event, _ found: Event) -> (expected: String, found: String)? {
        let differences = expected.differences(from: found)
        if differences.isEmpty { return nil }
        return (
            differences.map { "\($0.name) \($0.expected)" }.joined(separator: ", "),
            differences.map { "\($0.name) \($0.found)" }.joined(separator: ", ")
        )
    }

    private static func rows(_ evidence: EventEvidence) throws -> [JSONValue] {
        try read { () throws(MessageError) in
            let said: JSONValue
            do throws(JSONError) { said = try JSONText.read(evidence.said) } catch {
                throw MessageError("said", "\(error)")
            }
            return try AnswerFields.rows(said)
        }
    }

    private static func read<Value>(_ body: () throws(MessageError) -> Value) throws -> Value {
        do { return try body() } catch { throw Broken.cannot("its evidence cannot be read: \(error)") }
    }
}

extension OrderPlan {
    fileprivate func isThat(of message: EventOrderRequested) -> Bool {
        message.leg == leg && message.symbol == symbol.text && message.side == side.event
            && (message.positionSide == .unspecified ? .both : message.positionSide) == positionSide.event
            && message.quantity == quantity.event && message.reduceOnly == reduceOnly
    }

    /// The request as the rules want it; what they do not decide is taken from the recorded one.
    fileprivate func message(of recorded: EventOrderRequested, clientOrderID: String) -> EventOrderRequested {
        var message = recorded
        message.leg = leg
        message.symbol = symbol.text
        message.side = side.event
        message.positionSide = positionSide.event
        message.quantity = quantity.event
        message.reduceOnly = reduceOnly
        message.clientOrderID = clientOrderID
        if let price { message.sizedAtPrice = price.event } else { message.clearSizedAtPrice() }
        if let holding { message.sizedByPosition = holding.event } else { message.clearSizedByPosition() }
        return message
    }
}

extension SettledOrder {
    fileprivate func isThat(of message: EventOrderOutcome) -> Bool {
        message.state == state && message.exchangeOrderID == exchangeOrderID
            && (message.hasExecutedQuantity ? message.executedQuantity : ExactDecimal.zero.event) == executed.event
    }
}
