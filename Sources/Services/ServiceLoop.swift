// The one loop that every role runs: claim what dead consumers left, take its own unfinished entries, then
// new ones; decide inside the transaction that also acknowledges; log after the commit. Stopping drains:
// what was delivered is finished first. Nothing is marked done before it is done.

package import EventLog
package import Logging
package import Records
internal import Synchronization

/// What a role does with one entry.
package protocol Role: Sendable {
    /// `router`; consumers are named `<role>-<host>-<pid>`.
    var name: String { get }
    var stream: StreamName { get }
    var group: String { get }

    /// Decides on one delivered record and appends what follows from it, inside the transaction that also
    /// acknowledges it. May run again after an abort: it acts on nothing but the transaction. Returns lines
    /// for people, logged after the commit.
    func handle(_ record: Record, _ transaction: inout LogTransaction) throws -> [String]

    /// Ends an entry that was delivered too often: whoever took it died over it. In the transaction that makes
    /// it a dead letter.
    func giveUp(_ record: Record, _ reason: String, _ transaction: inout LogTransaction) throws -> [String]
}

package final class ServiceLoop<R: Role>: Sendable {
    private let log: EventLog
    private let role: R
    private let consumer: String
    private let logger: Logger
    private let batch: Int
    private let isStopping = Atomic<Bool>(false)

    package init(log: EventLog, role: R, host: String, pid: UInt32, batch: Int, logger: Logger) {
        self.log = log
        self.role = role
        self.batch = batch
        self.logger = logger
        consumer = "\(role.name)-\(host)-\(pid)"
    }

    /// The loop ends after what it holds is done.
    package func stop() {
        isStopping.store(true, ordering: .releasing)
        log.waker.wake()
    }

    /// Runs until `stop`. Throws where the log cannot go on (poisoned, damaged).
    @available(*, noasync)
    package func run() throws {
        let lock = try ConsumerLock(log.folder, role.stream, role.group, consumer: consumer)
        defer { withExtendedLifetime(lock) {} }
        try makeGroup()
        try finishOwn()
        logger.info("\(role.name) listening on \(role.stream) as \(consumer)")
        var nextClaimAt: UInt64 = 0
        while !isStopping.load(ordering: .acquiring) {
            let now = log.clock.boot().nanoseconds
            if now >= nextClaimAt {
                try claimFromDead()
                nextClaimAt = now + 5_000_000_000
            }
            let head = try log.head().sequence
            let delivered = try retrying { try self.readNew() }
            Failpoint.deliveryAfter.hit()
            if delivered.isEmpty {
                try log.waker.wait(milliseconds: Limits.wakeIntervalMillisecondsMax) {
                    try isStopping.load(ordering: .acquiring) || log.head().sequence > head
                }
            } else {
                try process(delivered)
            }
        }
        logger.info("\(role.name) stopped; nothing is left unfinished")
    }

    private func makeGroup() throws {
        try retrying {
            try log.transact(.group) { [role] in try $0.ensureGroup(role.stream, role.group, options: .role) }
        }
    }

    private func readNew() throws -> [Delivered] {
        try log.transact(.group) { [role, consumer, batch] in
            try $0.readNew(role.stream, role.group, consumer: consumer, count: batch, holdsLock: true)
        }
    }

    /// Entries that this very consumer left (a pid that came again).
    private func finishOwn() throws {
        while true {
            let own = try retrying { try self.readOwn() }
            if own.isEmpty { return }
            try process(own)
        }
    }

    private func readOwn() throws -> [Delivered] {
        try redelivered { [role, consumer, batch] in
            try $0.readOwn(role.stream, role.group, consumer: consumer, after: .zero, count: batch)
        }
    }

    /// What is delivered again; the role says in the same transaction what becomes of those that died over it.
    private func redelivered(
        _ read: @escaping @Sendable (inout LogTransaction) throws -> Redelivered
    ) throws -> [Delivered] {
        let (delivered, lines) = try log.transact(.group) { [role] transaction in
            let found = try read(&transaction)
            var lines: [String] = []
            for letter in found.dead {
                guard let record = try transaction.record(letter.entry.sequence) else {
                    throw LogError.damaged("record \(letter.entry.sequence) of \(role.stream) is missing")
                }
                lines += try role.giveUp(record, letter.reason, &transaction)
            }
            return (found.delivered, lines)
        }
        for line in lines { logger.error("\(line)") }
        return delivered
    }

    /// Takes over what dead consumers of ours left, then forgets them. The oldest entries first: whoever died
    /// over one is tried again before others are touched.
    private func claimFromDead() throws {
        let consumers = try log.snapshot { try $0.group(role.stream, role.group) }.consumers
        let oldestFirst = consumers.sorted { ($0.smallestPendingID ?? .last) < ($1.smallestPendingID ?? .last) }
        for other in oldestFirst where other.name != consumer && other.holdsLock {
            guard try !ConsumerLock.isHeld(log.folder, role.stream, role.group, consumer: other.name) else { continue }
            try claim(from: other.name)
            let isForgotten = try retrying {
                try log.transact(.group) { [role] in try $0.forgetConsumer(role.stream, role.group, other.name) }
            }
            if isForgotten { try ConsumerLock.remove(log.folder, role.stream, role.group, consumer: other.name) }
        }
    }

    private func claim(from dead: String) throws {
        while true {
            let claimed = try retrying { try self.takeOver(from: dead) }
            if claimed.isEmpty { return }
            logger.notice("\(role.name) took over \(claimed.count) unfinished entries of \(dead), which is dead")
            try process(claimed)
        }
    }

    private func takeOver(from dead: String) throws -> [Delivered] {
        try redelivered { [role, consumer, batch] in
            try $0.takeOver(role.stream, role.group, consumer: consumer, from: dead, count: batch, holdsLock: true)
        }
    }

    /// Decides and acknowledges, all in one transaction; in smaller parts where it does not fit into one.
    private func process(_ delivered: [Delivered]) throws {
        Failpoint.decisionBefore.hit()
        let lines: [String]
        do {
            lines = try retrying(isAlone: delivered.count == 1) { try decide(delivered) }
        } catch LogError.refused(.tooMuchAtOnce) where delivered.count > 1 {
            let middle = delivered.count / 2
            try process(Array(delivered[..<middle]))
            return try process(Array(delivered[middle...]))
        }
        Failpoint.acknowledgeAfter.hit()
        for line in lines { logger.info("\(line)") }
    }

    private func decide(_ delivered: [Delivered]) throws -> [String] {
        try log.transact(.group) { [role] transaction in
            var lines: [String] = []
            for delivery in delivered {
                guard let record = try transaction.record(delivery.entry.sequence) else {
                    throw LogError.damaged("record \(delivery.entry.sequence) of \(role.stream) is missing")
                }
                lines += try role.handle(record, &transaction)
            }
            Failpoint.acknowledgeBefore.hit()
            _ = try transaction.acknowledge(role.stream, role.group, delivered.map(\.entry.id))
            return lines
        }
    }

    /// A full log is waited for, loudly; everything else is thrown. What does not fit into one transaction is
    /// thrown, too, unless it cannot be made smaller.
    private func retrying<T>(isAlone: Bool = true, _ body: () throws -> T) throws -> T {
        while true {
            do { return try body() } catch LogError.refused(let refusal) {
                if case .tooMuchAtOnce = refusal, !isAlone { throw LogError.refused(refusal) }
                logger.error("\(role.name) waits: \(refusal)")
                if isStopping.load(ordering: .acquiring) { throw LogError.refused(refusal) }
                log.waker.wait(milliseconds: Limits.wakeIntervalMillisecondsMax) { false }
            }
        }
    }
}
