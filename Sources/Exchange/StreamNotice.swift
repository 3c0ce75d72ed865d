// What the user stream tells its service, in order. The grammar: (connected (event | unreadable)* disconnected |
// disconnected)*, and the last notice of all is `disconnected` with the reason `closed`. No text in here may hold
// the API key, the listen key or control characters, and each is bounded.

package import Records

package enum StreamNotice: Equatable, Sendable {
    /// The stream stands; what happens from now on is told. What happened before, since the last event or since the
    /// service's own records end, is not, and nothing is told again: the service must now ask REST for open orders,
    /// positions and trades. Until it has, a fill that is missing here proves nothing.
    /// - Parameter at: by our wall clock.
    case connected(at: Timestamp)
    /// Events may come twice, late, and in another order than they happened.
    case event(StreamEvent)
    /// Something happened, and nobody knows what: the service must ask REST, as after `connected`.
    case unreadable(String)
    /// The connection is gone, or could not be made. The stream tries again by itself, but after `closed`.
    case disconnected(StreamLoss)
}

package struct StreamLoss: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Reason: String, Sendable {
        /// The exchange gave no listen key. The text says whether it refused, or could not be asked.
        case noKey
        case noConnection
        /// The certificate, or something else of TLS.
        case insecure
        /// The exchange's answer to the handshake was another than the stream.
        case refused
        /// Connecting or the handshake took too long.
        case timedOut
        /// The exchange closed it, and said so.
        case ended
        /// The connection broke.
        case lost
        /// What came is no WebSocket, or none as we speak it.
        case notUnderstood
        /// A message over `StreamSettings.messageBytesMax`.
        case tooLarge
        /// No frame came, not even a ping, for `StreamPacing.silenceMilliseconds`.
        case silent
        /// The listen key has ended; the next attempt asks for another.
        case keyExpired
        /// Ended by us before the exchange would have cut it.
        case renewed
        /// `close()`: nothing follows.
        case closed
    }

    package let reason: Reason
    package let text: String

    package init(reason: Reason, text: String) {
        self.reason = reason
        self.text = text
    }

    package var description: String { "\(reason.rawValue): \(text)" }
}

package extension StreamLoss {
    /// Why there is no listen key, from the answer to asking for one.
    init(noKey answer: Answer<some Sendable>) {
        let text =
            switch answer {
            case .accepted: "accepted"
            case .rejected(let rejection): "rejected: \(rejection)"
            case .throttled(let throttling): "throttled: \(throttling)"
            // What could not be read may hold the key.
            case .unknown(let unknown) where unknown.reason == .notUnderstood: "the answer could not be read"
            case .unknown(let unknown): "\(unknown)"
            case .notSent(let reason): "not sent: \(reason)"
            }
        self.init(reason: .noKey, text: text)
    }
}
