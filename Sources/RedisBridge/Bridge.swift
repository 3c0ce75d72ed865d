// The bridge to a real Redis: one a log. Two threads, each with a connection of its own: one imports and blocks in Redis,
// one exports and waits for the log. Trading never waits for either. What must not be added: an entry that is acknowledged
// before it is in the log; a way in which Redis ends a halt; a decision that reads Redis.

package import EventLog
package import Logging
package import Services
internal import Records
internal import Synchronization

package final class Bridge: Sendable {
    private let log: EventLog
    private let address: RedisAddress
    private let plan: BridgePlan
    private let host: String
    private let pid: UInt32
    private let logger: Logger
    private let keys: VirtualKeys
    private let board: BridgeBoard
    private let isStopping = Atomic<Bool>(false)
    private let lock: ConsumerLock
    private let pulse: @Sendable (String) -> Void

    /// Takes the log's one place for a bridge, and folds the log.
    /// - Parameters:
    ///   - views: nil: the whole log is folded.
    ///   - pulse: called in every round, with `bridge-import` or `bridge-export`: signs of life.
    /// Throws `LogError.consumerHeld` where another bridge of this log lives.
    @available(*, noasync)
    package init(
        log: EventLog, views: Views?, address: RedisAddress, plan: BridgePlan, host: String, pid: UInt32,
        logger: Logger, pulse: @escaping @Sendable (String) -> Void
    ) throws {
        self.log = log
        self.address = address
        self.plan = plan
        self.host = host
        self.pid = pid
        self.logger = logger
        self.pulse = pulse
        lock = try ConsumerLock(
            log.folder, StreamName(literal: "backstop:bridge"), "backstop:bridge", consumer: "bridge")
        board = BridgeBoard(log, plan, redis: address.description, logger)
        keys = VirtualKeys(log, plan, from: try StateReader.current(log, views: views), logger) {
            for side in ["bridge-import", "bridge-export"] { pulse(side) }
        }
        let names = plan.exports.map(\.stream)
        try log.transact(.group) { [group = plan.group] transaction in
            for name in names { try transaction.ensureGroup(name, group, options: .role) }
        }
    }

    package func stop() {
        isStopping.store(true, ordering: .releasing)
        log.waker.wake()
    }

    private var stops: Bool { isStopping.load(ordering: .acquiring) }

    // MARK: The two threads

    /// Runs until `stop`. Throws only where the log cannot go on; whatever happens to Redis is waited out.
    @available(*, noasync)
    package func runImport() throws {
        guard !plan.imports.isEmpty else { return idle("bridge-import", .importing) }
        let importer = Importer(log, plan, consumer: "bridge-\(host)-\(pid)", board, logger)
        try keepConnected("bridge-import", .importing, blocking: Limits.bridgeBlockMilliseconds) { link, isWell in
            _ = try keys.restore(link)
            importer.connected()
            while !stops {
                pulse("bridge-import")
                let pause = try importer.turn(link)
                isWell()
                if pause > 0 { wait("bridge-import", pause) }
            }
        }
    }

    /// As `runImport`.
    @available(*, noasync)
    package func runExport() throws {
        let exporter = Exporter(log, plan, keys, board, logger)
        try keepConnected("bridge-export", .exporting, blocking: 0) { link, isWell in
            var reached = try keys.restore(link)
            exporter.connected()
            var lookedAt = log.clock.boot().nanoseconds
            while !stops {
                pulse("bridge-export")
                let head = try log.head().sequence
                try keys.keepUp(link, &reached)
                let hasSent = try exporter.turn(link)
                isWell()
                if hasSent { continue }
                try log.waker.wait(milliseconds: Limits.wakeIntervalMillisecondsMax) {
                    try stops || log.head().sequence > head
                }
                let now = log.clock.boot().nanoseconds
                if now - lookedAt >= UInt64(Limits.bridgeLookMilliseconds) * 1_000_000 {
                    exporter.lookAgain()
                    board.write()
                    lookedAt = now
                }
            }
        }
    }

    /// Connects, lets `body` work until something breaks, and begins again, after a pause that grows.
    private func keepConnected(
        _ name: String, _ side: BridgeBoard.Side, blocking milliseconds: Int,
        _ body: (RedisLink, _ isWell: () -> Void) throws -> Void
    ) throws {
        var backoff = Backoff()
        while !stops {
            pulse(name)
            do {
                let link = try RedisLink(address, blockMilliseconds: milliseconds)
                try body(link) {
                    backoff.reset()
                    board.isWell(side)
                }
            } catch let trouble as RedisTrouble {
                board.trouble(side, "\(trouble)")
                wait(name, backoff.next())
            } catch LogError.refused(let refusal) {
                board.trouble(side, "the log: \(refusal)")
                wait(name, backoff.next())
            }
        }
        logger.info("\(name) stopped; what is not acknowledged in Redis comes again")
    }

    /// Nothing is imported; the thread has nothing to do until the end.
    private func idle(_ name: String, _ side: BridgeBoard.Side) {
        board.isWell(side)
        while !stops {
            pulse(name)
            wait(name, Int64(Limits.wakeIntervalMillisecondsMax))
        }
    }

    private func wait(_ name: String, _ milliseconds: Int64) {
        let end = log.clock.boot().nanoseconds + UInt64(milliseconds) * 1_000_000
        while !stops {
            let now = log.clock.boot().nanoseconds
            if now >= end { return }
            pulse(name)
            let left = min(Int((end - now) / 1_000_000) + 1, Limits.wakeIntervalMillisecondsMax)
            log.waker.wait(milliseconds: left) { stops }
        }
    }
}
