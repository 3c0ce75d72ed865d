// The other end of a child that checks: one question at a time, one line for an answer. A child that dies or does
// not answer is an answer, too; the next question gets a new one.

import Foundation
import Glibc

final class CheckLane {
    enum Answer {
        case line(String)
        /// The child ended by a signal or an assertion.
        case crashed(String)
        case hung
    }

    /// No check takes so long: what does, hangs.
    static let secondsMax = 60.0

    let folder: String
    private let arguments: [String]
    private let bench: Bench
    private var child: RunningProgram?
    private(set) var starts = 0

    /// - Parameter folder: of the lane's own; is made.
    init(_ name: String, _ arguments: [String] = [], folder: String, _ bench: Bench) throws {
        self.arguments = ["child", name] + arguments
        self.folder = folder
        self.bench = bench
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        signal(SIGPIPE, SIG_IGN)  // a child that died is seen at its answer
    }

    func ask(_ question: String) throws {
        let running = try child ?? start()
        child = running
        do { try running.write(question + "\n") } catch { return }  // it died: `answer` will say so
    }

    func answer() throws -> Answer {
        guard let running = child else { throw Trouble("nobody was asked") }
        do {
            if let line = try running.answers?.next(within: CheckLane.secondsMax) { return .line(line) }
        } catch {
            child = nil
            _ = try running.killNow()
            return .hung
        }
        child = nil
        let end = try running.finish()
        guard end.signal != nil else { throw Trouble("a check ended by itself: \(end)") }
        return .crashed("signal \(end.signal ?? 0): \(end.errors.suffix(200))")
    }

    func close() throws {
        guard let running = child else { return }
        child = nil
        try running.closeInput()
        _ = try running.finish()
    }

    private func start() throws -> RunningProgram {
        starts += 1
        return try Children.start(
            arguments, bench, folder: folder, piped: .inputAndOutput, Recording.keysPerFlush)
    }
}

enum Children {
    /// Starts a role of this build's log-soak.
    static func start(
        _ arguments: [String], _ bench: Bench, folder: String, piped: RunningProgram.Piped,
        _ extra: [String: String] = [:]
    ) throws -> RunningProgram {
        var environment = ["PATH": "/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no"]
        environment.merge(extra) { _, new in new }
        return try RunningProgram(
            arguments, folder: folder, environment: environment, piped: piped, program: bench.binaries + "/log-soak")
    }

    /// What a process needs to run under the shim.
    static func shim(_ bench: Bench, folder: String, trace: String, marks: String) -> [String: String] {
        [
            "LD_PRELOAD": bench.binaries + "/libCallShim.so", "CALL_SHIM_FOLDER": folder, "CALL_SHIM_TRACE": trace,
            "CALL_SHIM_MARKS": marks,
        ]
    }
}
