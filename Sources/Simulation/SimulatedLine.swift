// One process' client in virtual time: budget, signature, one departure, one answer, as ExchangeClient has them, with
// the same words. It never sends anything twice; after its process' death nobody hears its answers.

internal import Events
internal import Exchange
internal import ExchangeSimulation
internal import Records
internal import Services

/// Unchecked: a world has one thread.
final class SimulatedLine: ExchangeLine, @unchecked Sendable {
    private let exchange: SimulatedExchange
    private let time: VirtualTime
    private let client: String
    private let budgetClass: BudgetClass
    private var budget = Budget()
    /// The exchange's clock less ours.
    private var offset: Milliseconds = 0
    private var isAskingTheTime = false
    var isDead = false

    init(
        _ exchange: SimulatedExchange, _ time: VirtualTime, client: String, budgetClass: BudgetClass = .ordinary
    ) {
        self.budgetClass = budgetClass
        self.exchange = exchange
        self.time = time
        self.client = client
    }

    func ask<Value>(_ query: Query<Value>, then: @escaping (Exchange.Answer<Value>) -> Void) {
        submit(query.endpoint, lastLook: nil) { then($0.answer(scrub: { $0 }, query.read)) }
    }

    func command<Value>(_ command: Command<Value>, then: @escaping (Exchange.Answer<Value>) -> Void) {
        self.command(command, budgetClass, then: then)
    }

    func command<Value>(
        _ command: Command<Value>, _ budgetClass: BudgetClass, then: @escaping (Exchange.Answer<Value>) -> Void
    ) {
        submit(command.endpoint, budgetClass, lastLook: nil) { then($0.answer(scrub: { $0 }, command.read)) }
    }

    func place(
        _ order: NewOrder, permit: consuming SendPermit, lastLook: @escaping () -> Bool,
        then: @escaping (Exchange.Answer<OrderReport>) -> Void
    ) {
        if let refusal = permit.refusal(of: order) { return then(.notSent(refusal)) }
        submit(.placeOrder(order), lastLook: lastLook) { verdict in
            then(verdict.answer(scrub: { $0 }) { try Readers.placed($0, order) })
        }
    }

    // MARK: One request

    private final class Call {
        let sentAt: Milliseconds
        let isWrite: Bool
        var hasLeft = false
        var isAnswered = false

        init(sentAt: Milliseconds, isWrite: Bool) {
            self.sentAt = sentAt
            self.isWrite = isWrite
        }
    }

    private func submit(
        _ endpoint: Exchange.Endpoint, _ budgetClass: BudgetClass = .ordinary, lastLook: (() -> Bool)?,
        _ then: @escaping (Verdict) -> Void
    ) {
        let plan = endpoint.plan
        if let throttling = budget.admit(plan.cost, budgetClass, at: time.now + offset) {
            return time.after(1) { if !self.isDead { then(.throttled(throttling)) } }
        }
        let sign = { ExchangeSimulation.Signing.signature(of: $0, secret: SimulatedExchange.secret) }
        guard let wire = Exchange.Signing.wire(plan, sign: sign, serverMilliseconds: time.now + offset) else {
            preconditionFailure("a signature was given")
        }
        let call = Call(sentAt: time.now, isWrite: plan.isWrite)
        time.after(Milliseconds(Limits.exchangeTotalMillisecondsMax)) {
            self.finish(call, .broken(TransportFailure(kind: .timedOut, text: "no answer in time")), then)
        }
        guard time.now >= exchange.refusesUntil else {
            return time.after(exchange.travelTime(client)) {
                self.finish(call, .broken(TransportFailure(kind: .noConnection, text: "refused")), then)
            }
        }
        time.after(exchange.travelTime(client)) {
            // A dead process' bytes do not leave; what has left arrives whoever dies.
            guard !self.isDead, !call.isAnswered else { return }
            if let lastLook, !lastLook() { return self.fence(call, then) }
            call.hasLeft = true
            self.exchange.depart(wire, client: self.client) { self.finish(call, $0, then) }
        }
    }

    private func fence(_ call: Call, _ then: (Verdict) -> Void) {
        call.isAnswered = true
        then(.notSent(NotSent(reason: .fenced, text: "the last look before sending said no")))
    }

    private func finish(_ call: Call, _ transport: Transport, _ then: (Verdict) -> Void) {
        guard !call.isAnswered, !isDead else { return }
        call.isAnswered = true
        let departure: Departure = call.hasLeft ? .perhaps : .nothingToActOn
        let verdict = Classification.classify(transport, departure: departure).withTexts(ForeignText.tame)
        learn(call, transport, verdict)
        then(verdict)
    }

    private func learn(_ call: Call, _ transport: Transport, _ verdict: Verdict) {
        if case .answered(let answer) = transport {
            budget.take(answer.headers, sentAt: call.sentAt + offset, receivedAt: time.now + offset)
        }
        switch verdict {
        case .throttled(let throttling): budget.take(throttling, at: time.now + offset)
        case .rejected(let rejection) where rejection.kind == .clock: askTheTime()
        case .success, .rejected, .unknown, .notSent: break
        }
    }

    private func askTheTime() {
        guard !isAskingTheTime else { return }
        isAskingTheTime = true
        let sentAt = time.now
        ask(.serverTime()) { answer in
            self.isAskingTheTime = false
            let roundTrip = self.time.now - sentAt
            guard case .accepted(let server) = answer, roundTrip <= 2_000 else { return }
            self.offset = server - (sentAt + roundTrip / 2)
        }
    }
}
