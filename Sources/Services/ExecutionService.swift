// The role that executes intents: several at once, those of one symbol one after the other, in their order. An intent
// stays pending until its end is recorded; what is unfinished when the process ends goes on after the next start.

package import Domain
package import EventLog
internal import Events
package import Exchange
package import Logging
internal import Processes
package import Records
internal import Synchronization

package struct ExecutionOptions: Sendable {
    /// Intents under way at once.
    package var inFlightMax = 16
    /// False: only what was begun is finished; new intents are left to others.
    package var takesNew = true

    package init() {}
}

package final class ExecutionService: Sendable {
    private struct Work {
        var queue: ExecutionQueue
        var failure: String?
    }

    private let log: EventLog
    private let options: ExecutionOptions
    private let logger: Logger
    private let reader: GroupReader
    private let worker: ExecutionWorker
    private let role: ExecutionRole
    private let board: RecoveryBoard
    private let work: Mutex<Work>
    private let pulse: @Sendable () -> Void

    /// - Parameter pulse: called in every round: a sign of life.
    package init(
        log: EventLog, exchange: any ExchangePort, policy: ExecutionPolicy, options: ExecutionOptions, name: String,
        host: String, pid: UInt32, board: RecoveryBoard, logger: Logger,
        pulse: @escaping @Sendable () -> Void = {}
    ) {
        self.log = log
        self.board = board
        self.pulse = pulse
        self.options = options
        work = Mutex(Work(queue: ExecutionQueue(inFlightMax: options.inFlightMax)))
        self.logger = logger
        let journal = ExecutionJournal(log: log, policy: policy, producer: name)
        role = ExecutionRole(name: name, journal: journal)
        let reader = GroupReader(log: log, role: role, host: host, pid: pid, batch: 64, logger: logger)
        self.reader = reader
        worker = ExecutionWorker(
            journal: journal, desk: ExchangeDesk(line: BlockingLine(port: exchange), journal: journal),
            port: exchange, board: board, logger: logger,
            pause: { reader.pause($0) }, retrying: { body in try reader.retrying { try body() } })
    }

    /// The service ends when the intents under way have theirs; those that wait for an exchange that does not answer
    /// are left pending.
    package func stop() { reader.stop() }

    /// Runs until `stop`. Throws where the log cannot go on.
    @available(*, noasync)
    package func run() throws {
        let lock = try reader.begin()
        defer { withExtendedLifetime(lock) {} }
        try reader.eachOwn { try self.takeOver($0) }
        reader.sayListening()
        while !reader.isStopping {
            pulse()
            let head = try log.head().sequence
            try reader.claimWhereDue { try self.takeOver($0) }
            board.tell { $0.hasLooked(role.name) }
            let room = work.withLock { $0.queue.room }
            let delivered = options.takesNew && room > 0 ? try reader.new(min(room, 64)) : []
            Failpoint.deliveryAfter.hit()
            if delivered.isEmpty {
                try reader.wait(past: head)
            } else {
                try take(delivered, takenOverAt: nil)
            }
            // Those that still run end first: nobody may use the log after it is closed.
            if work.withLock({ $0.failure != nil }) { reader.stop() }
        }
        try drain()
    }

    private func drain() throws {
        while work.withLock({ $0.queue.running }) > 0 { log.waker.wait(milliseconds: 50) { false } }
        let (left, failure) = work.withLock { ($0.queue.waiting, $0.failure) }
        if let failure { throw ExecutionFailure(description: failure) }
        logger.info("\(role.name) stopped; \(left) intents wait for the next start")
    }

    // MARK: Order and concurrency

    /// From a consumer that is dead: its lock was free, or is ours now.
    private func takeOver(_ delivered: [Delivered]) throws { try take(delivered, takenOverAt: worker.journal.now) }

    private func take(_ delivered: [Delivered], takenOverAt: Milliseconds?) throws {
        for delivery in delivered {
            let intent = try QueuedIntent(delivery, log, takenOverAt: takenOverAt)
            if takenOverAt != nil { try report(intent) }
            work.withLock { $0.queue.take(intent) }
        }
        startWhatMay()
    }

    private func report(_ queued: QueuedIntent) throws {
        let record = queued.record
        guard let intent = try worker.journal.intent(record, takenOverAt: queued.takenOverAt) else {
            let row = RecoveryReport.Row(
                .acknowledgement, symbol: queued.symbols[0], clientOrderID: "", traceID: record.traceID)
            return board.tell { $0.find(row, record.sequence) }
        }
        board.tell { report in
            for request in intent.requests where request.settled == nil {
                let row = RecoveryReport.Row(
                    .request, symbol: request.plan.symbol.text, clientOrderID: request.clientOrderID.text,
                    traceID: record.traceID)
                report.find(row, request.sequence)
            }
            let row = RecoveryReport.Row(
                .intent, symbol: intent.intent.symbol, clientOrderID: "", traceID: record.traceID)
            report.find(row, record.sequence)
        }
    }

    private func startWhatMay() {
        while let intent = work.withLock({ next(&$0) }) {
            OSThread.start("intent-\(intent.record.sequence)") { self.carryOut(intent) }
        }
    }

    private func next(_ work: inout Work) -> QueuedIntent? {
        work.failure == nil && !reader.isStopping ? work.queue.next() : nil
    }

    private func carryOut(_ intent: QueuedIntent) {
        var failure: String?
        do { try worker.run(intent) } catch {
            failure = "intent \(intent.record.sequence): \(error)"
        }
        work.withLock { work in
            work.queue.finished(intent)
            if let failure { work.failure = work.failure ?? failure }
        }
        startWhatMay()
        log.waker.wake()
    }
}

