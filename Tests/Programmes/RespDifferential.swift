// The differential programme through the Redis face: the same random commands over sockets to `backstop serve --resp`
// and to a real redis-server; every reply is compared, errors with their whole texts, and every hundred commands the
// whole state of every stream. What differs on purpose stands in `Differential.intendedDifferences`, but for error texts.

import Foundation
import Records

package enum RespDifferential: Programme {
    package static let name = "resp"
    package static let promise =
        "random stream and group commands over a socket get Redis 7.0's replies, error texts included"
    package static let unit = "commands"
    package static let casesInFull = 500_000

    private static let commandsOfControl = 2_000

    package static func run(_ budget: Budget, seed: UInt64, _ bench: Bench) throws -> Report {
        var report = Report(RespDifferential.self, seed: seed)
        let redis = try RedisServer(folder: bench.folder)
        report.notes.append("redis-server \(try redis.serverVersion())")
        report.cases = try compare(budget, seed, bench, redis, nil, &report)
        for sabotage in LogCommands.Sabotage.allCases {
            var found = Report(RespDifferential.self, seed: seed)
            let cases = try compare(
                Budget(casesMax: commandsOfControl, casesMin: 500, seconds: 60), seed, bench, redis, sabotage, &found)
            report.controls.append(Report.Control(name: sabotage.rawValue, cases: cases, bad: found.bad))
        }
        return report
    }

    /// Ends at the first difference.
    private static func compare(
        _ budget: Budget, _ seed: UInt64, _ bench: Bench, _ redis: RedisServer, _ sabotage: LogCommands.Sabotage?,
        _ report: inout Report
    ) throws -> Int {
        let folder = bench.folder + "/resp-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let environment = [
            "PATH": "/usr/bin:/bin", "BACKSTOP_LOG": folder + "/log", "BACKSTOP_LOG_RESERVE_BYTES": "0",
        ]
        let face = try RespFace(
            ["--set", "redis.exact=true"], folder: folder, environment: environment,
            program: bench.binaries + "/backstop")
        let ours = try face.connect(wholeErrors: true)
        guard let theirs = RedisConnection(socket: redis.socket, wholeErrors: true) else {
            throw Trouble("redis-server takes no second connection")
        }
        var (done, epoch) = (0, 0)
        while !budget.isSpent(done), report.bad == 0 {
            _ = try theirs.run(["FLUSHALL"])
            done += try runEpoch(epoch, budget, done, seed, sabotage, ours, theirs, &report)
            epoch += 1
        }
        bench.progress("\(done) commands")
        let ended = try face.stop()
        if ended.status != 0 { report.fail("\(ended)") }
        if sabotage == nil {
            let verified = try RunningProgram(
                ["verify"], folder: folder, environment: environment, piped: .nothing,
                program: bench.binaries + "/backstop"
            ).finish()
            if verified.status != 0 { report.fail("\(verified)") }
        }
        return done
    }

    private static func runEpoch(
        _ epoch: Int, _ budget: Budget, _ done: Int, _ seed: UInt64, _ sabotage: LogCommands.Sabotage?,
        _ ours: RedisConnection, _ theirs: RedisConnection, _ report: inout Report
    ) throws -> Int {
        let keys = (0..<3).map { "e\(epoch)s\($0)" }
        var workload = StreamWorkload(
            seed: seed &+ UInt64(epoch) &* 0x9e37_79b9, keys: keys,
            beganAt: Int64(Date().timeIntervalSince1970 * 1_000))
        var count = 0
        func check(_ command: StreamCommand) throws -> Reply? {
            try theirs.send(command.words)
            try ours.send(command.sabotaged(sabotage).words)
            let answer = Differential.withoutRadixTree(try ours.receive()).withTimes(of: command)
            let expected = Differential.withoutRadixTree(try theirs.receive())
            if answer.agrees(withRedis: expected) { return expected }
            report.fail(
                "seed \(seed), epoch \(epoch), command \(count): \(command)\n    ours  \(answer)\n    Redis \(expected)"
            )
            return nil
        }
        while count < Differential.commandsPerEpoch, !budget.isSpent(done + count) {
            let command = workload.next()
            count += 1
            guard let reply = try check(command) else { return count }
            if case .add(let key, _, _, _) = command, case .text(let id) = reply { workload.note(key, id) }
            guard count.isMultiple(of: Differential.commandsPerCheck) else { continue }
            for key in keys { guard try check(.state(key)) != nil else { return count } }
        }
        return count
    }
}

extension StreamCommand {
    /// What the face is told where it is to be found out.
    fileprivate func sabotaged(_ sabotage: LogCommands.Sabotage?) -> StreamCommand {
        switch (sabotage, self) {
        case (.trimIsForgotten, .trim(let key, _)): .length(key)
        case (.acknowledgesOneTooMany, .acknowledge(let key, let group, let ids)):
            .acknowledge(key, group, ids + (ids.last.map { [EntryID($0.milliseconds, $0.counter + 1)] } ?? []))
        case (.claimDoesNotCount, .claim(let key, let group, let name, let ids, var arguments)):
            {
                if arguments.retryCount == nil { arguments.retryCount = 1 }
                return .claim(key, group, name, ids, arguments)
            }()
        default: self
        }
    }
}

extension Reply {
    /// Its times and ages are two clocks' business.
    fileprivate func withTimes(of command: StreamCommand) -> Reply {
        switch command {
        case .pendingEntries: rowsWithTimes
        case .consumers, .state: membersWithTimes
        default: self
        }
    }

    /// Rows that end with a time and a count.
    private var rowsWithTimes: Reply {
        guard case .list(let rows) = self else { return self }
        return .list(
            rows.map { row in
                guard case .list(var items) = row, items.count >= 3, case .integer(let time) = items[items.count - 2]
                else { return row }
                items[items.count - 2] = .about(time)
                return .list(items)
            })
    }

    private var membersWithTimes: Reply {
        guard case .list(var items) = self else { return self }
        for place in items.indices {
            let name = place > 0 ? items[place - 1] : .null
            switch items[place] {
            case .integer(let time) where name == .text("seen-time") || name == .text("idle"):
                items[place] = .about(time)
            case .list where name == .text("pending"): items[place] = items[place].rowsWithTimes
            case .list: items[place] = items[place].membersWithTimes
            default: continue
            }
        }
        return .list(items)
    }
}
