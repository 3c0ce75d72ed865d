// A log whose file was cut off gives no error: whoever touches it dies of SIGBUS. In that moment the exit worker is woken.

import Foundation
import Glibc
import Processes
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct LastWordsTests {
    /// With a heart and a file of which one page is left; whole again afterwards.
    private func withCutLog(_ body: (SafetyLog, Woken, _ cut: () throws -> Void) throws -> Void) throws {
        try withSafetyLog { log in
            let woken = Woken()
            let listener = try LocalSocketListener(path: log.socket) { woken.take($0) }
            defer { listener.close() }
            let url = URL(fileURLWithPath: log.path + "/log/data.mdb")
            var whole: Data?
            try body(log, woken) {
                whole = try Data(contentsOf: url)
                let file = try FileHandle(forUpdating: url)
                try file.truncate(atOffset: 4_096)
                try file.close()
            }
            if let whole { try whole.write(to: url) }
        }
    }

    /// Each of its lives asks for the same run.
    @Test func aWatchdogThatDiesOfItHasWokenTheExitWorker() throws {
        try withCutLog { log, woken, cut in
            let heart = try log.heart()
            try log.beats(1, of: heart)
            let watchdogs = [try log.watchdog(), try log.watchdog()]
            try cut()
            for watchdog in watchdogs {
                let finished = try watchdog.finish()
                #expect(finished.signal == SIGBUS, "\(finished)")
                #expect(finished.errors.contains("The exit worker has taken the trigger"), "\(finished)")
            }
            heart.send(SIGKILL)
            let fields = woken.all.map(\.fields)
            #expect(
                fields.allSatisfy { $0["reason"] == "LOG_UNREADABLE" && $0["issued_by"] == "watchdog" }, "\(fields)")
            #expect(fields.count == 2 && fields[0]["event_id"] == fields[1]["event_id"], "\(fields)")
        }
    }

    /// Cut off while it appends; where it is cut off before, opening it fails with an error.
    private func panic(_ log: SafetyLog, socket: String, _ cut: () throws -> Void) throws -> Finished {
        let panic = try log.start(
            ["panic", "--reason", "cut off"],
            environment: ["BACKSTOP_FAILPOINT": "transaction.begun@1@stop", "BACKSTOP_EXIT_SOCKET": socket])
        try log.wait("it stands in the middle of its transaction") { Children.stands(panic.pid) }
        try cut()
        panic.send(SIGCONT)
        return try panic.finish()
    }

    @Test func aPanicThatDiesOfItIsTaken() throws {
        try withCutLog { log, woken, cut in
            let finished = try panic(log, socket: log.socket, cut)
            #expect(finished.status == 0, "\(finished)")
            let fields = woken.all.map(\.fields)
            #expect(!fields.isEmpty && fields.allSatisfy { $0["reason"] == "cut off" }, "\(fields)")
            #expect(Set(fields.map { $0["event_id"] }).count == 1, "\(fields)")
        }
    }

    /// It cannot end well, and says so.
    @Test func aPanicThatNobodyTakesSaysSo() throws {
        try withCutLog { log, woken, cut in
            let finished = try panic(log, socket: log.folder + "/nobody", cut)
            #expect(finished.signal == SIGBUS && finished.errors.contains("close positions by hand"), "\(finished)")
            #expect(woken.all.isEmpty)
        }
    }
}
