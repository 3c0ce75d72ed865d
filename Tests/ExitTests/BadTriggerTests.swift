// Triggers that are none: refused, each with its reason, at any number; the real one among them is carried out.

import Foundation
import Processes
import Programmes
import Records
import Services
import Testing
import TradingBench

@Suite(.inLanes) struct BadTriggerTests {
    private static var bad: [[(String, String)]] {
        let now = TradingLog.now()
        return [
            TradingLog.formA(issuer: "stranger"), TradingLog.formA(issuer: ""), TradingLog.formA(at: now - 61_000),
            TradingLog.formA(at: now + 60_000), TradingLog.formA(reason: ""), [("garbage", "yes")],
            [("issued_by", "ops"), ("reason", "no time")], [("issued_by", "ops"), ("reason", "r"), ("ts", "soon")],
        ]
    }

    private func withOpenPosition(_ body: (TradingLog, RunningProgram) throws -> Void) throws {
        try withTradingLog(try Exchange()) { log in
            try log.exchange.control("position", #"{"symbol":"BTCUSDT","side":"BUY","quantity":"1"}"#)
            let worker = try log.exit()
            try body(log, worker)
            try log.end(worker)
            try ExitJudgement(log).expectFlat(completions: 1, isKnown: false)
        }
    }

    @Test func overTheSocketAMultitudeIsRefusedAndTheRealOneIsCarriedOut() throws {
        try withOpenPosition { log, worker in
            for fields in BadTriggerTests.bad {
                let answer = try log.tell(fields)
                guard case .refused = answer else { throw Trouble("\(fields) was taken") }
            }
            let huge = [UInt8](repeating: 0x78, count: Limits.localMessageBytesMax)
            for garbage in [Array("{".utf8), Array("[1,2]".utf8), [0xff, 0x00], huge] {
                let answer = try LocalSocket.exchange(path: log.socketPath, message: garbage, milliseconds: 5_000)
                #expect(String(decoding: answer, as: UTF8.self).contains("refused"))
            }
            let stale = ExitSocket.message(FieldMap(TradingLog.formA(at: TradingLog.now() - 3_600_000)))
            for number in 0..<10_000 {
                _ = try LocalSocket.exchange(path: log.socketPath, message: stale, milliseconds: 5_000)
                if number == 5_000 { try log.expectTaken(TradingLog.formA("real")) }
            }
            try log.waitUntilFlat(within: 10, worker)
            let held = try log.exchange.positions()
            #expect(held.isEmpty && worker.isRunning)
            let end = try log.wait(for: 1, "panic.completed", [worker])[0].row("data")
            #expect(end.text("event_id") == "real")
        }
    }

    @Test func inTheLogAMultitudeIsRefusedAndTheRealOneIsCarriedOut() throws {
        try withOpenPosition { log, worker in
            for fields in BadTriggerTests.bad {
                _ = try log.run(["append", TradingLog.Stream.panics] + fields.map { "\($0.0)=\($0.1)" })
            }
            let text = String(repeating: "x", count: 1 << 20)
            let large = log.folder + "/large"
            try Data("{\"issued_by\":\"ops\",\"reason\":\"\(text)\"}\n".utf8).write(to: URL(fileURLWithPath: large))
            _ = try log.run("append", TradingLog.Stream.panics, "--from", large)
            let old = BadTriggerTests.line(TradingLog.formA(at: TradingLog.now() - 3_600_000))
            var lines = [String](repeating: old, count: 4_000)
            lines[2_000] = BadTriggerTests.line(TradingLog.formA("real"))
            try log.append(TradingLog.Stream.panics, lines: lines, status: [0, 1])
            let end = try log.wait(for: 1, "panic.completed", [worker])[0].row("data")
            #expect(end.text("event_id") == "real" && end.number("positions_closed") == 1)
            // A few on record, one a second for each reason, and the rest counted.
            let recorded = try log.records("--kind", "panic.refused").count
            let counted = try log.records("--kind", "message.refused").map { $0.row("data").number("count") }
            #expect(recorded < 100 && counted.reduce(0, +) >= 3_900, "\(recorded) \(counted)")
        }
    }

    private static func line(_ fields: [(String, String)]) -> String {
        "{" + fields.map { "\"\($0.0)\":\"\($0.1)\"" }.joined(separator: ",") + "}"
    }
}
