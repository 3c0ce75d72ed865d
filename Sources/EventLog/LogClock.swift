// The two clocks that stamp a record, injected so that tests and simulations decide what time it is.

internal import Glibc
package import Records

package struct LogClock: Sendable {
    /// The wall clock.
    package var now: @Sendable () -> Timestamp
    /// CLOCK_BOOTTIME: goes on while the machine sleeps, never goes back.
    package var boot: @Sendable () -> BootInstant

    package init(now: @escaping @Sendable () -> Timestamp, boot: @escaping @Sendable () -> BootInstant) {
        self.now = now
        self.boot = boot
    }

    package static let system = LogClock(
        now: { Timestamp(nanoseconds: Int64(nanoseconds(CLOCK_REALTIME))) },
        boot: { BootInstant(nanoseconds: nanoseconds(CLOCK_BOOTTIME)) })

    private static func nanoseconds(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
