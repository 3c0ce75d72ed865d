import ArgumentParser
import Domain
import EventLog
import Events
import Foundation
import Glibc
import Processes
import Records
import Services

struct Panic: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Close all positions at once and halt trading: appends a panic trigger.",
        discussion: """
            Trading is halted from the trigger's record on; the exit worker (backstop serve --roles exit) closes
            everything and appends the completion. A log that does not take the trigger within 250 ms, or whose file is cut
            off, is passed over: the exit worker is woken through its local socket. The end of a halt is an operator's:
            backstop resume.

            Examples:
              backstop panic --reason "model gone mad"
              backstop panic --reason drill --wait 15

            Exit status: 0 appended, or taken by the exit worker (with --wait: flat), 1 not flat (positions_failed > 0) or
            refused, 2 could not run, or no completion in time.
            """)

    @Option(help: "Why; it stands in the halt.")
    var reason: String
    @Option(help: ArgumentHelp("Who issues it.", valueName: "risk_kernel|exit_brain|watchdog|ops"))
    var source = "ops"
    @Option(help: ArgumentHelp("Wait so long for the completion.", valueName: "seconds"))
    var wait: Int?
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard PanicTrigger.issuers.contains(source) else {
            throw ValidationError(
                "--source \(source): one of \(PanicTrigger.issuers.joined(separator: ", ")) is needed")
        }
        guard !reason.allSatisfy(\.isWhitespace) else { throw ValidationError("--reason must not be empty") }
        if let wait, !(1...86_400).contains(wait) { throw ValidationError("--wait: 1 to 86400 s is needed") }
    }

    func run() throws {
        let message = PanicMessage(reason: Panic.oneLine(reason), issuer: source, at: LogClock.system.now())
        _ = try checked(message)
        let (common, place) = (self.common, try self.common.exitSocketPath())
        // Taken is not flat: who waits for that does not hear of it.
        do { try message.setLastWords(to: place, takenStatus: wait == nil ? 0 : 2) } catch { Output.error("\(error)") }
        let appending = Attempt("panic-append") {
            let log = try common.open(.writing)
            return Appended(log: log, sequence: try message.append(to: log, basis: .none))
        }
        switch appending.wait(milliseconds: Limits.triggerAppendMillisecondsMax) {
        case .success(let appended):
            if !LocalSocket.isListened(at: place) {
                Output.error(
                    "trading is halted, but no exit worker listens at \(place): nothing is closed before "
                        + "backstop serve --roles exit runs")
            }
            try finish(appended, message)
        case .failure(let error): try wake(message, place, "\(error)", appending)
        case nil:
            try wake(message, place, "no answer within \(Limits.triggerAppendMillisecondsMax) ms", appending)
        }
    }

    /// An emergency is not refused for its words: what no record takes is left out.
    private static func oneLine(_ text: String) -> String {
        var line = Output.oneLine(text)
        while line.utf8.count > Limits.reasonBytesMax { line.removeLast() }
        return line
    }

    private struct Appended: Sendable {
        let log: EventLog
        let sequence: SequenceNumber
    }

    /// A reason that no reader takes is told before anything is sent.
    private func checked(_ message: PanicMessage) throws -> Draft {
        do { return try message.draft(basis: .none) } catch { throw CannotRun("\(error)") }
    }

    // MARK: The two ways

    private func finish(_ appended: Appended, _ message: PanicMessage) throws {
        if common.json {
            Output.json(
                .object([
                    JSONMember("outcome", .string("appended")), JSONMember("seq", number(appended.sequence.rawValue)),
                    JSONMember("event_id", .string(message.eventID)),
                ]))
        } else {
            Output.line("Panic close published to \(StreamCatalogue.panics), record \(appended.sequence)")
            Output.line("Event ID: \(message.eventID)")
        }
        Output.flush()
        defer { appended.log.close() }
        if let wait { try follow(appended.log, from: appended.sequence, message, seconds: wait) }
    }

    private func wake(
        _ message: PanicMessage, _ path: String, _ why: String, _ appending: Attempt<Appended>
    ) throws {
        Output.error("the log has not taken the trigger (\(why)); waking the exit worker at \(path)")
        do {
            let answer = try ExitSocket.send(
                message.fields, to: path, milliseconds: Limits.exitSocketMillisecondsMax)
            if case .refused(let reason) = answer {
                throw NegativeFinding(text: "the exit worker refused the trigger: \(reason)")
            }
        } catch let finding as NegativeFinding {
            throw finding
        } catch {
            // Nobody else is left: now the log has all the time there is.
            Output.error("the exit worker cannot be woken: \(error); waiting for the log")
            guard case .success(let appended)? = appending.wait(milliseconds: Limits.panicAppendMillisecondsMax) else {
                throw CannotRun("NOBODY HAS TAKEN THE TRIGGER: close positions by hand, on the exchange")
            }
            return try finish(appended, message)
        }
        sayTaken(message)
        try followLate(message, appending)
    }

    private func sayTaken(_ message: PanicMessage) {
        if common.json {
            Output.json(
                .object([
                    JSONMember("outcome", .string("taken")), JSONMember("event_id", .string(message.eventID)),
                ]))
        } else {
            Output.line("The exit worker has taken the trigger; it is not in the log yet.")
            Output.line("Event ID: \(message.eventID)")
        }
        Output.flush()
    }

    /// The log's answer may still come; the completion stands in it, too.
    private func followLate(_ message: PanicMessage, _ appending: Attempt<Appended>) throws {
        guard let wait else { Glibc._exit(0) }  // the append's thread may never end
        guard case .success(let appended)? = appending.wait(milliseconds: wait * 1_000) else {
            Output.error("the log does not answer: no completion can be seen")
            Glibc._exit(2)
        }
        try follow(appended.log, from: .none, message, seconds: wait)
    }

    // MARK: The completion

    private func follow(
        _ log: EventLog, from start: SequenceNumber, _ message: PanicMessage, seconds: Int
    ) throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var next = start.next
        while true {
            var found: EventPanicCompleted?
            try log.walk(from: next, through: nil) { record in
                next = record.sequence.next
                if record.kind == EventKind.panicCompleted.kind {
                    let completed = try EventPanicCompleted(reading: record)
                    if completed.eventID == message.eventID { found = completed }
                }
                return found == nil
            }
            if let found { return try judge(found) }
            let left = Int((deadline - .now) / .milliseconds(1))
            guard left > 0 else {
                throw CannotRun(
                    "no completion within \(seconds) s: positions may be open; look at the exchange's own page, and at backstop status"
                )
            }
            _ = try log.wait(past: next.previous, milliseconds: left)
        }
    }

    private func judge(_ completed: EventPanicCompleted) throws {
        if common.json {
            Output.json(
                .object([
                    JSONMember("outcome", .string("completed")),
                    JSONMember("positions_total", number(UInt64(completed.positionsTotal))),
                    JSONMember("positions_closed", number(UInt64(completed.positionsClosed))),
                    JSONMember("positions_failed", number(UInt64(completed.positionsFailed))),
                    JSONMember("failed_symbols", .array(completed.failedSymbols.map { .string($0) })),
                    JSONMember("execution_time_ms", number(completed.executionTimeMs)),
                ]))
        } else {
            Output.line(
                "Closed: \(completed.positionsClosed)/\(completed.positionsTotal) in \(completed.executionTimeMs) ms")
        }
        guard completed.positionsFailed == 0 else {
            throw NegativeFinding(
                text: "NOT FLAT: \(completed.failedSymbols.joined(separator: ", ")); run backstop panic again")
        }
    }
}
