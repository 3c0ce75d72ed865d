// Measures the log through its API. Each mode prints its conditions to standard error and one JSON object
// to standard output, in the shape that the peers use, so that tools/bench can put them side by side.

import Domain
import EventLog
import Events
import Foundation
import Processes
import Records
import Services
import Synchronization

@main
struct LogBench {
    static let usage = """
        usage: log-bench lone|callers|pipelined FOLDER N [CALLERS]   appends with random keys
               log-bench grow FOLDER N                appends, as fast as may be, until the log has N entries
               log-bench fill FOLDER N                trading records, for:
               log-bench replay|replay-positions|scan FOLDER
               log-bench open FOLDER                  open, the first append, memory then
               log-bench lookup FOLDER N              N keys that are there, N that are not, one at a time
               log-bench group|group-ids|group-joined FOLDER N BATCH   reads N entries by a group
               log-bench wake|wake-follow FOLDER N    N lone appends, read in another process, by a group or alone
               log-bench idle FOLDER SECONDS          CPU time of `backstop serve` (built beside this program)
               log-bench load FOLDER SECONDS RATE     writers, consumers and a slow reader, side by side
               log-bench execution-wire FOLDER N      N intents, one at a time, to their orders' arrival
               log-bench execution-circle FOLDER N    N intents at once, to the last one's end
               log-bench recovery-unsent|recovery-sent|recovery-limited FOLDER N   N requests of a killed process
               log-bench forensics FOLDER N           rebuilds, and questions about a log of N trading records
               log-bench simulation FOLDER HOURS      of simulated worlds, on one core
        FOLDER is a log; it is made where it is missing.

        """

    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        let numbers = arguments.dropFirst(2).map { Int($0) ?? -1 }
        guard arguments.count >= 2, numbers.allSatisfy({ $0 > 0 }) else { fail(usage, status: 2) }
        let (mode, folder) = (arguments[0], arguments[1])
        let count = numbers.first ?? 0
        let second = numbers.count > 1 ? numbers[1] : 1
        switch mode {
        case "lone": try report("lone", appends(folder, count, callers: 1, batch: 1))
        case "callers": try report("callers", appends(folder, count, callers: second, batch: 1))
        case "pipelined": try report("pipelined", appends(folder, count, callers: 4, batch: 250))
        case "grow": try grow(folder, toEntries: count)
        case "fill": try fillTrading(folder, count)
        case "replay-positions": try replayPositions(folder)
        case "replay": try replay(folder)
        case "open": try open(folder)
        case "scan": try scan(folder)
        case "lookup": try lookup(folder, count)
        case "group", "group-ids", "group-joined": try group(mode, folder, count, batch: second)
        case "wake": try wake(mode, folder, count, waiter: "wake-consumer")
        case "wake-follow": try wake(mode, folder, count, waiter: "wake-follower")
        case "wake-consumer": try wakeConsumer(folder, count)
        case "wake-follower": try wakeFollower(folder, count)
        case "idle": try idle(folder, seconds: count)
        case "load": try load(folder, seconds: count, rate: second)
        case "load-writer": try loadWriter(folder, rate: count)
        case "load-consumer": try loadConsumer(folder)
        case "load-reader": try loadReader(folder)
        case "execution-wire": try executionWire(folder, count)
        case "execution-circle": try executionCircle(folder, count)
        case "recovery-unsent", "recovery-sent", "recovery-limited": try recovery(mode, folder, count)
        case "killed-recovery-unsent", "killed-recovery-sent", "killed-recovery-limited":
            try leaveRequests(mode, folder, count, port: second)
        case "forensics": try forensics(folder, count)
        case "simulation": try simulation(folder, hours: count)
        default: fail(usage, status: 2)
        }
    }

    /// As the peers: 1 failed, 2 wrong usage.
    static func fail(_ text: String, status: Int32 = 1) -> Never {
        FileHandle.standardError.write(Data(text.utf8))
        exit(status)
    }

    static func report(_ mode: String, _ measured: Measured) throws { print(measured.json(mode)) }

    static func openLog(_ folder: String, _ mode: AccessMode = .writing) throws -> EventLog {
        let options = LogOptions(bytesMax: .max, reserveBytes: 0, clock: .system, version: "bench")
        if !FileManager.default.fileExists(atPath: folder + "/FORMAT") {
            _ = try EventLog.create(at: folder, options: options)
        }
        return try EventLog(at: folder, mode: mode, rules: EventRules.rules, options: options)
    }

    // MARK: Appending

    /// `count` appends with random keys and 200-byte bodies, by `callers` threads, `batch` a call.
    static func appends(_ folder: String, _ count: Int, callers: Int, batch: Int) throws -> Measured {
        let log = try openLog(folder)
        defer { log.close() }
        let measured = Measured(callers: callers)
        let perCaller = count / callers / batch
        measured.begin()
        onThreads(callers) { caller in
            var generator = BenchGenerator()
            for _ in 0..<perCaller {
                let drafts = (0..<batch).map { _ in draft(body, &generator) }
                let began = DispatchTime.now().uptimeNanoseconds
                let answers = try! log.append(drafts)
                measured.add(caller, DispatchTime.now().uptimeNanoseconds - began)
                for answer in answers { guard case .appended = answer else { fatalError("\(answer)") } }
            }
        }
        measured.end(count: perCaller * callers * batch)
        return measured
    }

    /// Appends until the stream has so many entries. Not what is measured: large transactions, so that random
    /// keys share pages.
    static func grow(_ log: EventLog, toEntries count: Int) throws {
        let (callers, batch) = (2, 10_000)
        let present = Int(try log.snapshot { try $0.stream(stream)?.lastOrdinal ?? 0 })
        let left = Mutex(count - present)
        onThreads(callers) { _ in
            var generator = BenchGenerator()
            while true {
                let size = left.withLock { left in
                    defer { left -= batch }
                    return min(left, batch)
                }
                guard size > 0 else { return }
                appendAll(log, size, &generator)
            }
        }
    }

    static func grow(_ folder: String, toEntries count: Int) throws {
        let log = try openLog(folder)
        defer { log.close() }
        let before = try log.head().sequence.rawValue
        let measured = Measured(callers: 1)
        measured.begin()
        try grow(log, toEntries: count)
        measured.end(count: Int(try log.head().sequence.rawValue - before))
        print(measured.json("grow", more: ",\"bytes\":\(log.space().used)"))
    }

    /// One call; every draft is a new record, or this is no measurement.
    static func appendAll(_ log: EventLog, _ count: Int, _ generator: inout BenchGenerator) {
        let drafts = (0..<count).map { _ in draft(body, &generator) }
        for answer in try! log.append(drafts) { guard case .appended = answer else { fatalError("\(answer)") } }
    }

    /// One OS thread a caller, however many cores there are.
    static func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        let ended = DispatchSemaphore(value: 0)
        for place in 0..<count {
            OSThread.start("caller-\(place)") {
                body(place)
                ended.signal()
            }
        }
        for _ in 0..<count { ended.wait() }
    }

    static let stream = StreamName(literal: "bench:stream")
    static let bodyBytes = 200
    private static let body = [UInt8](repeating: 0x78, count: bodyBytes)

    static func draft(_ value: [UInt8], _ generator: inout BenchGenerator) -> Draft {
        var key = ByteWriter(capacity: 16)
        key.fixed(generator.next())
        key.fixed(generator.next())
        return Draft(
            kind: EventKind.untyped.kind, stream: stream, key: .user(Hex.encode(key.bytes)), producer: "bench",
            body: Body(fields: FieldMap([FieldMap.Field(name: [0x64], value: value)]), typed: []))
    }

    // MARK: Replaying

    /// The mix of design: 60 % heartbeats and decisions, 25 % orders, 15 % fills.
    static func fillTrading(_ folder: String, _ count: Int) throws {
        let log = try openLog(folder)
        defer { log.close() }
        var workload = TradingWorkload()
        for _ in 0..<20 { _ = try log.append([try workload.next()]) }  // makes every stream
        let measured = Measured(callers: 1)
        measured.begin()
        var done = 0
        while done < count {
            let size = min(500, count - done)
            workload.base = try log.head().sequence.rawValue - workload.number
            let drafts = try (0..<size).map { _ in try workload.next() }
            for answer in try log.append(drafts) { guard case .appended = answer else { fatalError("\(answer)") } }
            done += size
        }
        measured.end(count: count)
        print(measured.json("fill"))
    }

    /// All projections.
    static func replay(_ folder: String) throws {
        try bestOfThree("replay", folder) { log in
            Int(try StateReader.fold(log).asOf.rawValue)
        }
    }

    /// Positions alone: every other kind is skipped by its header.
    static func replayPositions(_ folder: String) throws {
        try bestOfThree("replay-positions", folder) { log in
            var positions = Positions()
            var seen = 0
            try log.walk(from: SequenceNumber(1), through: nil) { record in
                seen += 1
                if Positions.kinds.contains(record.kind) { try positions.apply(record) }
                return true
            }
            guard positions.openCount > 0 else { fatalError("the workload left no position") }
            return seen
        }
    }

    /// Nothing but headers.
    static func scan(_ folder: String) throws {
        try bestOfThree("scan", folder) { log in
            var seen = 0
            try log.walk(from: SequenceNumber(1), through: nil) { record in
                if record.kind.rawValue > 0 { seen += 1 }
                return true
            }
            return seen
        }
    }

    static func bestOfThree(_ mode: String, _ folder: String, _ body: (EventLog) throws -> Int) throws {
        let log = try openLog(folder, .reading)
        defer { log.close() }
        var best = Measured(callers: 1)
        for _ in 0..<3 {
            let measured = Measured(callers: 1)
            measured.begin()
            measured.end(count: try body(log))
            if best.count == 0 || measured.nanoseconds < best.nanoseconds { best = measured }
        }
        print(best.json(mode))
    }

    /// Open, ready to append; then memory at rest. The first append is timed by itself, and done before memory
    /// is looked at: what open leaves for later is not hidden.
    static func open(_ folder: String) throws {
        let measured = Measured(callers: 1)
        measured.begin()
        let log = try openLog(folder)
        measured.end(count: 1)
        let head = try log.head().sequence
        var generator = BenchGenerator()
        let began = DispatchTime.now().uptimeNanoseconds
        appendAll(log, 1, &generator)
        let first = Double(DispatchTime.now().uptimeNanoseconds - began) / 1e6
        let more = String(
            format: ",\"records\":%d,\"first_append_ms\":%.2f,\"rss_anonymous_kb\":%d", head.rawValue, first,
            Memory.anonymousKilobytes())
        print(measured.json("open", more: more))
        log.close()
    }
}

/// Random keys without a call of the kernel for each: that would be measured, too. SplitMix64, seeded by the system.
struct BenchGenerator: RandomNumberGenerator {
    private var state = UInt64.random(in: .min ... .max)

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }
}

enum Memory {
    /// Resident memory without mapped file pages; 0 where there is no such process.
    static func anonymousKilobytes(pid: Int32 = getpid()) -> Int {
        let text = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""  // 0 is shown
        let line = text.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
        return Int(line?.split(whereSeparator: { !$0.isNumber }).first ?? "") ?? 0
    }
}
