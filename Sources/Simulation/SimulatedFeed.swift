// The two feeds of one process in virtual time: the real course and the real round, the user stream as it happens and REST
// by schedule. As in the service, what the stream tells during a look waits for its end. It decides nothing, unless its
// world's sabotage says so.

internal import Domain
internal import EventLog
internal import Events
internal import Exchange
internal import Logging
internal import Records
internal import Services

final class SimulatedFeed {
    private let world: WorldParts
    private let line: SimulatedLine
    private var course: FeedCourse
    private var round: FeedRound
    private var stream: SimulatedStream?
    private var isLooking = false
    private var sweepBeganAt: Milliseconds?
    private var timerAt: Milliseconds?
    private var isDead = false
    /// When the last sweep began that could ask everything, and the stream stood; nil: there was none.
    private(set) var wholeSince: Milliseconds?

    init(_ world: WorldParts, _ line: SimulatedLine) {
        self.world = world
        self.line = line
        var options = FeedOptions()
        options.intervalMilliseconds = world.plan.feedEvery
        options.sweepMilliseconds = 300_000
        options.hasStream = world.plan.sabotage != .ignoresLoss
        let journal = ExecutionJournal(log: world.log, policy: world.policy, producer: "feeds")
        course = FeedCourse(options, at: journal.now)
        round = FeedRound(
            log: world.log, journal: journal, options: options,
            logger: Logger(label: "feeds") { _ in SwiftLogNoOpLogHandler() }, state: world.checkpoint.state)
        boot = { journal.now }
    }

    /// The service's monotonic clock.
    private let boot: () -> Milliseconds

    func begin() {
        let stream = SimulatedStream(
            world, line,
            change: { [plan = world.plan] in plan.sabotage == .inventsFills ? SimulatedFeed.another($0) : $0 }
        ) { self.take($0) }
        self.stream = stream
        stream.start()
        turn()
    }

    func kill() {
        isDead = true
        stream?.kill()
    }

    private func take(_ notice: StreamNotice) {
        switch (world.plan.sabotage, notice) {
        case (.dropsFills, .event), (.ignoresLoss, .disconnected): return
        default: course.take(notice, at: boot())
        }
        turn()
    }

    private func turn() {
        guard !isDead, !isLooking else { return }
        do {
            let turn = course.turn(at: boot())
            try round.append(turn.updates)
            if let look = turn.look {
                isLooking = true
                sweepBeganAt = look.isSweep && look.lostFor == nil ? world.time.now : nil
                ask(try round.begin(look))
            }
        } catch { return world.fail(error) }
        setTimer()
    }

    private func ask(_ question: FeedQuestion?) {
        guard let question else { return end() }
        line.ask(question) { answer in
            guard !self.isDead else { return }
            do { self.ask(try self.round.take(self.sabotaged(answer))) } catch { self.world.fail(error) }
        }
    }

    private func end() {
        course.looked(isWhole: round.isWhole, at: boot())
        if round.isWhole, let sweepBeganAt { wholeSince = sweepBeganAt }
        world.checkpoint.state = round.state
        isLooking = false
        turn()
    }

    private func setTimer() {
        let wait = course.wakeAt == .max ? nil : max(1, course.wakeAt - boot())
        guard let at = wait.map({ world.time.now + $0 }) else { return }
        if let timerAt, timerAt <= at, timerAt > world.time.now { return }
        timerAt = at
        world.time.at(at) {
            if self.timerAt == at { self.timerAt = nil }
            self.turn()
        }
    }

    // MARK: Sabotage

    private func sabotaged(_ answer: FeedAnswer) -> FeedAnswer {
        guard world.plan.sabotage == .dropsFills, case .trades(.accepted(let trades)) = answer else { return answer }
        return .trades(.accepted(trades.filter { !$0.tradeID.isMultiple(of: 3) }))
    }

    /// The same fill under another trade id.
    private static func another(_ message: [UInt8]) -> [UInt8] {
        let text = String(decoding: message, as: UTF8.self)
        guard text.contains("\"TRADE\""), let place = text.firstRange(of: "\"t\":") else { return message }
        return Array((text[..<place.upperBound] + "9" + text[place.upperBound...]).utf8)
    }
}

/// The folded state, as views keep it for the next life: it is a function of the log, and saves time alone.
final class Checkpoint { var state = State() }
