// Processes that append colliding keys and are killed, in the steps of flushes and merges or at random, while the others go
// on. A run is so few keys that every append meets one. Then every key is offered once more. The control are
// processes whose index says "not there" of what is in a run: they must be found out.

import EventLog
import Foundation
import Records

package struct KeysProgramme: Programme {
    package static let name = "keys"
    package static let promise =
        "a key is one record's for ever, whoever is killed in a flush or a merge of the key index"
    package static let unit = "kills"
    package static let casesInFull = 500

    static let appenders = 8
    private static let wavesPerLog = 3
    private static let wavesOfControl = 2

    package static func run(_ budget: Budget, seed: UInt64, _ bench: Bench) throws -> Report {
        var report = Report(KeysProgramme.self, seed: seed)
        var random = SeededGenerator(seed: seed)
        var control = Report.Control(name: "runs that say \"not there\"", cases: 0, bad: 0)
        var places: [String: Int] = [:]
        try WorkFolder.lend(bench) { folder in
            let blind = try KeysStage(folder + "/blind", random.next(), bench, isBlind: true)
            for _ in 0..<wavesOfControl {
                _ = try blind.wave(&random)
                control.cases += 1
                if try !blind.problems().isEmpty { control.bad += 1 }
            }
            while !budget.isSpent(report.cases) {
                let stage = try KeysStage("\(folder)/\(report.cases)", random.next(), bench, isBlind: false)
                for wave in 0..<wavesPerLog where !budget.isSpent(report.cases) {
                    for place in try stage.wave(&random) { places[place, default: 0] += 1 }
                    report.cases += KeysStage.kills
                    for problem in try stage.problems() {
                        report.fail("seed \(seed), after \(report.cases) kills, wave \(wave): \(problem)", bench)
                    }
                }
                try FileManager.default.removeItem(atPath: stage.folder)
                bench.progress("\(report.cases) kills, \(report.bad) bad")
            }
        }
        report.controls = [control]
        report.notes = places.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return report
    }
}

/// One log, and waves of processes on it.
struct KeysStage {
    static let kills = 4
    private static let keysPerWave = 700
    private static let bytesBeforeKillMax: UInt64 = 6_000

    let folder: String
    private let seed: UInt64
    private let bench: Bench
    private let isBlind: Bool
    private let waves = Waves()

    private final class Waves { var count = 0 }

    init(_ folder: String, _ seed: UInt64, _ bench: Bench, isBlind: Bool) throws {
        (self.folder, self.seed, self.bench, self.isBlind) = (folder, seed, bench, isBlind)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        _ = try EventLog.create(at: log, options: SoakLog.options)
    }

    private var log: String { folder + "/log" }
    private func journal(_ wave: Int, _ place: Int) -> String { "\(folder)/journal-\(wave)-\(place)" }

    /// Starts the appenders and kills some of them; answers where they died.
    func wave(_ random: inout SeededGenerator) throws -> [String] {
        let wave = waves.count
        waves.count += 1
        let failpoints = (0..<KeysStage.kills).map { place -> Failpoint? in
            place.isMultiple(of: 2) ? Failpoint.ofTheKeys.randomElement(using: &random) : nil
        }
        let running = try (0..<KeysProgramme.appenders).map { place in
            var environment = ["BACKSTOP_KEYS_FLUSH": "\(10 + random.next() % 30)"]
            if isBlind { environment["BACKSTOP_KEYS_BLIND"] = "yes" }
            if place < failpoints.count, let failpoint = failpoints[place] {
                environment["BACKSTOP_FAILPOINT"] = "\(failpoint.rawValue)@\(1 + random.next() % 3)"
            }
            return try Children.start(
                [
                    "child", "keys-append", log, journal(wave, place), "\(seed)", "\(place)",
                    "\(wave * KeysStage.keysPerWave / 2)", "\(KeysStage.keysPerWave)",
                ], bench, folder: folder, piped: .nothing, environment)
        }
        let limits = failpoints.map { _ in random.next() % KeysStage.bytesBeforeKillMax }
        for (place, limit) in limits.enumerated() where failpoints[place] == nil {
            while running[place].isRunning, try bytes(of: journal(wave, place)) < limit { sched_yield() }
            running[place].send(SIGKILL)
        }
        return try running.enumerated().compactMap { place, one in
            let end = try one.finish()
            if place >= KeysStage.kills, end.status != 0 { throw Trouble("an appender failed: \(end)") }
            guard place < KeysStage.kills else { return nil }
            if end.signal == nil { return end.status == 0 ? "ended before" : "failed" }
            return failpoints[place]?.rawValue ?? "at random"
        }
    }

