// Questions about the past: what the search index, snapshots and rebuilds cost on one log of trading records.

import Domain
import EventLog
import Events
import Foundation
import Processes
import Records
import Services

extension LogBench {
    private static let commandRuns = 50

    /// One line for all of it: the log is long in the making.
    static func forensics(_ folder: String, _ records: Int) throws {
        let present = FileManager.default.fileExists(atPath: folder + "/FORMAT")
        if !present { try fillTrading(folder, records) }
        try? FileManager.default.removeItem(atPath: folder + "/views")  // where there were none, none are removed
        let log = try openLog(folder, .reading)
        var figures: [(String, Double)] = [("records", Double(try log.head().sequence.rawValue))]
        figures += try rebuilds(log)
        figures += try questions(log)
        log.close()
        figures += try commands(folder)
        figures += try appendsBeside(folder)
        let more = figures.map { String(format: ",\"%@\":%.3f", $0.0, $0.1) }.joined()
        print("{\"peer\":\"backstop\",\"mode\":\"forensics\"\(more)}")
    }

    // MARK: Rebuilds

    private static func rebuilds(_ log: EventLog) throws -> [(String, Double)] {
        let views = try Views(for: log)
        defer { views.close() }
        let head = Double(try log.head().sequence.rawValue)
        let rebuilding = Rebuilding(log: log, views: views)
        let state = try seconds { _ = try rebuilding.state { _ in } }
        let stateMemory = Memory.anonymousKilobytes()
        let search = try seconds { try rebuilding.search { _ in } }
        let check = try seconds {
            let differences = try SearchIndex(views: views, log: log).check()
            guard differences.isEmpty else { fatalError("\(differences)") }
        }
        return [
            ("rebuild_state_per_s", head / state), ("rebuild_state_kb", Double(stateMemory)),
            ("rebuild_search_per_s", head / search), ("rebuild_search_kb", Double(Memory.anonymousKilobytes())),
            ("check_search_per_s", head / check),
        ]
    }

    // MARK: In the process

    private static func questions(_ log: EventLog) throws -> [(String, Double)] {
        let views = try Views(for: log)
        defer { views.close() }
        let index = SearchIndex(views: views, log: log)
        let head = try index.reached()
        let traces = try someTraces(log, 1_000)
        var byTrace: [Double] = []
        for trace in traces {
            var found = 0
            byTrace.append(try seconds { found = try records(of: trace, index, upTo: head, log) })
            guard found > 0 else { fatalError("\(trace) was not found") }
        }
        let times = try (0..<1_000).map { _ in try seconds { try timeRange(log) } }
        let asOf = try (0..<50).map { _ in
            let wanted = SequenceNumber(UInt64.random(in: 1...head.rawValue))
            return try seconds { _ = try StateReader.state(log, views: views, asOf: wanted) }
        }
        return percentiles("trace_ms", byTrace) + percentiles("time_range_ms", times) + percentiles("as_of_ms", asOf)
            + [("questions_kb", Double(Memory.anonymousKilobytes()))]
    }

    private static func someTraces(_ log: EventLog, _ count: Int) throws -> [String] {
        let head = try log.head().sequence.rawValue
        var traces: [String] = []
        while traces.count < count {
            try log.snapshot { snapshot in
                var looked = 0
                try snapshot.walk(from: SequenceNumber(UInt64.random(in: 1...head))) { record in
                    let trace = try record.traceID()
                    if !trace.isEmpty { traces.append(trace) }
                    looked += 1
                    return trace.isEmpty && looked < 100
                }
            }
        }
        return traces
    }

    /// Found, read and compared, as `query --trace` does.
    private static func records(
        of trace: String, _ index: SearchIndex, upTo head: SequenceNumber, _ log: EventLog
    ) throws -> Int {
        let term = SearchTerm(.trace, Array(trace.utf8))
        guard let page = try index.page([term], in: SequenceNumber(1)...head, newestFirst: false) else {
            fatalError("the index is gone")
        }
        return try log.snapshot { snapshot in
            try page.sequences.filter { try snapshot.record($0)?.traceID == trace }.count
        }
    }

