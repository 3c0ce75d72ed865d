// A process that a row starts beside itself. It dies with whoever started it (setpriv sets that), and its
// errors are shown. It must never outlive its row.

import Foundation
import Processes

final class Child {
    let name: String
    private let process = Process()
    private let output = Pipe()
    private var unread = Data()

    /// Beside this program: the build's other products, and this one.
    static let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()

    /// - Parameter reads: what is read line by line; the other one goes where ours goes.
    init(_ program: String, _ arguments: [String], reads: Reads, environment: [String: String]? = nil) throws {
        name = ([program] + arguments).joined(separator: " ")
        process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
        process.arguments = ["--pdeathsig", "KILL", Child.folder.appendingPathComponent(program).path] + arguments
        process.standardInput = FileHandle.nullDevice
        switch reads {
        case .output: process.standardOutput = output
        case .errors: process.standardError = output
        }
        if let environment { process.environment = environment }
        try process.run()
    }

    enum Reads { case output, errors }

    var pid: Int32 { process.processIdentifier }
    var isRunning: Bool { process.isRunning }

    /// The next line; nil at the end.
    func line() -> String? {
        while true {
            if let end = unread.firstIndex(of: 0x0A) {
                defer { unread.removeSubrange(...end) }
                return String(decoding: unread[..<end], as: UTF8.self)
            }
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { return nil }
            unread.append(more)
        }
    }

    /// Its pipe never fills up, so that it never waits for us.
    func ignoreTheRest() {
        let reading = output.fileHandleForReading
        OSThread.start("ignored") { while !reading.availableData.isEmpty {} }
    }

    func waitForKill() {
        process.waitUntilExit()
        guard process.terminationReason == .uncaughtSignal, process.terminationStatus == SIGKILL else {
            LogBench.fail("\(name) ended with \(process.terminationStatus)\n")
        }
    }

    func waitForEnd() {
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            LogBench.fail("\(name) ended with \(process.terminationStatus)\n")
        }
    }

    /// A log's process may be ended at any moment.
    func stop() {
        process.terminate()
        process.waitUntilExit()
    }

    // MARK: What it uses

    /// CPU time of its threads, in ns: finer than the clock ticks of /proc/PID/stat.
    func cpuNanoseconds() throws -> Int {
        let tasks = "/proc/\(pid)/task"
        return try FileManager.default.contentsOfDirectory(atPath: tasks).reduce(0) { sum, task in
            let text = try String(contentsOfFile: "\(tasks)/\(task)/schedstat", encoding: .utf8)
            guard let time = Int(text.prefix { $0.isNumber }) else {
                LogBench.fail("no CPU time in \(tasks)/\(task)\n")
            }
            return sum + time
        }
    }

    func anonymousKilobytes() -> Int { Memory.anonymousKilobytes(pid: pid) }
}
