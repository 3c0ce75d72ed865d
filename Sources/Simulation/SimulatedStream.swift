// The user stream of one process in virtual time: the real course of it, with the keys asked for over the process' line
// and connections of the simulated exchange. It decides nothing and tells nothing by itself.

internal import Events
internal import Exchange
internal import ExchangeSimulation
internal import Records
internal import Synchronization

final class SimulatedStream {
    private let exchange: SimulatedExchange
    private let time: VirtualTime
    private let line: SimulatedLine
    private let change: ([UInt8]) -> [UInt8]
    private let tell: (StreamNotice) -> Void
    private var course: StreamCourse
    private var connection: SimulatedConnection?
    private var timerAt: Milliseconds?
    private var isDead = false

    /// - Parameter change: what a message arrives as; for sabotage.
    init(
        _ world: WorldParts, _ line: SimulatedLine, change: @escaping ([UInt8]) -> [UInt8],
        tell: @escaping (StreamNotice) -> Void
    ) {
        exchange = world.exchange
        time = world.time
        self.line = line
        self.change = change
        self.tell = tell
        let chance = Mutex(Chance(world.plan.seed &+ UInt64(world.time.now), 8))
        course = StreamCourse(StreamPacing { range in chance.withLock { $0.within(range) } })
    }

    func start() { perform(course.start(now: time.now)) }

    func kill() {
        isDead = true
        connection?.close()
    }

    private func perform(_ actions: [StreamAction]) {
        for action in actions where !isDead {
            switch action {
            case .askKey(let attempt):
                line.command(.startUserStream(), .emergency) {
                    self.perform(self.course.take(key: $0, attempt: attempt, now: self.time.now))
                }
            case .renewKey(let attempt):
                line.command(.keepUserStreamAlive(), .emergency) {
                    self.perform(self.course.take(renewal: $0, attempt: attempt, now: self.time.now))
                }
            case .connect(let key, let attempt):
                connection = exchange.connect(key.text) { self.take($0, attempt) }
            case .drop:
                connection?.close()
                connection = nil
            case .closeKey: preconditionFailure("a key ends by itself")
            case .tell(let notice): tell(notice)
            }
        }
        setTimer()
    }

    private func take(_ note: ConnectionNote, _ attempt: Int) {
        guard !isDead else { return }
        switch note {
        case .opened: perform(course.opened(attempt: attempt, now: time.now, wall: time.now))
        case .heard: course.heard(attempt: attempt, now: time.now)
        case .message(let bytes):
            course.heard(attempt: attempt, now: time.now)
            perform(course.take(read(change(bytes)), attempt: attempt, now: time.now))
        case .ended(let loss): perform(course.lost(loss, attempt: attempt, now: time.now))
        }
    }

    private func read(_ bytes: [UInt8]) -> StreamNotice {
        do throws(MessageError) { return .event(try StreamEvent(reading: bytes)) } catch {
            return .unreadable(error.description)
        }
    }

    /// An earlier timer stays: it finds nothing to do and is set anew.
    private func setTimer() {
        guard !isDead, let at = course.wakeAt else { return }
        if let timerAt, timerAt <= at { return }
        timerAt = at
        time.at(at) {
            guard !self.isDead, self.timerAt == at else { return }
            self.timerAt = nil
            self.perform(self.course.tick(now: self.time.now))
        }
    }
}
