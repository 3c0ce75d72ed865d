// Two feeds of one truth: the user stream as it happens, and REST by schedule. Both append the account's trades under
// the same keys, so whoever comes second writes nothing. It also has the exchange attest the positions, compares the
// two ledgers, and raises `reducing` where they differ for long or the stream is lost. It sends no orders.

package import Domain
package import EventLog
internal import Events
package import Exchange
package import Logging
internal import Records
internal import Synchronization

package struct FeedOptions: Sendable {
    /// Between two looks at the positions, and at the trades of symbols that are in use.
    package var intervalMilliseconds: Int64 = 5_000
    /// Between two looks at the trades of every symbol that was ever traded.
    package var sweepMilliseconds: Int64 = 600_000
    /// How long the stream may be away before risk may not be increased.
    package var streamLossMilliseconds: Int64 = 30_000
    package var hasStream = true

    package init() {}
}

package final class FeedService: Sendable {
    private static let retryMilliseconds: Int64 = 1_000

    private struct Inbox {
        var updates: [OrderUpdate] = []
        /// Something may have happened that nobody told: trades and positions are asked for at once.
        var hasGap = true
        var lostSince: Int64?
        var isStopping = false
    }
    private let log: EventLog
    private let options: FeedOptions
    private let logger: Logger
    private let name: String
    private let journal: ExecutionJournal
    private let port: any ExchangePort
    private let views: Views?
    private let board: RecoveryBoard
    private let inbox: Mutex<Inbox>

    /// - Parameter views: save time at the start; nil: the log is folded.
    package init(
        log: EventLog, views: Views?, exchange: any ExchangePort, policy: ExecutionPolicy, options: FeedOptions,
        name: String, board: RecoveryBoard, logger: Logger
    ) {
        self.log = log
        self.board = board
        self.views = views
        self.options = options
        self.logger = logger
        self.name = name
        port = exchange
        journal = ExecutionJournal(log: log, policy: policy, producer: name)
        var inbox = Inbox()
        inbox.lostSince = options.hasStream ? Int64(log.clock.boot().nanoseconds / 1_000_000) : nil
        self.inbox = Mutex(inbox)
    }

    // MARK: From the stream's thread

    package func take(_ notice: StreamNotice) {
        switch notice {
        case .connected:
            logger.info("\(name): the user stream stands")
            inbox.withLock { ($0.lostSince, $0.hasGap) = (nil, true) }
        case .event(.order(let update)):
            guard update.fill != nil else { return }
            inbox.withLock { $0.updates.append(update) }
        case .event(.account), .event(.listenKeyExpired), .event(.other): return
        case .unreadable(let text):
            logger.warning("\(name): a message of the user stream cannot be read: \(text)")
            inbox.withLock { $0.hasGap = true }
        case .disconnected(let loss):
            logger.warning("\(name): the user stream is gone: \(loss)")
            inbox.withLock { $0.lostSince = $0.lostSince ?? journal.now }
        }
        log.waker.wake()
    }

    package func stop() {
        inbox.withLock { $0.isStopping = true }
        log.waker.wake()
    }

    // MARK: The loop

    /// Runs until `stop`. Throws where the log cannot go on.
    @available(*, noasync)
    package func run() throws {
        var round = FeedRound(
            log: log, journal: journal, port: port, logger: logger, state: try StateReader.current(log, views: views))
        var nextLookAt: Int64 = .min
        var nextSweepAt: Int64 = .min
        var mustRetry = false
        while !inbox.withLock({ $0.isStopping }) {
            let (updates, hasGap, lostSince) = inbox.withLock { inbox in
                defer {
                    inbox.updates.removeAll()
                    inbox.hasGap = false
                }
                return (inbox.updates, inbox.hasGap, inbox.lostSince)
            }
            try round.append(updates)
            let now = journal.now
            if hasGap || now >= nextLookAt {
                nextLookAt = now + options.intervalMilliseconds
                let isSweep = hasGap || mustRetry || now >= nextSweepAt
                if isSweep { nextSweepAt = now + options.sweepMilliseconds }
                let isWhole = try round.look(everySymbol: isSweep)
                if isSweep, isWhole { reportGap(&round) }
                // What could not be asked is asked again soon, and never at once: the exchange may have had enough of us.
                mustRetry = isSweep && !isWhole
                if mustRetry { nextLookAt = min(nextLookAt, now + FeedService.retryMilliseconds) }
                let lostFor = lostSince.map { now - $0 } ?? 0
                try round.judge(lostFor: lostFor, lossMax: options.streamLossMilliseconds, isWhole: isWhole)
            }
            pause(until: nextLookAt)
        }
        logger.info("\(name) stopped")
    }

    /// What the first whole look found of the time before this start; later ones find what happens now.
    private func reportGap(_ round: inout FeedRound) {
        let rows = round.takeGap()
        board.tell { report in
            for row in rows { report.take(row) }
            report.hasLooked(name)
        }
    }

    private func pause(until end: Int64) {
        while journal.now < end {
            let isWoken = inbox.withLock { $0.isStopping || !$0.updates.isEmpty || $0.hasGap && $0.lostSince == nil }
            if isWoken { return }
            log.waker.wait(milliseconds: Int(min(1_000, end - journal.now))) {
                inbox.withLock { $0.isStopping || !$0.updates.isEmpty }
            }
        }
    }
}
