// This program again, as a child that reads a suspect file: a damaged page can end a process, and that is an answer here,
// not a crash of ours.

import Foundation
import Processes

enum OwnChild {
    struct Answer {
        let status: Int32
        /// What it wrote to its standard output, where that was asked for.
        let output: String
    }

    /// - Parameters:
    ///   - file: what it reads, for people.
    ///   - captured: whether its output is ours to read; at most what a pipe holds.
    ///   - tick: called five times a second while it runs.
    /// Throws a negative finding where reading the file has ended it.
    static func run(
        _ arguments: [String], reading file: String, captured: Bool = false, tick: () -> Void = {}
    ) throws -> Answer {
        // A backtrace of such a crash helps nobody.
        let environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
        let pipe = captured ? Pipe() : nil
        let output = pipe.map { ChildProcess.Stream.descriptor($0.fileHandleForWriting.fileDescriptor) }
        let child = try ChildProcess(program, arguments, environment: environment, output: output ?? .inherited)
        pipe?.fileHandleForWriting.closeFile()
        while true {
            guard let end = child.wait(seconds: 0.2) else {
                tick()
                continue
            }
            switch end {
            case .exited(let status):
                let text = try pipe?.fileHandleForReading.readToEnd().map { String(decoding: $0, as: UTF8.self) }
                return Answer(status: status, output: text ?? "")
            case .signalled(let signal) where [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE].contains(signal):
                throw NegativeFinding(
                    text: "damaged: reading \(file) ended the checking process with signal \(signal); "
                        + "see ops/runbooks/log-damaged.md")
            case .signalled(let signal):
                throw CannotRun("the checking process was ended by signal \(signal); nothing is known")
            }
        }
    }
}
