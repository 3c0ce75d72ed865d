// One life of the exit worker in virtual time: the same runs, over the same wire, with a journal that outlives it. What it
// journals is a record at once, as by a recorder that never stands still. A kill drops it between two effects.

internal import Domain
internal import EventLog
internal import Events
internal import Exchange
internal import Records
internal import Services

/// What outlives the worker: each run that is not over, by the trigger's record.
final class ExitDisk {
    struct Journal {
        let panic: OpenPanic
        var lines: [ExitLine] = []
        var completion: ExitCompletion?
    }
    var journals: [SequenceNumber: Journal] = [:]
}

final class SimulatedExit {
    private final class Run {
        let panic: OpenPanic
        let startedAt: Milliseconds
        var machine: ExitRun
        var requests: [CloseOrder: (number: UInt32, sequence: SequenceNumber)] = [:]
        var hasEnd = false

        init(_ panic: OpenPanic, _ machine: ExitRun, startedAt: Milliseconds) {
            self.panic = panic
            self.machine = machine
            self.startedAt = startedAt
        }
    }

    private let world: WorldParts
    private let disk: ExitDisk
    private let line: SimulatedLine
    private let died: () -> Void
    private var state = State()
    private var instruments: ExchangeInfo?
    private var runs: [Run] = []
    private var wakesAt: Milliseconds = .max
    private(set) var isDead = false
    /// It dies before so many effects more are performed; nil: not by count.
    var effectsLeft: Int?

    /// - Parameter died: called where it dies by `effectsLeft`.
    init(_ world: WorldParts, _ disk: ExitDisk, died: @escaping () -> Void) {
        self.world = world
        self.disk = disk
        self.died = died
        line = SimulatedLine(world.exchange, world.time, client: "10.0.0.2", budgetClass: .emergency)
    }

    /// Before anything else, as a worker does that has just started.
    func start() throws {
        askForInstruments()
        // Completed, and an order of theirs is still looked for.
        for (_, journal) in disk.journals.sorted(by: { $0.key < $1.key }) where journal.completion != nil {
            try begin(journal.panic)
        }
        try turn()
    }

    private func askForInstruments() {
        line.ask(.exchangeInfo()) { answer in
            guard !self.isDead else { return }
            guard case .accepted(let info) = answer else {
                return self.world.time.after(5_000) { if !self.isDead { self.askForInstruments() } }
            }
            self.instruments = info
            do {
                for run in self.runs { try self.perform(run.machine.learn(info, at: self.world.time.now), run) }
                self.schedule()
            } catch {
                self.world.fail(error)
            }
        }
    }

    var isIdle: Bool { disk.journals.isEmpty && runs.isEmpty && state.trading.panics.open.isEmpty }

    func kill() {
        isDead = true
        line.isDead = true
        runs = []
    }

    /// Looks at the log, and goes on.
    func turn() throws {
        guard !isDead else { return }
        state = try StateReader.fold(world.log, from: state)
        if let next = state.trading.panics.open.first(where: { panic in !runs.contains { $0.panic == panic } }),
            runs.allSatisfy(\.hasEnd)
        {
            try begin(next)
        }
        try tick()
    }

    private func begin(_ panic: OpenPanic) throws {
        let journal = disk.journals[panic.sequence] ?? ExitDisk.Journal(panic: panic)
        disk.journals[panic.sequence] = journal
        var rules = ExitRules()
        if world.plan.sabotage == .ignoresTheFence { rules.fenceMilliseconds = 0 }
        let machine = ExitRun(
            trigger: "\(world.log.id)/\(panic.sequence)", haltedAt: haltedAt, instruments: instruments, rules: rules,
            journal: ExitPast.read(journal.lines), completion: journal.completion, at: world.time.now)
        let run = Run(panic, machine, startedAt: world.time.now)
        run.hasEnd = journal.completion != nil
        for case .request(let close, let number, _) in journal.lines {
            guard let request = try world.log.snapshot({ try $0.first(.own(key(run, number)), stream: nil) }) else {
                throw SimulationError("a journaled close has no record")
            }
            run.requests[close] = (number, request)
        }
        runs.append(run)
    }

    /// The worker's clock is the boot clock; here it is the world's.
    private var haltedAt: Milliseconds? { state.trading.halt?.haltedAt.recordedAt.milliseconds }

    private func tick() throws {
        for run in runs where !isDead { try perform(run.machine.tick(world.time.now), run) }
        try finishRuns()
        schedule()
    }

    private func schedule() {
        guard !isDead, let next = runs.compactMap(\.machine.wakesAt).min(), next < wakesAt || wakesAt <= world.time.now
        else { return }
        wakesAt = next
        world.time.at(next) {
            guard !self.isDead else { return }
            if self.wakesAt <= self.world.time.now { self.wakesAt = .max }
            try self.tick()
        }
    }

    private func finishRuns() throws {
        for run in runs where !run.hasEnd && !isDead {
            guard let completion = run.machine.completion else { continue }
            run.hasEnd = true
            disk.journals[run.panic.sequence]?.completion = completion
            let end = ExitEnd(
                completion: completion, startedAtNs: Timestamp(milliseconds: run.startedAt).nanoseconds,
                completedAtNs: world.log.clock.now().nanoseconds)
            try append(
                try Drafts.panicCompleted(
                    end.completed(run.panic.sequence, eventID: run.panic.eventID), traceID: "",
                    cause: run.panic.sequence, basis: .none, producer: "exit"))
        }
        let over = runs.filter { $0.hasEnd && $0.machine.isOver }
        guard !over.isEmpty else { return }
        for run in over {
            disk.journals[run.panic.sequence] = nil
            for part in run.machine.evidence(about: run.panic.sequence) {
                try append(try Drafts.evidence(part, traceID: "", cause: run.panic.sequence, producer: "exit"))
            }
        }
        runs.removeAll { run in over.contains { $0 === run } }
        try turn()
    }

