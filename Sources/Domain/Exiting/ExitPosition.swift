// One position that is being closed: what the last look showed of it, and the orders that were sent for it. No more than
// one of its orders is on its way at a time. What was refused is not sent again in the same run.

internal import Events
internal import Exchange
internal import Records

struct ExitPosition: Sendable {
    struct Order: Sendable {
        enum Stage: Sendable {
            case inFlight
            /// It was not taken, for certain; the same order leaves again.
            case waiting(until: Milliseconds)
            /// It may be there: asked for until it is known.
            case unresolved(Asking, looks: Int)
            case settled
        }
        let close: CloseOrder
        let sentAt: Milliseconds
        /// What was held when it left, or, after a crash, as much as it was for.
        let heldBefore: ExactDecimal
        var executed = ExactDecimal.zero
        /// 0: not known.
        var exchangeOrderID: Int64 = 0
        var stage: Stage
        /// When it left last.
        var leftAt: Milliseconds
        var hasWaited = false
        /// The exchange has shown it at least once.
        var wasSeen = false
    }

    /// Why no further close of it is sent in this run.
    enum Bar: Sendable {
        case refused
        /// The answer was one of those that mean "there is nothing to close": a look decides.
        case spent
    }

    let place: ExitPlace
    private(set) var held = ExactDecimal.zero
    private(set) var seenAt: Milliseconds = .min
    /// An older look says nothing of what was done since.
    var touchedAt: Milliseconds = .min
    var orders: [Order] = []
    /// Parts that wait for the one before.
    private var queue: [ExactDecimal] = []
    var bar: Bar?
    var wasHeld = false

    init(place: ExitPlace) { self.place = place }

    /// - Parameter at: when the look began.
    mutating func see(_ quantity: ExactDecimal, at: Milliseconds, now: Milliseconds) {
        // Parts of a plan for what is not there any more must not leave: on the other side of zero they would open.
        if quantity.isZero || quantity.isNegative != held.isNegative { dropQueue() }
        held = quantity
        seenAt = at
        guard !quantity.isZero else { return }
        wasHeld = true
        if foundAt == nil { foundAt = now }
    }

    var isOpen: Bool { !held.isZero }
    /// When it was first seen open: what a close may wait for counts from then.
    private(set) var foundAt: Milliseconds?
    /// An answer to an order of it is awaited, or an order waits to leave.
    var isMoving: Bool { orders.contains { $0.isOnItsWay && !$0.isUnresolved } }

    /// Whether less is held than the other orders explain: then an order that nobody shows may have been filled.
    func mayHaveReduced(_ order: Order) -> Bool {
        // What was sent before it was known when it left, and is in what was held then.
        let later = orders.filter { $0.close.part > order.close.part }.map(\.executed)
        guard seenAt >= order.leftAt, let rest = Sizing.sum(later + [held.magnitude]) else { return true }
        return rest < order.heldBefore
    }

    /// Orders whose fate is not known and may not come.
    private func isStuck(_ order: Order, mayGoOn: Bool) -> Bool {
        guard case .unresolved(_, let looks) = order.stage else { return false }
        return mayGoOn && looks >= 2 && !order.wasSeen
    }

    /// Whether a new order may be sent for what the last look showed.
    /// - Parameter mayGoOn: beyond the fence; what nobody shows by then is no reason to wait any longer, since a close
    ///   can only reduce.
    func maySend(mayGoOn: Bool) -> Bool {
        guard isOpen, bar == nil, seenAt >= touchedAt else { return false }
        return orders.allSatisfy { order in
            if case .settled = order.stage { return true }
            return isStuck(order, mayGoOn: mayGoOn)
        }
    }

    /// The first order of a new plan for what is held.
    mutating func next(_ trigger: String, _ rule: StepRule?, at now: Milliseconds) -> CloseOrder? {
        queue = ExitPosition.parts(held.magnitude, rule)
        return leave(trigger, at: now)
    }

    private mutating func leave(_ trigger: String, at now: Milliseconds) -> CloseOrder? {
        guard !queue.isEmpty, orders.count < Limits.ordersPerIntentMax else { return nil }
        let part = (orders.map(\.close.part).max() ?? 0) + 1
        let close = CloseOrder(
            trigger: trigger, place: place, part: part, side: closingSide, quantity: queue.removeFirst())
        orders.append(
            Order(close: close, sentAt: now, heldBefore: held.magnitude, stage: .inFlight, leftAt: now))
        return close
    }

    /// In hedge mode it follows from the leg, whatever is held: the other one would open.
    private var closingSide: OrderSide {
        switch place.side {
        case .long: .sell
        case .short: .buy
        case .both: held.isNegative ? .buy : .sell
        }
    }

    /// The next part of the same plan, where the one before was filled whole.
    mutating func nextPart(_ trigger: String, at now: Milliseconds) -> CloseOrder? {
        queue.isEmpty || bar != nil ? nil : leave(trigger, at: now)
    }

    mutating func dropQueue() { queue = [] }

    /// Exact, where the rules are not known or none of it fits: then the exchange decides.
    private static func parts(_ quantity: ExactDecimal, _ rule: StepRule?) -> [ExactDecimal] {
        guard let rule else { return [quantity] }
        do throws(SizeError) {
            let sizes = try Sizing.parts(quantity, rule).sizes
            return sizes.isEmpty ? [quantity] : sizes
        } catch {
            return [quantity]
        }
    }
}

extension ExitPosition.Order {
    var isOnItsWay: Bool {
        switch stage {
        case .inFlight, .waiting, .unresolved: true
        case .settled: false
        }
    }

    var isUnresolved: Bool { if case .unresolved = stage { true } else { false } }

    func wakesAt(patience: Milliseconds) -> Milliseconds? {
        switch stage {
        case .waiting(let until): until
        case .unresolved(let asking, _): asking.wakesAt
        case .inFlight: leftAt + patience
        case .settled: nil
        }
    }
}
