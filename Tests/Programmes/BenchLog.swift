// One log in a folder of a programme's bench, used by real processes only: the programme's own process never
// opens it, so that nothing that a damaged log can do ends the programme.

import EventLog
import Events
import Foundation
import Glibc
import Records

struct BenchLog {
    let bench: Bench
    /// Holds the log, files to import and the outputs of processes.
    let folder: String
    var path: String { folder + "/log" }

    /// Makes an empty log in a new folder.
    init(_ bench: Bench, _ name: String) throws {
        self.bench = bench
        folder = bench.folder + "/" + name
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let made = try run("init")
        guard made.status == 0 else { throw Trouble("\(made)") }
    }

    func remove() throws { try FileManager.default.removeItem(atPath: folder) }

    // MARK: Processes

    private func environment(_ failpoint: String?, _ more: [String: String]) -> [String: String] {
        var all = ["PATH": "/usr/bin:/bin", "BACKSTOP_LOG": path, "BACKSTOP_LOG_RESERVE_BYTES": "0", "NO_COLOR": "1"]
        all["SWIFT_BACKTRACE"] = "enable=no"
        if let failpoint { all["BACKSTOP_FAILPOINT"] = failpoint }
        return all.merging(more) { $1 }
    }

    func start(
        _ arguments: [String], failpoint: String? = nil, piped: RunningProgram.Piped = .nothing
    ) throws -> RunningProgram {
        try RunningProgram(
            arguments, folder: folder, environment: environment(failpoint, [:]), piped: piped,
            program: bench.binaries + "/backstop")
    }

    /// A role of `log-soak`: its first argument is the log.
    func child(
        _ name: String, _ arguments: [String], _ more: [String: String] = [:], failpoint: String? = nil,
        piped: RunningProgram.Piped = .nothing, runner: [String] = []
    ) throws -> RunningProgram {
        try RunningProgram(
            ["child", name, path] + arguments, folder: folder, environment: environment(failpoint, more),
            piped: piped, runner: runner, program: bench.binaries + "/log-soak")
    }

    func run(_ arguments: String...) throws -> Finished { try start(arguments).finish() }

    /// The JSON lines of a verb; anything but exit status 0 is an error.
    func rows(_ arguments: String...) throws -> [[String: Any]] {
        let finished = try start(arguments + ["--json"]).finish()
        guard finished.status == 0 else { throw Trouble("\(finished)") }
        return try BenchLog.rows(finished)
    }

    static func rows(_ finished: Finished) throws -> [[String: Any]] {
        try finished.lines.map { line in
            guard let row = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                throw Trouble("no JSON object: \(line)")
            }
            return row
        }
    }

    func file(_ name: String, _ lines: [String]) throws -> String {
        let path = folder + "/" + name
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    /// Waits until a condition holds, with a short breath between two looks.
    static func wait(
        _ what: String, within seconds: Double = Program.secondsMax, until isTrue: () throws -> Bool
    ) throws {
        let limit = ContinuousClock.now + .seconds(seconds)
        while try !isTrue() {
            guard ContinuousClock.now < limit else { throw Trouble("\(what): not within \(seconds) s") }
            _ = poll(nil, 0, 1)
        }
    }
}

/// What every child does first and last.
enum ChildLog {
    static func open(_ path: String, _ mode: AccessMode = .writing) throws -> EventLog {
        try EventLog(
            at: path, mode: mode, rules: EventRules.rules,
            options: LogOptions(bytesMax: 1 << 40, reserveBytes: 0, clock: .system, version: "soak"))
    }

    /// One line of the child's journal: one write, so that a kill leaves it whole or not there.
    static func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        precondition(write(1, bytes, bytes.count) == bytes.count, "the journal takes every line")
    }
}
