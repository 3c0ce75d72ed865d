// What the worker's one thread does, turn by turn: takes what has come, lets the machines of its runs decide, performs
// their effects. One run at a time closes; a run that only waits for the log lets the next one begin.

internal import Domain
internal import Events
internal import Exchange
internal import Processes
internal import Records

struct ExitCourse {
    private static let warmMilliseconds: Milliseconds = 20_000
    private static let instrumentsMilliseconds: Milliseconds = 600_000
    private static let retryMilliseconds: Milliseconds = 5_000
    private static let inheritMilliseconds: Milliseconds = 1_000
    private static let lookMilliseconds: Milliseconds = 60_000
    private static let wellMilliseconds: Milliseconds = 500
    private static let coalesceNanoseconds: Int64 = 60_000_000_000

    let worker: ExitWorker
    let send: @Sendable ([String]) -> Void
    private var runs: [ActiveRun] = []
    /// Not begun.
    private var waiting: [ExitTrigger] = []
    /// Ids of those of them that stand in the journal.
    private var kept: Set<String> = []
    private var recent: [(eventID: String, completedAtNs: Int64)] = []
    private var instruments: ExchangeInfo?
    private var nextWarmAt: Milliseconds = .min
    private var nextInstrumentsAt: Milliseconds = .min
    private var nextWellAt: Milliseconds = .min
    private var isLinkUp = false
    private var inherited: [JournaledRun] = []
    private var inheritedAt: Milliseconds = .min
    /// As the recorder says.
    private var openedLog: String?
    private var nextLookAt: Milliseconds = .min
    /// Why the exchange would refuse a close now; nil: it answers us.
    private var trouble: String?

    init(worker: ExitWorker, send: @escaping @Sendable ([String]) -> Void) {
        self.worker = worker
        self.send = send
    }

    private var speaker: Speaker { worker.speaker }
    private var now: Milliseconds { worker.now }

    /// Nothing is being closed: what is left waits for the log.
    var mayEnd: Bool { inherited.isEmpty && waiting.isEmpty && runs.allSatisfy { $0.hasEnd || $0.machine.isResting } }
    var isIdle: Bool { runs.isEmpty && waiting.isEmpty }

    mutating func begin() {
        inherited = worker.journal.read()
        inheritedAt = now + ExitCourse.inheritMilliseconds
        speaker.say("Listening for panic_close events...")
    }

    /// What an earlier life has left. The recorder is waited for, for a moment: it knows whether this is the same log.
    private mutating func inherit() {
        guard !inherited.isEmpty, openedLog != nil || now >= inheritedAt else { return }
        for left in inherited {
            if let log = openedLog, !left.trigger.sequence.isNone, left.trigger.id != "\(log)/\(left.trigger.sequence)"
            {
                speaker.alarm("the journal's run \(left.trigger.id) is of another log than \(log): left alone")
                continue
            }
            speaker.warn("goes on with run \(left.trigger.id): \(left.lines.count) lines in the journal")
            start(left.trigger, journal: left.lines)
        }
        inherited = []
    }

    mutating func turn() {
        var end = now + 1_000
        for run in runs { end = min(end, run.machine.wakesAt ?? end) }
        end = min(end, max(nextWellAt, now))
        if !inherited.isEmpty { end = min(end, max(inheritedAt, now)) }
        for message in worker.messages(until: end) { take(message) }
        inherit()
        for place in runs.indices { perform(runs[place].machine.tick(now), place) }
        finishRuns()
        startNext()
        keepWarm()
        if now >= nextWellAt {
            nextWellAt = now + ExitCourse.wellMilliseconds
            worker.isWell(status)
        }
    }

    private var status: String {
        if let run = runs.first(where: { !$0.hasEnd }) { return "PANIC CLOSE running: \(run.trigger.reason)" }
        if let trouble { return "the exchange does not answer as it should: \(trouble)" }
        return isLinkUp ? "listening" : "listening on the socket only: the recorder does not answer"
    }

