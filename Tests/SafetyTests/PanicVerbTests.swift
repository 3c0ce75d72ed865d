// `backstop panic` and `backstop exit-brain` as commands.

import Events
import Foundation
import Glibc
import Processes
import Programmes
import Testing
import TradingBench

@Suite(.inLanes) struct PanicVerbTests {
    private func eventID(_ finished: Finished) throws -> String {
        let line = try #require(finished.lines.first)
        let row = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        return try #require(row?["event_id"] as? String)
    }

    @Test func itHaltsAndSaysWhere() throws {
        try withSafetyLog { log in
            let finished = try log.run("panic", "--reason", "model gone mad", "--json")
            #expect(finished.status == 0 && finished.out.contains(#"{"outcome":"appended","seq":"#), "\(finished)")
            let trigger = try #require(try log.triggers().first)
            #expect(
                try trigger.reason == "model gone mad" && trigger.issuer == "ops"
                    && trigger.eventID == eventID(finished))
            #expect(try log.run("status", "--json").out.contains(#""trading":"HALTED""#))
            let people = try log.run("panic", "--reason", "again", "--source", "risk_kernel")
            #expect(people.out.hasPrefix("Panic close published to system:panic_close, record "), "\(people)")
            #expect(try log.triggers().map(\.issuer) == ["ops", "risk_kernel"])
        }
    }

    @Test(arguments: [
        ["panic"], ["panic", "--reason", ""], ["panic", "--reason", "x", "--source", "bob"],
        ["panic", "--reason", "x", "--wait", "0"], ["panic", "--reason", " \n "],
        ["exit-brain", "--interval-ms", "0"],
    ])
    func whatCannotBeIsRefusedBeforeAnythingIsSent(arguments: [String]) throws {
        try withSafetyLog { log in
            let finished = try log.start(arguments).finish()
            #expect(finished.status == 2 && !finished.errors.isEmpty, "\(finished)")
            #expect(try log.triggers().isEmpty)
        }
    }

    /// An emergency is not refused for its words.
    @Test func theReasonIsMadeOneThatARecordTakes() throws {
        try withSafetyLog { log in
            let long = String(repeating: "é", count: 300)
            for reason in ["  model\ngone \u{1}mad ", long] {
                let finished = try log.run("panic", "--reason", reason)
                #expect(finished.status == 0, "\(finished)")
            }
            #expect(try log.triggers().map(\.reason) == ["model gone mad", String(repeating: "é", count: 256)])
        }
    }

    /// Both say whether somebody would close anything, and status how the heart is.
    @Test func nobodyWhoClosesIsTold() throws {
        try withSafetyLog { log in
            try log.append("exit_brain:heartbeat", "service_id=mine", "status=DEGRADED", "active_positions=2")
            let alone = try log.run("panic", "--reason", "alone")
            #expect(alone.status == 0 && alone.errors.contains("no exit worker listens at \(log.socket)"), "\(alone)")
            let before = try log.run("status").out
            #expect(before.contains("no worker can be reached at \(log.socket)"), "\(before)")
            #expect(before.contains(/heart      mine DEGRADED [0-9]+\.[0-9] s ago, 2 positions/), "\(before)")
            let listener = try LocalSocketListener(path: log.socket) { _ in [] }
            defer { listener.close() }
            let heard = try log.run("panic", "--reason", "heard")
            #expect(heard.errors.isEmpty, "\(heard)")
            let json = try log.run("status", "--json").out
            #expect(json.contains(#""exit_worker":true"#) && json.contains(#""service":"mine","status":"DEGRADED""#))
        }
    }

    /// Flat, not flat, and nobody there.
    @Test(arguments: [("0", 0), ("1", 1), (nil, 2)] as [(String?, Int32)])
    func itWaitsForTheCompletion(failed: String?, status: Int32) throws {
        try withSafetyLog { log in
            let seconds = failed == nil ? "1" : "60"
            let panic = try log.start(["panic", "--reason", "drill", "--wait", seconds, "--json"])
            try log.wait("it is appended") { panic.output.contains("event_id") || !panic.isRunning }
            let line = try #require(panic.output.split(separator: "\n").first)
            let row = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            let id = try #require(row?["event_id"] as? String)
            if let failed {
                // Another's completion is not ours.
                for event in ["another", id] {
                    try log.append(
                        "system:panic_close:completed", "event_id=\(event)", "positions_total=2",
                        "positions_closed=\(event == id ? 1 : 2)", "positions_failed=\(event == id ? failed : "2")",
                        "failed_symbols=[\"ETHUSDT\"]", "execution_time_ms=12")
                }
            }
            let finished = try panic.finish()
            #expect(finished.status == status, "\(finished)")
            if failed == "1" { #expect(finished.errors.contains("NOT FLAT: ETHUSDT"), "\(finished)") }
            if failed == nil { #expect(finished.errors.contains("no completion within 1 s"), "\(finished)") }
        }
    }

    /// The log's lock is held by a stopped process.
    @Test func aStuckLogIsPassedOver() throws {
        try withSafetyLog { log in
            let woken = Woken()
            let listener = try LocalSocketListener(path: log.socket) { woken.take($0) }
            defer { listener.close() }
            let holder = try log.holder()
            holder.send(SIGSTOP)
            let finished = try log.run("panic", "--reason", "stuck", "--json")
            #expect(finished.status == 0 && finished.out.contains(#"{"outcome":"taken","#), "\(finished)")
            #expect(finished.errors.contains("waking the exit worker at"), "\(finished)")
            let fields = try #require(woken.all.first).fields
            #expect(
                try fields["reason"] == "stuck" && fields["issued_by"] == "ops"
                    && fields["event_id"] == eventID(finished))
            holder.send(SIGCONT)
            try holder.closeInput()
            #expect(try holder.finish().status == 0)
        }
    }

    /// The heart tells what the fold knows, and ends when it is told to.
    @Test func theHeartSaysHowManyPositionsAreOpen() throws {
        try withSafetyLog { log in
            let heart = try log.heart("--interval-ms", "50", "--service", "mine")
            try log.beats(2, of: heart)
            try log.openPosition()
            try log.wait("it sees the position") { try heart.answers?.next()?.contains(#""positions":1"#) ?? false }
            try log.stop(heart)
            let beats = try log.records(.heartbeat).compactMap { stamp -> EventHeartbeat? in
                guard case .heartbeat(let beat) = stamp.event else { return nil }
                return beat
            }
            #expect(beats.allSatisfy { $0.serviceID == "mine" && $0.status == .alive })
            #expect(beats.first?.activePositions == 0 && beats.last?.activePositions == 1)
            #expect(zip(beats, beats.dropFirst()).allSatisfy { $0.lastDecisionAtNs < $1.lastDecisionAtNs })
        }
    }
}
