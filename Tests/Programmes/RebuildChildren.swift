// The children of the rebuild programme: who writes beside it, and who forges a checkpoint.

import EventLog
import Events
import Glibc
import Records
import Services

enum RebuildChildren {
    private static let batch = 50

    /// Arguments: the log, how many records at once, how many a second after that until standard input ends. Says
    /// `began`, and at the end: records, appends, how many of these were slow, the slowest in milliseconds.
    static func traffic(_ arguments: [String]) throws {
        guard arguments.count == 3, let atOnce = Int(arguments[1]), let rate = Int(arguments[2]) else {
            throw Trouble("LOG AT-ONCE RATE")
        }
        let log = try ChildLog.open(arguments[0])
        defer { log.close() }
        var number = 0
        for _ in 0..<atOnce / 1_000 { _ = try append(1_000, &number, log) }
        guard rate > 0 else { return }
        ChildLog.say("began")
        let (clock, began) = (ContinuousClock(), ContinuousClock.now)
        var slowest = Duration.zero
        var (batches, slow) = (0, 0)
        while !isInputAtEnd(milliseconds: 0) {
            let due = began + .nanoseconds(1_000_000_000 / rate * batch * batches)
            let early = clock.now.duration(to: due) / .milliseconds(1)
            if early > 1, isInputAtEnd(milliseconds: Int32(early)) { break }
            let took = try append(batch, &number, log)
            slowest = max(slowest, took)
            if took > .milliseconds(RebuildProgramme.slowMilliseconds) { slow += 1 }
            batches += 1
        }
        ChildLog.say("\(batches * batch) \(batches) \(slow) \(slowest / .milliseconds(1))")
    }

    private static func isInputAtEnd(milliseconds: Int32) -> Bool {
        var wanted = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        return poll(&wanted, 1, milliseconds) > 0
    }

    /// How long the log took.
    private static func append(_ count: Int, _ number: inout Int, _ log: EventLog) throws -> Duration {
        let drafts = try (0..<count).map { _ in
            number += 1
            return try draft(number, log)
        }
        let began = ContinuousClock.now
        for answer in try log.append(drafts) {
            guard case .appended = answer else { throw Trouble("\(answer)") }
        }
        return ContinuousClock.now - began
    }

    private static func draft(_ number: Int, _ log: EventLog) throws -> Draft {
        let symbol = "S\(number % 20)USDT"
        let (stream, pairs): (StreamName, [(String, String)]) =
            switch number % 4 {
            case 0:
                (StreamCatalogue.heartbeats, [("status", "ALIVE"), ("active_positions", "1"), ("ts", "1763818338282")])
            case 1:
                (
                    StreamCatalogue.decisions,
                    [
                        ("trace_id", "t\(number % 97)"), ("correlation_id", "t\(number % 97)"), ("symbol", symbol),
                        ("side", "HOLD"), ("confidence", "0.5"),
                    ]
                )
            default:
                (
                    StreamCatalogue.fills,
                    [
                        ("venue", "v"), ("account", "a"), ("symbol", symbol), ("trade_id", "\(getpid())-\(number)"),
                        ("side", number.isMultiple(of: 3) ? "SELL" : "BUY"), ("quantity", "0.25"), ("price", "100.5"),
                    ]
                )
            }
        return try Intake.draft(
            stream: stream.text, fields: FieldMap(pairs), key: nil, traceID: nil, producer: "traffic",
            recordedAt: log.clock.now())
    }

    /// Arguments: the log, another one of the same length. Saves the other's state as this log's.
    static func forge(_ arguments: [String]) throws {
        guard arguments.count == 2 else { throw Trouble("LOG OTHER") }
        let (log, other) = (try ChildLog.open(arguments[0], .reading), try ChildLog.open(arguments[1], .reading))
        let views = try Views(for: log)
        try views.save(try StateReader.fold(other), log)
        views.close()
        other.close()
        log.close()
    }
}