    // MARK: Messages

    private mutating func take(_ message: ExitWorker.Message) {
        switch message {
        case .trigger(let trigger, let receipt): receipt.give(isKept: offer(trigger))
        case .link(.silent(let why)):
            if isLinkUp { speaker.warn("the recorder does not answer: \(why)") }
            isLinkUp = false
        case .link(.notice(let notice)): hear(notice)
        case .answer(let id, let answer):
            guard let place = runs.firstIndex(where: { $0.trigger.id == id }) else { return }
            perform(runs[place].machine.take(answer, at: now), place)
        case .instruments(.accepted(let info)):
            instruments = info
            for place in runs.indices { perform(runs[place].machine.learn(info, at: now), place) }
            nextInstrumentsAt = now + ExitCourse.instrumentsMilliseconds
        case .instruments: nextInstrumentsAt = now + ExitCourse.retryMilliseconds
        case .warmed: break
        case .account(let answer): learn(answer)
        }
    }

    private mutating func hear(_ notice: RecorderNotice) {
        if !isLinkUp {
            isLinkUp = true
            speaker.say("the recorder answers")
        }
        switch notice {
        case .alive: break
        case .opened(let log, let head):
            speaker.say("the recorder has log \(log) open at \(head)")
            openedLog = log
            inherit()
            for run in runs { tell(run, from: 0) }
        case .panic(let trigger): found(trigger)
        case .bound(let id, let panic, let halted):
            guard let place = runs.firstIndex(where: { $0.trigger.id == id }) else { return }
            runs[place].panic = SequenceNumber(panic)
            know(halted, place)
        case .imported(let id, let lines):
            guard let place = runs.firstIndex(where: { $0.trigger.id == id }) else { return }
            runs[place].imported = max(runs[place].imported, lines)
        case .stuck(let id, let line, let reason):
            speaker.alarm("run \(id): line \(line) of its journal does not become a record: \(reason)")
        }
    }

    /// A trigger that stands in the log: of a run that goes already, or of a new one.
    private mutating func found(_ trigger: ExitTrigger) {
        let known = runs.firstIndex { run in
            run.panic == trigger.sequence
                // The socket brought it before the log had it.
                || run.panic.isNone && !run.hasEnd && run.trigger.eventID == trigger.eventID
        }
        if let known { return know(trigger.haltedAtBootNs, known) }
        let isSame = { (other: ExitTrigger) in
            other.id == trigger.id || other.sequence.isNone && other.eventID == trigger.eventID
        }
        guard let place = waiting.firstIndex(where: isSame) else { return waiting.append(trigger) }
        let unbound = waiting[place]
        waiting[place] = trigger
        if kept.remove(unbound.id) != nil { worker.journal.remove(unbound) }
    }

    private mutating func know(_ haltedAtBootNs: UInt64?, _ place: Int) {
        guard let halted = haltedAtBootNs else { return }
        perform(runs[place].machine.halted(at: Milliseconds(halted / 1_000_000), now: now), place)
    }

    /// From the socket. False: a crash would forget it.
    private mutating func offer(_ trigger: ExitTrigger) -> Bool {
        let isRunning =
            runs.contains { !$0.hasEnd && $0.trigger.eventID == trigger.eventID }
            || waiting.contains { $0.eventID == trigger.eventID && ($0.sequence != .none || kept.contains($0.id)) }
        let wasJustRun = recent.contains {
            $0.eventID == trigger.eventID
                && trigger.acceptedAtNs - $0.completedAtNs < ExitCourse.coalesceNanoseconds
        }
        if isRunning || wasJustRun {
            speaker.say("trigger \(trigger.eventID) belongs to a run that there is already")
            return true
        }
        if !waiting.contains(where: { $0.eventID == trigger.eventID }) { waiting.append(trigger) }
        // A journal that does not answer must not keep a run from its closes for every trigger that comes.
        guard waiting.count <= Limits.exitTriggersKeptMax else { return false }
        if worker.journal.append([.trigger(trigger)], newest: 1, of: trigger) != nil { kept.insert(trigger.id) }
        return true
    }