    /// 100 records from a random time on.
    private static func timeRange(_ log: EventLog) throws {
        try log.snapshot { snapshot in
            let head = try snapshot.head().sequence.rawValue
            guard let first = try snapshot.record(SequenceNumber(1)),
                let last = try snapshot.record(SequenceNumber(head))
            else { return }
            let range = first.header.recordedAt.nanoseconds...last.header.recordedAt.nanoseconds
            let start = try snapshot.first(recordedAt: Timestamp(nanoseconds: Int64.random(in: range)))
            var seen = 0
            try snapshot.walk(from: start) { record in
                _ = try record.record()
                seen += 1
                return seen < 100
            }
        }
    }

    // MARK: As commands

    /// From the start of the process to its end.
    private static func commands(_ folder: String) throws -> [(String, Double)] {
        let program = program("backstop")
        let log = try openLog(folder, .reading)
        let (traces, head) = (try someTraces(log, commandRuns), try log.head().sequence.rawValue)
        log.close()
        func run(_ arguments: [String]) throws -> Double {
            try seconds {
                let child = try ChildProcess(
                    program, arguments + (arguments[0] == "--version" ? [] : ["--log", folder]), output: .null)
                guard child.wait() == .exited(0) else { fatalError("\(arguments)") }
            }
        }
        let start = try (0..<commandRuns).map { _ in try run(["--version"]) }
        let trace = try traces.map { try run(["query", "--json", "--trace", $0]) }
        let asOf = try (0..<commandRuns).map { _ in
            try run(["positions", "--json", "--as-of", "\(UInt64.random(in: 1...head))"])
        }
        return percentiles("command_start_ms", start) + percentiles("command_trace_ms", trace)
            + percentiles("command_as_of_ms", asOf)
    }

    // MARK: Beside a rebuild

    /// 5,000 appends a second, 50 a call, for five seconds alone, then beside `backstop rebuild` until that ends.
    private static func appendsBeside(_ folder: String) throws -> [(String, Double)] {
        let log = try openLog(folder)
        defer { log.close() }
        let end = ContinuousClock.now + .seconds(5)
        let alone = try pacedAppends(log) { ContinuousClock.now >= end }
        let rebuild = try ChildProcess(program("backstop"), ["rebuild", "--log", folder], output: .null)
        let beside = try pacedAppends(log) { !rebuild.isRunning }
        guard rebuild.wait() == .exited(0) else { fatalError("backstop rebuild failed") }
        return percentiles("append_alone_ms", alone) + [("append_alone_ms_max", (alone.max() ?? 0) * 1_000)]
            + percentiles("append_beside_ms", beside) + [("append_beside_ms_max", (beside.max() ?? 0) * 1_000)]
    }

    /// Seconds of each call.
    private static func pacedAppends(_ log: EventLog, until isOver: () -> Bool) throws -> [Double] {
        var generator = BenchGenerator()
        let value = [UInt8](repeating: 0x78, count: bodyBytes)
        let began = ContinuousClock.now
        var took: [Double] = []
        while !isOver() || took.isEmpty {
            let due = began + .milliseconds(10 * took.count)
            if ContinuousClock.now < due { usleep(UInt32(max(0, (due - .now) / .microseconds(1)))) }
            let drafts = (0..<50).map { _ in draft(value, &generator) }
            took.append(try seconds { _ = try log.append(drafts) })
        }
        return took
    }

    // MARK: Parts

    /// Built beside this one.
    private static func program(_ name: String) -> String {
        URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().appendingPathComponent(name).path
    }

    private static func seconds(_ body: () throws -> Void) rethrows -> Double {
        let began = DispatchTime.now().uptimeNanoseconds
        try body()
        return Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9
    }

    private static func percentiles(_ name: String, _ seconds: [Double]) -> [(String, Double)] {
        let sorted = seconds.sorted().map { $0 * 1_000 }
        return [("\(name)_median", sorted[sorted.count / 2]), ("\(name)_p99", sorted[sorted.count * 99 / 100])]
    }
}
