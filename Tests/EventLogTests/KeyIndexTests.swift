// A key belongs to one record, whatever becomes of the index that knows it: through flushes and merges, with the index
// gone, stale, of another log, damaged, or not to be written.

import Foundation
import Testing

import EventLog
import LMDB
import Records
import SortedRuns

/// A run of every 50 keys, merged in threes, some pages at a time.
private let tiny = KeyIndexOptions(flushKeys: 50, memoryKeysMax: 100_000, fanOut: 3, rowsPerTransaction: 2)

/// A log of its own, and what must be in it.
private final class KeyedLog {
    let path = temporaryFolder() + "/log"
    var options = testOptions()
    private(set) var log: EventLog?
    private(set) var sequences: [String: UInt64] = [:]
    var generator = SeededGenerator(seed: 7)

    init(_ keys: KeyIndexOptions = tiny) throws {
        options.keys = keys
        _ = try EventLog.create(at: path, options: options)
        try open()
    }

    deinit {
        log?.close()
        // A folder that stays behind does no harm.
        try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent)
    }

    var now: EventLog { log! }
    var keys: String { path + "/keys" }

    func open(_ mode: AccessMode = .writing) throws {
        log = try EventLog(at: path, mode: mode, rules: testRules, options: options)
    }

    func close() {
        log?.close()
        log = nil
    }

    /// Appends new keys, some at a time.
    func append(_ count: Int) throws {
        var left = count
        while left > 0 {
            let batch = (0..<min(left, 1 + Int(generator.next() % 40))).map { _ in "k\(generator.next())" }
            for (key, answer) in zip(batch, try now.append(batch.map { draft("text", key: $0) })) {
                #expect(answer.isAppended)
                sequences[key] = answer.sequence
            }
            left -= batch.count
        }
    }

    /// Every key once more, in another order: duplicates with the right sequence; and readers say the same.
    func judge() throws {
        let offered = sequences.keys.shuffled(using: &generator)
        for start in stride(from: 0, to: offered.count, by: 64) {
            let batch = Array(offered[start..<min(start + 64, offered.count)])
            for (key, answer) in zip(batch, try now.append(batch.map { draft("text", key: $0) })) {
                #expect(answer.isDuplicate && answer.sequence == sequences[key], "\(key): \(answer)")
            }
        }
        try judgeReading(Array(offered.prefix(100)))
        let findings = try now.verify(known: nil) { _ in }.findings
        #expect(findings == [])
    }

    func judgeReading(_ offered: [String]) throws {
        try now.snapshot { snapshot in
            for key in offered {
                let found = try snapshot.first(.user(key), stream: testStream)
                #expect(found?.rawValue == sequences[key])
            }
            let absent = try snapshot.first(.user("absent"), stream: testStream)
            #expect(absent == nil)
        }
    }

    /// Reopens after `change` was done to the closed log, and judges.
    func judge(after change: (String) throws -> Void) throws {
        close()
        try change(keys)
        try open()
        try judge()
        try append(130)
        try judge()
    }

    func runs() throws -> (count: Int, pairs: UInt64, note: [UInt8]) {
        let store = try RunStore(at: keys, mapBytes: 1 << 30, readersMax: 8, readOnly: true)
        defer { store.close() }
        return try store.read { ($0.runCount, $0.pairCount, $0.note) }
    }
}

@Suite struct KeyIndexTests {
    @Test func everyKeyStaysTakenThroughFlushesAndMerges() throws {
        let bench = try KeyedLog()
        for round in 0..<12 {
            try bench.append(200)
            if round % 3 == 0 { try bench.judge() }
            if round % 4 == 3 {
                bench.close()
                let (count, pairs, _) = try bench.runs()
                #expect(count > 0 && count < 12 && pairs > 100)
                try bench.open()
            }
        }
        try bench.judge()
    }

