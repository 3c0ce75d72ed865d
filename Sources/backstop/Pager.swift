// A pager between us and the terminal, as git has it: $PAGER, else less. It must never change what is shown, and
// where it cannot be started everything goes to the terminal as it is.

import Foundation
import Glibc
import Processes

final class Pager {
    private let child: ChildProcess
    private let terminal: Int32

    private init(_ child: ChildProcess, _ terminal: Int32) {
        self.child = child
        self.terminal = terminal
    }

    /// Nil where the output is no terminal, or the pager is `cat` or empty.
    static func start() throws -> Pager? {
        // Looked at before standard output is the pager's: colours are for who reads it there.
        guard Output.isTerminal || isatty(1) == 1 else { return nil }
        let command = ProcessInfo.processInfo.environment["PAGER"] ?? "less"
        guard !command.isEmpty, command != "cat" else { return nil }
        setenv("LESS", "FRX", 0)
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { return nil }
        defer { for end in ends { close(end) } }
        let child: ChildProcess
        do { child = try ChildProcess("/bin/sh", ["-c", command], input: .descriptor(ends[0])) } catch { return nil }
        let terminal = dup(1)
        guard terminal >= 0, dup2(ends[1], 1) == 1 else { return nil }
        _ = fcntl(terminal, F_SETFD, FD_CLOEXEC)
        Output.showsProgress = false
        // An interrupt is the pager's; whoever leaves it ends us.
        signal(SIGINT, SIG_IGN)
        return Pager(child, terminal)
    }

    /// Whoever read has left.
    var isGone: Bool { !child.isRunning }

    /// Gives it its end, and waits until it is left.
    func finish() {
        Output.flush()
        dup2(terminal, 1)
        close(terminal)
        _ = child.wait()
        signal(SIGINT, SIG_DFL)
    }
}