    // MARK: Runs

    private mutating func startNext() {
        while let next = waiting.first, runs.allSatisfy({ $0.hasEnd || $0.machine.isResting }) {
            waiting.removeFirst()
            start(next, journal: [])
        }
    }

    private mutating func start(_ trigger: ExitTrigger, journal: [ExitLine]) {
        let machine = ExitRun(
            trigger: trigger.id, haltedAt: trigger.haltedAtBootNs.map { Milliseconds($0 / 1_000_000) },
            instruments: instruments, rules: worker.rules, journal: ExitPast.read(journal),
            completion: ActiveRun.end(in: journal)?.completion, at: now)
        var run = ActiveRun(trigger, machine, journal: journal, startedAtNs: worker.clock.wallNanoseconds())
        if let end = ActiveRun.end(in: journal) {
            run.hasEnd = true
            remember(trigger, end)
        }
        if !run.hasEnd { announce(trigger) }
        runs.append(run)
        if run.isNew { note([.trigger(trigger)], runs.count - 1, isKept: kept.remove(trigger.id) != nil) }
        perform(runs[runs.count - 1].machine.tick(now), runs.count - 1)
        tell(runs[runs.count - 1], from: 0)
    }

    private func announce(_ trigger: ExitTrigger) {
        let age = max(0, worker.clock.wallNanoseconds() - trigger.producedAtNs) / 100_000_000
        speaker.alarm("PANIC CLOSE EVENT RECEIVED")
        speaker.say("Event ID: \(trigger.eventID)")
        speaker.say("Source: \(trigger.issuer)")
        speaker.say("Reason: \(trigger.reason)")
        speaker.say("Trigger validated (source=\(trigger.issuer), age=\(age / 10).\(age % 10)s)")
    }

    private mutating func finishRuns() {
        for place in runs.indices {
            guard !runs[place].hasEnd, let completion = runs[place].machine.completion else { continue }
            runs[place].hasEnd = true
            let end = ExitEnd(
                completion: completion, startedAtNs: runs[place].startedAtNs,
                completedAtNs: worker.clock.wallNanoseconds())
            note([.completion(end)], place)
            remember(runs[place].trigger, end)
            tell(completion)
        }
        for place in runs.indices where runs[place].hasEnd && runs[place].machine.isOver { tellEvidence(place) }
        for run in runs where run.isImported && run.machine.isOver {
            worker.journal.remove(run.trigger)
            speaker.say("Published to system:panic_close:completed")
        }
        runs.removeAll { $0.isImported && $0.machine.isOver }
    }

    /// Once, and on a thread of its own: the next run must not wait for it. Lost with its recorder, it is missed by nobody
    /// but the audit, which says so.
    private mutating func tellEvidence(_ place: Int) {
        guard !runs[place].hasEvidence else { return }
        runs[place].hasEvidence = true
        let (machine, trigger, send) = (runs[place].machine, runs[place].trigger.id, send)
        OSThread.start("exit-evidence") {
            send(machine.evidence(about: .none).map { RecorderEvidence(trigger: trigger, part: $0).text })
        }
    }

    private mutating func remember(_ trigger: ExitTrigger, _ end: ExitEnd) {
        guard end.completion.isFlat else { return }
        if recent.count == Limits.recentPanicsKeptMax { recent.removeFirst() }
        recent.append((trigger.eventID, end.completedAtNs))
    }

    private func tell(_ completion: ExitCompletion) {
        speaker.say("Closed: \(completion.positionsClosed)/\(completion.positionsTotal)")
        speaker.say("Execution time: \(completion.executionMilliseconds)ms")
        if completion.isFlat {
            speaker.alarm("PANIC CLOSE COMPLETE - SYSTEM HALTED")
        } else {
            speaker.alarm(
                "PANIC CLOSE COMPLETE - NOT FLAT: \(completion.failedSymbols.joined(separator: ", ")) - SYSTEM HALTED; "
                    + "close by hand, or try again: backstop panic")
        }
    }

