// Every row of the exchange's documentation about statuses and codes, and what it lets a client conclude about
// a write. Where the exchange is not certain, we are not.

import Events
import Testing

@testable import Exchange
@testable import ExchangeClient

@Suite struct ClassificationTests {
    static let unknownText = "Unknown error, please check your request or try again later."
    static let throttledText =
        "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again."
    static let internalText = "Internal error; unable to process your request. Please try again."

    /// Status, body → verdict.
    static let rows: [(Int, String, String)] = [
        (200, "{}", "success"),
        // What 400 means stands in the code.
        (400, Sample.error(-2019, "Margin is insufficient."), "rejected/request"),
        (400, Sample.error(-2011, "Unknown order sent."), "rejected/notFound"),
        (400, Sample.error(-2013, "Order does not exist."), "rejected/notFound"),
        (400, Sample.error(-4046, "No need to change margin type."), "rejected/unchanged"),
        (400, Sample.error(-4059, "No need to change position side."), "rejected/unchanged"),
        (400, Sample.error(-1021, "Timestamp for this request is outside of the recvWindow."), "rejected/clock"),
        (400, Sample.error(-5028, "Timestamp for this request is outside of the ME recvWindow."), "rejected/clock"),
        (400, Sample.error(-1022, "Signature for this request is not valid."), "rejected/credentials"),
        (400, Sample.error(-2010, "New order rejected."), "rejected/request"),
        (400, Sample.error(-2010, "Duplicate order sent."), "unknown/alreadyThere"),
        (400, Sample.error(-4116, "ClientOrderId is duplicated."), "unknown/alreadyThere"),
        (400, Sample.error(-1000, "An unknown error occurred while processing the request."), "unknown/exchangeUnsure"),
        (400, Sample.error(-1001, internalText), "unknown/exchangeUnsure"),
        (400, Sample.error(-1006, "An unexpected response was received."), "unknown/exchangeUnsure"),
        (400, Sample.error(-1007, "Timeout waiting for response."), "unknown/exchangeUnsure"),
        (400, Sample.error(-2012, "Batch cancel failure."), "unknown/exchangeUnsure"),
        (400, Sample.error(-9999, "A number of next year."), "unknown/notUnderstood"),
        (400, Sample.error(200, "Fine."), "unknown/notUnderstood"),
        (400, #"{"code":"-2019","msg":"A number as text."}"#, "unknown/notUnderstood"),
        (400, "", "unknown/notUnderstood"),
        (400, "<html>Bad Request</html>", "unknown/notUnderstood"),
        (401, Sample.error(-2014, "API-key format invalid."), "rejected/credentials"),
        (401, Sample.error(-2015, "Invalid API-key, IP, or permissions for action."), "rejected/credentials"),
        (401, "", "rejected/credentials"),
        (403, "<html>WAF</html>", "rejected/forbidden"),
        (403, Sample.error(-1007, "Timeout"), "unknown/exchangeUnsure"),
        (404, Sample.error(-1099, "Not found, authenticated, or authorized."), "rejected/request"),
        (451, "", "rejected/forbidden"),
        (408, Sample.error(-1007, "Timeout waiting for response."), "unknown/exchangeUnsure"),
        (408, "", "unknown/exchangeUnsure"),
        (418, Sample.error(-1003, "Way too many requests; IP banned until 1763818338280."), "throttled/banned"),
        (429, Sample.error(-1003, "Too many requests."), "throttled/weight"),
        (429, Sample.error(-1015, "Too many new orders; current limit is 300."), "throttled/orders"),
        (429, "", "throttled/weight"),
        (429, Sample.error(-1007, "Timeout"), "unknown/exchangeUnsure"),
        (500, "", "unknown/exchangeUnsure"),
        (500, Sample.error(-2019, "Margin is insufficient."), "unknown/exchangeUnsure"),
        (502, "<html>Bad Gateway</html>", "unknown/exchangeUnsure"),
        (504, "", "unknown/exchangeUnsure"),
        // The four kinds of 503.
        (503, Sample.error(-1000, unknownText), "unknown/exchangeUnsure"),
        (503, #"{"timestamp":1,"path":"/fapi/v1/order","msg":"\#(unknownText)"}"#, "unknown/exchangeUnsure"),
        (503, #"{"msg":"Service Unavailable."}"#, "throttled/unavailable"),
        (503, Sample.error(0, "Service Unavailable."), "throttled/unavailable"),
        (503, Sample.error(-1008, throttledText), "throttled/overloaded"),
        (503, #"{"msg":"\#(throttledText)"}"#, "throttled/overloaded"),
        (503, Sample.error(-1008, "Server is currently overloaded."), "throttled/overloaded"),
        (503, Sample.error(-1001, internalText), "unknown/exchangeUnsure"),
        // And what only looks like one of them.
        (503, "<html>Service Unavailable.</html>", "unknown/exchangeUnsure"),
        (503, "Service Unavailable.", "unknown/exchangeUnsure"),
        (503, Sample.error(-1008, unknownText), "unknown/exchangeUnsure"),
        (503, Sample.error(-1007, "Service Unavailable."), "unknown/exchangeUnsure"),
        (503, #"{"msg":"Service Unavailable"}"#, "unknown/exchangeUnsure"),
        (503, Sample.error(-2019, "Margin is insufficient."), "unknown/exchangeUnsure"),
        (503, Sample.error(-1001, throttledText), "unknown/exchangeUnsure"),
        (503, "", "unknown/exchangeUnsure"),
        // Statuses that nobody has written about.
        (100, "", "unknown/notUnderstood"), (202, "{}", "unknown/notUnderstood"),
        (204, "", "unknown/notUnderstood"), (302, "", "unknown/notUnderstood"),
        (405, "", "unknown/notUnderstood"), (413, "", "unknown/notUnderstood"), (0, "", "unknown/notUnderstood"),
        (599, "", "unknown/exchangeUnsure"), (999, "", "unknown/notUnderstood"),
    ]

    @Test(arguments: rows)
    func aWholeAnswerMeans(_ status: Int, _ body: String, _ word: String) {
        let answer = RawAnswer(status: status, headers: AnswerHeaders(), body: Array(body.utf8))
        #expect(Classification.classify(.answered(answer), departure: .perhaps).word == word)
    }

    static let broken: [(TransportFailure.Kind, Departure, String)] = [
        (.noConnection, .nothingToActOn, "notSent/noConnection"),
        (.insecure, .nothingToActOn, "notSent/insecure"),
        (.timedOut, .nothingToActOn, "notSent/timedOut"),
        (.lost, .nothingToActOn, "notSent/noConnection"),
        (.closed, .nothingToActOn, "notSent/closed"),
        (.tooLarge, .nothingToActOn, "notSent/noConnection"),
        (.noConnection, .perhaps, "unknown/connectionLost"),
        (.insecure, .perhaps, "unknown/connectionLost"),
        (.timedOut, .perhaps, "unknown/timedOut"),
        (.lost, .perhaps, "unknown/connectionLost"),
        (.closed, .perhaps, "unknown/closed"),
        (.tooLarge, .perhaps, "unknown/tooLarge"),
    ]

    @Test(arguments: broken)
    func withoutAWholeAnswer(_ kind: TransportFailure.Kind, _ departure: Departure, _ word: String) {
        let failure = TransportFailure(kind: kind, text: "x")
        #expect(Classification.classify(.broken(failure), departure: departure).word == word)
    }

    /// The codes that a client may take for "not executed": a list that must not grow by accident.
    @Test func everyCodeThatIsNotListedIsNotUnderstood() {
        let certain = (-6_000...0).count { code in
            guard case .rejected = ErrorCodes.meaning(of: code, text: "") else { return false }
            return true
        }
        #expect(certain == 111)
        for code in [-1000, -1001, -1006, -1007, -4116] {
            #expect(ErrorCodes.meaning(of: code, text: "")?.isUnknown == true, "\(code)")
        }
        for code in [1, 200, -1, -999, -1004, -3000, -5042, -9999, .min, .max] {
            #expect(ErrorCodes.meaning(of: code, text: "") == nil, "\(code)")
        }
    }

    @Test func waitsAreReadFromTheHeaderAndBounded() {
        func wait(_ value: String) -> Int64?? {
            var headers = AnswerHeaders()
            headers.read(line: Array("RETRY-After: \(value)\r\n".utf8))
            let answer = RawAnswer(status: 429, headers: headers, body: [])
            guard case .throttled(let it) = Classification.classify(.answered(answer), departure: .perhaps) else {
                return nil
            }
            return .some(it.retryAfterMilliseconds)
        }
        #expect(wait("7") == 7_000 && wait("0") == 0)
        #expect(wait("999999999") == 259_200_000)
        for absurd in ["", "-1", "1.5", "Wed, 21 Oct 2026 07:28:00 GMT", "99999999999999999999", "٣"] {
            #expect(wait(absurd) == .some(nil), "\(absurd)")
        }
    }

    @Test func foreignTextIsTamed() {
        let wild = "a\u{1b}[31m\nb\u{0}c\u{9b}" + String(repeating: "é", count: 10_000)
        let tame = ForeignText.tame(wild)
        #expect(tame.utf8.count <= 512 && tame.hasPrefix("a [31m b c é"))
    }

    /// No answer of a fuzzed body may be taken for certain unless its status says so by itself.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func mutatedBodiesNeverMakeAnUncertainStatusCertain(_ seed: UInt64) {
        var random = SplitMix(seed)
        let start = Array(Sample.error(-1007, "Timeout waiting for response from backend server.").utf8)
        for round in 0..<5_000 {
            var body = start
            for _ in 0...(random.next() % 4) {
                let place = Int(random.next() % UInt64(body.count))
                body[place] = UInt8(truncatingIfNeeded: random.next())
            }
            for status in [500, 502, 504, 408] {
                let answer = RawAnswer(status: status, headers: AnswerHeaders(), body: body)
                let word = Classification.classify(.answered(answer), departure: .perhaps).word
                #expect(word.hasPrefix("unknown/"), "seed \(seed), round \(round)")
            }
        }
    }
}

extension ErrorMeaning {
    fileprivate var isUnknown: Bool {
        if case .unknown = self { return true }
        return false
    }
}

extension Verdict {
    var word: String {
        switch self {
        case .success: "success"
        case .rejected(let it): Answer<Int>.rejected(it).word
        case .throttled(let it): Answer<Int>.throttled(it).word
        case .unknown(let it): Answer<Int>.unknown(it).word
        case .notSent(let it): Answer<Int>.notSent(it).word
        }
    }
}
