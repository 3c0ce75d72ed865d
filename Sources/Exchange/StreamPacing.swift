// How long a user stream waits for what, in milliseconds, and its only chance. Tests and the simulation give others.

internal import Records

package struct StreamPacing: Sendable {
    /// Between two extensions of the listen key, and after one that failed.
    package var renewalMilliseconds = Limits.listenKeyRenewalMillisecondsDefault
    package var renewalRetryMilliseconds = Limits.listenKeyRetryMillisecondsDefault
    /// How long a key lives that could not be extended. After it the connection, though open, says nothing more.
    package var keyMilliseconds = Limits.listenKeyMilliseconds
    /// Without a frame for so long, the connection counts as lost.
    package var silenceMilliseconds = Limits.streamSilenceMillisecondsDefault
    /// A connection is ended and made anew after so long, before the exchange cuts it.
    package var connectionMilliseconds = Limits.streamConnectionMillisecondsDefault
    /// Connecting, TLS and handshake together.
    package var connectMilliseconds = Limits.streamConnectMillisecondsMax
    /// The waits between attempts: the first one, and what doubling it leads to at most. Each is shortened by
    /// chance, to half at most.
    package var backoffMillisecondsMin = Limits.streamBackoffMillisecondsMin
    package var backoffMillisecondsMax = Limits.streamBackoffMillisecondsMax
    /// A connection that held for so long makes the next wait the first one again.
    package var stableMilliseconds = Limits.streamStableMillisecondsDefault
    /// Whether `close()` ends the listen key, too. It is the account's one key: whoever else listens, another
    /// process with the same API key for one, would hear nothing more. It ends by itself within an hour.
    package var closesKey = false
    package var random: @Sendable (ClosedRange<Int64>) -> Int64

    package init(random: @escaping @Sendable (ClosedRange<Int64>) -> Int64) { self.random = random }
}
