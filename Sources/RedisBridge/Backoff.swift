// How long to wait before the next try: doubled each time, bounded, without chance. There is one bridge a log, so there
// is no herd to spread.

internal import Records

struct Backoff: Equatable, Sendable {
    private var milliseconds: Int64 = 0

    mutating func next() -> Int64 {
        milliseconds =
            milliseconds == 0
            ? Limits.bridgeBackoffMillisecondsMin : min(milliseconds * 2, Limits.bridgeBackoffMillisecondsMax)
        return milliseconds
    }

    /// Something went well.
    mutating func reset() { milliseconds = 0 }
}
