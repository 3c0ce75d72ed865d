// What becomes of the orders of a run: their answers, what is asked of those that nobody knows, cancels.

internal import Events
internal import Exchange
internal import Records

extension ExitRun {
    /// Until an order that cannot leave now is tried once more.
    private static let resendWait: Milliseconds = 200
    private static let resendWaitMax: Milliseconds = 10_000

    // MARK: Answers to closes

    mutating func closed(_ close: CloseOrder, _ answer: Answer<OrderReport>, _ now: Milliseconds) -> [ExitEffect] {
        guard let order = order(close), order.isOnItsWay else { return [] }
        touch(close, now)
        switch answer {
        case .accepted(let report): return follow(close, report, now)
        case .rejected(let why):
            if why.kind == .clock, let again = waitOnce(close, ExitRun.resendWait, now) { return again }
            return refuse(close, why, now)
        case .throttled(let why):
            let wait = min(max(why.retryAfterMilliseconds ?? 0, ExitRun.resendWait), ExitRun.resendWaitMax)
            return waitOnce(close, wait, now) ?? notTaken(close, why.description, now)
        case .notSent(let why): return waitOnce(close, ExitRun.resendWait, now) ?? notTaken(close, why.description, now)
        case .unknown(let why):
            let state = ClosedOrder(
                state: .unknown, executed: .zero, averagePrice: nil, exchangeOrderID: 0, errorCode: 0,
                reason: why.description)
            let told: [ExitEffect] = [.note(close, state), .tell(.unknown(close, why.description))]
            // It may be asked about already.
            if order.isUnresolved { return told }
            change(close) { $0.stage = .unresolved(Asking(), looks: 0) }
            return told + [.lookUp(close)]
        }
    }

    /// The same order again, which for certain was not taken; nil: it had its second chance.
    private mutating func waitOnce(_ close: CloseOrder, _ wait: Milliseconds, _ now: Milliseconds) -> [ExitEffect]? {
        guard let order = order(close), !order.hasWaited else { return nil }
        change(close) {
            $0.hasWaited = true
            $0.stage = .waiting(until: now + wait)
        }
        return []
    }

    /// Not executed, for certain, and not refused either: a later look may send another.
    private mutating func notTaken(_ close: CloseOrder, _ reason: String, _ now: Milliseconds) -> [ExitEffect] {
        settle(close, now)
        positions[close.place]?.dropQueue()
        let end = ClosedOrder(
            state: .rejected, executed: .zero, averagePrice: nil, exchangeOrderID: 0, errorCode: 0, reason: reason)
        return [.note(close, end), .tell(.refused(close, reason))]
    }

    private mutating func refuse(_ close: CloseOrder, _ why: Rejection, _ now: Milliseconds) -> [ExitEffect] {
        settle(close, now)
        positions[close.place]?.dropQueue()
        positions[close.place]?.bar = ExitRun.isHarmless(why.code, why.text) ? .spent : .refused
        let end = ClosedOrder(
            state: .rejected, executed: .zero, averagePrice: nil, exchangeOrderID: 0,
            // 0 would say that it was not taken: a firewall's page has no code, but a status.
            errorCode: why.code ?? why.status, reason: why.text)
        return [.note(close, end), .tell(.refused(close, why.description))]
    }

    /// It may mean that there is nothing to close; whether that is so, the next look says.
    static func isHarmless(_ code: Int?, _ text: String) -> Bool {
        if code == -2022 || code == -2021 { return true }
        let text = text.lowercased()
        return ["would immediately trigger", "position already closed", "no position to reduce"].contains {
            text.contains($0)
        }
    }

    /// What the exchange says of an order of ours.
    private mutating func follow(_ close: CloseOrder, _ report: OrderReport, _ now: Milliseconds) -> [ExitEffect] {
        change(close) { $0.wasSeen = true }
        guard report.status.isFinal else {
            var asking = Asking()
            asking.pause(now)
            change(close) { order in
                if case .unresolved(var earlier, let looks) = order.stage {
                    earlier.pause(now)
                    order.stage = .unresolved(earlier, looks: looks)
                } else {
                    order.stage = .unresolved(asking, looks: 0)
                }
            }
            return []
        }
        settle(close, now)
        change(close) { ($0.executed, $0.exchangeOrderID) = (report.executedQuantity, report.orderID) }
        let end = ClosedOrder(
            state: report.status.outcome, executed: report.executedQuantity, averagePrice: report.averagePrice,
            exchangeOrderID: report.orderID, errorCode: 0, reason: "")
        var effects: [ExitEffect] = [.note(close, end), .tell(.closed(close, end))]
        if !end.executed.isZero { effects += askForTrades(close, report.orderID) }
        if report.status == .filled, let next = positions[close.place]?.nextPart(trigger, at: now) {
            effects += [.tell(.closing(next)), .close(next)]
        } else {
            positions[close.place]?.dropQueue()
        }
        return effects
    }

    // MARK: Orders that nobody knows

