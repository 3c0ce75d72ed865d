// For how long somebody has shown no progress, counted in the ticks of whoever watches: time in which the watcher
// himself stood still is nobody's silence.

package import Records

package struct SilenceMeter: Sendable {
    /// What one tick counts for, at most.
    private static let tickNanosecondsMax = UInt64(Limits.watchdogTickMillisecondsMax) * 2_000_000

    private var progress: UInt64 = 0
    private var tickedAt: BootInstant
    package private(set) var nanoseconds: UInt64 = 0

    package init(at now: BootInstant) { tickedAt = now }

    /// - Parameter progress: any number that changes with every sign of life.
    package mutating func tick(progress: UInt64, at now: BootInstant) {
        let passed = now > tickedAt ? now.nanoseconds - tickedAt.nanoseconds : 0
        nanoseconds = progress == self.progress ? nanoseconds + min(passed, SilenceMeter.tickNanosecondsMax) : 0
        (self.progress, tickedAt) = (progress, now)
    }
}
