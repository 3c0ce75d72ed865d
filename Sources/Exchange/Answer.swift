// What became of a request. Five answers, and no sixth: whoever handles them all has handled everything.
// For a write, everything that is not certain is `unknown`, and is resolved by asking, never by sending again.
// No text in here may hold the key, the secret, or control characters, and each is bounded.

internal import Records

package enum Answer<Value: Sendable>: Sendable {
    /// The exchange took it, said so readably, and spoke of this very request.
    case accepted(Value)
    /// It was not executed, for certain; the same request would be refused again.
    case rejected(Rejection)
    /// It was not executed, for certain; later it may be.
    case throttled(Throttling)
    /// Write: it may have been executed. Read: there is no usable answer; it may be asked again.
    case unknown(Unknown)
    /// It never left this process as a whole, so it was not executed, for certain.
    case notSent(NotSent)

    package func map<Other>(_ transform: (Value) -> Other) -> Answer<Other> {
        switch self {
        case .accepted(let value): .accepted(transform(value))
        case .rejected(let rejection): .rejected(rejection)
        case .throttled(let throttling): .throttled(throttling)
        case .unknown(let unknown): .unknown(unknown)
        case .notSent(let reason): .notSent(reason)
        }
    }
}

extension Answer: Equatable where Value: Equatable {}

package struct Rejection: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable, CaseIterable {
        /// The request itself: its values, the account's state, the rules of the symbol.
        case request
        /// Nothing is there under that id (-2011, -2013). Of a fresh order it is no proof of absence.
        case notFound
        /// It is so already (-4046, -4059): as good as done.
        case unchanged
        /// The time stamp; the client asks for the exchange's time by itself.
        case clock
        /// Key, signature or permission: stop, and call a person.
        case credentials
        /// A firewall, or a place from which trading is not allowed.
        case forbidden
    }

    package let kind: Kind
    package let status: Int
    /// The exchange's own number; nil where there was none.
    package let code: Int?
    package let text: String

    package var description: String { "\(kind.rawValue): \(status) \(code.map(String.init) ?? "") \(text)" }
}

package struct Throttling: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Cause: String, Sendable, CaseIterable {
        /// Our own budget: what is not an emergency stops well before the exchange's limit.
        case ownBudget
        case weight
        case orders
        /// This address is shut out, cancels and closes included.
        case banned
        /// The service cannot take it now (503): back off, and try at most a few times.
        case unavailable
        /// System-level protection (-1008): back off; closes and cancels are exempt.
        case overloaded
    }

    package let cause: Cause
    /// Nil where the exchange named no time: back off from 200 ms on.
    package let retryAfterMilliseconds: Int64?
    package let text: String

    package var description: String {
        "\(cause.rawValue): \(retryAfterMilliseconds.map { "again in \($0) ms" } ?? "again later") \(text)"
    }
}

package struct Unknown: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Reason: String, Sendable, CaseIterable {
        /// No answer in time.
        case timedOut
        /// The connection ended before the answer did.
        case connectionLost
        /// The exchange itself does not know (408, 5xx, -1000, -1001, -1006, -1007).
        case exchangeUnsure
        /// An order with this client id exists (-4116): look it up.
        case alreadyThere
        /// A status, a code or a body that nothing here knows.
        case notUnderstood
        /// Readable, but about something else.
        case mismatch
        /// Over a bound.
        case tooLarge
        /// The client was closed while it was on its way.
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

package struct NotSent: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Reason: String, Sendable, CaseIterable {
        /// The last look said no.
        case fenced
        /// The permit is for another order, or this order may not use it.
        case permit
        case noCredentials
        /// A value that no request may hold.
        case outOfBounds
        /// Too much is waiting already.
        case busy
        /// It waited here until its time was over.
        case timedOut
        case noConnection
        /// The certificate, or something else of TLS.
        case insecure
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

/// Foreign text, made fit for a record: bounded, without control characters.
package enum ForeignText {
    package static func tame(_ text: String) -> String {
        var out = ""
        var bytes = 0
        for scalar in text.unicodeScalars {
            let shown: Unicode.Scalar = scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value) ? " " : scalar
            bytes += String(shown).utf8.count
            if bytes > Limits.reasonBytesMax { break }
            out.unicodeScalars.append(shown)
        }
        return out
    }
}
