// A role's place in its consumer group: its lock, its unfinished entries, what dead consumers left, new entries. What
// it hands out is pending until somebody acknowledges it; it never acknowledges anything itself.

package import EventLog
package import Logging
package import Records
internal import Synchronization

/// Who consumes, and how it ends what nobody could finish.
package protocol Consuming: Sendable {
    /// `router`; consumers are named `<role>-<host>-<pid>`.
    var name: String { get }
    var stream: StreamName { get }
    var group: String { get }

    /// Ends an entry that was delivered too often: whoever took it died over it. In the transaction that makes
    /// it a dead letter.
    func giveUp(_ record: Record, _ reason: String, _ transaction: inout LogTransaction) throws -> [String]
}

package final class GroupReader: Sendable {
    private static let claimIntervalNanoseconds: UInt64 = 5_000_000_000
    private let log: EventLog
    private let role: any Consuming
    package let consumer: String
    private let logger: Logger
    private let batch: Int
    private let stopped = Atomic<Bool>(false)
    private let nextClaimAt = Atomic<UInt64>(0)

    package init(log: EventLog, role: any Consuming, host: String, pid: UInt32, batch: Int, logger: Logger) {
        self.log = log
        self.role = role
        self.batch = batch
        self.logger = logger
        consumer = "\(role.name)-\(host)-\(pid)"
    }

    package var isStopping: Bool { stopped.load(ordering: .acquiring) }

    package func stop() {
        stopped.store(true, ordering: .releasing)
        log.waker.wake()
    }

    /// Makes the group, and takes the consumer's lock, which says that it lives as long as it is held.
    package func begin() throws -> ConsumerLock {
        let lock = try ConsumerLock(log.folder, role.stream, role.group, consumer: consumer)
        try retrying {
            try log.transact(.group) { [role] in try $0.ensureGroup(role.stream, role.group, options: .role) }
        }
        return lock
    }

    func sayListening() { logger.info("\(role.name) listening on \(role.stream) as \(consumer)") }

    // MARK: Entries

    package func new(_ count: Int? = nil) throws -> [Delivered] {
        let count = count ?? batch
        return try retrying {
            try log.transact(.group) { [role, consumer] in
                try $0.readNew(role.stream, role.group, consumer: consumer, count: count, holdsLock: true)
            }
        }
    }

    /// What this very consumer left, by id.
    func own(after id: EntryID) throws -> Redelivered {
        try redelivered { [role, consumer, batch] in
            try $0.readOwn(role.stream, role.group, consumer: consumer, after: id, count: batch, asRole: true)
        }
    }

    /// All that this very consumer left, in order: a pid came again.
    package func eachOwn(_ take: ([Delivered]) throws -> Void) throws {
        var last = EntryID.zero
        while true {
            let own = try own(after: last)
            if own.isNothing { return }
            try take(own.delivered)
            last = own.delivered.last?.entry.id ?? own.dropped.last ?? own.dead.last?.entry.id ?? .last
        }
    }

    /// Takes over what dead consumers of the group left, now and then, and forgets them. The oldest entries first:
    /// whoever died over one is tried again before others are touched.
    package func claimWhereDue(_ take: ([Delivered]) throws -> Void) throws {
        let now = log.clock.boot().nanoseconds
        guard now >= nextClaimAt.load(ordering: .relaxed) else { return }
        nextClaimAt.store(now + GroupReader.claimIntervalNanoseconds, ordering: .relaxed)
        let consumers = try log.snapshot { try $0.group(role.stream, role.group) }.consumers
        let oldestFirst = consumers.sorted { ($0.smallestPendingID ?? .last) < ($1.smallestPendingID ?? .last) }
        for other in oldestFirst where other.name != consumer && other.holdsLock {
            guard try !ConsumerLock.isHeld(log.folder, role.stream, role.group, consumer: other.name) else { continue }
            try claim(from: other.name, take)
            let isForgotten = try retrying {
                try log.transact(.group) { [role] in try $0.forgetConsumer(role.stream, role.group, other.name) }
            }
            if isForgotten { try ConsumerLock.remove(log.folder, role.stream, role.group, consumer: other.name) }
        }
    }

    private func claim(from dead: String, _ take: ([Delivered]) throws -> Void) throws {
        while true {
            let claimed = try redelivered { [role, consumer, batch] in
                try $0.takeOver(role.stream, role.group, consumer: consumer, from: dead, count: batch, holdsLock: true)
            }
            if claimed.isNothing { return }
            if claimed.delivered.isEmpty { continue }
            logger.notice(
                "\(role.name) took over \(claimed.delivered.count) unfinished entries of \(dead), which is dead")
            try take(claimed.delivered)
        }
    }

    /// What is delivered again; the role says in the same transaction what becomes of those that died over it.
    private func redelivered(
        _ read: @escaping @Sendable (inout LogTransaction) throws -> Redelivered
    ) throws -> Redelivered {
        let (found, lines) = try retrying {
            try log.transact(.group) { [role] transaction in
                let found = try read(&transaction)
                var lines: [String] = []
                for letter in found.dead {
                    guard let record = try transaction.record(letter.entry.sequence) else {
                        throw LogError.damaged("record \(letter.entry.sequence) of \(role.stream) is missing")
                    }
                    lines += try role.giveUp(record, letter.reason, &transaction)
                }
                return (found, lines)
            }
        }
        for line in lines { logger.error("\(line)") }
        return found
    }

    // MARK: Waiting

    /// Until something was appended, or `stop`, or a second.
    func wait(past head: SequenceNumber) throws {
        try log.waker.wait(milliseconds: Limits.wakeIntervalMillisecondsMax) {
            try isStopping || log.head().sequence > head
        }
    }

    /// False where it was stopped before the time was over.
    func pause(_ milliseconds: Int64) -> Bool {
        let end = log.clock.boot().nanoseconds + UInt64(max(1, milliseconds)) * 1_000_000
        while !isStopping {
            let now = log.clock.boot().nanoseconds
            if now >= end { return true }
            log.waker.wait(milliseconds: Int((end - now) / 1_000_000) + 1) { isStopping }
        }
        return false
    }

    /// A full log is waited for, loudly; everything else is thrown. What does not fit into one transaction is
    /// thrown, too, unless it cannot be made smaller.
    func retrying<T>(isAlone: Bool = true, _ body: () throws -> T) throws -> T {
        while true {
            do { return try body() } catch LogError.refused(let refusal) {
                if case .tooMuchAtOnce = refusal, !isAlone { throw LogError.refused(refusal) }
                logger.error("\(role.name) waits: \(refusal)")
                if isStopping { throw LogError.refused(refusal) }
                log.waker.wait(milliseconds: Limits.wakeIntervalMillisecondsMax) { false }
            }
        }
    }
}
