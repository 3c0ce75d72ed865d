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
    private struct Inbox {
        var course: FeedCourse
        var isStopping = false
    }
    private let log: EventLog
    private let options: FeedOptions
    private let logger: Logger
    private let name: String
    private let journal: ExecutionJournal
    private let line: BlockingLine
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
        line = BlockingLine(port: exchange)
        journal = ExecutionJournal(log: log, policy: policy, producer: name)
        inbox = Mutex(Inbox(course: FeedCourse(options, at: journal.now)))
    }

    // MARK: From the stream's thread

    package func take(_ notice: StreamNotice) {
        switch notice {
        case .connected: logger.info("\(name): the user stream stands")
        case .unreadable(let text):
            logger.warning("\(name): a message of the user stream cannot be read: \(text)")
        case .disconnected(let loss): logger.warning("\(name): the user stream is gone: \(loss)")
        case .event: break
        }
        inbox.withLock { $0.course.take(notice, at: journal.now) }
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
            log: log, journal: journal, options: options, logger: logger,
            state: try StateReader.current(log, views: views))
        while !inbox.withLock({ $0.isStopping }) {
            let turn = inbox.withLock { $0.course.turn(at: journal.now) }
            try round.append(turn.updates)
            if let look = turn.look {
                try carryOut(look, &round)
                if look.isSweep, round.isWhole { reportGap(&round) }
                inbox.withLock { $0.course.looked(isWhole: round.isWhole, at: journal.now) }
            }
            pause()
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

    private func carryOut(_ look: FeedCourse.Look, _ round: inout FeedRound) throws {
        var question = try round.begin(look)
        while let asked = question {
            var answer: FeedAnswer?
            line.ask(asked) { answer = $0 }
            guard let answer else { preconditionFailure("a blocking line answers before it returns") }
            question = try round.take(answer)
        }
    }

    /// Until there is something to do.
    private func pause() {
        while true {
            let (wakeAt, isStopping) = inbox.withLock { ($0.course.wakeAt, $0.isStopping) }
            let now = journal.now
            if isStopping || now >= wakeAt { return }
            log.waker.wait(milliseconds: Int(min(1_000, wakeAt - now))) {
                inbox.withLock { $0.isStopping || $0.course.wakeAt <= now }
            }
        }
    }
}