    @Test func aKeyOfAnAbortedJobIsFree() throws {
        struct Stop: Error {}
        let bench = try KeyedLog()
        try bench.append(45)
        for _ in 0..<20 {
            #expect(throws: Stop.self) {
                try bench.now.transact { transaction in
                    for number in 0..<8 { _ = try transaction.append(draft("text", key: "aborted\(number)")) }
                    throw Stop()
                }
            }
            try bench.append(3)
        }
        let answer = try bench.now.append([draft("text", key: "aborted3")])[0]
        #expect(answer.isAppended)
        try bench.judge()
    }

    @Test func aKeyIsFoundInsideTheTransactionThatPutIt() throws {
        let bench = try KeyedLog()
        try bench.append(120)
        let drafts = (0..<300).map { draft("text", key: "twice\($0 % 150)") }
        let answers = try bench.now.append(drafts)
        #expect(answers.prefix(150).allSatisfy(\.isAppended) && answers.suffix(150).allSatisfy(\.isDuplicate))
        try bench.judge()
    }

    @Test func anIndexThatIsGoneIsBuiltAgainAndSaysHowFarItIs() throws {
        let bench = try KeyedLog()
        try bench.append(3_000)
        let told = Told()
        bench.options.indexing = { done, all in told.add(done.rawValue, all.rawValue) }
        try bench.judge { keys in try FileManager.default.removeItem(atPath: keys) }
        #expect(told.all.contains { $0.1 > 3_000 && $0.0 > 1_000 })
    }

    private final class Told: @unchecked Sendable {
        private let lock = NSLock()
        private var told: [(UInt64, UInt64)] = []
        var all: [(UInt64, UInt64)] { lock.withLock { told } }
        func add(_ done: UInt64, _ all: UInt64) { lock.withLock { told.append((done, all)) } }
    }

    @Test func aStaleIndexOnlyMakesTheOpenLonger() throws {
        let bench = try KeyedLog()
        try bench.append(400)
        bench.close()
        let kept = bench.path + "-kept"
        try FileManager.default.copyItem(atPath: bench.keys, toPath: kept)
        try bench.open()
        try bench.append(900)
        try bench.judge { keys in
            try FileManager.default.removeItem(atPath: keys)
            try FileManager.default.moveItem(atPath: kept, toPath: keys)
        }
    }

    @Test func theIndexOfAnotherLogIsNotBelieved() throws {
        let (bench, other) = (try KeyedLog(), try KeyedLog())
        try bench.append(300)
        try other.append(900)
        other.close()
        try bench.judge { keys in
            try FileManager.default.removeItem(atPath: keys)
            try FileManager.default.copyItem(atPath: other.keys, toPath: keys)
        }
    }

    /// A log that lost its end: numbers that the index gives are others' now.
    @Test func anIndexThatKnowsMoreThanTheLogIsNotBelieved() throws {
        let bench = try KeyedLog()
        try bench.append(200)
        bench.close()
        let kept = bench.path + "-kept"
        try FileManager.default.copyItem(atPath: bench.path + "/log", toPath: kept)
        try bench.open()
        try bench.append(500)
        bench.close()
        try FileManager.default.removeItem(atPath: bench.path + "/log")
        try FileManager.default.moveItem(atPath: kept, toPath: bench.path + "/log")
        try bench.open()
        let lost = bench.sequences.filter { $0.value > 215 }.keys.sorted()
        for key in lost.prefix(50) {
            let answer = try bench.now.append([draft("text", key: key)])[0]
            #expect(answer.isAppended)
        }
        let findings = try bench.now.verify(known: nil) { _ in }.findings
        #expect(findings == [])
    }

    @Test(arguments: ["data.mdb cut", "data.mdb empty", "no folder"])
    func anIndexThatCannotBeOpenedIsMadeAnew(how: String) throws {
        let bench = try KeyedLog()
        try bench.append(1_000)
        try bench.judge { keys in
            switch how {
            case "data.mdb cut": truncate(keys + "/data.mdb", 12_000)
            case "data.mdb empty": truncate(keys + "/data.mdb", 0)
            default: try FileManager.default.removeItem(atPath: keys)
            }
        }
    }

    /// As a process leaves it that died of a damaged page while it opened the index.
    @Test func anIndexThatEndedAProcessIsMadeAnew() throws {
        let bench = try KeyedLog()
        try bench.append(1_000)
        bench.close()
        let mark = bench.keys + "/mark"
        try Data().write(to: URL(fileURLWithPath: mark))
        try bench.judge { _ in
            try "opening".write(toFile: bench.path + "/log/keys.opening", atomically: false, encoding: .utf8)
        }
        #expect(!FileManager.default.fileExists(atPath: mark))
        try Data().write(to: URL(fileURLWithPath: mark))
        try bench.judge { _ in }
        #expect(FileManager.default.fileExists(atPath: mark))
    }

    /// Pages of pairs and filters rot while nobody looks.
    @Test(arguments: 1...8)
    func rotInTheIndexIsNeverAWrongAbsence(seed: Int) throws {
        let bench = try KeyedLog()
        bench.generator = SeededGenerator(seed: UInt64(seed))
        try bench.append(1_500)
        try bench.judge { keys in
            let url = URL(fileURLWithPath: keys + "/data.mdb")
            var bytes = try Data(contentsOf: url)
            let pages = (2..<bytes.count / 4_096).filter { bytes[$0 * 4_096 + 10] & 4 != 0 }
            for page in pages where bench.generator.next() % 3 == 0 {
                bytes[page * 4_096 + 16 + Int(bench.generator.next() % 4_080)] ^= UInt8(
                    1 << (bench.generator.next() % 8))
            }
            try bytes.write(to: url)
        }
    }

    /// A process that has the index open when it turns out to be damaged goes on with a new one.
    @Test func damageThatIsMetWhileTheLogIsOpenIsMended() throws {
        let bench = try KeyedLog()
        try bench.append(1_500)
        bench.close()
        try bench.open()
        let url = URL(fileURLWithPath: bench.keys + "/data.mdb")
        let bytes = try Data(contentsOf: url)
        let file = try FileHandle(forWritingTo: url)
        for page in 2..<bytes.count / 4_096 where bytes[page * 4_096 + 10] & 4 != 0 {
            try file.seek(toOffset: UInt64(page * 4_096 + 16 + 200))
            try file.write(contentsOf: Data(bytes[page * 4_096 + 216..<page * 4_096 + 232].map { $0 ^ 1 }))
        }
        try file.close()
        try bench.judge()
        try bench.append(200)
        bench.close()
        let (count, pairs, _) = try bench.runs()
        #expect(count > 0 && pairs > 1_000, "the runs were not built again")
        try bench.open()
        try bench.judge()
    }

    @Test func verifyFindsAnIndexThatLacksAKey() throws {
        let bench = try KeyedLog()
        try bench.append(600)
        bench.close()
        let note = try bench.runs().note
        var pairs: [RunPair] = []
        let before = try RunStore(at: bench.keys, mapBytes: 1 << 30, readersMax: 8, readOnly: false)
        try before.read { try $0.eachPair { pairs.append($0) } }
        before.close()
        pairs.remove(at: 77)
        try FileManager.default.removeItem(atPath: bench.keys)
        try FileManager.default.createDirectory(atPath: bench.keys, withIntermediateDirectories: true)
        let store = try RunStore(at: bench.keys, mapBytes: 1 << 30, readersMax: 8, readOnly: false)
        let keeper = RunKeeper(store, tiers: RunTiers(pairsMin: 50, fanOut: 3), rowsPerTransaction: 10)
        try keeper.add(pairs) { _ in (0, note) }
        store.close()
        try bench.open(.reading)
        let problems = try bench.now.verify(known: nil) { _ in }.findings.map(\.problem)
        #expect(problems == ["the key index does not hold the keys that the records have"])
    }
}

