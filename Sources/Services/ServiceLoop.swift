// The one loop that every role runs: claim what dead consumers left, take its own unfinished entries, then
// new ones; decide inside the transaction that also acknowledges; log after the commit. Stopping drains:
// what was delivered is finished first. Nothing is marked done before it is done.

package import EventLog
package import Logging
package import Records
internal import Synchronization

/// What a role does with one entry.
package protocol Role: Consuming {
    /// Decides on one delivered record and appends what follows from it, inside the transaction that also
    /// acknowledges it. May run again after an abort: it acts on nothing but the transaction. Returns lines
    /// for people, logged after the commit.
    func handle(_ record: Record, _ transaction: inout LogTransaction) throws -> [String]
}

package final class ServiceLoop<R: Role>: Sendable {
    private let log: EventLog
    private let role: R
    private let reader: GroupReader
    private let logger: Logger
    private let pulse: @Sendable () -> Void

    /// - Parameter pulse: called in every round: a sign of life.
    package init(
        log: EventLog, role: R, host: String, pid: UInt32, batch: Int, logger: Logger,
        pulse: @escaping @Sendable () -> Void = {}
    ) {
        self.log = log
        self.pulse = pulse
        self.role = role
        self.logger = logger
        reader = GroupReader(log: log, role: role, host: host, pid: pid, batch: batch, logger: logger)
    }

    /// The loop ends after what it holds is done.
    package func stop() { reader.stop() }

    /// Runs until `stop`. Throws where the log cannot go on (poisoned, damaged).
    @available(*, noasync)
    package func run() throws {
        let lock = try begin()
        defer { withExtendedLifetime(lock) {} }
        reader.sayListening()
        while !reader.isStopping {
            pulse()
            let head = try log.head().sequence
            if try !turn() { try reader.wait(past: head) }
        }
        logger.info("\(role.name) stopped; nothing is left unfinished")
    }

    /// Lives from here on, for as long as the lock is held; what it left is finished.
    package func begin() throws -> ConsumerLock {
        let lock = try reader.begin()
        try finishOwn()
        return lock
    }

    /// One round without waiting; false where nothing new was there.
    package func turn() throws -> Bool {
        try reader.claimWhereDue { try self.process($0) }
        let delivered = try reader.new()
        Failpoint.deliveryAfter.hit()
        try process(delivered)
        return !delivered.isEmpty
    }

    /// Entries that this very consumer left (a pid that came again).
    private func finishOwn() throws {
        while true {
            let own = try reader.own(after: .zero)
            if own.isNothing { return }
            try process(own.delivered)
        }
    }

    /// Decides and acknowledges, all in one transaction; in smaller parts where it does not fit into one.
    private func process(_ delivered: [Delivered]) throws {
        guard !delivered.isEmpty else { return }
        Failpoint.decisionBefore.hit()
        let lines: [String]
        do {
            lines = try reader.retrying(isAlone: delivered.count == 1) { try decide(delivered) }
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
}
