// One request on its way through libcurl: an easy handle, the body that it hands out, the answer that it
// gathers. It belongs to the loop's thread.
// The body of a write is handed out once and never again: libcurl, by itself, sends a POST again whenever a
// kept-alive connection dies under it, and reports success. So the body comes from a read function, there is
// no seek function, and a second asking ends the transfer. CURLOPT_POSTFIELDS must never be used here, nor a
// seek function, redirects, a proxy, HTTP/2, or verbose output (it shows the key).

internal import CCurl
internal import Exchange
internal import Records

final class Transfer {
    let easy: UnsafeMutableRawPointer
    private let body: [UInt8]
    private let answerBytesMax: Int
    /// Asked in the very moment in which the body would leave.
    private let lastLook: (@Sendable () -> Bool)?
    private var headerList: UnsafeMutablePointer<curl_slist>?

    /// From here on the exchange may act on it.
    private(set) var bodyWasTaken = false
    private(set) var wasFenced = false
    private var answer: [UInt8] = []
    private var headers = AnswerHeaders()
    private var headerBytes = 0
    private var isTooLarge = false

    init(
        _ request: WireRequest, host: ExchangeHost, key: String?, settings: ClientSettings,
        totalMilliseconds: Int, answerBytesMax: Int, lastLook: (@Sendable () -> Bool)?
    ) {
        CurlLibrary.start()
        guard let easy = curl_easy_init() else { fatalError("libcurl could not make a handle: out of memory") }
        self.easy = easy
        body = request.body
        self.answerBytesMax = answerBytesMax
        self.lastLook = lastLook
        precondition(body.count <= Limits.exchangeBodyBytesMax, "a request's body is over its bound")
        set(CURLOPT_URL, host.base + request.target)
        setProtocol(isTLS: host.isTLS)
        set(CURLOPT_CONNECTTIMEOUT_MS, settings.connectMilliseconds)
        set(CURLOPT_TIMEOUT_MS, max(1, totalMilliseconds))
        setConnections()
        setMethod(request)
        setHeaders(key: request.carriesKey ? key : nil, hasBody: !body.isEmpty)
        setCallbacks()
    }

    deinit {
        curl_easy_cleanup(easy)
        curl_slist_free_all(headerList)
    }

    // MARK: What it was

    /// After libcurl is done with it.
    func outcome(_ code: CURLcode) -> Transport {
        if code == CURLE_OK {
            var status = 0
            guard backstop_curl_get_long(easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK else {
                return .broken(TransportFailure(kind: .lost, text: "no status"))
            }
            return .answered(RawAnswer(status: status, headers: headers, body: answer))
        }
        return .broken(TransportFailure(kind: kind(code), text: String(cString: curl_easy_strerror(code))))
    }

    /// What was read of the headers, even where the answer then broke off.
    var headersSoFar: AnswerHeaders { headers }

    private func kind(_ code: CURLcode) -> TransportFailure.Kind {
        if isTooLarge { return .tooLarge }
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT,
            CURLE_NO_CONNECTION_AVAILABLE:
            return .noConnection
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_ISSUER_ERROR:
            return .insecure
        case CURLE_OPERATION_TIMEDOUT: return .timedOut
        case CURLE_FILESIZE_EXCEEDED: return .tooLarge
        default: return .lost
        }
    }

    // MARK: Options

    private func setProtocol(isTLS: Bool) {
        set(CURLOPT_PROTOCOLS_STR, isTLS ? "https" : "http")
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_PROXY, "")
        set(CURLOPT_NOPROXY, "*")
        set(CURLOPT_NETRC, 0)
        set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_HTTP09_ALLOWED, 0)
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_VERBOSE, 0)
    }

    private func setConnections() {
        set(CURLOPT_MAXAGE_CONN, Limits.exchangeIdleConnectionSecondsMax)
        set(CURLOPT_MAXLIFETIME_CONN, Limits.exchangeConnectionAgeSecondsMax)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        check(backstop_curl_set_off(easy, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(answerBytesMax)))
    }

    private func setMethod(_ request: WireRequest) {
        switch request.method {
        case .get:
            set(CURLOPT_HTTPGET, 1)
            return
        case .post: set(CURLOPT_POST, 1)
        case .put, .delete:
            set(CURLOPT_POST, 1)
            set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        }
        precondition(!request.isWrite || !body.isEmpty, "a write without a body could be sent twice")
        check(backstop_curl_set_off(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count)))
    }

    private func setHeaders(key: String?, hasBody: Bool) {
        // Without "Expect:" libcurl would send the headers alone and wait.
        var lines = ["Expect:", "Accept: application/json", "User-Agent: backstop"]
        if hasBody { lines.append("Content-Type: application/x-www-form-urlencoded") }
        if let key { lines.append("X-MBX-APIKEY: " + key) }
        for line in lines { headerList = curl_slist_append(headerList, line) }
        check(backstop_curl_set_headers(easy, headerList))
    }

    private func setCallbacks() {
        let context = Unmanaged.passUnretained(self).toOpaque()
        pointer(CURLOPT_PRIVATE, context)
        callback(CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            Transfer.of(context).takeAnswer(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        pointer(CURLOPT_WRITEDATA, context)
        callback(CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            Transfer.of(context).takeHeader(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        pointer(CURLOPT_HEADERDATA, context)
        callback(CURLOPT_READFUNCTION) { bytes, size, count, context in
            Transfer.of(context).giveBody(UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
        }
        pointer(CURLOPT_READDATA, context)
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> Transfer {
        Unmanaged<Transfer>.fromOpaque(context!).takeUnretainedValue()
    }

    // MARK: What libcurl calls

    /// All in one piece, once.
    func giveBody(_ room: UnsafeMutableRawBufferPointer) -> Int {
        guard !bodyWasTaken, room.count >= body.count else { return Int(CURL_READFUNC_ABORT) }
        if let lastLook, !lastLook() {
            wasFenced = true
            return Int(CURL_READFUNC_ABORT)
        }
        bodyWasTaken = true
        room.copyBytes(from: body)
        return body.count
    }

    private func takeAnswer(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard answer.count + bytes.count <= answerBytesMax else {
            isTooLarge = true
            return 0
        }
        answer.append(contentsOf: bytes)
        return bytes.count
    }

    private func takeHeader(_ bytes: UnsafeRawBufferPointer) -> Int {
        headerBytes += bytes.count
        guard headerBytes <= Limits.exchangeHeaderBytesMax else {
            isTooLarge = true
            return 0
        }
        // A new status line begins another answer (100 Continue comes before the real one).
        if bytes.starts(with: Array("HTTP/".utf8)) { headers = AnswerHeaders() }
        headers.read(line: bytes)
        return bytes.count
    }

    // MARK: Setters. One that fails is a libcurl that cannot keep a promise, and nothing may be sent with it.

    private func set(_ option: CURLoption, _ value: Int) { check(backstop_curl_set_long(easy, option, value)) }
    private func set(_ option: CURLoption, _ value: String) { check(backstop_curl_set_text(easy, option, value)) }
    private func pointer(_ option: CURLoption, _ value: UnsafeMutableRawPointer) {
        check(backstop_curl_set_pointer(easy, option, value))
    }
    private func callback(_ option: CURLoption, _ function: @escaping backstop_curl_bytes) {
        check(backstop_curl_set_callback(easy, option, function))
    }
    private func check(_ code: CURLcode) {
        precondition(code == CURLE_OK, "libcurl refused an option: \(String(cString: curl_easy_strerror(code)))")
    }
}
