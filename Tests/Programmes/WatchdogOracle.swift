// What the watchdog should say, from the plain history of a simulated case: lists of what happened, searched from
// the end. It knows no projection and none of the watchdog's code.

struct WatchdogOracle {
    struct Beat {
        let number: Int
        let boot: Int
        let at: Int64
        let isDegraded: Bool
        let positions: Int
        let decided: Int64
    }
    struct Since {
        let boot: Int
        let at: Int64
    }

    var beats: [String: [Beat]] = [:]
    /// Of the fills; nil: flat.
    var openSince: Since?
    /// Numbers of records; zero: none.
    var lastTrigger = 0
    var lastResume = 0
    var resumedAt: Since?
    var boot = 1

    /// The kind of failure at `now` (milliseconds of this boot), as a word of its reason; nil: all is well, or has had
    /// its trigger.
    func failure(now: Int64, watchdogStartedAt: Int64) -> String? {
        if beats.isEmpty {
            guard lastTrigger == 0 else { return lastResume < lastTrigger ? nil : notBack(now) }
            let age = now - watchdogStartedAt
            if openSince != nil, age > 3_000 { return "UNGUARDED" }
            return age > 30_000 ? "NEVER_SEEN" : nil
        }
        if lastTrigger > 0, lastResume < lastTrigger { return nil }
        if let found = notBack(now) { return found }
        for service in beats.keys.sorted() {
            guard let history = beats[service], let last = history.last else { continue }
            if lastTrigger > 0, last.number < lastResume { continue }
            if let found = failure(of: history, last, now) { return found }
        }
        return nil
    }

    /// Trading was resumed after a trigger, and nobody has beaten since.
    private func notBack(_ now: Int64) -> String? {
        guard lastTrigger > 0, let resumedAt,
            !beats.values.contains(where: { ($0.last?.number ?? 0) > lastResume })
        else { return nil }
        let age = now - (resumedAt.boot == boot ? resumedAt.at : 0)
        if openSince != nil, age > 3_000 { return "UNGUARDED" }
        return age > 30_000 ? "NOT_SINCE_RESUME" : nil
    }

    private func failure(of history: [Beat], _ last: Beat, _ now: Int64) -> String? {
        if last.boot != boot { return "REBOOT" }
        let isOpen = last.positions > 0 || openSince != nil
        if isOpen, now - last.at > 3_000 { return "UNGUARDED" }
        if now - last.at > 5_000 { return "MISSING" }
        let degraded = history.reversed().prefix { $0.isDegraded }.last
        if let degraded, now - start(degraded) > 5_000 { return "DEGRADED" }
        guard isOpen else { return nil }
        let decided = start(history.reversed().prefix { $0.decided == last.decided }.last ?? last)
        let byHeart = history.reversed().prefix { $0.positions > 0 }.last.map(start)
        let byFills = openSince.map { $0.boot == boot ? $0.at : 0 }
        let opened = [byHeart, byFills].compactMap { $0 }.min() ?? now
        return now - max(decided, opened) > 30_000 ? "STAGNANT" : nil
    }

    /// In this boot's time; what is older has no place there but its beginning.
    private func start(_ beat: Beat) -> Int64 { beat.boot == boot ? beat.at : 0 }
}
