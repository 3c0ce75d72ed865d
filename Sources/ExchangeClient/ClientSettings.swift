// What a client may be told beside its host and its key, and the clocks that it reads. Tests give other
// clocks; nothing else does.

internal import Exchange
internal import Glibc
internal import Records

package struct ClientSettings: Sendable {
    package var connectMilliseconds = Limits.exchangeConnectMillisecondsMax
    /// From the call to the answer, waiting in the queue included.
    package var totalMilliseconds = Limits.exchangeTotalMillisecondsMax
    package var connectionsMax = Limits.exchangeConnectionsMax
    /// Of them, for what is not an emergency.
    package var ordinaryConnectionsMax = Limits.exchangeOrdinaryConnectionsMax
    package var queuedRequestsMax = Limits.exchangeQueuedRequestsMax
    /// Milliseconds since 1970 by the wall clock.
    package var wallMilliseconds: @Sendable () -> Int64 = { ClientSettings.read(CLOCK_REALTIME) / 1_000_000 }
    package var monotonicNanoseconds: @Sendable () -> UInt64 = { UInt64(ClientSettings.read(CLOCK_BOOTTIME)) }

    package init() {}

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        precondition(clock_gettime(clock, &time) == 0, "a clock cannot be read")
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
