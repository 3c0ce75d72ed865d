// The run of one panic trigger: everything is cancelled and closed at once (first pass), and looked at again when
// nothing that left before the halt can arrive any more (second pass). One pure state machine: answers and the time go
// in, effects come out; many are on their way at once. What must not be added to it: a strategy, a condition under which
// a position stays open, a wait between positions, a second try of what was refused.

package import Events
package import Exchange
package import Records

package struct ExitRun: Sendable {
    package static let rule = "exit/1"

    package let trigger: String
    let rules: ExitRules
    let startedAt: Milliseconds
    private var instruments: ExchangeInfo?
    /// No look before it is the last one.
    private var fencedUntil: Milliseconds?
    var positions: [ExitPlace: ExitPosition] = [:]
    private var look: ExitLook?
    private var looks = 0
    private var nextLookAt: Milliseconds
    private var lookPause: Milliseconds
    /// Conditional and resting orders: symbol → what of it is being cancelled.
    var cancels: [Cancel: Asking] = [:]
    var resting: Set<ExitPlace> = []
    /// Symbols of conditional orders, and of rows of either kind that cannot be read.
    private var restingOtherwise: Set<String> = []
    private var ordersAreKnown = false
    /// Nothing rested in a look beyond the fence.
    private var restIsGone = false
    private var conclusiveLooks = 0
    private var unreadable: Set<String> = []
    private var hasSeen = false
    private var firstSeenAt: Milliseconds?
    private var lastWasBeyond = false
    private var hasToldFlat = false
    var lastCloseAt: Milliseconds?
    /// Of an earlier life's orders, what is to be said first.
    private var inherited: [ExitEffect] = []
    var tradeAsks: [CloseOrder: TradeAsk] = [:]
    var tradeAsksMade = 0
    package private(set) var completion: ExitCompletion?
    private let beginning: ExitBeginning
    private var inputs: [(input: ExitInput, at: Milliseconds)] = []

    struct Cancel: Hashable, Comparable {
        let symbol: SymbolName
        let isAlgo: Bool
        static func < (a: Cancel, b: Cancel) -> Bool {
            (a.symbol.text, a.isAlgo ? 1 : 0) < (b.symbol.text, b.isAlgo ? 1 : 0)
        }
    }

    /// - Parameters:
    ///   - trigger: names the closes; another one for each trigger.
    ///   - haltedAt: by the performer's clock; nil: no record says yet that trading is halted.
    ///   - instruments: as they were last read; nil: closes wait for them, for a moment, and then leave as they are held.
    ///   - journal: what an earlier life of this run has sent, and what became of it.
    ///   - completion: the run is over, but for orders whose fate is not known.
    package init(
        trigger: String, haltedAt: Milliseconds?, instruments: ExchangeInfo?, rules: ExitRules,
        journal: [ExitPast] = [], completion: ExitCompletion? = nil, at now: Milliseconds
    ) {
        beginning = ExitBeginning(
            trigger: trigger, haltedAt: haltedAt, instruments: instruments, rules: rules, journal: journal,
            completion: completion, at: now)
        self.trigger = trigger
        self.rules = rules
        self.completion = completion
        self.instruments = instruments
        startedAt = now
        nextLookAt = now
        lookPause = rules.lookPauseMilliseconds
        // What is later than now is of a clock before this boot.
        fencedUntil = haltedAt.map { min($0, now) + rules.fenceMilliseconds }
        for past in journal { restore(past, now) }
    }

    private mutating func restore(_ past: ExitPast, _ now: Milliseconds) {
        let (close, end) = (past.close, past.end)
        var position = positions[close.place] ?? ExitPosition(place: close.place)
        var asking = Asking()
        asking.pause(now - 1_000)  // due at once
        position.orders.append(
            ExitPosition.Order(
                close: close, sentAt: now, heldBefore: close.quantity, executed: end?.executed ?? .zero,
                exchangeOrderID: end?.exchangeOrderID ?? 0,
                stage: end == nil ? .unresolved(asking, looks: 0) : .settled,
                leftAt: now))
        position.wasHeld = true
        if end == nil {
            let unknown = ClosedOrder(
                state: .unknown, executed: .zero, averagePrice: nil, exchangeOrderID: 0, errorCode: 0,
                reason: "the process that sent it, or was about to, has died")
            inherited.append(.note(close, unknown))
        }
        // What was not taken, without a refusal, has no code.
        if let end, end.state == .rejected, end.errorCode != 0 {
            position.bar = ExitRun.isHarmless(end.errorCode, end.reason) ? .spent : .refused
        }
        positions[close.place] = position
        if let end, !end.executed.isZero, !past.hasTrades { owe(close, end.exchangeOrderID, now) }
    }

    // MARK: Inputs

    /// A record says that trading is halted since then.
    package mutating func halted(at time: Milliseconds, now: Milliseconds) -> [ExitEffect] {
        note(.halted(time), now)
        let end = time + rules.fenceMilliseconds
        guard fencedUntil.map({ $0 < end }) ?? true, completion == nil else { return drive(now) }
        fencedUntil = end
        (conclusiveLooks, restIsGone) = (0, false)
        nextLookAt = min(nextLookAt, max(end, now))
        return drive(now)
    }

    package mutating func take(_ answer: ExitAnswer, at now: Milliseconds) -> [ExitEffect] {
        note(.take(answer), now)
        var effects: [ExitEffect] = []
        switch answer {
        case .positions(let number, let answer):
            if look?.number == number, look?.positions.isDone == false { effects = see(answer, now) }
        case .openOrders(let number, let answer): if look?.number == number { effects = seeOrders(answer, now) }
        case .openAlgoOrders(let number, let answer): if look?.number == number { effects = seeAlgos(answer, now) }
        case .canceled(let symbol, let isAlgo, let answer):
            canceled(Cancel(symbol: symbol, isAlgo: isAlgo), answer, now)
        case .closed(let close, let answer): effects = closed(close, answer, now)
        case .lookedUp(let close, let answer): effects = lookedUp(close, answer, now)
        case .trades(let close, let answer): effects = takeTrades(close, answer, now)
        case .witnessed(let close, let answer): effects = witnessed(close, answer, now)
        }
        return effects + drive(now)
    }

    package mutating func tick(_ now: Milliseconds) -> [ExitEffect] {
        let (before, wasOpen) = (wakesAt, completion == nil)
        let effects = drive(now)
        // One that changes nothing is not worth telling.
        if !effects.isEmpty || wakesAt != before || wasOpen != (completion == nil) { note(.tick, now) }
        return effects
    }

    private mutating func note(_ input: ExitInput, _ now: Milliseconds) {
        if inputs.count <= Limits.exitInputsMax { inputs.append((input, now)) }
    }

    /// For the audit. Empty: it is larger than evidence may be.
    package func evidence(about panic: SequenceNumber) -> [EventEvidence] {
        guard inputs.count <= Limits.exitInputsMax else { return [] }
        return ExitDocument(beginning, inputs).parts(about: panic, Set(positions.keys.map(\.symbol)))
    }

    /// The rules of the exchange's symbols, as they were read now.
    package mutating func learn(_ info: ExchangeInfo, at now: Milliseconds) -> [ExitEffect] {
        note(.learn(info), now)
        instruments = info
        return drive(now)
    }

    /// When it wants to be called without an answer; nil: an answer is awaited.
    package var wakesAt: Milliseconds? {
        var times: [Milliseconds] = []
        if let look {
            if let at = look.wakesAt(patience: rules.patienceMilliseconds) { times.append(at) }
        } else if completion == nil {
            times.append(nextLookAt)
        }
        for position in positions.values {
            if position.isOpen, position.orders.isEmpty, let at = holdsUntil(position) { times.append(at) }
            times += position.orders.compactMap { $0.wakesAt(patience: rules.patienceMilliseconds) }
        }
        times += cancels.values.compactMap(\.wakesAt)
        times += tradeAsks.values.compactMap(\.asking.wakesAt)
        if completion == nil { times.append(deadline) }
        return times.min()
    }

    /// Nothing is left to be done or to be heard of.
    package var isOver: Bool {
        completion != nil && tradeAsks.isEmpty
            && positions.values.allSatisfy { $0.orders.allSatisfy { !$0.isOnItsWay } }
    }

    /// Closing is done as far as it can be; what is missing is the record that says trading is halted.
    package var isResting: Bool { completion == nil && fencedUntil == nil && conclusiveLooks >= 2 }

    // MARK: What is to be done now

    private var deadline: Milliseconds { startedAt + rules.runMilliseconds }

    mutating func drive(_ now: Milliseconds) -> [ExitEffect] {
        var effects = inherited
        inherited = []
        effects += ordersDue(now) + tradesDue(now)
        guard completion == nil else { return effects }
        effects += cancelsDue(now)
        if look == nil, now >= nextLookAt {
            looks += 1
            // Lists of all orders are heavy: at first, while something rests, and beyond the fence until nothing does.
            let withOrders = looks == 1 || !resting.isEmpty || isBeyondFence(now) && !restIsGone
            let started = ExitLook(looks, startedAt: now, withOrders: withOrders)
            look = started
            if started.orders != nil { restingOtherwise = [] }
            effects += started.effects
        } else if let due = look?.due(now, patience: rules.patienceMilliseconds) {
            effects += due
        }
        effects += sendCloses(now)
        if look?.isDone == true { effects += conclude(now) }
        if completion == nil, now >= deadline, fencedUntil != nil { finish(isConfirmed: false) }
        return effects
    }

    /// Whatever is open and may be sent, in the order of its name.
    private mutating func sendCloses(_ now: Milliseconds) -> [ExitEffect] {
        var effects: [ExitEffect] = []
        for place in positions.keys.sorted() {
            guard let position = positions[place], position.maySend(mayGoOn: isBeyondFence(position.seenAt)),
                holdsUntil(position).map({ $0 <= now }) ?? true,
                let close = positions[place]?.next(trigger, instruments?[place.symbol]?.marketQuantity, at: now)
            else { continue }
            effects += [.tell(.closing(close)), .close(close)]
        }
        return effects
    }

    private func isBeyondFence(_ time: Milliseconds) -> Bool { fencedUntil.map { time >= $0 } ?? false }

    /// What a first close waits for, for a moment: the rules that say how it is split, and, in hedge mode, the cancel
    /// of resting orders, which reserve what it needs.
    private func holdsUntil(_ position: ExitPosition) -> Milliseconds? {
        guard position.orders.isEmpty, let foundAt = position.foundAt else { return nil }
        let rulesAt = instruments == nil ? firstSeenAt.map { $0 + rules.instrumentsWaitMilliseconds } : nil
        return [rulesAt, cancelsUntil(position, foundAt)].compactMap(\.self).max()
    }

    private func cancelsUntil(_ position: ExitPosition, _ foundAt: Milliseconds) -> Milliseconds? {
        guard position.place.side != .both else { return nil }
        let isCancelled = cancels[Cancel(symbol: position.place.symbol, isAlgo: false)]?.isDone ?? false
        if ordersAreKnown, !resting.contains(position.place) || isCancelled { return nil }
        return foundAt + rules.cancelWaitMilliseconds
    }

    // MARK: Looks

    private mutating func see(_ answer: Answer<Rows<PositionReport>>, _ now: Milliseconds) -> [ExitEffect] {
        guard let startedAt = look?.startedAt else { return [] }
        guard case .accepted(let rows) = answer else {
            let trouble = answer.trouble
            look?.positions.pause(now, atLeast: trouble?.wait)
            return [.tell(.cannotLook("positions: \(trouble?.text ?? "")"))]
        }
        look?.positions.finish()
        var found: [ExitPlace: ExactDecimal] = [:]
        unreadable = Set(rows.unreadable.map { $0.symbol ?? "UNKNOWN" })
        for row in rows.readable {
            if let symbol = SymbolName.known(row.symbol) {
                found[ExitPlace(symbol: symbol, side: row.positionSide)] = row.quantity
            } else if !row.quantity.isZero {
                unreadable.insert(row.symbol)
            }
        }
        for (place, quantity) in found where !quantity.isZero && positions[place] == nil {
            positions[place] = ExitPosition(place: place)
        }
        for place in positions.keys { positions[place]?.see(found[place] ?? .zero, at: startedAt, now: now) }
        let isFirst = !hasSeen
        hasSeen = true
        firstSeenAt = firstSeenAt ?? now
        return isFirst ? [.tell(.found(found.filter { !$0.value.isZero }))] : []
    }

    private mutating func seeOrders(_ answer: Answer<Rows<OrderReport>>, _ now: Milliseconds) -> [ExitEffect] {
        guard case .accepted(let rows) = answer else {
            look?.orders?.pause(now, atLeast: answer.trouble?.wait)
            // What rests is not known: what is held is cancelled for, at least.
            return positions.keys.sorted().flatMap { cancel(Cancel(symbol: $0.symbol, isAlgo: false)) }
        }
        look?.orders?.finish()
        ordersAreKnown = true
        if !rows.isComplete { look?.isWhole = false }
        resting = []
        restingOtherwise.formUnion(rows.unreadable.map { $0.symbol ?? "UNKNOWN" })
        var effects: [ExitEffect] = []
        for row in rows.readable {
            guard let symbol = SymbolName.known(row.symbol) else { continue }
            resting.insert(ExitPlace(symbol: symbol, side: row.positionSide))
            effects += cancel(Cancel(symbol: symbol, isAlgo: false))
        }
        if !rows.readable.isEmpty { look?.isWhole = false }
        return effects
    }

    private mutating func seeAlgos(_ answer: Answer<Rows<AlgoOrderReport>>, _ now: Milliseconds) -> [ExitEffect] {
        guard case .accepted(let rows) = answer else {
            look?.algos?.pause(now, atLeast: answer.trouble?.wait)
            return positions.keys.sorted().flatMap { cancel(Cancel(symbol: $0.symbol, isAlgo: true)) }
        }
        look?.algos?.finish()
        if !rows.isComplete || !rows.readable.isEmpty { look?.isWhole = false }
        restingOtherwise.formUnion(rows.unreadable.map { $0.symbol ?? "UNKNOWN" } + rows.readable.map(\.symbol))
        return Set(rows.readable.compactMap { SymbolName.known($0.symbol) }).sorted { $0.text < $1.text }
            .flatMap { cancel(Cancel(symbol: $0, isAlgo: true)) }
    }

    /// What a whole look says.
    private enum Verdict { case flat, hopeless, undone }

    private func verdict(_ look: ExitLook) -> Verdict {
        let all = positions.values
        if all.contains(where: { $0.isMoving || $0.touchedAt > $0.seenAt }) { return .undone }
        let open = all.filter(\.isOpen)
        if open.isEmpty { return unreadable.isEmpty && (restIsGone || look.isWhole) ? .flat : .undone }
        return open.allSatisfy { $0.bar == .refused } ? .hopeless : .undone
    }

    /// All of a look is answered: is this the end, and when is the next one?
    private mutating func conclude(_ now: Milliseconds) -> [ExitEffect] {
        guard let done = look else { return [] }
        look = nil
        let isBeyond = isBeyondFence(done.startedAt)
        if isBeyond, done.orders != nil, done.isWhole { restIsGone = true }
        let verdict = verdict(done)
        conclusiveLooks = verdict == .undone || isBeyond != lastWasBeyond ? 0 : conclusiveLooks
        if verdict != .undone { conclusiveLooks += 1 }
        lastWasBeyond = isBeyond
        if isBeyond, conclusiveLooks >= 2 || isStale(now) {
            finish(isConfirmed: true)
        } else if !isBeyond, conclusiveLooks >= 2, let fencedUntil {
            nextLookAt = max(fencedUntil, now)
            lookPause = rules.lookPauseMilliseconds
        } else {
            nextLookAt = now + lookPause
            lookPause = min(lookPause * 2, rules.lookPauseMillisecondsMax)
            if let fencedUntil, now < fencedUntil { nextLookAt = min(nextLookAt, fencedUntil) }
        }
        guard verdict == .flat, conclusiveLooks >= 2, !hasToldFlat else { return [] }
        hasToldFlat = true
        return [.tell(.flat)]
    }

    /// Nothing can be sent any more, and the exchange has had its time to show what was done.
    private func isStale(_ now: Milliseconds) -> Bool {
        guard let fencedUntil, now >= max(fencedUntil, startedAt) + rules.staleMilliseconds else { return false }
        return positions.values.allSatisfy { !$0.isMoving && (!$0.isOpen || $0.bar != nil) }
    }

    /// - Parameter isConfirmed: a look beyond the fence has shown what is open.
    private mutating func finish(isConfirmed: Bool) {
        let seen = positions.values.filter(\.wasHeld)
        let open = seen.filter(\.isOpen)
        var failed = Set(open.map(\.place.symbol.text)).union(unreadable)
        if !restIsGone { failed.formUnion(resting.map(\.symbol.text) + restingOtherwise) }
        // Orders that rest, or that nobody showed, may open positions: it is not flat.
        if !isConfirmed || !restIsGone, failed.isEmpty { failed.insert("UNKNOWN") }
        let count = max(open.count + unreadable.count, failed.isEmpty ? 0 : 1)
        let total = max(seen.count + unreadable.count, count)
        completion = ExitCompletion(
            positionsTotal: total, positionsClosed: total - count, positionsFailed: count,
            failedSymbols: failed.sorted(), executionMilliseconds: max(0, (lastCloseAt ?? startedAt) - startedAt))
        look = nil
    }
}
