// Halt keys and dedup keys in Redis, as functions of the log: restored whole over each new connection and wherever Redis
// has lost them, before any entry moves; kept up after that. The sentinel is written last, so that a restoration that was
// cut off is begun again. Nothing here ends a halt.

internal import Domain
internal import EventLog
internal import Events
internal import Logging
internal import Records
internal import Services
internal import Synchronization

/// Used by both threads of the bridge, each with its own connection.
final class VirtualKeys: Sendable {
    private let log: EventLog
    private let plan: BridgePlan
    private let logger: Logger
    private let pulse: @Sendable () -> Void
    private let state: Mutex<State>
    private let heads: HeadKeeper

    init(
        _ log: EventLog, _ plan: BridgePlan, from state: State, _ logger: Logger, pulse: @escaping @Sendable () -> Void
    ) {
        self.log = log
        self.plan = plan
        self.logger = logger
        self.pulse = pulse
        self.state = Mutex(state)
        heads = HeadKeeper(log, plan, logger)
    }

    /// Up to where intents have their dedup keys in Redis.
    struct Reached: Equatable, Sendable {
        fileprivate(set) var intent: EntryID?
    }

    var sentinelValue: [UInt8] { Array("\(log.id)".utf8) }

    // MARK: Restoring

    /// All of it, whatever is there. Nothing may be imported or exported before it returns.
    func restore(_ link: RedisLink) throws -> Reached {
        try state.withLock { state in
            let problem = try heads.look(link)
            if let problem { try halt(problem, "bridge") }
            let isWhole = try checkSentinel(try link.run(redis("GET", plan.sentinel)), mayBeMissing: true)
            var reached = Reached()
            do {
                try putHalt(link, &state)
                try putIntents(link, &reached)
                if !isWhole { try link.expectOK(redis("SET", plan.sentinel) + [sentinelValue]) }
                try heads.write(link, hasHalted: problem != nil)
            } catch RedisTrouble.refused(let text) where isWhole && text.hasPrefix("OOM") {
                // Redis is full, and what was there is there: what stands in its streams must not wait for it.
                logger.error("bridge: keys cannot be renewed in Redis: \(text)")
            }
            return reached
        }
    }

    /// What has changed since.
    func keepUp(_ link: RedisLink, _ reached: inout Reached) throws {
        try state.withLock { state in
            _ = try checkSentinel(try link.run(redis("GET", plan.sentinel)), mayBeMissing: false)
            try putHalt(link, &state)
            try putIntents(link, &reached)
            try heads.write(link, hasHalted: false)
        }
    }

    /// False where it is missing.
    func checkSentinel(_ reply: RedisReply, mayBeMissing: Bool) throws(RedisTrouble) -> Bool {
        switch reply {
        case .text(sentinelValue): return true
        case .null where mayBeMissing: return false
        case .null: throw .dataLost("key \(plan.sentinel) is gone")
        case .error(let text): throw .refused(text)
        case .text, .integer, .list:
            throw .othersKeys(
                "key \(plan.sentinel) in Redis is another log's (\(reply.summary)): two logs must not share it; see ops/runbooks/bridge.md"
            )
        }
    }

    // MARK: The halt

    private func putHalt(_ link: RedisLink, _ state: inout State) throws {
        state = try StateReader.fold(log, from: state)
        let replies = try link.run([
            redis("WATCH", HaltKeys.hashName, HaltKeys.textName), redis("HGETALL", HaltKeys.hashName),
            redis("GET", HaltKeys.textName),
        ])
        guard replies[0].isOK else { throw RedisTrouble.refused(replies[0].summary) }
        var hash: [String: String] = [:]
        for (name, value) in replies[1].members ?? [] { hash[name] = value.string ?? "" }
        switch HaltVerdict.decide(state, hash: hash, text: replies[2].string) {
        case .nothing: try link.expectOK(redis("UNWATCH"))
        case .write(let members):
            if !hash.isEmpty, hash["halted"]?.lowercased() != "true" {
                logger.error("bridge: Redis said that trading goes on; it is halted until `backstop resume`")
            }
            let words = members.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }.map { Array($0.utf8) }
            try change(
                link,
                [
                    redis("DEL", HaltKeys.hashName), redis("HSET", HaltKeys.hashName) + words,
                    redis("SET", HaltKeys.textName, "true"),
                ])
        case .remove: try change(link, [redis("DEL", HaltKeys.hashName, HaltKeys.textName)])
        case .halt(let reason, let source):
            try link.expectOK(redis("UNWATCH"))
            try halt(reason, source)
            try putHalt(link, &state)
        }
    }

    /// Not done where somebody was quicker; then it is looked at again.
    private func change(_ link: RedisLink, _ commands: [RedisCommand]) throws(RedisTrouble) {
        let replies = try link.run([redis("MULTI")] + commands + [redis("EXEC")])
        for reply in replies + (replies.last?.list ?? []) {
            if case .error(let text) = reply { throw .refused(text) }
        }
    }

    private func halt(_ reason: String, _ source: String) throws {
        var halt = EventHalt()
        (halt.reason, halt.source) = (reason, source)
        let draft = try Drafts.halt(
            halt, traceID: "", cause: .none, basis: .none, producer: ImportedEntry.producer(plan.name),
            at: log.clock.now())
        switch try log.append([draft], .emergency)[0] {
        case .appended(let place): logger.error("HALTED by record \(place.sequence): \(reason) (\(source))")
        case .refused(let refusal): throw LogError.refused(refusal)
        case .unknown(let why): throw LogError.outcomeUnknown(why)
        case .duplicate, .conflict: preconditionFailure("a halt has no key")
        }
    }

    // MARK: Dedup keys

    private func putIntents(_ link: RedisLink, _ reached: inout Reached) throws {
        let oldest = log.clock.now().milliseconds - HaltKeys.dedupSeconds * 1_000
        var after = reached.intent ?? EntryID(UInt64(max(0, oldest)), 0)
        while true {
            pulse()
            let (commands, last) = try dedupKeys(after: after)
            guard let last else { break }
            for reply in try link.run(commands) {
                if case .error(let text) = reply { throw RedisTrouble.refused(text) }
            }
            after = last
        }
        reached.intent = after
    }

    private func dedupKeys(after: EntryID) throws -> (commands: [RedisCommand], last: EntryID?) {
        let now = log.clock.now()
        return try log.snapshot { snapshot in
            guard let from = after.next, let stream = try snapshot.stream(StreamCatalogue.intents) else {
                return ([], nil)
            }
            var commands: [RedisCommand] = []
            let entries = try snapshot.everyEntry(
                stream.number, from ... .last, limit: Limits.bridgeKeysPerWriteMax)
            for entry in entries {
                guard let record = try snapshot.record(entry.sequence) else {
                    throw LogError.damaged("record \(entry.sequence) of \(StreamCatalogue.intents) is missing")
                }
                let age = (now.nanoseconds - record.header.recordedAt.nanoseconds) / 1_000_000_000
                let left = min(HaltKeys.dedupSeconds, HaltKeys.dedupSeconds - age)
                guard left > 0, !record.traceID.isEmpty else { continue }
                let key = HaltKeys.intentDedupPrefix + record.traceID
                commands.append(redis("SET", key, "1", "EX", "\(left)", "NX"))
            }
            return (commands, entries.last?.id)
        }
    }
}
