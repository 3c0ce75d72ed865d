// One fresh look at the account: positions, resting orders, conditional orders, each asked until it is answered.

internal import Exchange

/// What is to be asked again after a while.
struct Asking: Sendable {
    enum Stage: Sendable {
        case asked
        case pausing(until: Milliseconds)
        case done
    }
    private(set) var stage = Stage.asked
    private var tries = 0

    private static let pauseMin: Milliseconds = 100
    private static let pauseMax: Milliseconds = 2_000

    var isDone: Bool { if case .done = stage { true } else { false } }
    var isAsked: Bool { if case .asked = stage { true } else { false } }

    var wakesAt: Milliseconds? { if case .pausing(let until) = stage { until } else { nil } }

    mutating func finish() { stage = .done }

    /// Not answered: again later, when it was told after so long.
    mutating func pause(_ now: Milliseconds, atLeast: Milliseconds? = nil) {
        let own = min(Asking.pauseMax, Asking.pauseMin << Milliseconds(min(tries, 10)))
        tries += 1
        stage = .pausing(until: now + max(own, atLeast ?? 0))
    }

    /// True where it is due: then it counts as asked.
    mutating func isDue(_ now: Milliseconds) -> Bool {
        guard case .pausing(let until) = stage, until <= now else { return false }
        stage = .asked
        return true
    }
}

struct ExitLook: Sendable {
    let number: Int
    let startedAt: Milliseconds
    /// The positions are asked for once more beside a question that nobody answers.
    private var positionsAskedAt: Milliseconds
    var positions = Asking()
    /// Nil: not asked for in this look.
    var orders: Asking?
    var algos: Asking?
    var isWhole = true

    init(_ number: Int, startedAt: Milliseconds, withOrders: Bool) {
        self.number = number
        self.startedAt = startedAt
        positionsAskedAt = startedAt
        orders = withOrders ? Asking() : nil
        algos = withOrders ? Asking() : nil
    }

    var isDone: Bool { positions.isDone && orders?.isDone ?? true && algos?.isDone ?? true }

    /// What is asked at its start.
    var effects: [ExitEffect] {
        [.positions(number)] + (orders == nil ? [] : [.openOrders(number), .openAlgoOrders(number)])
    }

    /// What is due again.
    mutating func due(_ now: Milliseconds, patience: Milliseconds) -> [ExitEffect] {
        var effects: [ExitEffect] = []
        if positions.isDue(now) || positions.isAsked && now >= positionsAskedAt + patience {
            positionsAskedAt = now
            effects.append(.positions(number))
        }
        if orders?.isDue(now) == true { effects.append(.openOrders(number)) }
        if algos?.isDue(now) == true { effects.append(.openAlgoOrders(number)) }
        return effects
    }

    func wakesAt(patience: Milliseconds) -> Milliseconds? {
        let again = positions.isAsked ? positionsAskedAt + patience : nil
        return [positions.wakesAt, again, orders?.wakesAt, algos?.wakesAt].compactMap(\.self).min()
    }
}

extension Answer {
    /// What there is where it is no answer that can be used: for people, and after how long to ask again.
    var trouble: (text: String, wait: Milliseconds?)? {
        switch self {
        case .accepted: nil
        case .rejected(let why): ("\(why)", nil)
        case .throttled(let why): ("\(why)", why.retryAfterMilliseconds)
        case .unknown(let why): ("\(why)", nil)
        case .notSent(let why): ("\(why)", nil)
        }
    }
}