    // MARK: Effects

    private mutating func perform(_ effects: [ExitEffect], _ place: Int) {
        let id = runs[place].trigger.id
        var closes: [CloseOrder] = []
        var lines: [ExitLine] = []
        for effect in effects {
            switch effect {
            case .close(let close):
                closes.append(close)
                let at = worker.clock.wallNanoseconds()
                lines.append(.request(close, number: runs[place].number(of: close), atNs: at))
            case .note(let close, let end):
                lines.append(.outcome(close, end, number: runs[place].number(of: close)))
            case .noteTrades(let close, let trades):
                let number = runs[place].number(of: close)
                lines += trades.map { .trade(ExitTrade($0, of: close.clientOrderID.text, number: number)) }
            case .tell(let news): speaker.tell(news)
            case .closeAgain(let close): closes.append(close)
            case .witness(let close): worker.ask(effect, since: window(of: close, place), run: id)
            case .positions, .openOrders, .openAlgoOrders, .lookUp, .trades, .cancelAll, .cancelAllAlgo:
                worker.ask(effect, since: .newest, run: id)
            }
        }
        // All closes of a turn stand in the journal by one write before the first of them leaves.
        note(lines, place)
        for close in closes { worker.place(close, run: id) }
    }

    private func window(of close: CloseOrder, _ place: Int) -> Endpoint.TradeRange {
        runs[place].lines.window(of: close, until: Timestamp(nanoseconds: worker.clock.wallNanoseconds()))
    }

    /// - Parameter isKept: they stand in the journal already.
    private mutating func note(_ lines: [ExitLine], _ place: Int, isKept: Bool = false) {
        guard !lines.isEmpty else { return }
        let first = runs[place].lines.count
        runs[place].lines += lines
        let run = runs[place]
        if !isKept, worker.journal.append(run.lines, newest: lines.count, of: run.trigger) == nil {
            speaker.alarm("no place takes the journal of run \(run.trigger.id): closes leave without it")
        }
        tell(run, from: first)
    }

    private func tell(_ run: ActiveRun, from first: Int) {
        send(
            run.lines.enumerated().dropFirst(first).map {
                RecorderOrder(trigger: run.trigger.id, place: $0.offset, line: $0.element).text
            })
    }

    // MARK: Between runs

    /// A connection that stands, the exchange's clock, and the rules of its symbols.
    private mutating func keepWarm() {
        guard runs.allSatisfy(\.hasEnd) || instruments == nil else { return }
        if now >= nextInstrumentsAt {
            nextInstrumentsAt = .max
            worker.exchange.ask(.exchangeInfo(), .emergency) { [worker] in worker.put(.instruments($0)) }
        }
        if now >= nextWarmAt {
            nextWarmAt = now + ExitCourse.warmMilliseconds
            worker.exchange.ask(.serverTime(), .emergency) { [worker] _ in worker.put(.warmed) }
        }
        if now >= nextLookAt {
            nextLookAt = .max
            worker.exchange.ask(.accountConfig(), .emergency) { [worker] in worker.put(.account($0)) }
        }
    }

    /// A signed question, so that a wrong key is known before the panic.
    private mutating func learn(_ answer: Answer<AccountConfig>) {
        let found: String?
        switch answer {
        case .accepted(let config): found = config.canTrade ? nil : "the key may not trade"
        case .rejected(let why): found = why.description
        case .throttled(let why): found = why.description
        case .unknown(let why): found = why.description
        case .notSent(let why): found = why.description
        }
        if let found, trouble == nil { speaker.alarm("NOTHING COULD BE CLOSED NOW: \(found)") }
        if found == nil, trouble != nil { speaker.say("the exchange answers") }
        trouble = found
        nextLookAt = now + (found == nil ? ExitCourse.lookMilliseconds : ExitCourse.retryMilliseconds)
    }
}
