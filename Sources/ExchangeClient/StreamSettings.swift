// What a user stream may be told beside its client, and the clocks and the chance that it reads. Tests give
// others; nothing else does.

package import Exchange
internal import NIOSSL
internal import Records

package struct StreamSettings: Sendable {
    package var pacing = StreamPacing { Int64.random(in: $0) }
    package var messageBytesMax = Limits.streamMessageBytesMax
    package var wallMilliseconds = ClientSettings().wallMilliseconds
    package var monotonicMilliseconds: @Sendable () -> Int64 = {
        let nanoseconds = ClientSettings().monotonicNanoseconds()
        return Int64(nanoseconds / 1_000_000)
    }
    /// Whom to trust beside or instead of the system's roots. Certificates are verified in any case.
    var trustRoots = NIOSSLTrustRoots.default

    package init() {}
}