@Suite struct KeyReadingTests {
    @Test func whoOnlyReadsFindsKeysAndWritesNothing() throws {
        let bench = try KeyedLog()
        try bench.append(1_000)
        bench.close()
        for isThere in [true, false] {
            if !isThere { try FileManager.default.removeItem(atPath: bench.keys) }
            let before = try? FileManager.default.attributesOfItem(atPath: bench.keys + "/data.mdb")[.modificationDate]
            try bench.open(.reading)
            try bench.judgeReading(Array(bench.sequences.keys.prefix(200)))
            let findings = try bench.now.verify(known: nil) { _ in }.findings
            #expect(findings == [])
            bench.close()
            let after = try? FileManager.default.attributesOfItem(atPath: bench.keys + "/data.mdb")[.modificationDate]
            #expect(before as? Date == after as? Date)
            #expect(FileManager.default.fileExists(atPath: bench.keys) == isThere)
        }
    }

    @Test func aSnapshotKnowsNothingOfLaterRecords() throws {
        let bench = try KeyedLog()
        try bench.append(60)
        try bench.now.snapshot { snapshot in
            try bench.append(300)
            let later = bench.sequences.filter { $0.value > 100 }.keys
            for key in later {
                let found = try snapshot.first(.user(key), stream: testStream)
                #expect(found == nil)
            }
        }
    }
}

@Suite struct FullKeyMemoryTests {
    private let small = KeyIndexOptions(flushKeys: 50, memoryKeysMax: 200, fanOut: 3, rowsPerTransaction: 2)

