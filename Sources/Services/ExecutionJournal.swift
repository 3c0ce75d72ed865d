// Execution's side of the log: requests, what is noted on the way, and the end of an intent, which is acknowledged in
// the transaction that records it. Whether a request may be sent is decided here by the log's answer, and nowhere else.

package import Domain
package import EventLog
package import Events
internal import Exchange
package import Records

package struct ExecutionJournal: Sendable {
    package let log: EventLog
    package let policy: ExecutionPolicy
    let producer: String
    package static let stream = StreamCatalogue.intents
    package static let group = "quantum:group:execution:trade.intent"

    package init(log: EventLog, policy: ExecutionPolicy, producer: String) {
        self.log = log
        self.policy = policy
        self.producer = producer
    }

    /// Of the clock that ages are counted by.
    package var now: Milliseconds { Milliseconds(log.clock.boot().nanoseconds / 1_000_000) }

    // MARK: Reading

    /// The intent with the requests that it has already; nil where it has its result.
    /// - Parameter takenOverAt: by then whoever had it before was dead; nil: nobody had it.
    package func intent(_ record: Record, takenOverAt: Milliseconds?) throws -> IntentToExecute? {
        guard case .tradeIntent(let message) = try EventRecord.decode(record) else {
            throw MessageError("kind", "an intent is expected")
        }
        if try first("execution.result/\(record.sequence.rawValue)") != nil { return nil }
        var requests: [RequestedOrder] = []
        while let found = try request(record.sequence, leg: UInt32(requests.count + 1)) { requests.append(found) }
        return IntentToExecute(
            sequence: record.sequence, intent: message, recordedAt: moment(record.header.recordedAt),
            requests: requests, takenOverAt: takenOverAt,
            isBeforeRestore: log.identity.isBeforeRestore(record.sequence))
    }

    private func request(_ intent: SequenceNumber, leg: UInt32) throws -> RequestedOrder? {
        guard let record = try first("order.requested/\(intent.rawValue)/\(leg)") else { return nil }
        let final = try first(EventOrderOutcome.finalKey(of: record.sequence))
        return try ExecutionJournal.requested(record, settledBy: final, at: moment(record.header.recordedAt))
    }

    func first(_ key: String) throws -> Record? {
        try log.snapshot { snapshot in
            guard let sequence = try snapshot.first(.own(key), stream: nil) else { return nil }
            return try snapshot.record(sequence)
        }
    }

    /// A record's time on our clock; of another boot, too.
    private func moment(_ recordedAt: Timestamp) -> Milliseconds {
        now - max(0, (log.clock.now().nanoseconds - recordedAt.nanoseconds) / 1_000_000)
    }

    static func requested(
        _ record: Record, settledBy final: Record?, at: Milliseconds
    ) throws -> RequestedOrder {
        guard case .orderRequested(let message) = try EventRecord.decode(record) else {
            throw MessageError("kind", "an order request is expected")
        }
        guard let side = message.side.order, let place = message.positionSide.place else {
            throw MessageError("side", "record \(record.sequence) names none that this version knows")
        }
        let plan = OrderPlan(
            leg: message.leg, symbol: try SymbolName(message.symbol), side: side, positionSide: place,
            quantity: try ExactDecimal(message.quantity), reduceOnly: message.reduceOnly)
        return RequestedOrder(
            sequence: record.sequence, plan: plan, clientOrderID: try ClientOrderID(message.clientOrderID),
            requestedAt: at, settled: try final.map(settled))
    }

    private static func settled(_ record: Record) throws -> SettledOrder {
        guard case .orderOutcome(let message) = try EventRecord.decode(record) else {
            throw MessageError("kind", "an outcome is expected")
        }
        return SettledOrder(
            state: message.state, exchangeOrderID: message.exchangeOrderID,
            executed: message.hasExecutedQuantity ? try ExactDecimal(message.executedQuantity) : .zero,
            averagePrice: message.hasAveragePrice ? try ExactDecimal(message.averagePrice) : nil,
            reason: message.errorText)
    }

    /// How many orders were requested in the last minute.
    package func ordersOfTheLastMinute() throws -> Int {
        let since = UInt64(max(0, log.clock.now().milliseconds - 60_000))
        return try log.snapshot { snapshot in
            guard let stream = try snapshot.stream(StreamCatalogue.orderRequests) else { return 0 }
            return try snapshot.entries(stream.number, EntryID(since, 0)...EntryID.last, limit: 10_000).count
        }
    }

    /// Whether an order that may increase risk may leave now. Where the log cannot be read: no.
    package func mayLeave(_ plan: OrderPlan) -> Bool {
        if plan.canOnlyReduce { return true }
        do {
            let guards = try log.snapshot { try $0.guards() }
            return ["halt", "reducing", "symbol/\(plan.symbol.text)"].allSatisfy { guards.first($0) == nil }
        } catch {
            return false
        }
    }

    // MARK: Writing

    /// Appends the request. Only the answer `committed` lets it be sent.
    package func request(
        _ plan: OrderPlan, of intent: SequenceNumber, traceID: String, evidence: [EventEvidence]
    ) throws -> ExecutionAnswer {
        let message = message(plan, intent)
        return try log.transact(plan.canOnlyReduce ? .group : .ordinary) { [self] transaction in
            try append(evidence, traceID, &transaction)
            if try transaction.first(.own("execution.result/\(intent.rawValue)"), stream: nil) != nil {
                return .requestRefused(reason: "ended", detail: "the intent has its result already")
            }
            // The rules ask for none; whatever asks, none is made.
            if transaction.isBeforeRestore(intent) {
                return .requestRefused(reason: "before_restore", detail: "the intent is from before a restore")
            }
            if let earlier = try transaction.first(.own(message.key), stream: nil) {
                let final = try transaction.first(.own(EventOrderOutcome.finalKey(of: earlier.sequence)), stream: nil)
                return .stoodAlready(
                    try ExecutionJournal.requested(earlier, settledBy: final, at: moment(earlier.header.recordedAt)))
            }
            let draft = try Drafts.orderRequested(
                message, traceID: traceID, basis: transaction.head.sequence, producer: producer, at: transaction.now)
            switch try transaction.append(draft) {
            case .appended(let place):
                return .committed(
                    RequestedOrder(
                        sequence: place.sequence, plan: plan, clientOrderID: try ClientOrderID(message.clientOrderID),
                        requestedAt: now, settled: nil))
            case .refused(let refusal):
                guard let why = Routing.reason(for: refusal) else { throw LogError.refused(refusal) }  // tried again
                return .requestRefused(reason: why.reason.text, detail: why.detail)
            case .duplicate, .conflict, .unknown:
                preconditionFailure("the key was looked up in this transaction, and inside one nothing is unknown")
            }
        }
    }

    private func message(_ plan: OrderPlan, _ intent: SequenceNumber) -> EventOrderRequested {
        var message = EventOrderRequested()
        message.intentSequence = intent.rawValue
        message.leg = plan.leg
        message.venue = policy.venue
        message.account = policy.account
        message.symbol = plan.symbol.text
        message.side = plan.side == .buy ? .buy : .sell
        message.positionSide = plan.positionSide.event
        message.quantity = plan.quantity.event
        message.reduceOnly = plan.reduceOnly
        message.clientOrderID = ClientOrderID.of(log.id, requestKey: message.key).text
        if let price = plan.price { message.sizedAtPrice = price.event }
        if let holding = plan.holding { message.sizedByPosition = holding.event }
        message.rule = Execution.rule
        message.configSequence = policy.configSequence.rawValue
        return message
    }

    package func note(_ notes: [ExecutionNote], traceID: String, evidence: [EventEvidence]) throws {
        try log.transact(.group) { [self] transaction in
            try append(evidence, traceID, &transaction)
            try append(notes, traceID, &transaction)
        }
    }

    /// True where this call ended the intent; false where it had its end already.
    package func conclude(
        _ notes: [ExecutionNote], _ result: EventExecutionResult, traceID: String, entry: EntryID,
        evidence: [EventEvidence]
    ) throws -> Bool {
        try log.transact(.group) { [self] transaction in
            try append(evidence, traceID, &transaction)
            try append(notes, traceID, &transaction)
            let draft = try Drafts.executionResult(
                result, traceID: traceID, basis: transaction.head.sequence, producer: producer, at: transaction.now)
            let isFirst: Bool
            switch try transaction.append(draft) {
            case .appended: isFirst = true
            case .duplicate, .conflict: isFirst = false
            case .refused(let refusal): throw LogError.refused(refusal)
            case .unknown(let why): throw LogError.poisoned(why)
            }
            Failpoint.acknowledgeBefore.hit()
            _ = try transaction.acknowledge(ExecutionJournal.stream, ExecutionJournal.group, [entry])
            return isFirst
        }
    }

    /// Where its end stands already.
    package func acknowledge(_ entry: EntryID) throws {
        try log.transact(.group) { _ = try $0.acknowledge(ExecutionJournal.stream, ExecutionJournal.group, [entry]) }
    }

    /// Before the records that it led to.
    private func append(
        _ evidence: [EventEvidence], _ traceID: String, _ transaction: inout LogTransaction
    ) throws {
        for part in evidence {
            let cause = SequenceNumber(part.about)
            let draft = try Drafts.evidence(part, traceID: traceID, cause: cause, producer: producer)
            if case .refused(let refusal) = try transaction.append(draft) { throw LogError.refused(refusal) }
        }
    }

    private func append(
        _ notes: [ExecutionNote], _ traceID: String, _ transaction: inout LogTransaction
    ) throws {
        for note in notes {
            let draft = try draft(note, traceID, transaction.head.sequence, transaction.now)
            // Duplicates are the rule (every feed reports); a conflict is evidence, and the first report stands.
            if case .refused(let refusal) = try transaction.append(draft) { throw LogError.refused(refusal) }
        }
    }

    private func draft(
        _ note: ExecutionNote, _ traceID: String, _ basis: SequenceNumber, _ now: Timestamp
    ) throws -> Draft {
        switch note {
        case .outcome(let outcome):
            try Drafts.orderOutcome(outcome, traceID: traceID, producer: producer, at: now)
        case .fill(let fill, let cause):
            try Drafts.fill(fill, traceID: traceID, cause: cause, producer: producer, at: now)
        case .detail(let detail, let cause):
            try Drafts.fillDetail(detail, traceID: traceID, cause: cause, producer: producer, at: now)
        case .reducing(let raised):
            try Drafts.reducingRaised(
                raised, traceID: traceID, cause: .none, basis: basis, producer: producer, at: now)
        }
    }
}

extension EventSide {
    /// Nil: not known to this version.
    fileprivate var order: OrderSide? {
        switch self {
        case .buy: .buy
        case .sell: .sell
        case .unspecified, .UNRECOGNIZED: nil
        }
    }
}

extension EventPositionSide {
    /// Nil: not known to this version.
    fileprivate var place: PositionSide? {
        switch self {
        case .both, .unspecified: .both
        case .long: .long
        case .short: .short
        case .UNRECOGNIZED: nil
        }
    }
}
