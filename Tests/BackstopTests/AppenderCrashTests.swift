// kill -9 of a process that appends: what it was told is in the log, nothing is there twice, and the same
// import, run again, completes it.

import EventLog
import Foundation
import Programmes
import Testing

@Suite(.repeatable) struct AppenderCrashTests {
    /// Three transactions of an import.
    private static let lines = 600
    private static let reachedByAppend: Set<Failpoint> = [
        .transactionBegun, .recordPut, .commitBefore, .commitAfter, .replyAfter,
    ]

    @Test(arguments: Failpoint.ofTheLog)
    func whatWasAnsweredBeforeAFailpointIsInTheLog(_ failpoint: Failpoint) throws {
        try withScratchLog { log in
            var random = SeededGenerator(log.seed, for: failpoint.rawValue)
            var counts = [1, 2, 3]
            if failpoint == .recordPut {
                counts = [1, 2, 3, 258, 259, 601] + [Int.random(in: 4...600, using: &random)]
            }
            if !AppenderCrashTests.reachedByAppend.contains(failpoint) { counts = [1] }
            for round in 1...scaled(1) {
                for count in counts {
                    let label = "\(failpoint.rawValue)@\(count)"
                    let crash = ImportCrash(log, stream: "import.\(round).\(label)", lines: AppenderCrashTests.lines)
                    let program = try crash.start(failpoint: label)
                    let finished = try program.finish()
                    if AppenderCrashTests.reachedByAppend.contains(failpoint) {
                        #expect(finished.signal == SIGKILL, "\(label) must be reached: \(finished)")
                    } else {
                        #expect(finished.status == 0, "\(label) must not be reached: \(finished)")
                    }
                    try crash.check(told: try finished.lines.map { try Answer($0) }, label)
                }
            }
        }
    }

    @Test func whatWasAnsweredBeforeARandomKillIsInTheLog() throws {
        try withScratchLog { log in
            var random = SeededGenerator(log.seed, for: "random kill")
            var killed = 0
            for round in 0..<scaled(12) {
                let crash = ImportCrash(log, stream: "import.\(round)", lines: 3_000)
                let program = try crash.start(failpoint: nil)
                let after = Int.random(in: 1...2_800, using: &random)
                let label = "killed after \(after) answers"
                for _ in 0..<after { _ = try program.answers?.next() }
                let finished = try program.killNow()
                if finished.signal == SIGKILL { killed += 1 }
                try crash.check(told: try finished.lines.map { try Answer($0) }, label)
            }
            #expect(killed > 0, "no import was still running when it was killed")
        }
    }

    @Test func severalAppendersOfTheSameKeysAreKilledAndNothingIsThereTwice() throws {
        try withScratchLog { log in
            var random = SeededGenerator(log.seed, for: "several")
            let crash = ImportCrash(log, stream: "import", lines: 2_000)
            var told: [[Answer]] = []
            for _ in 0..<scaled(4) {
                let running = try (0..<3).map { _ in try crash.start(failpoint: nil) }
                for program in running.shuffled(using: &random) {
                    for _ in 0..<Int.random(in: 1...600, using: &random) { _ = try program.answers?.next() }
                    told.append(try program.killNow().lines.map { try Answer($0) })
                }
            }
            for answers in told.dropLast() { try crash.checkTold(answers, "several appenders") }
            try crash.check(told: told.last ?? [], "several appenders")
        }
    }
}

/// One import that is killed, looked at, and run again.
struct ImportCrash {
    private let log: ScratchLog
    private let stream: String
    private let keys: [String]

    init(_ log: ScratchLog, stream: String, lines: Int) {
        self.log = log
        self.stream = stream
        keys = (0..<lines).map { "k\($0)" }
    }

    private func importFile() throws -> String {
        try log.file("\(stream).jsonl", keys.enumerated().map { Messages.entry(key: $1, value: $0) })
    }

    func start(failpoint: String?) throws -> RunningProgram {
        try log.start(
            "append", stream, "--from", try importFile(), "--key-from", "k", "--json", piped: .output,
            failpoint: failpoint)
    }

    /// What was told is there; then the import is completed, and is there once.
    func check(told: [Answer], _ label: String) throws {
        try checkTold(told, label)
        let before = try log.sequences(ofKeysIn: stream)
        let again = try log.run("append", stream, "--from", try importFile(), "--key-from", "k", "--json")
        #expect(again.status == 0, "\(label): \(again)")
        let answers = try again.lines.map { try Answer($0) }
        #expect(answers.count == keys.count, "\(label)")
        let wrong = zip(keys, answers).filter { key, answer in
            let outcome = before[key] == nil ? "appended" : "duplicate"
            return answer.outcome != outcome || (before[key] ?? [answer.sequence]) != [answer.sequence]
        }
        #expect(
            wrong.isEmpty, "\(label): \(wrong.prefix(3)), the log had \(wrong.prefix(3).map { before[$0.0] ?? [] })")
        let after = try log.sequences(ofKeysIn: stream)
        #expect(after.count == keys.count && after.values.allSatisfy { $0.count == 1 }, "\(label): each once")
    }

    func checkTold(_ told: [Answer], _ label: String) throws {
        let there = try log.sequences(ofKeysIn: stream)
        #expect(there.values.allSatisfy { $0.count == 1 }, "\(label): nothing twice")
        #expect(told.count <= keys.count)
        let lost = zip(keys, told).filter { key, answer in there[key] != [answer.sequence] }
        #expect(lost.isEmpty, "\(label): \(lost.prefix(3)), the log has \(lost.prefix(3).map { there[$0.0] ?? [] })")
    }
}
