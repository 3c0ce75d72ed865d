// The processes of the fairness programme: an import without end, one who appends record after record, one
// who holds the turn until it is told, and one who appends once.

import EventLog
import Events
import Glibc
import Records

enum FairnessChildren {
    /// Records of one transaction of the import.
    static let batch = 256
    private static let clock = ContinuousClock()

    private static func draft(_ stream: String, _ producer: String) throws -> Draft {
        try Intake.draft(
            stream: "fairness:" + stream, fields: FieldMap([("v", "1")]), key: nil, traceID: nil, producer: producer,
            recordedAt: LogClock.system.now())
    }

    /// Arguments: the log, how many threads append. Digests are made once: all of its time is spent on the log.
    static func endlessImport(_ arguments: [String]) throws {
        let importThreads = Int(arguments[1]) ?? 1
        let log = try ChildLog.open(arguments[0])
        let prepared = try PreparedDraft(try draft("import", "import-\(getpid())"), rules: log.rules)
        let append: @Sendable () throws -> Void = {
            let answers = try log.transact { transaction in
                try (0..<batch).map { _ in try transaction.append(prepared) }
            }
            for answer in answers { _ = try sequence(answer) }
        }
        try append()
        ChildLog.say("began")
        for number in 1..<importThreads {
            OSThread.start("import-\(number)") {
                do { while true { try append() } } catch { fatalError("\(error)") }  // the parent sees the end
            }
        }
        while true { try append() }
    }

    /// Keeps its processor busy.
    static func spin(_ arguments: [String]) { while getppid() != 1 {} }

    /// Arguments: the log, how many. Says `HEAD SEQ NANOSECONDS` for each, HEAD being the log's head before it.
    static func lone(_ arguments: [String]) throws {
        let log = try ChildLog.open(arguments[0])
        let draft = try draft("lone", "lone")
        for _ in 0..<(Int(arguments[1]) ?? 0) {
            let head = try log.head().sequence
            let began = clock.now
            let answers = try log.append([draft])
            let took = clock.now - began
            ChildLog.say("\(head) \(try sequence(answers[0])) \(took / .nanoseconds(1))")
        }
        log.close()
    }

    /// Arguments: the log, `ordinary` or `emergency`. Says its sequence.
    static func one(_ arguments: [String]) throws {
        let log = try ChildLog.open(arguments[0])
        let isEmergency = arguments[1] == "emergency"
        ChildLog.say("\(try sequence(log.append([draft("one", "one")], isEmergency ? .emergency : .ordinary)[0]))")
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

    private static func sequence(_ answer: AppendAnswer) throws -> UInt64 {
        guard case .appended(let place) = answer else { throw Trouble("\(answer)") }
        return place.sequence.rawValue
    }
}
