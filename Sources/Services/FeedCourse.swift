// When the feeds look at the exchange, and what they have yet to take: notices of the user stream in, turns out. A pure
// state machine; `now` is the monotonic clock in milliseconds. The service waits for it, a simulation does not.
// It must never lose an update, nor take a gap for closed that no look has closed.

package import Exchange

package struct FeedCourse: Sendable {
    /// What is to be done now.
    package struct Turn: Sendable {
        /// In the order in which they were told.
        package let updates: [OrderUpdate]
        package let look: Look?
    }

    package struct Look: Equatable, Sendable {
        /// The trades of every symbol that was ever traded, not only of those in use.
        package let isSweep: Bool
        /// How long the stream was away when the look began; nil: it stood.
        package let lostFor: Int64?
    }

    /// After a sweep that could not ask everything: soon, and never at once: the exchange may have had enough of us.
    private static let retryMilliseconds: Int64 = 1_000

    private let options: FeedOptions
    private var updates: [OrderUpdate] = []
    /// Something may have happened that nobody told.
    private var hasGap = true
    /// Nil: it stands, or there is to be none.
    private var lostSince: Int64?
    private var nextLookAt: Int64
    private var nextSweepAt: Int64
    private var mustRetry = false
    private var running: Look?

    package init(_ options: FeedOptions, at now: Int64) {
        self.options = options
        lostSince = options.hasStream ? now : nil
        (nextLookAt, nextSweepAt) = (now, now)
    }

    package mutating func take(_ notice: StreamNotice, at now: Int64) {
        switch notice {
        case .connected:
            (lostSince, hasGap) = (nil, true)
        case .event(.order(let update)):
            if update.fill != nil { updates.append(update) }
        case .event(.account), .event(.listenKeyExpired), .event(.other): return
        case .unreadable:
            hasGap = true
        case .disconnected:
            lostSince = lostSince ?? now
            lookWhenLostForLong(now)
        }
    }

    /// Each update is handed out once. A look that is handed out must be told to have been `looked` before the next one.
    package mutating func turn(at now: Int64) -> Turn {
        let taken = updates
        updates = []
        guard running == nil, now >= lookAt else { return Turn(updates: taken, look: nil) }
        let look = Look(isSweep: hasGap || mustRetry || now >= nextSweepAt, lostFor: lostSince.map { now - $0 })
        nextLookAt = now + options.intervalMilliseconds
        lookWhenLostForLong(now)
        if look.isSweep { nextSweepAt = now + options.sweepMilliseconds }
        hasGap = false
        running = look
        return Turn(updates: taken, look: look)
    }

    /// - Parameter isWhole: everything could be asked. A sweep that was not is made again.
    package mutating func looked(isWhole: Bool, at now: Int64) {
        precondition(running != nil, "no look was handed out")
        mustRetry = running?.isSweep == true && !isWhole
        if mustRetry { nextLookAt = min(nextLookAt, now + FeedCourse.retryMilliseconds) }
        running = nil
    }

    /// Nothing is to be done before, unless the stream tells something.
    package var wakeAt: Int64 { updates.isEmpty ? running == nil ? lookAt : .max : .min }

    /// While the stream is away, one look an interval is enough: when it is back, there is one anyhow.
    private var lookAt: Int64 { hasGap && lostSince == nil ? .min : nextLookAt }

    /// That it was away for too long is said when it is so, however long the interval.
    private mutating func lookWhenLostForLong(_ now: Int64) {
        guard let lostSince else { return }
        let moment = lostSince + options.streamLossMilliseconds + 1
        if moment > now { nextLookAt = min(nextLookAt, moment) }
    }
}