    private func bytes(of path: String) throws -> UInt64 {
        guard FileManager.default.fileExists(atPath: path) else { return 0 }
        return (try FileManager.default.attributesOfItem(atPath: path)[.size] as? UInt64) ?? 0
    }

    /// What is not as it must be.
    func problems() throws -> [String] {
        var options = SoakLog.options
        options.keys = KeyIndexOptions(flushKeys: 20, memoryKeysMax: 100_000, fanOut: 3, rowsPerTransaction: 4)
        let log = try EventLog(at: log, mode: .writing, rules: SoakLog.rules, options: options)
        defer { log.close() }
        var found = try log.verify(known: nil) { _ in }.findings.map { "verify: \($0.problem)" }
        var sequences: [Int: SequenceNumber] = [:]
        try log.walk(from: SequenceNumber(1), through: nil) { record in
            guard let number = SoakLog.number(try record.key) else { return true }
            if let first = sequences.updateValue(record.sequence, forKey: number) {
                found.append("key \(number) has records \(first) and \(record.sequence)")
            }
            return true
        }
        found += try journalProblems(sequences)
        if found.isEmpty { found += try offerAgain(log, sequences) }
        return found
    }

    /// Each answer names the record, and one process at most was told that it appended it.
    private func journalProblems(_ sequences: [Int: SequenceNumber]) throws -> [String] {
        var found: [String] = []
        var appended: Set<Int> = []
        for wave in 0..<waves.count {
            for place in 0..<KeysProgramme.appenders {
                guard let text = FileManager.default.contents(atPath: journal(wave, place)) else { continue }
                // A line that was cut off by the kill is none.
                for line in String(decoding: text, as: UTF8.self).split(
                    separator: "\n", omittingEmptySubsequences: false
                )
                .dropLast() {
                    let words = line.split(separator: " ")
                    guard words.count == 3, let number = Int(words[0]), let sequence = UInt64(words[1]) else {
                        throw Trouble("a journal says \(line)")
                    }
                    if sequences[number]?.rawValue != sequence {
                        found.append(
                            "key \(number) was answered with record \(sequence), is \(sequences[number] ?? .none)")
                    }
                    if words[2] == "appended", !appended.insert(number).inserted {
                        found.append("key \(number) was appended twice")
                    }
                }
            }
        }
        return found
    }

    private func offerAgain(_ log: EventLog, _ sequences: [Int: SequenceNumber]) throws -> [String] {
        var found: [String] = []
        let numbers = sequences.keys.sorted()
        for start in stride(from: 0, to: numbers.count, by: 100) {
            let some = numbers[start..<min(start + 100, numbers.count)]
            for (number, answer) in zip(some, try log.append(some.map { SoakLog.draft($0, seed: seed) })) {
                guard case .duplicate(let first) = answer, first.sequence == sequences[number] else {
                    found.append("key \(number), offered again, is answered with \(answer)")
                    continue
                }
            }
        }
        return found
    }
}

/// A process that offers keys that others offer, too, and writes down what it is told.
enum KeysAppender {
    /// `log-soak child keys-append FOLDER JOURNAL SEED NUMBER FIRST COUNT`
    static func child(_ arguments: [String]) throws {
        let numbers = arguments.dropFirst(2).compactMap { UInt64($0) }
        guard arguments.count == 6, numbers.count == 4 else {
            throw Trouble("keys-append FOLDER JOURNAL SEED NUMBER FIRST COUNT")
        }
        let (seed, own, first, count) = (numbers[0], numbers[1], Int(numbers[2]), Int(numbers[3]))
        try Data().write(to: URL(fileURLWithPath: arguments[1]))
        guard let journal = FileHandle(forWritingAtPath: arguments[1]) else { throw Trouble("no \(arguments[1])") }
        var random = SeededGenerator(seed: seed &+ own &+ UInt64(first) &* 31)
        var left = ArraySlice((first + 1...first + count).shuffled(using: &random))
        let log = try SoakLog.open(arguments[0], .writing)
        while !left.isEmpty {
            let some = left.prefix(1 + Int(random.next() % 12))
            left = left.dropFirst(some.count)
            let answers = try log.append(some.map { SoakLog.draft($0, seed: seed) })
            let lines = try zip(some, answers).map { number, answer in
                switch answer {
                case .appended(let place): "\(number) \(place.sequence) appended\n"
                case .duplicate(let place): "\(number) \(place.sequence) duplicate\n"
                case .conflict, .refused, .unknown: throw Trouble("key \(number) was answered with \(answer)")
                }
            }
            try journal.write(contentsOf: Data(lines.joined().utf8))
        }
        log.close()
    }
}
