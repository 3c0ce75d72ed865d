// The watchdog as a process, beside a real heart that is killed, stopped, or cut off from the log. Ages are judged by
// the records' own stamps: above the threshold always, below the promised bound always.

import Events
import Foundation
import Glibc
import Processes
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct WatchdogTests {
    @Test(arguments: [SIGKILL, SIGTERM])
    func aHeartThatIsKilledHasOneTrigger(signal: Int32) throws {
        try withSafetyLog { log in
            let watchdog = try log.watchdog()
            let heart = try log.heart()
            try log.beats(3, of: heart)
            heart.send(signal)
            try log.wait("it fires, and sees its trigger", watchdog) { $0.contains("watching nobody; 1 not before") }
            try log.stop(watchdog)
            let (reason, age) = try log.onlyTrigger()
            #expect(age > 5.0 && age < 5.5, "\(age) s")
            let tenth = Int((age * 10).rounded(.down))
            #expect(
                ["51", "\(tenth)", "\(tenth + 1)"].contains { digits in
                    reason == "EXIT_BRAIN_HEARTBEAT_MISSING_(\(digits.first!).\(digits.last!)S_>_5.0S)"
                }, "\(reason) after \(age) s")
            let lines = watchdog.errors.split(separator: "\n").filter { $0.contains(" critical ") }
                .map { $0.split(separator: "] ", maxSplits: 1).last.map(String.init) ?? "" }
            let shown = reason.split(separator: "(")[1].lowercased().replacing("_", with: " ").dropLast()
            let eventID = try log.triggers()[0].eventID
            #expect(
                lines == [
                    "FAILURE DETECTED: Heartbeat missing (\(shown))", "TRIGGERING PANIC CLOSE", "Reason: \(reason)",
                    "Panic close published to system:panic_close", "Event ID: \(eventID)",
                ])
            #expect(UUID(uuidString: eventID) != nil && eventID.split(separator: "-")[2].hasPrefix("4"), "\(eventID)")
        }
    }

    @Test func openPositionsAreNotLeftUnguarded() throws {
        try withSafetyLog { log in
            try log.openPosition()
            let watchdog = try log.watchdog(["watchdog.stagnant_max_ms=30000"])
            let heart = try log.heart()
            try log.beats(2, of: heart)
            heart.send(SIGKILL)
            try log.wait("it fires", watchdog) { $0.contains("watching nobody") }
            try log.stop(watchdog)
            let (reason, age) = try log.onlyTrigger()
            #expect(reason == "POSITIONS_UNGUARDED" && age > 3.0 && age < 3.5, "\(reason) after \(age) s")
        }
    }

    /// After eight seconds without its processor it has read everything before it judges.
    @Test func aStoppedWatchdogDoesNotFireInAHealthyRun() throws {
        try withSafetyLog { log in
            let watchdog = try log.watchdog()
            let heart = try log.heart()
            try log.beats(2, of: heart)
            watchdog.send(SIGSTOP)
            try log.beats(9, of: heart)
            watchdog.send(SIGCONT)
            try log.beats(3, of: heart)
            #expect(!watchdog.errors.contains("FAILURE"), "\(watchdog.errors)")
            heart.send(SIGKILL)
            try log.wait("it fires all the same", watchdog) { $0.contains("watching nobody") }
            try log.stop(watchdog)
            let (reason, age) = try log.onlyTrigger()
            #expect(reason.hasPrefix("EXIT_BRAIN_HEARTBEAT_MISSING_(5.") && age > 5.0 && age < 5.5, "\(reason) \(age)")
        }
    }

    /// One of two dies while the watchdog stands still: found as soon as it runs; and a restarted one knows of it.
    /// (Its audit finds that the trigger came too late.)
    @Test func aDeathDuringAStopIsFoundAfterItAndOnceOverRestarts() throws {
        try withSafetyLog(auditStatus: 1) { log in
            let watchdog = try log.watchdog()
            let heart = try log.heart()
            let other = try log.heart("--service", "risk_brain")
            try log.beats(2, of: heart)
            try log.beats(2, of: other)
            watchdog.send(SIGSTOP)
            heart.send(SIGKILL)
            try log.beats(7, of: other)
            watchdog.send(SIGCONT)
            try log.wait("it fires", watchdog) { $0.contains("watching nobody; 2 not before") }
            _ = try watchdog.killNow()
            let heir = try log.watchdog()
            try log.wait("it knows", heir) { $0.contains("watching nobody; 2 not before") }
            try log.beats(2, of: other)
            try log.stop(heir, other)
            let (reason, _) = try log.onlyTrigger()
            #expect(reason.hasPrefix("EXIT_BRAIN_HEARTBEAT_MISSING_("), "\(reason)")
        }
    }

    @Test func aHeartThatWasNeverSeenIsMissing() throws {
        try withSafetyLog { log in
            let watchdog = try log.watchdog(["watchdog.first_heartbeat_max_ms=500"])
            try log.wait("it fires", watchdog) { $0.contains("Event ID:") }
            try log.stop(watchdog)
            #expect(try log.triggers().map(\.reason) == ["EXIT_BRAIN_HEARTBEAT_MISSING_(NEVER_SEEN)"])
        }
    }

    // MARK: The log fails

    /// Another process is stopped in the middle of its write: the trigger goes over the socket within 250 ms, and
    /// into the log, as the same event, when it can.
    @Test func aLogWhoseLockIsHeldIsPassedOver() throws {
        try withSafetyLog { log in
            let woken = Woken()
            let listener = try LocalSocketListener(path: log.socket) { woken.take($0) }
            defer { listener.close() }
            let watchdog = try log.watchdog()
            let heart = try log.heart()
            try log.beats(2, of: heart)
            heart.send(SIGKILL)
            let holder = try log.holder()
            holder.send(SIGSTOP)
            try log.wait("the exit worker is woken", watchdog) { $0.contains("exit worker has taken the trigger") }
            holder.send(SIGCONT)
            try holder.closeInput()
            #expect(try holder.finish().status == 0)
            try log.wait("the log has it, too", watchdog) { $0.contains("Panic close published") }
            try log.wait("and the fold", watchdog) { $0.contains("watching nobody") }
            try log.stop(watchdog)
            let trigger = try #require(try log.triggers().first)
            #expect(try log.triggers().count == 1 && woken.all.count == 1)
            let message = try #require(woken.all.first)
            #expect(
                message.fields.keys.sorted() == ["event_id", "issued_by", "reason", "severity", "ts"]
                    && message.fields["event_id"] == trigger.eventID && message.fields["reason"] == trigger.reason
                    && message.fields["issued_by"] == "watchdog" && message.fields["severity"] == "CRITICAL")
            let last = try #require(try log.records(.heartbeat).last)
            let age = message.seconds - last.seconds
            // 5 s, a tick, 250 ms for the log, and what a busy machine takes for itself.
            #expect(age > 5.25 && age < 6.0, "\(age) s")
        }
    }

    /// No log at the start: it stays, says so, wakes the exit worker once, and watches as soon as there is one.
    @Test func aLogThatCannotBeOpenedIsTakenForADeath() throws {
        try withSafetyLog(isMade: false) { log in
            let woken = Woken()
            let listener = try LocalSocketListener(path: log.socket) { woken.take($0) }
            defer { listener.close() }
            let watchdog = try log.watchdog(["watchdog.missing_max_ms=1500"], isListening: false)
            try log.wait("the exit worker is woken", watchdog) { $0.contains("exit worker has taken the trigger") }
            #expect(watchdog.errors.contains("the log cannot be read: no log at"))
            let fields = try #require(woken.all.first).fields
            #expect(fields["reason"] == "LOG_UNREADABLE" && fields["issued_by"] == "watchdog", "\(fields)")
            #expect(try log.run("init").status == 0)
            try log.wait("it watches", watchdog) { $0.contains("watchdog listening on") }
            try log.stop(watchdog)
            #expect(woken.all.count == 1)
        }
    }

    /// Even while opening takes for ever: the log's lock is held by a stopped process at the start.
    @Test func aLogThatDoesNotAnswerAtTheStartIsTakenForADeath() throws {
        try withSafetyLog { log in
            let woken = Woken()
            let listener = try LocalSocketListener(path: log.socket) { woken.take($0) }
            defer { listener.close() }
            let heart = try log.heart()
            try log.beats(1, of: heart)
            heart.send(SIGKILL)
            let holder = try log.holder()
            holder.send(SIGSTOP)
            let watchdog = try log.watchdog(isListening: false)
            try log.wait("the exit worker is woken", watchdog) { $0.contains("exit worker has taken the trigger") }
            watchdog.send(SIGTERM)
            #expect(try watchdog.finish().status == 0)
            holder.send(SIGCONT)
            try holder.closeInput()
            #expect(try holder.finish().status == 0)
            let reason = try #require(woken.all.first).fields["reason"] ?? ""
            #expect(reason == "LOG_UNREADABLE" || reason.hasPrefix("EXIT_BRAIN_HEARTBEAT_MISSING_("), "\(reason)")
        }
    }

    @Test func itIsAloneInItsProcess() throws {
        try withSafetyLog { log in
            let finished = try log.run("serve", "--roles", "watchdog,router")
            #expect(finished.status == 2 && finished.errors.contains("needs a process of its own"), "\(finished)")
        }
    }
}
