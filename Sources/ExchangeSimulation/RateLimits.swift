// Counting: request weight by IP address, orders by account, in fixed windows of the clock, and the ban of
// whoever goes on after a 429. Pure: time is given.

internal import Records

/// One fixed window of the clock.
struct Window: Sendable {
    let length: Milliseconds
    private var index: Int64 = -1
    private var count = 0

    init(length: Milliseconds) { self.length = length }

    mutating func add(_ weight: Int, at now: Milliseconds) -> Int {
        roll(now)
        count += weight
        return count
    }

    mutating func used(at now: Milliseconds) -> Int {
        roll(now)
        return count
    }

    func secondsLeft(at now: Milliseconds) -> Int64 { (length - now % length + 999) / 1_000 }

    private mutating func roll(_ now: Milliseconds) {
        guard now / length != index else { return }
        index = now / length
        count = 0
    }
}

package struct LimitOptions: Sendable, Equatable {
    package var weightPerMinute = 2_400
    package var ordersPerMinute = 1_200
    package var ordersPerTenSeconds = 300
    /// So many requests after the first 429 of a window, and the IP is banned.
    package var requestsUntilBan = 20
    package init() {}
}

/// What one IP address has used.
struct ClientUse: Sendable {
    var weight = Window(length: 60_000)
    var refused = Window(length: 60_000)
    var bannedUntil: Milliseconds = 0
    private var bans = 0

    mutating func ban(at now: Milliseconds) {
        let doubled = Limits.simulatedBanMillisecondsMin << min(Int64(bans), 20)
        bannedUntil = now + min(doubled, Limits.simulatedBanMillisecondsMax)
        bans += 1
    }
}

/// What one account has ordered.
struct OrderUse: Sendable {
    var tenSeconds = Window(length: 10_000)
    var minute = Window(length: 60_000)
}
