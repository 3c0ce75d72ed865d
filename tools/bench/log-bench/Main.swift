// Measures the log through its API. Each mode prints its conditions to standard error and one JSON object
// to standard output, in the shape that the peers use, so that tools/bench can put them side by side.

import Domain
import EventLog
import Events
import Foundation
import Records
import Services

@main
struct LogBench {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        guard arguments.count >= 2, let count = arguments.count > 2 ? Int(arguments[2]) : 0 else {
            FileHandle.standardError.write(
                Data(
                    "usage: log-bench lone|callers|pipelined|fill|replay|replay-positions|open|scan FOLDER N [CALLERS]\n"
                        .utf8))
            exit(2)
        }
        let folder = arguments[1]
        let callers = arguments.count > 3 ? Int(arguments[3]) ?? 1 : 1
        switch arguments[0] {
        case "lone": try report("lone", appends(folder, count, callers: 1, batch: 1))
        case "callers": try report("callers", appends(folder, count, callers: callers, batch: 1))
        case "pipelined": try report("pipelined", appends(folder, count, callers: 4, batch: 250))
        case "fill": try fillTrading(folder, count)
        case "replay-positions": try replayPositions(folder)
        case "replay": try replay(folder)
        case "open": try open(folder)
        case "scan": try scan(folder)
        default: exit(2)
        }
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
            var generator = SystemRandomNumberGenerator()
            let value = [UInt8](repeating: 0x78, count: 200)
            for _ in 0..<perCaller {
                let drafts = (0..<batch).map { _ in draft(value, &generator) }
                let began = DispatchTime.now().uptimeNanoseconds
                let answers = try! log.append(drafts)
                measured.add(caller, DispatchTime.now().uptimeNanoseconds - began)
                for answer in answers { guard case .appended = answer else { fatalError("\(answer)") } }
            }
        }
        measured.end(count: perCaller * callers * batch)
        return measured
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

    static func draft(_ value: [UInt8], _ generator: inout SystemRandomNumberGenerator) -> Draft {
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

    /// Open, ready to append; then memory at rest.
    static func open(_ folder: String) throws {
        let measured = Measured(callers: 1)
        measured.begin()
        let log = try openLog(folder)
        measured.end(count: 1)
        let head = try log.head().sequence
        print(measured.json("open", more: ",\"records\":\(head),\"rss_anonymous_kb\":\(Memory.anonymousKilobytes())"))
        log.close()
    }
}

enum Memory {
    /// Resident memory without mapped file pages.
    static func anonymousKilobytes() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
        return Int(line?.split(whereSeparator: { !$0.isNumber }).first ?? "") ?? 0
    }
}
