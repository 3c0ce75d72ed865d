// One log in a temporary folder, used by real processes only; the test's own process never opens it. Every
// test that made one ends with `backstop verify` and exit status 0.

import Foundation
import Glibc
import Programmes
import Testing

struct ScratchLog {
    /// Holds the log, files to import, and the outputs of processes; the processes' working folder.
    let folder: String
    /// Of this test; every random choice comes from it.
    let seed: UInt64
    var path: String { folder + "/log" }
    var views: String { path + "/views" }

    func environment(failpoint: String? = nil, _ more: [String: String] = [:]) -> [String: String] {
        var all = ["PATH": "/usr/bin:/bin", "BACKSTOP_LOG": path, "BACKSTOP_LOG_RESERVE_BYTES": "0", "NO_COLOR": "1"]
        all["SWIFT_BACKTRACE"] = "enable=no"
        if let failpoint { all["BACKSTOP_FAILPOINT"] = failpoint }
        return all.merging(more) { $1 }
    }

    // MARK: Processes

    func start(
        _ arguments: String..., piped: RunningProgram.Piped = .nothing, failpoint: String? = nil
    ) throws -> RunningProgram {
        try RunningProgram(arguments, folder: folder, environment: environment(failpoint: failpoint), piped: piped)
    }

    func run(_ arguments: String...) throws -> Finished { try run(arguments) }

    func run(_ arguments: [String], environment more: [String: String] = [:], runner: [String] = []) throws -> Finished
    {
        try RunningProgram(
            arguments, folder: folder, environment: environment(more), piped: .nothing, runner: runner
        ).finish()
    }

    /// Runs, and expects an exit status.
    @discardableResult
    func expect(
        _ status: Int32, _ arguments: String..., location: SourceLocation = #_sourceLocation
    ) throws -> Finished {
        let finished = try run(arguments)
        #expect(finished.status == status, "\(finished)", sourceLocation: location)
        return finished
    }

    /// Its JSON lines; anything but exit status 0 is an error.
    func rows(_ arguments: String...) throws -> [Row] { try rows(arguments) }

    func rows(_ arguments: [String]) throws -> [Row] {
        let finished = try run(arguments + ["--json"])
        guard finished.status == 0 else { throw Trouble("\(finished)") }
        return try finished.lines.map { try Row($0) }
    }

    // MARK: What is asked often

    func status() throws -> Row {
        guard let row = try rows("status").first else { throw Trouble("status --json said nothing") }
        return row
    }

    func head() throws -> Int { try status().number("head") }

    /// All records that match, without a limit.
    func records(_ conditions: String...) throws -> [Row] { try rows(["query", "--limit", "0"] + conditions) }

    /// The router's group; nil where it was not made yet.
    func routerGroup() throws -> Row? { try status().rows("groups").first { $0.text("group") == "router" } }

    @discardableResult
    func file(_ name: String, _ lines: [String]) throws -> String {
        let path = folder + "/" + name
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    func verify(location: SourceLocation = #_sourceLocation) throws {
        let finished = try run("verify")
        #expect(finished.status == 0, "\(finished)", sourceLocation: location)
    }

    /// Waits until a condition holds, with a short breath between two looks.
    func wait(_ what: String, within seconds: Double = Program.secondsMax, until isTrue: () throws -> Bool) throws {
        let limit = ContinuousClock.now + .seconds(seconds)
        while try !isTrue() {
            guard ContinuousClock.now < limit else {
                throw Trouble("\(what): not within \(seconds) s; \(try status())")
            }
            _ = poll(nil, 0, 5)
        }
    }

    func waitUntilRouted() throws {
        try wait("the router has nothing left") {
            guard let group = try routerGroup() else { return false }
            return group.number("lag") == 0 && group.number("pending") == 0
        }
    }
}

/// Makes a log, lends it, verifies it, removes it.
func withScratchLog(
    _ options: [String] = [], location: SourceLocation = #_sourceLocation, _ body: (ScratchLog) throws -> Void
) throws {
    let folder = FileManager.default.temporaryDirectory.path + "/backstop-test-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }  // what cannot be removed harms no test
    let log = ScratchLog(folder: folder, seed: Seed.value)
    let made = try log.run(["init"] + options)
    guard made.status == 0 else { throw Trouble("\(made)") }
    try body(log)
    try log.verify(location: location)
}

/// One JSON object of an output.
struct Row: CustomStringConvertible {
    let members: [String: Any]
    let description: String

    init(_ line: some StringProtocol) throws {
        description = String(line)
        let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
        guard let members = value as? [String: Any] else { throw Trouble("no JSON object: \(line)") }
        self.members = members
    }

    private init(_ members: [String: Any]) {
        self.members = members
        description = "\(members)"
    }

    var names: Set<String> { Set(members.keys) }
    func isNull(_ name: String) -> Bool { members[name] is NSNull }
    /// Nothing that is missing or of another type passes for a value that a test expects.
    func text(_ name: String) -> String { members[name] as? String ?? "(no text \(name))" }
    func number(_ name: String) -> Int { (members[name] as? NSNumber)?.intValue ?? -1 }
    func flag(_ name: String) -> Bool? { (members[name] as? NSNumber)?.boolValue }
    func row(_ name: String) -> Row { Row(members[name] as? [String: Any] ?? [:]) }
    func rows(_ name: String) -> [Row] { (members[name] as? [[String: Any]] ?? []).map { Row($0) } }
}
