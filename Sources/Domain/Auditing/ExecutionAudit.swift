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
    }
    private enum Broken: Error {
        case cannot(String)
        case differs(expected: String, found: String)
    }
    private var lives: [LifeName: Life] = [:]
    /// Whose evidence came last.
    private var latest: [SequenceNumber: LifeName] = [:]

    // MARK: Evidence

    mutating func said(
        _ record: Record, _ evidence: EventEvidence, _ past: any AuditPast, _ book: inout AuditBook
    ) throws {
        let intent = SequenceNumber(evidence.about)
        let name = LifeName(intent: intent, session: record.header.session, startedAt: evidence.startedAtMs)
        latest[intent] = nil
        do {
            var life = try life(name, evidence, past)
            try go(on: &life, evidence, past)
            lives[name] = life
            latest[intent] = name
        } catch Broken.cannot(let why) {
            lives[name] = nil
            book.cannotReplay(record.sequence, evidence.rule, why)
        } catch Broken.differs(let expected, let found) {
            lives[name] = nil
            book.find(record.sequence, evidence.rule, expected: expected, found: found)
        }
    }

    private func life(_ name: LifeName, _ evidence: EventEvidence, _ past: any AuditPast) throws -> Life {
        if evidence.part > 1 {
            guard let life = lives[name], life.parts + 1 == evidence.part else {
                throw Broken.cannot("part \(evidence.part) of its evidence, without the one before")
            }
            return life
        }
        guard let record = try past.record(name.intent), case .tradeIntent(let intent) = try EventRecord.decode(record)
        else { throw Broken.differs(expected: "evidence about an intent", found: "record \(name.intent) is none") }
        guard let first = try ExecutionAudit.rows(evidence).first else { throw Broken.cannot("its evidence is empty") }
        let begin = try ExecutionAudit.read { () throws(MessageError) in try EvidentBeginning(evidence: first) }
        guard let policy = try past.execution(begin.config) else {
            throw Broken.cannot("its configuration, record \(begin.config), cannot be read")
        }
        for request in begin.requests { try check(request, past) }
        let work = IntentToExecute(
            sequence: name.intent, intent: intent, recordedAt: begin.recordedAt, requests: begin.requests,
            takenOverAt: begin.takenOverAt, isBeforeRestore: begin.isBeforeRestore)
        return Life(execution: Execution(work, policy, at: name.startedAt), parts: 0)
    }

    private func go(on life: inout Life, _ evidence: EventEvidence, _ past: any AuditPast) throws {
        var rows = try ExecutionAudit.rows(evidence)[...]
        if evidence.part == 1 { rows = rows.dropFirst() }
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
            if case .committed(let request) = step.answer { try check(request, past) }
            life.execution.take(step.answer, at: step.at)
        }
        life.parts = evidence.part
    }

    /// A request that was told of is the one that stands in the log.
    private func check(_ request: RequestedOrder, _ past: any AuditPast) throws {
        guard let record = try past.record(request.sequence),
            case .orderRequested(let message) = try EventRecord.decode(record),
            message.clientOrderID == request.clientOrderID.text
        else {
            throw Broken.differs(
                expected: "request \(request.clientOrderID)", found: "record \(request.sequence) is not that request")
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
        if let name = latest.removeValue(forKey: intent) { lives[name] = nil }
        lives = lives.filter { $0.key.intent != intent }
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
