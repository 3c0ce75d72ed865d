// The one thread that talks to the exchange: takes jobs from a bounded queue, emergencies first, asks the
// budget, signs, runs the transfers through one libcurl multi handle, and answers each job exactly once.
// It must never send a job twice, and never wait on anything but its sockets and its queue.

internal import CCurl
internal import Dispatch
internal import Events
internal import Exchange
internal import Foundation
internal import Records
internal import Synchronization

final class TransferLoop: @unchecked Sendable {
    private let host: ExchangeHost
    private let credentials: Credentials?
    private let settings: ClientSettings
    private let multi: UnsafeMutableRawPointer
    private let ended = DispatchSemaphore(value: 0)

    private struct Inbox {
        var arrived: [RequestJob] = []
        var limits: RateLimits?
        /// In the queue, here and on the thread; not those on their way.
        var waiting = 0
        var isClosed = false
        /// The multi handle is gone; it must not be woken.
        var hasEnded = false
        var clock = ClockOffset()
    }
    private let inbox = Mutex(Inbox())

    // Below: the thread's own.
    private var emergencies: [RequestJob] = []
    private var ordinary: [RequestJob] = []
    private var running: [UnsafeMutableRawPointer: Running] = [:]
    private var budget = Budget()
    private var clock = ClockOffset()

    private struct Running {
        let job: RequestJob
        let transfer: Transfer
        /// By our wall clock.
        let sentAt: Int64
    }

