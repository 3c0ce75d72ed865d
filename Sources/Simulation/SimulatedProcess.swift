// One life of the service: its place in the consumer groups, its router, its intents under way. A kill drops all of
// it between two effects; what stands in the log and what has left for the exchange stays.

internal import Domain
internal import EventLog
internal import Events
internal import Logging
internal import Records
internal import Services

final class SimulatedProcess {
    let plan: WorldPlan
    let time: VirtualTime
    let log: EventLog
    let line: SimulatedLine
    let desk: ExchangeDesk
    let journal: ExecutionJournal
    let inject: (any Error) -> Void
    let feed: SimulatedFeed
    private let reader: GroupReader
    private let router: ServiceLoop<Router>
    private var locks: [ConsumerLock] = []
    private var queue: ExecutionQueue
    private var lastHead = SequenceNumber.none
    private(set) var isDead = false
    let startedAt: Milliseconds
    /// It dies before so many effects more are performed; nil: not by count.
    var effectsLeft: Int?
    private let died: () -> Void

    /// - Parameter died: called where it dies by `effectsLeft`.
    init(
        _ world: WorldParts, pid: UInt32, died: @escaping () -> Void
    ) throws {
        plan = world.plan
        time = world.time
        log = world.log
        inject = world.fail
        self.died = died
        startedAt = time.now
        line = SimulatedLine(world.exchange, time, client: "10.0.0.1")
        journal = ExecutionJournal(log: log, policy: world.policy, producer: "execution")
        desk = ExchangeDesk(line: line, journal: journal)
        feed = SimulatedFeed(world, line)
        queue = ExecutionQueue(inFlightMax: 16)
        let silent = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        let role = ExecutionRole(name: "execution", journal: journal)
        reader = GroupReader(log: log, role: role, host: "simulated", pid: pid, batch: 64, logger: silent)
        router = ServiceLoop(
            log: log, role: Router(policy: world.routing), host: "simulated", pid: pid, batch: 64, logger: silent)
    }

    func begin() throws {
        locks = [try router.begin(), try reader.begin()]
        feed.begin()
        try reader.eachOwn { try self.take($0, takenOverAt: journal.now) }
        try turn(mustClaim: true)
    }

    func kill() {
        isDead = true
        line.isDead = true
        feed.kill()
        locks = []
    }

    /// One round of the service's loops.
    func turn(mustClaim: Bool = false) throws {
        guard !isDead else { return }
        let head = try log.head().sequence
        guard head != lastHead || mustClaim else { return }
        lastHead = head
        while try router.turn() {}
        try reader.claimWhereDue { try self.take($0, takenOverAt: journal.now) }
        if queue.room > 0 { try take(try reader.new(min(queue.room, 64)), takenOverAt: nil) }
    }

    private func take(_ delivered: [Delivered], takenOverAt: Milliseconds?) throws {
        for delivery in delivered { queue.take(try QueuedIntent(delivery, log, takenOverAt: takenOverAt)) }
        try startWhatMay()
    }

    private func startWhatMay() throws {
        while !isDead, let intent = queue.next() { try SimulatedIntent(intent, self).start() }
    }

    func finished(_ intent: QueuedIntent) throws {
        queue.finished(intent)
        try startWhatMay()
    }

    /// False where this is the moment of its death.
    func mayGoOn() -> Bool {
        guard !isDead else { return false }
        guard let left = effectsLeft else { return true }
        effectsLeft = left - 1
        if left > 0 { return true }
        kill()
        died()
        return false
    }
}

/// What all parts of a world share.
struct WorldParts {
    let plan: WorldPlan
    let time: VirtualTime
    let log: EventLog
    let exchange: SimulatedExchange
    let policy: ExecutionPolicy
    let routing: RoutingPolicy
    let checkpoint: Checkpoint
    let hands: OtherHands
    /// A world that cannot go on.
    let fail: (any Error) -> Void
}

/// When others last traded on the account.
final class OtherHands {
    var lastAt: Milliseconds = .min / 2
}