package struct ExecutionFailure: Error, CustomStringConvertible {
    package let description: String
}

/// Execution's place among the groups, and the end of an intent over which its process dies again and again.
package struct ExecutionRole: Consuming {
    package let name: String
    let journal: ExecutionJournal
    package var stream: StreamName { ExecutionJournal.stream }
    package var group: String { ExecutionJournal.group }

    package init(name: String, journal: ExecutionJournal) {
        self.name = name
        self.journal = journal
    }

    static func symbols(_ record: Record) throws -> [String] {
        guard case .tradeIntent(let intent) = try EventRecord.decode(record) else {
            throw MessageError("kind", "an intent is expected")
        }
        return intent.hasPair ? [intent.symbol, intent.pair.symbolY] : [intent.symbol]
    }

    /// FAILED; where an order of it may be on the exchange, its symbol stays guarded and risk is not increased.
    package func giveUp(_ record: Record, _ reason: String, _ transaction: inout LogTransaction) throws -> [String] {
        guard case .tradeIntent(let intent) = try EventRecord.decode(record) else { return [] }
        let trace = record.traceID
        var left: [String] = []
        for leg in 1...UInt32(Limits.ordersPerIntentMax) {
            let key = "order.requested/\(record.sequence.rawValue)/\(leg)"
            guard let found = try transaction.first(.own(key), stream: nil) else { break }
            let final = EventOrderOutcome.finalKey(of: found.sequence)
            guard try transaction.first(.own(final), stream: nil) == nil else { continue }
            let request = try ExecutionJournal.requested(found, settledBy: nil, at: 0)
            var outcome = EventOrderOutcome()
            outcome.requestSequence = found.sequence.rawValue
            outcome.symbol = request.plan.symbol.text
            outcome.clientOrderID = request.clientOrderID.text
            outcome.state = .unknown
            outcome.givenUp = true
            outcome.errorText = reason
            try append(Drafts.orderOutcome(outcome, traceID: trace, producer: name, at: transaction.now), &transaction)
            left.append(request.clientOrderID.text)
        }
        if !left.isEmpty {
            var raised = EventReducingRaised()
            raised.cause = "given_up"
            raised.detail = "orders \(left.joined(separator: ", ")) are unresolved"
            try append(
                Drafts.reducingRaised(
                    raised, traceID: trace, cause: record.sequence, basis: transaction.head.sequence, producer: name,
                    at: transaction.now), &transaction)
        }
        var result = EventExecutionResult()
        result.intentSequence = record.sequence.rawValue
        result.symbol = intent.symbol
        result.side = intent.action == .buy ? .buy : intent.action == .sell ? .sell : .unspecified
        result.state = .failed
        result.reason = "delivered_too_often: \(reason)"
        if intent.hasPair { result.pair = intent.pair }
        try append(
            Drafts.executionResult(
                result, traceID: trace, basis: transaction.head.sequence, producer: name, at: transaction.now),
            &transaction)
        return ["TERMINAL STATE: FAILED | \(intent.symbol) | trace_id=\(trace) | \(result.reason)"]
    }

    private func append(_ draft: Draft, _ transaction: inout LogTransaction) throws {
        if case .refused(let refusal) = try transaction.append(draft) { throw LogError.refused(refusal) }
    }
}
