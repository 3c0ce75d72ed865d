// From what came over the wire to what it means. Pure: (status, body, headers | broken transport, whether the
// body left) → verdict. For writes everything that is not certain is unknown; the list of what is certain is
// short, and must only grow with a page of the exchange's documentation that says so.

package import Events
internal import Records

/// An answer that arrived whole.
package struct RawAnswer: Equatable, Sendable {
    package var status: Int
    package var headers: AnswerHeaders
    package var body: [UInt8]

    package init(status: Int, headers: AnswerHeaders, body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// Why there is no whole answer.
package struct TransportFailure: Equatable, Sendable {
    package enum Kind: Equatable, Sendable { case noConnection, insecure, timedOut, lost, tooLarge, closed }
    package var kind: Kind
    package var text: String

    package init(kind: Kind, text: String) {
        self.kind = kind
        self.text = text
    }
}

package enum Transport: Equatable, Sendable {
    case answered(RawAnswer)
    case broken(TransportFailure)
}

/// What of the request can have reached the exchange.
package enum Departure: Equatable, Sendable {
    /// A write whose body was never handed to libcurl.
    case nothingToActOn
    case perhaps
}

package enum Verdict: Equatable, Sendable {
    /// Status 200; the endpoint's own reader decides the rest.
    case success([UInt8])
    case rejected(Rejection)
    case throttled(Throttling)
    case unknown(Unknown)
    case notSent(NotSent)

    /// With every text changed so: what is foreign must be made fit before it leaves this room.
    package func withTexts(_ change: (String) -> String) -> Verdict {
        switch self {
        case .success: self
        case .rejected(let it):
            .rejected(Rejection(kind: it.kind, status: it.status, code: it.code, text: change(it.text)))
        case .throttled(let it):
            .throttled(
                Throttling(
                    cause: it.cause, retryAfterMilliseconds: it.retryAfterMilliseconds, text: change(it.text)))
        case .unknown(let it): .unknown(Unknown(reason: it.reason, text: change(it.text)))
        case .notSent(let it): .notSent(NotSent(reason: it.reason, text: change(it.text)))
        }
    }

    /// Reads what succeeded; what cannot be read, or speaks of something else, is unknown.
    /// - Parameter scrub: takes secrets out of a text.
    package func answer<Value>(
        scrub: (String) -> String, _ reader: (JSONValue) throws -> Value
    ) -> Answer<Value> {
        switch self {
        case .rejected(let rejection): return .rejected(rejection)
        case .throttled(let throttling): return .throttled(throttling)
        case .unknown(let unknown): return .unknown(unknown)
        case .notSent(let reason): return .notSent(reason)
        case .success(let body):
            do {
                return .accepted(try reader(try JSONText.read(body)))
            } catch let mismatch as Mismatch {
                return .unknown(Unknown(reason: .mismatch, text: mismatch.text))
            } catch {
                return .unknown(Unknown(reason: .notUnderstood, text: ForeignText.tame(scrub("\(error)"))))
            }
        }
    }
}

package enum Classification {
    package static func classify(_ transport: Transport, departure: Departure) -> Verdict {
        switch transport {
        case .answered(let answer): classify(answer)
        case .broken(let failure): classify(failure, departure)
        }
    }

    // MARK: No whole answer

    private static func classify(_ failure: TransportFailure, _ departure: Departure) -> Verdict {
        switch departure {
        case .nothingToActOn: return .notSent(NotSent(reason: notSentReason(failure.kind), text: failure.text))
        case .perhaps: return .unknown(Unknown(reason: unknownReason(failure.kind), text: failure.text))
        }
    }

    private static func notSentReason(_ kind: TransportFailure.Kind) -> NotSent.Reason {
        switch kind {
        case .noConnection, .lost, .tooLarge: .noConnection
        case .insecure: .insecure
        case .timedOut: .timedOut
        case .closed: .closed
        }
    }

    private static func unknownReason(_ kind: TransportFailure.Kind) -> Unknown.Reason {
        switch kind {
        case .noConnection, .insecure, .lost: .connectionLost
        case .timedOut: .timedOut
        case .tooLarge: .tooLarge
        case .closed: .closed
        }
    }

    // MARK: A whole answer

    private static func classify(_ answer: RawAnswer) -> Verdict {
        let said = ErrorBody(answer.body)
        switch answer.status {
        case 200: return .success(answer.body)
        case 400: return byCode(answer, said) ?? notUnderstood(answer, said)
        case 401: return byStatus(answer, said, .credentials)
        case 403, 451: return byStatus(answer, said, .forbidden)
        case 404: return byStatus(answer, said, .request)
        case 418: return throttled(answer, said, .banned)
        case 429: return throttled(answer, said, said.code == -1015 ? .orders : .weight)
        case 503: return serviceUnavailable(answer, said)
        case 408, 500...599: return unsure(answer, said)
        default: return notUnderstood(answer, said)
        }
    }

    private static func byCode(_ answer: RawAnswer, _ said: ErrorBody) -> Verdict? {
        guard let code = said.code, let meaning = ErrorCodes.meaning(of: code, text: said.text) else { return nil }
        switch meaning {
        case .rejected(let kind):
            return .rejected(Rejection(kind: kind, status: answer.status, code: code, text: said.text))
        case .unknown(let reason): return .unknown(Unknown(reason: reason, text: said.sentence(answer.status)))
        case .throttled(let cause): return throttled(answer, said, cause)
        }
    }

    /// Statuses that say "not executed" by themselves, unless the code says otherwise.
    private static func byStatus(_ answer: RawAnswer, _ said: ErrorBody, _ kind: Rejection.Kind) -> Verdict {
        if let verdict = byCode(answer, said) { return verdict }
        return .rejected(Rejection(kind: kind, status: answer.status, code: said.code, text: said.text))
    }

    private static func throttled(_ answer: RawAnswer, _ said: ErrorBody, _ cause: Throttling.Cause) -> Verdict {
        if let code = said.code, isUnknown(code, said.text) { return unsure(answer, said) }
        let milliseconds = answer.headers.retryAfterSeconds.map { Int64($0) * 1_000 }
        return .throttled(Throttling(cause: cause, retryAfterMilliseconds: milliseconds, text: said.text))
    }

    /// Four kinds, told apart by their text. The fourth ("Internal error…") is not executed by the
    /// documentation and "look it up first" by its advice, so it is unknown as all the rest.
    private static func serviceUnavailable(_ answer: RawAnswer, _ said: ErrorBody) -> Verdict {
        let contradicts = said.code.map { isUnknown($0, said.text) } ?? false
        if contradicts || said.text.hasPrefix("Unknown error") { return unsure(answer, said) }
        if said.text == "Service Unavailable." { return throttled(answer, said, .unavailable) }
        if said.code == -1008 || said.text.hasPrefix("Request throttled by system-level protection.") {
            return throttled(answer, said, .overloaded)
        }
        return unsure(answer, said)
    }

    private static func isUnknown(_ code: Int, _ text: String) -> Bool {
        if case .unknown = ErrorCodes.meaning(of: code, text: text) { return true }
        return false
    }

    private static func unsure(_ answer: RawAnswer, _ said: ErrorBody) -> Verdict {
        .unknown(Unknown(reason: .exchangeUnsure, text: said.sentence(answer.status)))
    }

    private static func notUnderstood(_ answer: RawAnswer, _ said: ErrorBody) -> Verdict {
        .unknown(Unknown(reason: .notUnderstood, text: said.sentence(answer.status)))
    }
}

/// `{"code":-1021,"msg":"…"}`, as far as it is there.
package struct ErrorBody: Equatable, Sendable {
    package var code: Int?
    package var text = ""

    package init(_ body: [UInt8]) {
        guard body.count <= Limits.exchangeAnswerBytesMax else { return }
        let value: JSONValue
        do {
            value = try JSONText.read(body)
        } catch {
            return  // HTML of a firewall, or cut off: no code, no text, and so nothing certain
        }
        if case .number(let digits) = value["code"] { code = Int(digits) }
        if case .string(let message) = value["msg"] { text = message }
    }

    /// For people.
    package func sentence(_ status: Int) -> String {
        "status \(status)" + (code.map { ", code \($0)" } ?? "") + (text.isEmpty ? "" : ": " + text)
    }
}
