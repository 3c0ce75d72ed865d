// Keys under races: whatever number of processes appends one key at once, it belongs to one record.

import Foundation
import Programmes
import Testing

@Suite(.repeatable) struct AppendRaceTests {
    @Test func eightProcessesAppendTheSameKeysAndEachIsAppendedOnce() throws {
        try withScratchLog { log in
            let count = scaled(1_000)
            var random = SeededGenerator(log.seed, for: "race")
            let keys = (0..<count).map { "k\($0)" }
            var files: [[String]] = []
            var running: [RunningProgram] = []
            for process in 0..<8 {  // each in an order of its own
                let order = keys.shuffled(using: &random)
                files.append(order)
                let lines = order.map { Messages.entry(key: $0, value: Int($0.dropFirst()) ?? 0) }
                let file = try log.file("import-\(process).jsonl", lines)
                running.append(try log.start("append", "race", "--from", file, "--key-from", "k", "--json"))
            }
            var appended: [String: [Int]] = [:]
            var others: [(key: String, answer: Answer)] = []
            for (process, program) in running.enumerated() {
                let finished = try program.finish()
                #expect(finished.status == 0, "\(finished)")
                let answers = try finished.lines.map { try Answer($0) }
                #expect(answers.count == count)
                for (key, answer) in zip(files[process], answers) {
                    if answer.outcome == "appended" {
                        appended[key, default: []].append(answer.sequence)
                    } else {
                        others.append((key, answer))
                    }
                }
            }
            #expect(appended.count == count && appended.values.allSatisfy { $0.count == 1 })
            #expect(others.count == 7 * count)
            let wrong = others.filter { $0.answer.outcome != "duplicate" || [$0.answer.sequence] != appended[$0.key] }
            #expect(wrong.isEmpty, "\(wrong.prefix(3))")
            #expect(try log.sequences(ofKeysIn: "race") == appended)
        }
    }

    @Test func theSameKeyWithOtherContentIsAConflictRecordedOnce() throws {
        try withScratchLog { log in
            let first = try log.expect(0, "append", "race", "v=1", "--key", "k", "--json")
            let sequence = try Answer(first.lines[0]).sequence
            for round in 0..<scaled(5) {  // each round has a content of its own, and four processes offer it
                let running = try (0..<4).map { _ in
                    try log.start("append", "race", "v=other-\(round)", "--key", "k", "--json")
                }
                for program in running {
                    let finished = try program.finish()
                    #expect(finished.status == 1, "\(finished)")
                    #expect(finished.errors.contains("conflict"), "\(finished)")
                    let answer = try Answer(finished.lines.first ?? "{}")
                    #expect(answer.outcome == "conflict" && answer.sequence == sequence, "\(finished)")
                }
                let conflicts = try log.records("--kind", "conflict")
                #expect(conflicts.count == min(round + 1, 16))
                #expect(conflicts.allSatisfy { $0.number("cause") == sequence })
            }
            try log.expect(0, "append", "race", "v=1", "--key", "k")
            #expect(try log.records("--stream", "race").count == 1)
        }
    }

    @Test func aWriterThatOnlyFoundDuplicatesSeesWhatOthersAppendedSince() throws {
        try withScratchLog { log in
            // 256 lines are one transaction of an import; LMDB gives a transaction without a change no number.
            let old = (0..<256).map { Messages.entry(key: "old-\($0)", value: $0) }
            let file = try log.file("old.jsonl", old)
            try log.expect(0, "append", "race", "--from", file, "--key-from", "k")
            for round in 0..<scaled(3) {
                let writer = try log.start(
                    "append", "race", "--from", "-", "--key-from", "k", "--json", piped: .inputAndOutput)
                let answers = try #require(writer.answers)
                try writer.write(old.joined(separator: "\n") + "\n")
                let found = try old.map { _ in try Answer(try answers.next() ?? "{}").outcome }
                #expect(found.allSatisfy { $0 == "duplicate" })
                let other = try log.expect(0, "append", "other", "round=\(round)", "--json")
                let head = try Answer(other.lines.first ?? "{}").sequence
                let new = (0..<256).map { Messages.entry(key: "new-\(round)-\($0)", value: $0) }
                try writer.write(new.joined(separator: "\n") + "\n")
                try writer.closeInput()
                let finished = try writer.finish()
                #expect(finished.status == 0, "\(finished)")
                let last = try finished.lines.suffix(256).map { try Answer($0) }
                #expect(last.allSatisfy { $0.outcome == "appended" && $0.sequence > head }, "\(finished)")
            }
        }
    }

    /// Others make the file grow between any two looks at it.
    @Test func aLogThatGrowsWhileItIsOpenedIsNotCalledCutOff() throws {
        try withScratchLog { log in
            let imports = try (0..<3).map { number in
                let lines = (0..<scaled(4_000)).map { Messages.entry(key: "k\(number)-\($0)", value: $0) }
                return try log.start("append", "race-\(number)", "--from", try log.file("race-\(number)", lines))
            }
            let limit = ContinuousClock.now + .seconds(Program.secondsMax)
            while imports.contains(where: \.isRunning), ContinuousClock.now < limit {
                for reader in try (0..<6).map({ _ in try log.start("query", "--limit", "1") }) {
                    let finished = try reader.finish()
                    #expect(finished.status == 0, "\(finished)")
                }
            }
            for running in imports { #expect(try running.finish().status == 0) }
        }
    }

    @Test func tenProcessesReportOverlappingFillsAndPositionsAreExact() throws {
        try withScratchLog { log in
            var random = SeededGenerator(log.seed, for: "fills")
            // Bought at 100.5, as thousandths, so that the expectation is whole-number arithmetic.
            let trades = (0..<scaled(300)).map { _ in Int.random(in: 1...5_000, using: &random) }
            let lines = trades.enumerated().map { number, amount in fill(number, amount) }
            var covered = Set<Int>()
            var running: [RunningProgram] = []
            for process in 0..<10 {
                let share = lines.indices.filter { $0 % 10 == process || Int.random(in: 0..<2, using: &random) == 0 }
                covered.formUnion(share)
                let file = try log.file("fills-\(process).jsonl", share.shuffled(using: &random).map { lines[$0] })
                running.append(try log.start("append", Messages.fills, "--from", file, "--json"))
            }
            for program in running {
                let finished = try program.finish()
                #expect(finished.status == 0, "\(finished)")
            }
            #expect(covered.count == trades.count)
            #expect(try log.records("--kind", "fill").count == trades.count)
            let positions = try log.rows("positions")
            #expect(positions.count == 1)
            let position = try #require(positions.first)
            let thousandths = trades.reduce(0, +)
            #expect(decimal(position.text("quantity")) == Decimal(thousandths) / 1_000, "\(position)")
            #expect(decimal(position.text("cost")) == Decimal(thousandths) / 1_000 * Decimal(1_005) / 10, "\(position)")
            #expect(decimal(position.text("entry_price")) == Decimal(1_005) / 10, "\(position)")
        }
    }

    private func fill(_ number: Int, _ thousandths: Int) -> String {
        let rest = String(thousandths % 1_000)
        let quantity = "\(thousandths / 1_000)." + String(repeating: "0", count: 3 - rest.count) + rest
        return
            #"{"venue":"binance-usdm","account":"main","symbol":"BTCUSDT","trade_id":"\#(number)","order_id":"o\#(number)","side":"buy","quantity":"\#(quantity)","price":"100.50"}"#
    }

    private func decimal(_ text: String) -> Decimal? { Decimal(string: text) }
}
