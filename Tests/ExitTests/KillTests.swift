// The worker or its recorder killed at many moments of a run, most of them while closes are on their way: whoever goes
// on ends flat, with one completion a trigger and one order a name.

import Foundation
import Glibc
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct KillTests {
    /// After so many new lines of the journal, or so long after its start.
    enum Moment: Sendable, CustomStringConvertible {
        case lines(Int)
        case milliseconds(Int)
        var description: String {
            switch self {
            case .lines(let count): "\(count) lines"
            case .milliseconds(let count): "\(count) ms"
            }
        }
    }

    struct Plan: Sendable, CustomTestStringConvertible {
        let latency: Int
        let moments: [Moment]
        var bySocket = false
        var testDescription: String { "\(latency) ms a call: \(moments) \(bySocket ? "by socket" : "")" }
    }

    static let plans = [
        Plan(latency: 100, moments: [.lines(1), .lines(2), .lines(4)]),
        Plan(latency: 100, moments: [.lines(5), .lines(3), .lines(6)]),
        Plan(latency: 200, moments: [.lines(6), .lines(8), .lines(7)]),
        Plan(latency: 200, moments: [.milliseconds(120), .milliseconds(350), .milliseconds(90)]),
        Plan(latency: 300, moments: [.milliseconds(450), .milliseconds(610), .lines(9)]),
        Plan(latency: 120, moments: [.lines(1), .milliseconds(280), .lines(5)], bySocket: true),
        Plan(latency: 150, moments: [.lines(5), .lines(9), .milliseconds(700)], bySocket: true),
    ]

    @Test(arguments: plans) func aKilledWorkerGoesOn(plan: Plan) throws {
        try withTradingLog(try Exchange()) { log in
            try log.open(TradingLog.four)
            try log.exchange.control("options", #"{"latency_ms":\#(plan.latency)}"#)
            var worker = try log.exit()
            var kills = 0
            if plan.bySocket {
                try log.expectTaken(TradingLog.formA("k"))
            } else {
                try log.panic(TradingLog.formA("k"))
            }
            for moment in plan.moments {
                guard try comes(moment, log, worker) else { break }
                _ = try worker.killNow()
                kills += 1
                worker = try log.startExit()
            }
            #expect(kills > 0)
            _ = try log.wait(for: 1, "panic.completed", [worker])
            try log.wait("the journal goes") { log.journal().isEmpty }
            try log.end(worker)
            try ExitJudgement(log).expectFlat(completions: 1)
        }
    }

    /// False where the run was over before.
    private func comes(_ moment: Moment, _ log: TradingLog, _ worker: RunningProgram) throws -> Bool {
        let (before, began) = (log.journal().count, ContinuousClock.now)
        var isThere = false
        var wasBusy = before > 0
        try log.wait("\(moment) come") {
            guard worker.isRunning else { throw Trouble("the worker ended: \(worker.errors)") }
            let lines = log.journal()
            if wasBusy, lines.isEmpty { return true }
            wasBusy = wasBusy || !lines.isEmpty
            switch moment {
            case .lines(let count): isThere = lines.count >= before + count
            case .milliseconds(let count): isThere = ContinuousClock.now - began > .milliseconds(count)
            }
            return isThere
        }
        return isThere
    }

    /// The socket's answer is a promise: killed in the next moment, the worker has it in its journal.
    @Test func whatTheSocketHasTakenSurvivesAKill() throws {
        try withTradingLog(try Exchange()) { log in
            let names = (0..<8).map { "taken-\($0)" }
            for name in names {
                let worker = try log.exit()
                try log.expectTaken(TradingLog.formA(name))
                _ = try worker.killNow()
                #expect(log.journal().contains { $0.contains(name) }, "\(name)")
            }
            let worker = try log.exit()
            let ends = try log.wait(for: names.count, "panic.completed", [worker])
            #expect(Set(ends.map { $0.row("data").text("event_id") }) == Set(names))
            try log.end(worker)
        }
    }

    /// Two triggers, and the worker dies between any two steps of them.
    @Test(arguments: [3, 11]) func killedBetweenTheStepsOfTwoTriggers(lines: Int) throws {
        try withTradingLog(try Exchange(["--latency", "60"])) { log in
            try log.open(TradingLog.four)
            var worker = try log.exit()
            try log.panic(TradingLog.formA("one"))
            try log.panic(TradingLog.formA("two"))
            _ = try comes(.lines(lines), log, worker)
            _ = try worker.killNow()
            worker = try log.startExit()
            _ = try log.wait(for: 1, "panic.completed", [worker])
            _ = try worker.killNow()
            worker = try log.exit()
            let ends = try log.wait(for: 2, "panic.completed", [worker]).map { $0.row("data") }
            #expect(ends.map { $0.text("event_id") } == ["one", "two"] && ends[1].number("positions_total") == 0)
            try log.end(worker)
            try ExitJudgement(log).expectFlat(completions: 2)
        }
    }

    // MARK: The recorder

    @Test(arguments: [SIGKILL, SIGSTOP]) func theRecorderDiesInTheMiddle(signal: Int32) throws {
        try withTradingLog(try Exchange(["--latency", "100"])) { log in
            try log.open(TradingLog.four)
            let worker = try log.exit()
            try log.wait("the recorder answers") { worker.errors.contains("the recorder has log") }
            try log.panic(TradingLog.formA("r"))
            try log.wait("closes are journaled") { log.journal().count >= 3 }
            kill(try log.recorder(of: worker), signal)
            try log.waitUntilFlat(within: 10, worker)
            _ = try log.wait(for: 1, "panic.completed", [worker])
            try log.end(worker)
            try ExitJudgement(log).expectFlat(completions: 1)
        }
    }

    /// The recorder stands still, nothing is known of the log: the socket's trigger is carried out, and both die then.
    @Test func bothDie() throws {
        try withTradingLog(try Exchange(["--latency", "50"])) { log in
            try log.open(TradingLog.four)
            let worker = try log.exit()
            try log.wait("the recorder answers") { worker.errors.contains("the recorder has log") }
            let recorder = try log.recorder(of: worker)
            kill(recorder, SIGSTOP)
            try log.wait("it stands") { Children.stands(recorder) }
            try log.expectTaken(TradingLog.formA("both"))
            try log.wait("closes are journaled") { log.journal().count >= 3 }
            _ = try worker.killNow()
            kill(recorder, SIGKILL)
            let heir = try log.exit()
            _ = try log.wait(for: 1, "panic.completed", [heir])
            try log.end(heir)
            try ExitJudgement(log).expectFlat(completions: 1)
        }
    }
}