    // MARK: Effects

    private func perform(_ effects: [ExitEffect], _ run: Run) throws {
        for effect in effects {
            guard mayGoOn() else { return }
            switch effect {
            case .close(let close):
                try journal(close, run)
                place(close, run)
            case .closeAgain(let close): place(close, run)
            case .note(let close, let end): try note(close, end, run)
            case .noteTrades(let close, let trades): try note(close, trades, run)
            case .positions, .openOrders, .openAlgoOrders, .lookUp, .trades, .witness, .cancelAll, .cancelAllAlgo:
                ask(effect, run)
            case .tell: break
            }
        }
    }

    /// False where this is the moment of its death.
    private func mayGoOn() -> Bool {
        guard !isDead else { return false }
        guard let left = effectsLeft else { return true }
        effectsLeft = left - 1
        if left > 0 { return true }
        kill()
        died()
        return false
    }

    private func take(_ answer: ExitAnswer, _ run: Run) {
        guard !isDead else { return }
        do {
            try perform(run.machine.take(answer, at: world.time.now), run)
            try finishRuns()
            schedule()
        } catch {
            world.fail(error)
        }
    }

    private func ask(_ effect: ExitEffect, _ run: Run) {
        switch effect {
        case .positions(let look): line.ask(.positions(nil)) { self.take(.positions(look, $0), run) }
        case .openOrders(let look): line.ask(.openOrders(nil)) { self.take(.openOrders(look, $0), run) }
        case .openAlgoOrders(let look): line.ask(.openAlgoOrders(nil)) { self.take(.openAlgoOrders(look, $0), run) }
        case .lookUp(let close):
            line.ask(.order(close.place.symbol, .clientID(close.clientOrderID))) {
                self.take(.lookedUp(close, $0), run)
            }
        case .trades(let close, let orderID):
            line.ask(.accountTrades(close.place.symbol, .ofOrder(orderID))) { self.take(.trades(close, $0), run) }
        case .witness(let close):
            let lines = disk.journals[run.panic.sequence]?.lines ?? []
            line.ask(.accountTrades(close.place.symbol, lines.window(of: close, until: world.log.clock.now()))) {
                self.take(.witnessed(close, $0), run)
            }
        case .cancelAll(let symbol):
            line.command(.cancelAllOrders(symbol)) { self.take(.canceled(symbol, isAlgo: false, $0), run) }
        case .cancelAllAlgo(let symbol):
            line.command(.cancelAllAlgoOrders(symbol)) { self.take(.canceled(symbol, isAlgo: true, $0), run) }
        case .close, .closeAgain, .note, .noteTrades, .tell: preconditionFailure("\(effect) is not asked")
        }
    }

    private func place(_ close: CloseOrder, _ run: Run) {
        do throws(MessageError) {
            line.place(
                try close.order(), permit: SendPermit(journaledCloseOf: close.clientOrderID), lastLook: { true },
                then: { self.take(.closed(close, $0), run) })
        } catch {
            world.fail(error)
        }
    }

    // MARK: The journal, and what becomes of it

    private func key(_ run: Run, _ number: UInt32) -> String { "order.requested/\(run.panic.sequence)/\(number)" }

    private func journal(_ close: CloseOrder, _ run: Run) throws {
        let number = UInt32(run.requests.count + 1)
        let at = world.log.clock.now()
        disk.journals[run.panic.sequence]?.lines.append(.request(close, number: number, atNs: at.nanoseconds))
        let request = close.request(of: run.panic.sequence, number: number, world.policy)
        let place = try append(
            try Drafts.orderRequested(request, traceID: "", basis: .none, producer: "exit", at: at))
        run.requests[close] = (number, place)
    }

    private func note(_ close: CloseOrder, _ end: ClosedOrder, _ run: Run) throws {
        guard let request = run.requests[close] else { throw SimulationError("a note on a close without a request") }
        disk.journals[run.panic.sequence]?.lines.append(.outcome(close, end, number: request.number))
        try append(
            try Drafts.orderOutcome(
                end.outcome(of: request.sequence, close), traceID: "", producer: "exit", at: world.log.clock.now()))
    }

    private func note(_ close: CloseOrder, _ trades: [AccountTrade], _ run: Run) throws {
        guard let request = run.requests[close] else { throw SimulationError("trades of a close without a request") }
        for trade in trades {
            let line = ExitTrade(trade, of: close.clientOrderID.text, number: request.number)
            disk.journals[run.panic.sequence]?.lines.append(.trade(line))
            for note in line.notes(world.policy, of: request.sequence) {
                switch note {
                case .fill(let fill, let cause):
                    try append(
                        try Drafts.fill(
                            fill, traceID: "", cause: cause, producer: "exit", at: world.log.clock.now()))
                case .detail(let detail, let cause):
                    try append(
                        try Drafts.fillDetail(
                            detail, traceID: "", cause: cause, producer: "exit", at: world.log.clock.now()))
                case .outcome, .reducing: throw SimulationError("a trade is a fill and its detail")
                }
            }
        }
    }

    @discardableResult
    private func append(_ draft: Draft) throws -> SequenceNumber {
        switch try world.log.append([draft], .emergency)[0] {
        case .appended(let place), .duplicate(let place), .conflict(let place): return place.sequence
        case .refused(let refusal): throw SimulationError("the exit's record was refused: \(refusal)")
        case .unknown(let why): throw SimulationError(why)
        }
    }
}
