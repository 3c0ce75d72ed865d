// Runs this command again in a child, because reading a page that is damaged inside LMDB can end a process. The child's
// exit status becomes ours; a crash is an answer: damaged.

import ArgumentParser
import Foundation
import Processes

enum CheckingChild {
    static func run() throws -> Never {
        // A crash is an answer here; a backtrace of it helps nobody.
        let environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().path
        let child = try ChildProcess(
            program, Array(CommandLine.arguments.dropFirst()) + ["--in-process"], environment: environment)
        switch child.wait() {
        case .exited(let status): throw ExitCode(status)
        case .signalled(let signal) where [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE].contains(signal):
            throw NegativeFinding(
                text: "damaged: reading the file ended the checking process with signal \(signal); "
                    + "see ops/runbooks/log-damaged.md")
        case .signalled(let signal):
            throw CannotRun("the checking process was ended by signal \(signal); nothing is known")
        }
    }
}
