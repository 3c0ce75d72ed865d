// Keeps the log's head in Redis, and looks at the one that is there before anything else is done over a new connection.

internal import EventLog
internal import Events
internal import Logging
internal import Records
internal import Services
internal import Synchronization

final class HeadKeeper: Sendable {
    private let log: EventLog
    private let plan: BridgePlan
    private let logger: Logger
    private let writtenAt = Atomic<UInt64>(0)

    init(_ log: EventLog, _ plan: BridgePlan, _ logger: Logger) {
        self.log = log
        self.plan = plan
        self.logger = logger
    }

    /// Why trading has to be halted; nil: nothing speaks against this log.
    func look(_ link: RedisLink) throws -> String? {
        guard case .halt(let why) = try verdict(try link.run(redis("HGETALL", plan.headKey))) else { return nil }
        logger.error(
            "bridge: \(why). The log was restored without `backstop restore`, or cut off; see ops/runbooks/restored.md")
        return why
    }

    /// The head as it is now, at most once a second.
    /// - Parameter hasHalted: what `look` found has its halt.
    func write(_ link: RedisLink, hasHalted: Bool) throws {
        let now = log.clock.boot().nanoseconds
        let due = writtenAt.load(ordering: .relaxed) + UInt64(Limits.bridgeLookMilliseconds) * 1_000_000
        guard hasHalted || now >= due else { return }
        let replies = try link.run([redis("WATCH", plan.headKey), redis("HGETALL", plan.headKey)])
        guard replies[0].isOK else { throw RedisTrouble.refused(replies[0].summary) }
        writtenAt.store(now, ordering: .relaxed)
        switch try verdict(replies[1]) {
        case .nothing: try link.expectOK(redis("UNWATCH"))
        case .halt where !hasHalted: throw RedisTrouble.dataLost("key \(plan.headKey) is another log's")
        case .halt, .write:
            let words =
                StoredHead(log.identity, try log.head()).words + ["written_at_ms", "\(log.clock.now().milliseconds)"]
            let set = redis("HSET", plan.headKey) + words.map { Array($0.utf8) }
            let written = try link.run([redis("MULTI"), redis("DEL", plan.headKey), set, redis("EXEC")])
            for reply in written + (written.last?.list ?? []) {
                if case .error(let text) = reply { throw RedisTrouble.refused(text) }
            }
        }
    }

    private func verdict(_ reply: RedisReply) throws -> HeadVerdict {
        let (restored, barrier) = (log.rules.restoration, log.identity.barrier)
        return try log.snapshot { snapshot in
            let restoration = try snapshot.record(barrier).map { try restored($0.body) }
            return try HeadVerdict.decide(StoredHead(reply), log.identity, try snapshot.head(), restored: restoration) {
                try snapshot.record($0)?.header.hash
            }
        }
    }
}
