import ArgumentParser
import Domain
import EventLog
import Events
import Foundation
import Glibc
import Processes
import Records
import Services

struct ExitBrain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exit-brain",
        abstract: "A reference heart to kill: one heartbeat a second, until it dies.",
        discussion: """
            Appends a heartbeat to exit_brain:heartbeat: ALIVE, how many positions are open (the larger number of the
            two ledgers), when it last decided (now), how long its own cycle took. It decides nothing and
            closes nothing: it is there to be watched, and to be killed:
              kill -9 PID       as a crash: the watchdog fires within 5.5 s of the last heartbeat (3.5 s with positions)
              kill PID          SIGTERM: it stops cleanly, and the watchdog fires all the same
              kill -STOP PID    as a hang; kill -CONT PID ends it

            Examples:
              backstop exit-brain
              backstop exit-brain --interval-ms 500 --service exit_brain_2

            Exit status: 0 after SIGTERM or SIGINT, 1 when the log takes no heartbeat, 2 if it could not start.
            """)

    @Option(help: ArgumentHelp("Between two heartbeats.", valueName: "ms"))
    var intervalMs = 1_000
    @Option(help: ArgumentHelp("The service that beats.", valueName: "name"))
    var service = "exit_brain"
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard (10...Limits.heartIntervalMillisecondsMax).contains(intervalMs) else {
            throw ValidationError("--interval-ms: 10 to \(Limits.heartIntervalMillisecondsMax) is needed")
        }
    }

    func run() throws {
        let stopped = Latch()
        try StopSignals.listen { _ in stopped.set() }
        try common.withLog(.writing) { log in
            var state = State()
            var latency: Int64 = 0
            var next = ContinuousClock.now
            var count = 0
            repeat {
                let began = ContinuousClock.now
                state = try StateReader.fold(log, from: state)
                let sequence = try beat(log, state, latency: latency)
                count += 1
                latency = Int64((ContinuousClock.now - began) / .milliseconds(1))
                show(sequence, count, positions: ExitBrain.positions(state), latency)
                next = max(next + .milliseconds(intervalMs), .now)
            } while !stopped.wait(milliseconds: Int((next - .now) / .milliseconds(1)))
        }
    }

    private static func positions(_ state: State) -> Int { max(state.positions.openCount, state.attested.openCount) }

    private func beat(_ log: EventLog, _ state: State, latency: Int64) throws -> SequenceNumber {
        let now = log.clock.now()
        let fields = FieldMap([
            ("service_id", service), ("status", "ALIVE"), ("active_positions", String(ExitBrain.positions(state))),
            ("last_decision_ts", String(now.milliseconds)), ("latency_ms", String(latency)),
            ("ts", String(now.milliseconds)),
        ])
        let draft = try Intake.draft(
            stream: StreamCatalogue.heartbeats.text, fields: fields, key: nil, traceID: nil, producer: service,
            recordedAt: now)
        switch try log.append([draft], draft.writeClass)[0] {
        case .appended(let place): return place.sequence
        case .refused(let refusal): throw NegativeFinding(text: "no heartbeat: \(refusal)")
        case .unknown(let why): throw NegativeFinding(text: "no heartbeat: \(why)")
        case .duplicate, .conflict: preconditionFailure("a heartbeat has no key")
        }
    }

    private func show(_ sequence: SequenceNumber, _ count: Int, positions: Int, _ latency: Int64) {
        if common.json {
            Output.json(
                .object([
                    JSONMember("seq", number(sequence.rawValue)), JSONMember("positions", number(UInt64(positions))),
                ]))
        } else if count == 1 {
            Output.line("\(service) beats every \(intervalMs) ms as process \(getpid()); first heartbeat \(sequence)")
        }
        Output.flush()
    }
}