    /// Runs cannot be written: the memory is bounded, ordinary appends are told why, emergencies pass, nothing is there twice.
    @Test func whereNoRunCanBeWrittenOrdinaryAppendsAreRefusedAndEmergenciesPass() throws {
        let bench = try KeyedLog(small)
        bench.close()
        try FileManager.default.removeItem(atPath: bench.keys)
        // A file stands where the folder ought to, and cannot be put aside.
        try Data().write(to: URL(fileURLWithPath: bench.keys))
        let aside = bench.keys + ".damaged-\(getpid())"
        try FileManager.default.createDirectory(atPath: aside + "/full", withIntermediateDirectories: true)
        try bench.open()
        try bench.append(150)
        var refused: AppendAnswer?
        for number in 0..<100 where refused == nil {
            let answer = try bench.now.append([draft("text", key: "more\(number)")])[0]
            if !answer.isAppended { refused = answer }
        }
        guard case .refused(.full(let why)) = refused else {
            Issue.record("not refused: \(String(describing: refused))")
            return
        }
        #expect(why.contains("key index"))
        for number in 0..<300 {
            let first = try bench.now.append([draft("text", key: "urgent\(number)")], .emergency)[0]
            #expect(first.isAppended)
            let second = try bench.now.append([draft("text", key: "urgent\(number / 2)")], .emergency)[0]
            #expect(second.isDuplicate)
        }
        let findings = try bench.now.verify(known: nil) { _ in }.findings
        #expect(findings == [])
        try FileManager.default.removeItem(atPath: aside)
        try bench.judge { keys in try FileManager.default.removeItem(atPath: keys) }
    }
}

@Suite struct OlderFormatTests {
    /// A log as the version before left it: FORMAT 1, and a table of keys in log/.
    private func older(_ count: Int) throws -> KeyedLog {
        let bench = try KeyedLog()
        try bench.append(count)
        bench.close()
        try FileManager.default.removeItem(atPath: bench.keys)
        try "backstop-log 1\n".write(toFile: bench.path + "/FORMAT", atomically: true, encoding: .utf8)
        try withLogEnvironment(bench) { environment in
            let table = try #require(try environment.openTables(["keys"])[0])
            try environment.write { transaction in
                for number in 0..<25_000 as Range<UInt64> { try transaction.put(table, number, [1, 2, 3]) }
            }
        }
        return bench
    }

    private func withLogEnvironment(_ bench: KeyedLog, _ body: (Environment) throws -> Void) throws {
        let options = EnvironmentOptions(mapBytes: 1 << 30, readersMax: 16, tablesMax: 32, readOnly: false)
        let environment = try Environment(at: bench.path + "/log", options: options)
        defer { environment.close() }
        try body(environment)
    }

    private func format(_ bench: KeyedLog) throws -> String {
        try String(contentsOfFile: bench.path + "/FORMAT", encoding: .utf8)
    }

    @Test func aWritingOpenMakesALogOfTheVersionBeforeOneOfOurs() throws {
        let bench = try older(500)
        try bench.open(.reading)
        try bench.judgeReading(Array(bench.sequences.keys))
        bench.close()
        #expect(try format(bench) == "backstop-log 1\n")
        try bench.judge { _ in }
        #expect(try format(bench) == "backstop-log 2\n")
        bench.close()
        try withLogEnvironment(bench) { environment in
            let left = try environment.openPresentTables(["keys"])
            #expect(left[0] == nil)
        }
    }

    @Test func aLogOfTheVersionBeforeThatIsInUseStaysWhatItIs() throws {
        let bench = try older(100)
        let user = try FileLock(path: bench.path + "/log/namespace")
        user.lock(.shared)
        #expect(throws: LogError.olderInUse(path: bench.path)) { try bench.open() }
        #expect(try format(bench) == "backstop-log 1\n")
        user.unlock()
        try bench.judge { _ in }
    }

    /// Killed after FORMAT was written: older software refuses the log, and the next one goes on.
    @Test func aTableThatWasLeftIsRemoved() throws {
        let bench = try older(100)
        try "backstop-log 2\n".write(toFile: bench.path + "/FORMAT", atomically: true, encoding: .utf8)
        try bench.judge { _ in }
        bench.close()
        try withLogEnvironment(bench) { environment in
            let left = try environment.openPresentTables(["keys"])
            #expect(left[0] == nil)
        }
    }
}
