// The processes of the fairness programme: an import without end, one who appends record after record, one
// who holds the turn until it is told, and one who appends once.

import EventLog
import Events
import Glibc
import Records

enum FairnessChildren {
    /// Records of one transaction of the import.
    static let batch = 256
    private static let batchesThatAreMuch = 20
    private static let clock = ContinuousClock()

    private static func draft(_ stream: String, _ producer: String) throws -> Draft {
        try Intake.draft(
            stream: "fairness:" + stream, fields: FieldMap([("v", "1")]), key: nil, traceID: nil, producer: producer,
            recordedAt: LogClock.system.now())
    }

    /// Arguments: the log. Digests are made once: all of its time is spent on the log. Says `began` after the first
    /// batch, `much` after some.
    static func endlessImport(_ arguments: [String]) throws {
        let log = try ChildLog.open(arguments[0])
        let prepared = try PreparedDraft(try draft("import", "import-\(getpid())"), rules: log.rules)
        var batches = 0
        while true {
            let answers = try log.transact { transaction in
                try (0..<batch).map { _ in try transaction.append(prepared) }
            }
            for answer in answers { _ = try sequence(answer) }
            batches += 1
            if batches == 1 { ChildLog.say("began") }
            if batches == batchesThatAreMuch { ChildLog.say("much") }
        }
    }

    /// Arguments: the log, how many. Says `HEAD SEQ NANOSECONDS` for each, HEAD being the log's head before it. Goes on
    /// until the import has had a batch beside it, which takes as long as the machine lets that process wait.
    static func lone(_ arguments: [String]) throws {
        let log = try ChildLog.open(arguments[0])
        let draft = try draft("lone", "lone")
        let wanted = UInt64(arguments[1]) ?? 0
        let limit = clock.now + .seconds(60)
        var (done, first, last): (UInt64, UInt64, UInt64) = (0, 0, 0)
        while done < wanted || last - first + 1 - done < batch && clock.now < limit {
            let head = try log.head().sequence
            let began = clock.now
            let answers = try log.append([draft])
            let took = clock.now - began
            last = try sequence(answers[0])
            if done == 0 { first = last }
            done += 1
            ChildLog.say("\(head) \(last) \(took / .nanoseconds(1))")
        }
        log.close()
    }

    /// Arguments: the log, `ordinary` or `emergency`. Says `asking`, then its sequence.
    static func one(_ arguments: [String]) throws {
        let log = try ChildLog.open(arguments[0])
        let draft = try draft("one", "one")
        ChildLog.say("asking")
        let answers = try log.append([draft], arguments[1] == "emergency" ? .emergency : .ordinary)
        ChildLog.say("\(try sequence(answers[0]))")
        log.close()
    }

    /// Arguments: the log. Says `holding` inside its turn, ends it when standard input ends, says its sequence.
    static func hold(_ arguments: [String]) throws {
        let log = try ChildLog.open(arguments[0])
        let draft = try draft("hold", "hold")
        let answer = try log.transact { transaction in
            ChildLog.say("holding")
            var byte: UInt8 = 0
            while read(0, &byte, 1) > 0 {}
            return try transaction.append(draft)
        }
        ChildLog.say("\(try sequence(answer))")
        log.close()
    }

    /// What `one` said.
    static func sequence(of one: RunningProgram) throws -> Int {
        let finished = try one.finish()
        guard finished.status == 0, let sequence = finished.lines.last.flatMap({ Int($0) }) else {
            throw Trouble("an append was not answered: \(finished)")
        }
        return sequence
    }

    private static func sequence(_ answer: AppendAnswer) throws -> UInt64 {
        guard case .appended(let place) = answer else { throw Trouble("\(answer)") }
        return place.sequence.rawValue
    }
}
