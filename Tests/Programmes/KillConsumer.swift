// A consumer of group `desk` that is killed: it takes decisions in batches, produces one record for each in
// the transaction that acknowledges it, and keeps a journal on standard output. Two ways of doing it wrong
// are the programme's controls.

import EventLog
import Events
import Foundation
import Records

/// The journal's lines: `held HEAD SEQ…` after a delivery's commit, HEAD being the log's head in its
/// transaction; `done SEQ=PRODUCED…` after an acknowledgement's; `again SEQ…` for entries that were delivered
/// although they have their record.
struct KillConsumer {
    enum Way: String {
        case rightly
        /// Acknowledges in a transaction of its own, before it produces: a kill in between loses the entry.
        case acknowledgesFirst = "acknowledges-first"
        /// Takes over what living consumers hold.
        case robs
    }

    static let group = "desk"
    static let made = "kill:made"
    private static let stream = StreamCatalogue.decisions
    private static let batch = 16
    private static let claimEveryNanoseconds: UInt64 = 100_000_000

    let log: EventLog
    let name: String
    let way: Way

    /// Arguments: the log, the way. Runs until it is killed.
    static func run(_ arguments: [String]) throws {
        guard arguments.count == 2, let way = Way(rawValue: arguments[1]) else { throw Trouble("LOG WAY") }
        let log = try ChildLog.open(arguments[0])
        try KillConsumer(log: log, name: "desk-\(getpid())", way: way).run()
    }

    private func run() throws {
        let lock = try ConsumerLock(log.folder, Self.stream, Self.group, consumer: name)
        defer { withExtendedLifetime(lock) {} }
        do {
            try log.transact(.group) { try $0.createGroup(Self.stream, Self.group, after: .zero) }
        } catch LogError.groupAlreadyThere {}  // another consumer was quicker
        ChildLog.say("listening")
        var nextClaimAt: UInt64 = 0
        while true {
            let now = log.clock.boot().nanoseconds
            if now >= nextClaimAt {
                try claim()
                nextClaimAt = now + (way == .robs ? 0 : Self.claimEveryNanoseconds)
            }
            let head = try log.head().sequence
            let delivered = try deliver { [name] in
                try $0.readNew(Self.stream, Self.group, consumer: name, count: Self.batch, holdsLock: true)
            }
            Failpoint.deliveryAfter.hit()
            if delivered.isEmpty {
                try log.waker.wait(milliseconds: 100) { try log.head().sequence > head }
            } else {
                try process(delivered)
            }
        }
    }

    /// Takes over from consumers that are dead (where it robs: from any), then forgets them.
    private func claim() throws {
        let others = try log.snapshot { snapshot in
            try snapshot.groups().filter { $0.stream == Self.stream && $0.group == Self.group }.flatMap(\.consumers)
        }
        for other in others where other.name != name && other.holdsLock {
            let isHeld = try ConsumerLock.isHeld(log.folder, Self.stream, Self.group, consumer: other.name)
            guard !isHeld || way == .robs else { continue }
            while true {
                let claimed = try deliver { [name] in
                    try $0.takeOver(
                        Self.stream, Self.group, consumer: name, from: other.name, count: Self.batch, holdsLock: true
                    ).delivered
                }
                if claimed.isEmpty { break }
                try process(claimed)
            }
            guard !isHeld else { continue }
            if try log.transact(.group, { try $0.forgetConsumer(Self.stream, Self.group, other.name) }) {
                try ConsumerLock.remove(log.folder, Self.stream, Self.group, consumer: other.name)
            }
        }
    }

    private func deliver(
        _ body: @escaping @Sendable (inout LogTransaction) throws -> [Delivered]
    ) throws -> [Delivered] {
        let (delivered, head) = try log.transact(.group) { transaction in
            (try body(&transaction), transaction.head.sequence)
        }
        if !delivered.isEmpty {
            let entries = delivered.map { "\($0.entry.sequence)" }.joined(separator: " ")
            ChildLog.say("held \(head) \(entries)")
        }
        return delivered
    }

    private func process(_ delivered: [Delivered]) throws {
        Failpoint.decisionBefore.hit()
        let drafts = try delivered.map { try draft(for: $0.entry) }
        let ids = delivered.map(\.entry.id)
        if way == .acknowledgesFirst {
            _ = try log.transact(.group) { try $0.acknowledge(Self.stream, Self.group, ids) }
            Failpoint.acknowledgeAfter.hit()
        }
        let answers = try log.transact(.group) { [way] transaction in
            var answers: [AppendAnswer] = []
            for draft in drafts { answers.append(try transaction.append(draft)) }
            Failpoint.acknowledgeBefore.hit()
            if way != .acknowledgesFirst { _ = try transaction.acknowledge(Self.stream, Self.group, ids) }
            return answers
        }
        if way != .acknowledgesFirst { Failpoint.acknowledgeAfter.hit() }
        tell(answers, delivered)
    }

    private func tell(_ answers: [AppendAnswer], _ delivered: [Delivered]) {
        var (done, again): ([String], [String]) = ([], [])
        for (answer, delivery) in zip(answers, delivered) {
            let entry = delivery.entry.sequence
            if case .appended(let place) = answer {
                done.append("\(entry)=\(place.sequence)")
            } else {
                again.append("\(entry)")
            }
        }
        if !again.isEmpty { ChildLog.say("again " + again.joined(separator: " ")) }
        if !done.isEmpty { ChildLog.say("done " + done.joined(separator: " ")) }
    }

    /// The record that an entry becomes; its key is the entry's.
    private func draft(for entry: IndexEntry) throws -> Draft {
        var draft = try Intake.draft(
            stream: Self.made, fields: FieldMap([("of", "\(entry.sequence)")]), key: "\(entry.id)", traceID: nil,
            producer: name, recordedAt: log.clock.now())
        draft.cause = entry.sequence
        return draft
    }
}

/// Waits until nothing is left to do in the named groups: no lag, nothing pending.
enum KillDrain {
    /// Arguments: the log, groups.
    static func run(_ arguments: [String]) throws {
        let log = try ChildLog.open(arguments[0], .reading)
        let wanted = Set(arguments.dropFirst())
        let isDrained = {
            let groups = try log.snapshot { try $0.groups() }.filter { wanted.contains($0.group) }
            return groups.count == wanted.count && groups.allSatisfy { $0.lag == 0 && $0.pending == 0 }
        }
        // No wake comes for an acknowledgement that writes no record, hence the short limit.
        while try !isDrained() { try log.waker.wait(milliseconds: 20) { try isDrained() } }
        log.close()
    }
}
