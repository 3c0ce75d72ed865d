// Random commands to our log and to a real redis-server: every answer is compared, and every hundred commands
// the whole state of every stream. What differs on purpose stands below, with its reason, and is not sent.

import EventLog
import Events
import Foundation
import Records

package enum Differential: Programme {
    package static let name = "redis"
    package static let promise =
        "random stream and group commands get Redis 7.0's answers, and leave its state every 100 commands"
    package static let unit = "commands"
    package static let casesInFull = 5_000_000

    /// What we do otherwise than Redis, and why it cannot be compared.
    package static let intendedDifferences: [(what: String, why: String)] = [
        ("XADD with `*`", "two clocks give two ids; ids of our own are tested beside a model"),
        (
            "`~` in MAXLEN and MINID, radix-tree numbers of XINFO",
            "they show Redis' memory layout, which we do not have"
        ),
        ("DEL, RENAME and expiry of a stream", "nothing is deleted from a log"),
        ("XSETID", "a stream's last id and count follow from its records"),
        ("a deleted consumer that owns entries", "ours stays listed until they are claimed; Redis' rule is sent here"),
        ("lag", "ours is always exact and stands beside Redis' number, which is compared"),
        ("dead letters", "Redis has none; off unless a group says so"),
        ("groups of roles read hidden entries", "trimming a stream must not take a decision from its router"),
        ("XREADGROUP of more than 10,000 entries at once", "every answer has a bound"),
        ("times", "two processes read two clocks: equal within a minute, and commands set them further apart"),
        ("error texts", "the API throws types; the first word is compared, the texts belong to the RESP server"),
    ]

    /// Commands until the names are changed: streams stay short, and every state is compared whole.
    static let commandsPerEpoch = 4_000
    static let commandsPerCheck = 100
    /// Then a new log: the states that are compared list all groups of a log.
    private static let epochsPerLog = 25
    private static let commandsOfControl = 4_000

    package static func run(_ budget: Budget, seed: UInt64, _ bench: Bench) throws -> Report {
        var report = Report(Differential.self, seed: seed)
        let redis = try RedisServer(folder: bench.folder)
        report.notes.append("redis-server \(try redis.serverVersion())")
        report.cases = try compare(budget, seed, bench, redis, nil, &report)
        for sabotage in LogCommands.Sabotage.allCases {
            var found = Report(Differential.self, seed: seed)
            let cases = try compare(
                Budget(casesMax: commandsOfControl, casesMin: 1_000, seconds: 120), seed, bench, redis, sabotage, &found
            )
            report.controls.append(Report.Control(name: sabotage.rawValue, cases: cases, bad: found.bad))
        }
        return report
    }

    /// Ends at the first difference: from there on the two sides are of different worlds.
    private static func compare(
        _ budget: Budget, _ seed: UInt64, _ bench: Bench, _ redis: RedisServer, _ sabotage: LogCommands.Sabotage?,
        _ report: inout Report
    ) throws -> Int {
        var (done, epoch) = (0, 0)
        while !budget.isSpent(done), report.bad == 0 {
            let last = epoch + epochsPerLog
            try withLog(bench, sabotage, &report) { ours, report in
                while epoch < last, !budget.isSpent(done), report.bad == 0 {
                    _ = try redis.run(["FLUSHALL"])
                    done += try runEpoch(epoch, budget, done, seed, ours, redis, &report)
                    epoch += 1
                }
            }
            bench.progress("\(done) commands")
        }
        return done
    }

    private static func withLog(
        _ bench: Bench, _ sabotage: LogCommands.Sabotage?, _ report: inout Report,
        _ body: (LogCommands, inout Report) throws -> Void
    ) throws {
        let path = bench.folder + "/log-\(sabotage?.rawValue ?? "ours")"
        let options = LogOptions(bytesMax: .max, reserveBytes: 0, clock: .system, version: "soak")
        _ = try EventLog.create(at: path, options: options)
        defer { try? FileManager.default.removeItem(atPath: path) }  // the folder goes later, in any case
        let log = try EventLog(at: path, mode: .writing, rules: EventRules.rules, options: options)
        defer { log.close() }
        try body(LogCommands(log: log, sabotage: sabotage), &report)
        if sabotage == nil { try expectVerified(log, &report) }
    }

    private static func runEpoch(
        _ epoch: Int, _ budget: Budget, _ done: Int, _ seed: UInt64, _ ours: LogCommands, _ redis: RedisServer,
        _ report: inout Report
    ) throws -> Int {
        let keys = (0..<3).map { "e\(epoch)s\($0)" }
        var workload = StreamWorkload(
            seed: seed &+ UInt64(epoch) &* 0x9e37_79b9, keys: keys, beganAt: ours.log.clock.now().milliseconds)
        var count = 0
        func check(_ command: StreamCommand) throws -> Reply? {
            try redis.send(command.words)
            let answer = try ours.run(command)
            let theirs = withoutRadixTree(try redis.receive())
            if answer.agrees(withRedis: theirs) { return theirs }
            report.fail(
                "seed \(seed), epoch \(epoch), command \(count): \(command)\n    ours  \(answer)\n    Redis \(theirs)")
            return nil
        }
        while count < commandsPerEpoch, !budget.isSpent(done + count) {
            let command = workload.next()
            count += 1
            guard let reply = try check(command) else { return count }
            if case .add(let key, _, _, _) = command, case .text(let id) = reply { workload.note(key, id) }
            guard count.isMultiple(of: commandsPerCheck) else { continue }
            for key in keys { guard try check(.state(key)) != nil else { return count } }
        }
        return count
    }

    /// XINFO STREAM begins with six members, of which two are Redis' memory layout.
    static func withoutRadixTree(_ reply: Reply) -> Reply {
        guard case .list(let members) = reply, members.count > 6, members[2] == .text("radix-tree-keys") else {
            return reply
        }
        return .list(Array(members[..<2] + members[6...]))
    }

    private static func expectVerified(_ log: EventLog, _ report: inout Report) throws {
        let verified = try log.verify(known: nil, progress: { _ in })
        for finding in verified.findings { report.fail("verify: \(finding)") }
    }
}
