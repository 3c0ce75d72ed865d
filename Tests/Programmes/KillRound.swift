// One round: a new log, several processes at work on it, some kills, then everybody finishes, and the judge
// looks. At every moment two appenders may offer the same keys, a router routes, two consumers consume.

import EventLog
import Events
import Foundation
import Records

final class KillRound {
    /// New decisions for each kill.
    private static let linesPerKill = 90
    private static let consumersMax = 2

    private let log: BenchLog
    private let way: KillConsumer.Way
    private var random: SeededGenerator
    private var router: RunningProgram?
    private var consumers: [RunningProgram] = []
    private var importFiles: [String] = []
    private var journal = KillJournal()
    private(set) var problems: [String] = []
    /// Processes that were killed.
    private(set) var kills = 0
    private(set) var killsAtFailpoints = 0
    /// Places that their victim did not come to: it was killed when nothing was left to do.
    private(set) var notReached: [String] = []

    init(_ log: BenchLog, _ way: KillConsumer.Way, _ random: SeededGenerator) {
        self.log = log
        self.way = way
        self.random = random
    }

    /// Runs the kills, lets everybody finish, judges.
    func run(_ plan: [Kill]) throws {
        for (number, kill) in plan.enumerated() {
            do { try run(kill, number) } catch { throw Trouble("\(kill): \(error)") }
        }
        try finish()
        problems += try KillJudge.problems(
            records: try log.rows("query", "--limit", "0"), groups: try log.rows("groups"), journal)
    }

    // MARK: One kill

    private func run(_ kill: Kill, _ number: Int) throws {
        let decisions = KillDecision.all(KillRound.linesPerKill, prefix: "d\(number)")
        let third = decisions.count / 3
        let ours = try log.file("import-\(number)-0.jsonl", decisions[..<(2 * third)].map(\.line))
        let offered = decisions[third...].shuffled(using: &random)
        let others = try log.file("import-\(number)-1.jsonl", offered.map(\.line))
        importFiles += [ours, others]
        if kill.failpoint != nil { try makeRoom(for: kill.victim) }
        let special = kill.victim == .appender ? nil : try victim(kill)
        try startMissing()
        let other = try log.start(
            ["append", StreamCatalogue.decisions.text, "--from", others, "--key-from", "key", "--json"])
        let appender = try log.child(
            "kill-append", [ours], failpoint: kill.victim == .appender ? kill.failpoint : nil)
        let victim = special ?? appender
        try waitForMoment(kill, victim, appenders: [appender, other])
        try end(victim, kill)
        if kill.victim != .appender { try endAppender(appender) }
        let imported = try other.finish()
        if imported.status != 0 { problems.append("\(imported)") }
        try journal.add(keys: offered.map(\.key), answers: try BenchLog.rows(imported))
    }

    /// Who is to die at a place must be started for it: those of its kind who run are killed now.
    private func makeRoom(for victim: Kill.Victim) throws {
        switch victim {
        case .appender: break
        case .router:
            if let router { try end(router, nil) }
        case .consumer: for consumer in consumers { try end(consumer, nil) }
        }
    }

    /// The router or the consumer that will die; nil moment's victims are those who run.
    private func victim(_ kill: Kill) throws -> RunningProgram {
        if kill.failpoint == nil { try startMissing() }
        switch kill.victim {
        case .appender: throw Trouble("an appender is started with its import")
        case .router:
            if let router { return router }
            let started = try log.start(["serve", "--roles", "router"], failpoint: kill.failpoint)
            router = started
            return started
        case .consumer:
            if let running = consumers.randomElement(using: &random) { return running }
            let started = try log.child("kill-consume", [way.rawValue], failpoint: kill.failpoint)
            // Alone, so that the others do not take all there is before it comes to its place.
            consumers = [started]
            return started
        }
    }

    private func startMissing() throws {
        if router == nil { router = try log.start(["serve", "--roles", "router"]) }
        guard consumers.isEmpty else { return }
        consumers = try (0..<KillRound.consumersMax).map { _ in try log.child("kill-consume", [way.rawValue]) }
    }

    private func waitForMoment(_ kill: Kill, _ victim: RunningProgram, appenders: [RunningProgram]) throws {
        var drain: RunningProgram?
        defer { _ = drain.map { $0.send(SIGKILL) } }
        try BenchLog.wait("\(kill)") {
            if !victim.isRunning { return true }
            if case .random(let bytes, _) = kill.moment, victim.output.utf8.count + victim.errors.utf8.count >= bytes {
                return true
            }
            if drain == nil, appenders.allSatisfy({ !$0.isRunning }) {
                drain = try log.child("kill-drain", [kill.victim == .router ? "router" : KillConsumer.group])
            }
            return drain.map { !$0.isRunning } ?? false
        }
        if case .random(_, let yields) = kill.moment { for _ in 0..<yields { sched_yield() } }
    }

    /// Kills where it still runs, and reads its journal.
    private func end(_ program: RunningProgram, _ kill: Kill?) throws {
        let wasRunning = program.isRunning
        let finished = wasRunning ? try program.killNow() : try program.finish()
        if finished.signal == SIGKILL { kills += 1 }
        if let place = kill?.failpoint {
            if wasRunning { notReached.append(place) } else { killsAtFailpoints += 1 }
        }
        if program === router {
            router = nil
        } else if consumers.contains(where: { $0 === program }) {
            consumers.removeAll { $0 === program }
            try journal.add(consumer: program.pid, output: finished.out)
        } else {
            try journal.add(appender: finished.out)
            if finished.status == 0 { return }  // it was quicker than its kill
        }
        if finished.signal != SIGKILL { problems.append("it ended by itself: \(finished)") }
    }

    private func endAppender(_ appender: RunningProgram) throws {
        let finished = try appender.finish()
        if finished.status != 0 { problems.append("\(finished)") }
        try journal.add(appender: finished.out)
    }

    // MARK: The end

    /// Imports are run again, whatever is pending is done, the processes end.
    private func finish() throws {
        try startMissing()
        for file in importFiles { try endAppender(try log.child("kill-append", [file])) }
        let drain = try log.child("kill-drain", ["router", KillConsumer.group])
        let drained = try drain.finish()
        if drained.status != 0 { problems.append("\(drained)") }
        for consumer in consumers {
            let finished = try consumer.killNow()
            if finished.signal != SIGKILL { problems.append("it ended by itself: \(finished)") }
            try journal.add(consumer: consumer.pid, output: finished.out)
        }
        if let router {
            try BenchLog.wait("the router listens") { router.errors.contains("router listening") || !router.isRunning }
            router.send(SIGTERM)
            let finished = try router.finish()
            if finished.status != 0 { problems.append("\(finished)") }
        }
        let verified = try log.run("verify")
        if verified.status != 0 { problems.append("\(verified)") }
    }
}