    mutating func lookedUp(_ close: CloseOrder, _ answer: Answer<OrderReport>, _ now: Milliseconds) -> [ExitEffect] {
        guard let order = order(close), case .unresolved(var asking, let looks) = order.stage else { return [] }
        if case .accepted(let report) = answer {
            // What it says was done before it was said.
            touch(close, now)
            return follow(close, report, now)
        }
        let isBeyondHorizon = now >= order.leftAt + rules.horizonMilliseconds
        let wait = max(answer.trouble?.wait ?? 0, isBeyondHorizon ? rules.doubtPauseMilliseconds : 0)
        asking.pause(now, atLeast: wait)
        change(close) { $0.stage = .unresolved(asking, looks: looks + 1) }
        guard isBeyondHorizon, !order.wasSeen, case .rejected(let why) = answer, why.kind == .notFound else {
            return []
        }
        if now >= order.leftAt + rules.doubtMilliseconds { return notFound(close, order, now) }
        let isDoubtful = positions[close.place]?.mayHaveReduced(order) ?? true
        return isDoubtful ? [] : [.witness(close)]
    }

    /// Neither its look-up nor the position shows it; these are the account's trades since it was journaled.
    mutating func witnessed(
        _ close: CloseOrder, _ answer: Answer<[AccountTrade]>, _ now: Milliseconds
    ) -> [ExitEffect] {
        guard case .accepted(let trades) = answer, trades.count < Limits.tradesPerAnswerMax,
            let order = order(close), order.isUnresolved, !order.wasSeen
        else { return [] }
        let explained = Set(positions[close.place]?.orders.map(\.exchangeOrderID) ?? [])
        let mayBeIts = trades.contains {
            $0.side == close.side && $0.positionSide == close.place.side && !explained.contains($0.orderID)
        }
        return mayBeIts ? [] : notFound(close, order, now)
    }

    private mutating func notFound(
        _ close: CloseOrder, _ order: ExitPosition.Order, _ now: Milliseconds
    ) -> [ExitEffect] {
        settle(close, now)
        let end = ClosedOrder(
            state: .notFoundAfterHorizon, executed: .zero, averagePrice: nil, exchangeOrderID: 0, errorCode: -2013,
            reason: "not found for \(now - order.sentAt) ms")
        return [.note(close, end)]
    }

    /// Look-ups and second tries that are due.
    mutating func ordersDue(_ now: Milliseconds) -> [ExitEffect] {
        var effects: [ExitEffect] = []
        for place in positions.keys.sorted() {
            guard var position = positions[place] else { continue }
            for number in position.orders.indices {
                switch position.orders[number].stage {
                case .waiting(let until) where until <= now:
                    position.orders[number].stage = .inFlight
                    position.orders[number].leftAt = now
                    effects.append(.closeAgain(position.orders[number].close))
                case .inFlight where now >= position.orders[number].leftAt + rules.patienceMilliseconds:
                    position.orders[number].stage = .unresolved(Asking(), looks: 0)
                    effects.append(.lookUp(position.orders[number].close))
                case .unresolved(var asking, let looks):
                    guard asking.isDue(now) else { continue }
                    position.orders[number].stage = .unresolved(asking, looks: looks)
                    effects.append(.lookUp(position.orders[number].close))
                case .waiting, .inFlight, .settled: break
                }
            }
            positions[place] = position
        }
        return effects
    }

    // MARK: Cancels

    mutating func cancel(_ wanted: Cancel) -> [ExitEffect] {
        if let known = cancels[wanted], !known.isDone { return [] }
        cancels[wanted] = Asking()
        return [ExitRun.effect(wanted)]
    }

    mutating func canceled(_ wanted: Cancel, _ answer: Answer<Void>, _ now: Milliseconds) {
        switch answer {
        case .accepted, .rejected: cancels[wanted]?.finish()
        case .throttled, .unknown, .notSent: cancels[wanted]?.pause(now, atLeast: answer.trouble?.wait)
        }
    }

    mutating func cancelsDue(_ now: Milliseconds) -> [ExitEffect] {
        cancels.keys.sorted().compactMap { cancels[$0]?.isDue(now) == true ? ExitRun.effect($0) : nil }
    }

    private static func effect(_ cancel: Cancel) -> ExitEffect {
        cancel.isAlgo ? .cancelAllAlgo(cancel.symbol) : .cancelAll(cancel.symbol)
    }

    // MARK: Books

    private func order(_ close: CloseOrder) -> ExitPosition.Order? {
        positions[close.place]?.orders.first { $0.close.part == close.part }
    }

    private mutating func change(_ close: CloseOrder, _ body: (inout ExitPosition.Order) -> Void) {
        guard let number = positions[close.place]?.orders.firstIndex(where: { $0.close.part == close.part }) else {
            return
        }
        body(&positions[close.place]!.orders[number])
    }

    private mutating func touch(_ close: CloseOrder, _ now: Milliseconds) {
        positions[close.place]?.touchedAt = now
    }

    private mutating func settle(_ close: CloseOrder, _ now: Milliseconds) {
        lastCloseAt = now
        change(close) { $0.stage = .settled }
    }
}

extension OrderStatus {
    /// Of a final state.
    fileprivate var outcome: EventOutcomeState {
        switch self {
        case .filled: .filled
        case .canceled: .canceled
        case .rejected: .rejected
        case .expired, .expiredInMatch: .expired
        case .new: .accepted
        case .partiallyFilled: .partiallyFilled
        }
    }
}