    init(host: ExchangeHost, credentials: Credentials?, settings: ClientSettings) {
        self.host = host
        self.credentials = credentials
        self.settings = settings
        CurlLibrary.start()
        guard let multi = curl_multi_init() else { fatalError("libcurl could not make a handle: out of memory") }
        self.multi = multi
        for option in [CURLMOPT_MAXCONNECTS, CURLMOPT_MAX_TOTAL_CONNECTIONS, CURLMOPT_MAX_HOST_CONNECTIONS] {
            precondition(backstop_curl_multi_set_long(multi, option, settings.connectionsMax) == CURLM_OK)
        }
        precondition(backstop_curl_multi_set_long(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING)) == CURLM_OK)
        let thread = Thread { self.run() }
        thread.name = "backstop-client"
        thread.start()
    }

    // MARK: From any thread

    /// The job is answered, always; here and now where it cannot be taken.
    func submit(_ job: RequestJob) {
        let refusal: NotSent? = inbox.withLock { inbox in
            if inbox.isClosed { return NotSent(reason: .closed, text: "the client is closed") }
            // As many again for emergencies alone.
            let max = settings.queuedRequestsMax * (job.budgetClass == .emergency ? 2 : 1)
            guard inbox.waiting < max else { return NotSent(reason: .busy, text: "\(inbox.waiting) requests wait") }
            inbox.arrived.append(job)
            inbox.waiting += 1
            curl_multi_wakeup(multi)
            return nil
        }
        if let refusal { job.answer(.notSent(refusal)) }
    }

    func take(_ limits: RateLimits) { inbox.withLock { $0.limits = limits } }

    var clockOffset: ClockOffset { inbox.withLock { $0.clock } }

    /// Answers all that waits and all that is on its way, and ends the thread.
    func close() {
        inbox.withLock { inbox in
            guard !inbox.hasEnded else { return }
            inbox.isClosed = true
            curl_multi_wakeup(multi)
        }
    }

    func waitForEnd() {
        ended.wait()
        ended.signal()
    }

    // MARK: The thread

    private func run() {
        while takeArrived() {
            startWhatMay()
            var still: Int32 = 0
            must(curl_multi_perform(multi, &still))
            finishWhatIsDone()
            if mayStart || hasArrived { continue }
            must(curl_multi_poll(multi, nil, 0, Int32(pollMilliseconds), nil))
        }
        answerAllAsClosed()
        inbox.withLock { $0.hasEnded = true }
        curl_multi_cleanup(multi)
        ended.signal()
    }

    /// False where the client was closed.
    private func takeArrived() -> Bool {
        let (jobs, limits, isClosed) = inbox.withLock { inbox in
            defer {
                inbox.arrived.removeAll(keepingCapacity: true)
                inbox.limits = nil
            }
            return (inbox.arrived, inbox.limits, inbox.isClosed)
        }
        if let limits { budget.limits = limits }
        for job in jobs {
            switch job.budgetClass {
            case .emergency: emergencies.append(job)
            case .ordinary: ordinary.append(job)
            }
        }
        return !isClosed
    }

    private var hasArrived: Bool { inbox.withLock { !$0.arrived.isEmpty || $0.isClosed } }

    /// Whether a place is free for something that waits.
    private var mayStart: Bool {
        guard running.count < settings.connectionsMax else { return false }
        return !emergencies.isEmpty || !ordinary.isEmpty && running.count < settings.ordinaryConnectionsMax
    }

    private func startWhatMay() {
        dropWhatIsLate(&emergencies)
        dropWhatIsLate(&ordinary)
        while mayStart {
            let job = emergencies.isEmpty ? ordinary.removeFirst() : emergencies.removeFirst()
            inbox.withLock { $0.waiting -= 1 }
            start(job)
        }
    }

    private func dropWhatIsLate(_ queue: inout [RequestJob]) {
        let now = settings.monotonicNanoseconds()
        guard queue.contains(where: { $0.deadlineNanoseconds <= now }) else { return }
        let late = queue.filter { $0.deadlineNanoseconds <= now }
        queue.removeAll { $0.deadlineNanoseconds <= now }
        inbox.withLock { $0.waiting -= late.count }
        for job in late {
            job.answer(.notSent(NotSent(reason: .timedOut, text: "it waited until its time was over")))
        }
    }

    private func start(_ job: RequestJob) {
        let now = settings.wallMilliseconds()
        let server = clock.serverMilliseconds(at: now)
        if let throttling = budget.admit(job.plan.cost, job.budgetClass, at: server) {
            return job.answer(.throttled(throttling))
        }
        guard let request = Signing.wire(job.plan, sign: credentials?.signature, serverMilliseconds: server) else {
            return job.answer(.notSent(NotSent(reason: .noCredentials, text: "no key was given")))
        }
        guard request.body.count <= Limits.exchangeBodyBytesMax else {
            return job.answer(.notSent(NotSent(reason: .outOfBounds, text: "the request is too large")))
        }
        let left = job.deadlineNanoseconds - min(job.deadlineNanoseconds, settings.monotonicNanoseconds())
        let transfer = Transfer(
            request, host: host, key: credentials?.key, settings: settings, totalMilliseconds: Int(left / 1_000_000),
            answerBytesMax: job.plan.answerBytesMax, lastLook: job.lastLook)
        running[transfer.easy] = Running(job: job, transfer: transfer, sentAt: now)
        must(curl_multi_add_handle(multi, transfer.easy))
    }

    private func finishWhatIsDone() {
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            let code = message.pointee.data.result
            guard let done = running.removeValue(forKey: easy) else { preconditionFailure("an unknown transfer ended") }
            must(curl_multi_remove_handle(multi, easy))
            finish(done, done.transfer.outcome(code))
        }
    }

    private func finish(_ done: Running, _ transport: Transport) {
        let receivedAt = settings.wallMilliseconds()
        let verdict = verdict(done, transport).withTexts { ForeignText.tame(credentials?.scrub($0) ?? $0) }
        learn(done, verdict, receivedAt)
        done.job.answer(verdict)
    }

    private func verdict(_ done: Running, _ transport: Transport) -> Verdict {
        if done.transfer.wasFenced {
            return .notSent(NotSent(reason: .fenced, text: "the last look before sending said no"))
        }
        return Classification.classify(transport, departure: departure(done, transport))
    }

    private func departure(_ done: Running, _ transport: Transport) -> Departure {
        if done.job.plan.isWrite { return done.transfer.bodyWasTaken ? .perhaps : .nothingToActOn }
        guard case .broken(let failure) = transport else { return .perhaps }
        switch failure.kind {
        case .noConnection, .insecure: return .nothingToActOn
        case .timedOut, .lost, .tooLarge, .closed: return .perhaps
        }
    }

    /// Budget and clock. Their times are the server's.
    private func learn(_ done: Running, _ verdict: Verdict, _ receivedAt: Int64) {
        let sent = clock.serverMilliseconds(at: done.sentAt)
        let received = clock.serverMilliseconds(at: receivedAt)
        budget.take(done.transfer.headersSoFar, sentAt: sent, receivedAt: received)
        switch verdict {
        case .throttled(let throttling): budget.take(throttling, at: received)
        case .rejected(let rejection) where rejection.kind == .clock:
            clock.doubt()
            askTheTime()
        case .success(let body) where done.job.isClockSample: sample(body, sentAt: done.sentAt, receivedAt: receivedAt)
        case .success, .rejected, .unknown, .notSent: break
        }
        inbox.withLock { $0.clock = clock }
    }

    private func sample(_ body: [UInt8], sentAt: Int64, receivedAt: Int64) {
        do {
            let server = try AnswerFields(try JSONText.read(body)).whole("serverTime", 1...Int64.max)
            _ = clock.take(sentAt: sentAt, receivedAt: receivedAt, server: server)
        } catch {
            return  // the caller gets the same body and says what is wrong with it
        }
    }

    /// One at a time.
    private func askTheTime() {
        let asked = running.values.map(\.job) + emergencies
        guard !asked.contains(where: \.isClockSample) else { return }
        let deadline = settings.monotonicNanoseconds() + UInt64(settings.totalMilliseconds) * 1_000_000
        inbox.withLock { $0.waiting += 1 }
        emergencies.append(
            RequestJob(
                Endpoint.serverTime.plan, .emergency, deadlineNanoseconds: deadline, isClockSample: true,
                lastLook: nil
            ) { _ in })
    }

    private func answerAllAsClosed() {
        for done in running.values {
            must(curl_multi_remove_handle(multi, done.transfer.easy))
            finish(done, .broken(TransportFailure(kind: .closed, text: "the client was closed")))
        }
        running.removeAll()
        for job in emergencies + ordinary {
            job.answer(.notSent(NotSent(reason: .closed, text: "the client was closed")))
        }
        (emergencies, ordinary) = ([], [])
    }

    private var pollMilliseconds: Int {
        let now = settings.monotonicNanoseconds()
        let next = (emergencies + ordinary).map(\.deadlineNanoseconds).min() ?? .max
        let left = next <= now ? 0 : min((next - now) / 1_000_000 + 1, UInt64(Limits.wakeIntervalMillisecondsMax))
        return Int(left)
    }

    private func must(_ code: CURLMcode) {
        precondition(code == CURLM_OK, "libcurl: \(String(cString: curl_multi_strerror(code)))")
    }
}
