// The pauses between questions that have to be asked again: they grow, up to a bound, and where something has not been
// known for long, up to a larger one, because every question is kept for as long as its intent has no end.
// None is ever zero: a loop without pauses would use up the exchange's limits, and shut out closes.

struct Pauses {
    static let first: Milliseconds = 100
    static let most: Milliseconds = 5_000
    /// After `longAfter`.
    static let mostLong: Milliseconds = 60_000
    static let longAfter: Milliseconds = 600_000

    private let began: Milliseconds
    private var upcoming = first

    init(at now: Milliseconds) { began = now }

    /// - Parameter notOver: a moment that is not slept over, where it is still to come.
    mutating func next(at now: Milliseconds, notOver moment: Milliseconds? = nil) -> Milliseconds {
        let isLong = now - began >= Pauses.longAfter
        let pause = min(upcoming, isLong ? Pauses.mostLong : Pauses.most)
        upcoming = min(upcoming * 2, Pauses.mostLong)
        guard let moment, moment > now else { return pause }
        return min(pause, moment - now)
    }
}
