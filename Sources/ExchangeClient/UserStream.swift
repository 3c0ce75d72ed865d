// The user-data stream, as a service sees it: it is made, it tells, it is closed. It keeps its listen key alive and
// its connection standing by itself. It must never fill a gap: that is the service's, from REST, after each
// `connected` and each `unreadable` (StreamNotice says what). Nor may it be the only witness of a fill.

package import Exchange

package final class UserStream: Sendable {
    private let runner: StreamRunner

    /// Begins at once, and goes on until `close`: where the exchange cannot be reached, it waits and tries again.
    /// - Parameters:
    ///   - client: for the listen key. It must be closed after the stream, not before it.
    ///   - handler: called with one notice after the other, on the stream's own thread. It must be quick, because
    ///     pings wait for it, and must not call `close`.
    package init(
        client: ExchangeClient, settings: StreamSettings, handler: @escaping @Sendable (StreamNotice) -> Void
    ) {
        runner = StreamRunner(client: client, settings: settings, handler: handler)
        runner.start()
    }

    deinit { runner.close() }

    /// Tells `disconnected` with the reason `closed`, ends the connection, and waits until the thread has ended: after
    /// it the handler is never called. A second call waits for the same end. It takes a moment, and at the most
    /// as long as a connection may take to be made (`StreamPacing.connectMilliseconds`).
    @available(*, noasync)
    package func close() {
        precondition(!runner.isOnItsThread, "a stream was closed from its own handler")
        runner.close()
        runner.waitForEnd()
    }
}
