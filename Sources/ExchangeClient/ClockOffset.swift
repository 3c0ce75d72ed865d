// How far the exchange's clock is from ours. Pure: samples of (sent, received, server's time) go in, the
// server's present time comes out. Our time stamps must never run ahead on purpose: a stamp from the future
// would keep an order alive for longer than its recvWindow, and with it the fence of a halt.

internal import Exchange
internal import Records

package struct ClockOffset: Equatable, Sendable {
    /// What is added to our clock; nil until the first sample.
    package private(set) var milliseconds: Int64?
    /// The exchange has refused a time stamp since the last sample.
    package private(set) var isDoubted = false

    package init() {}

    /// Server's time now. Until the first sample our own clock must do, as an emergency cannot wait for one.
    package func serverMilliseconds(at local: Int64) -> Int64 { local + (milliseconds ?? 0) }

    /// False where the sample says nothing: too slow a round trip, a clock that went backwards, or an offset
    /// beyond reason.
    package mutating func take(sentAt: Int64, receivedAt: Int64, server: Int64) -> Bool {
        let roundTrip = receivedAt - sentAt
        guard (0...Int64(Limits.clockSampleRoundTripMillisecondsMax)).contains(roundTrip) else { return false }
        let (offset, over) = server.subtractingReportingOverflow(sentAt + roundTrip / 2)
        guard !over, offset.magnitude <= UInt64(Limits.clockOffsetMillisecondsMax) else { return false }
        milliseconds = offset
        isDoubted = false
        return true
    }

    /// -1021: our stamps and the exchange's clock do not agree.
    package mutating func doubt() { isDoubted = true }
}
