// What the exchange still lets us do: weight a minute, orders in ten seconds and a minute, and until when it
// told us to be silent. Pure; times are the server's, in milliseconds. Windows are fixed windows of the
// clock. What is not an emergency stops at Limits.ordinaryBudgetPercentMax, because a ban for ignoring a
// limit shuts out cancels and closes too. It must never let a request pass while we were told to wait.

internal import Records

/// For whom a request is sent.
package enum BudgetClass: Sendable { case ordinary, emergency }

/// What `exchangeInfo` says.
package struct RateLimits: Equatable, Sendable {
    package var weightPerMinute = Limits.weightPerMinuteDefault
    package var ordersPerTenSeconds = Limits.ordersPerTenSecondsDefault
    package var ordersPerMinute = Limits.ordersPerMinuteDefault
    package init() {}
}

package struct Budget: Sendable {
    private var weight = Window(milliseconds: 60_000)
    private var ordersTen = Window(milliseconds: 10_000)
    private var ordersMinute = Window(milliseconds: 60_000)
    private var silentUntil: Int64 = .min
    private var noOrdersUntil: Int64 = .min
    private var silence: Throttling.Cause = .weight
    package var limits = RateLimits()

    package init() {}

    /// Nil: it may go, and is counted. Otherwise why not, and for how long.
    package mutating func admit(_ cost: RequestPlan.Cost, _ budgetClass: BudgetClass, at now: Int64) -> Throttling? {
        if now < silentUntil { return wait(silence, until: silentUntil, now, "the exchange told us to wait") }
        if cost.orders > 0, now < noOrdersUntil {
            return wait(.orders, until: noOrdersUntil, now, "the exchange told us to place no orders")
        }
        let wanted: [(WritableKeyPath<Budget, Window>, Int, Int)] = [
            (\.weight, cost.weight, limits.weightPerMinute), (\.ordersTen, cost.orders, limits.ordersPerTenSeconds),
            (\.ordersMinute, cost.orders, limits.ordersPerMinute),
        ]
        for (window, units, limit) in wanted where units > 0 {
            let allowed = budgetClass == .emergency ? limit : limit * Limits.ordinaryBudgetPercentMax / 100
            self[keyPath: window].move(to: now)
            guard self[keyPath: window].used + units <= allowed else {
                return wait(.ownBudget, until: self[keyPath: window].end, now, "\(allowed) are allowed in this window")
            }
        }
        for (window, units, _) in wanted { self[keyPath: window].spend(units) }
        return nil
    }

    /// An answer's headers. Only those of a request that was sent in the window in which its answer came are
    /// taken: the number of another window says nothing about this one.
    package mutating func take(_ headers: AnswerHeaders, sentAt: Int64, receivedAt: Int64) {
        weight.raise(to: headers.usedWeight, sentAt: sentAt, receivedAt: receivedAt)
        ordersTen.raise(to: headers.ordersInTenSeconds, sentAt: sentAt, receivedAt: receivedAt)
        ordersMinute.raise(to: headers.ordersInMinute, sentAt: sentAt, receivedAt: receivedAt)
    }

    /// The exchange says wait. Where it names no time: a ban lasts two minutes at least, and a limit ends with
    /// its window.
    package mutating func take(_ throttling: Throttling, at now: Int64) {
        let asked = throttling.retryAfterMilliseconds.map { now + max(1_000, $0) } ?? banEnd(throttling.text, now)
        switch throttling.cause {
        case .banned:
            silent(until: asked ?? now + Int64(Limits.banSecondsDefault) * 1_000, .banned)
        case .weight: silent(until: asked ?? Window.end(of: now, milliseconds: 60_000), .weight)
        case .orders: noOrdersUntil = max(noOrdersUntil, asked ?? Window.end(of: now, milliseconds: 10_000))
        case .ownBudget, .unavailable, .overloaded: break
        }
    }

    /// "… IP banned until 1763818338280", in the server's milliseconds.
    private func banEnd(_ text: String, _ now: Int64) -> Int64? {
        guard let mark = text.firstRange(of: "banned until ") else { return nil }
        let digits = text[mark.upperBound...].prefix { ("0"..."9").contains($0) }
        guard digits.utf8.count == 13, let end = Int64(digits), end > now else { return nil }
        return min(end, now + Int64(Limits.retryAfterSecondsMax) * 1_000)
    }

    private mutating func silent(until end: Int64, _ cause: Throttling.Cause) {
        guard end > silentUntil else { return }
        silentUntil = end
        silence = cause
    }

    private func wait(_ cause: Throttling.Cause, until end: Int64, _ now: Int64, _ text: String) -> Throttling {
        Throttling(cause: cause, retryAfterMilliseconds: max(1, end - now), text: text)
    }

    /// One fixed window of the server's clock.
    private struct Window: Sendable {
        let milliseconds: Int64
        private var start: Int64 = .min
        private(set) var used = 0

        init(milliseconds: Int64) { self.milliseconds = milliseconds }

        static func end(of now: Int64, milliseconds: Int64) -> Int64 { now - now % milliseconds + milliseconds }
        var end: Int64 { start + milliseconds }

        /// A clock that goes back stays in the newer window: what was spent there counts.
        mutating func move(to now: Int64) {
            let begin = now - now % milliseconds
            guard begin > start else { return }
            start = begin
            used = 0
        }

        mutating func spend(_ units: Int) { used += units }

        mutating func raise(to count: Int?, sentAt: Int64, receivedAt: Int64) {
            move(to: receivedAt)
            guard let count, sentAt >= start else { return }
            used = max(used, count)
        }
    }
}
