// What cannot be taken is refused with a clear sentence and the right exit status, and nothing is written.

import Foundation
import Glibc
import Programmes
import Testing

@Suite(.repeatable) struct BadInputTests {
    struct Bad: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let arguments: [String]
        /// Of the file `input.jsonl`, which the arguments may name.
        var file: [UInt8] = []
        let status: Int32
        let says: [String]

        init(_ what: String, _ arguments: [String], file: String? = nil, status: Int32, says: String...) {
            (testDescription, self.arguments, self.status, self.says) = (what, arguments, status, says)
            if let file { self.file = Array(file.utf8) + [0x0a] }
        }

        /// A decision with these fields.
        static func decision(_ what: String, _ fields: String..., says: String...) -> Bad {
            var bad = Bad(what, ["append", Messages.decisions] + fields, status: 1)
            bad = Bad(bad, says: says + ["nothing was written"])
            return bad
        }

        /// A line of an import.
        static func line(_ what: String, _ line: String, says: String...) -> Bad {
            let bad = Bad(what, ["append", Messages.decisions, "--from", "input.jsonl"], file: line, status: 1)
            return Bad(bad, says: says + ["line 1"])
        }

        private init(_ other: Bad, says: [String]) {
            (testDescription, arguments, status, file) = (
                other.testDescription, other.arguments, other.status, other.file
            )
            self.says = says
        }

        static func notUTF8() -> Bad {
            var bad = Bad.line("bytes that are not UTF-8", "", says: "UTF-8")
            bad.file = Array(#"{"symbol":"BTC"#.utf8) + [0xff, 0xfe] + Array("\",\"side\":\"buy\"}\n".utf8)
            return bad
        }
    }

    static let messages: [Bad] = [
        .decision("a missing field", "side=buy", says: "symbol", "missing"),
        .decision("a missing side", "symbol=BTCUSDT", says: "side", "missing"),
        .decision("NaN", "symbol=BTCUSDT", "side=buy", "confidence=NaN", says: "confidence", "not a number", "NaN"),
        .decision("infinity", "symbol=BTCUSDT", "side=buy", "quantity=Infinity", says: "quantity", "not a number"),
        .decision("inf", "symbol=BTCUSDT", "side=buy", "quantity=-inf", says: "quantity", "not a number"),
        .decision(
            "a negative quantity", "symbol=BTCUSDT", "side=buy", "quantity=-1", says: "quantity", "greater than zero"),
        .decision(
            "a quantity of zero", "symbol=BTCUSDT", "side=buy", "quantity=0.000", says: "quantity", "greater than zero"),
        .decision(
            "too many digits", "symbol=BTCUSDT", "side=buy", "quantity=1.2345678901234567890123", says: "quantity",
            "out of the range"),
        .decision("too large", "symbol=BTCUSDT", "side=buy", "quantity=1e40", says: "quantity", "out of the range"),
        .decision("too small", "symbol=BTCUSDT", "side=buy", "quantity=1e-40", says: "quantity", "out of the range"),
        .decision("a huge exponent", "symbol=BTCUSDT", "side=buy", "quantity=1e99999999999999999999", says: "quantity"),
        .decision(
            "confidence over one", "symbol=BTCUSDT", "side=buy", "confidence=1.01", says: "confidence", "from 0 to 1"),
        .decision("an unknown side", "symbol=BTCUSDT", "side=up", says: "side", "up", "BUY, SELL, CLOSE or HOLD"),
        .decision("an empty symbol", "symbol=", "side=buy", says: "symbol", "empty"),
        .decision("a symbol with a space", "symbol=BTC USDT", "side=buy", says: "symbol"),
        .decision(
            "a long symbol", "symbol=" + String(repeating: "B", count: 33), "side=buy", says: "symbol", "33 bytes", "32"
        ),
        .decision("a leverage of 126", "symbol=BTCUSDT", "side=buy", "leverage=126", says: "leverage", "1 to 125"),
        .decision("two sides", "symbol=BTCUSDT", "side=buy", "side=sell", says: "side", "twice"),
        .decision("side and action that differ", "symbol=BTCUSDT", "side=buy", "action=sell", says: "side", "differs"),
        .decision(
            "a field over its bound", "symbol=BTCUSDT", "side=buy", "model=" + String(repeating: "m", count: 129),
            says: "model", "128"),
        .decision(
            "an unreadable time", "symbol=BTCUSDT", "side=buy", "timestamp=yesterday", says: "timestamp", "not a time"),
        .decision(
            "a time of the wrong size", "symbol=BTCUSDT", "side=buy", "timestamp=12345", says: "timestamp", "not a time"
        ),
        .decision(
            "a control character", "symbol=BTCUSDT", "side=buy", "model=a\u{1B}[31m", says: "model",
            "control characters"),
        .decision("a payload that is no JSON", "payload={symbol", says: "payload", "JSON"),
        .decision(
            "a payload with NaN", #"payload={"symbol":"BTCUSDT","side":"buy","quantity":NaN}"#, says: "payload", "NaN"),
        Bad(
            "a key over its bound", ["append", "s", "a=b", "--key", String(repeating: "k", count: 513)], status: 1,
            says: "key", "513 bytes", "512"),
        Bad("an empty key", ["append", "s", "a=b", "--key", ""], status: 1, says: "key", "empty"),
        Bad(
            "a trace over its bound", ["append", "s", "a=b", "--trace", String(repeating: "t", count: 257)], status: 1,
            says: "trace", "256"),
        Bad(
            "a stream's name over its bound", ["append", String(repeating: "s", count: 201), "a=b"], status: 1,
            says: "stream", "200"),
        Bad("an empty stream", ["append", "", "a=b"], status: 1, says: "stream", "empty"),
        Bad(
            "a key where the message has one",
            [
                "append", Messages.fills, "venue=v", "account=a", "symbol=X", "trade_id=1", "side=buy", "quantity=1",
                "price=1", "--key", "k",
            ], status: 1, says: "key", "trade id"),
        Bad(
            "a fill without an account",
            ["append", Messages.fills, "venue=v", "symbol=X", "trade_id=1", "side=buy", "quantity=1", "price=1"],
            status: 1, says: "account"),
        Bad(
            "a fill without a price",
            [
                "append", Messages.fills, "venue=v", "account=a", "symbol=X", "trade_id=1", "side=buy", "quantity=1",
                "price=0",
            ], status: 1, says: "price", "greater than zero"),
        .line("broken JSON", #"{"symbol":"BTCUSDT","side":"buy""#, says: "byte 32"),
        .line("an array", "[1]", says: "JSON object", "array"),
        .line("a word", "hello", says: "not a JSON value"),
        .line("a wrong type", #"{"symbol":"BTCUSDT","side":"buy","quantity":{}}"#, says: "quantity", "not a number"),
        .line("NaN in a line", #"{"symbol":"BTCUSDT","side":"buy","quantity":NaN}"#, says: "NaN"),
        .line("Infinity in a line", #"{"symbol":"BTCUSDT","side":"buy","quantity":-Infinity}"#, says: "Infinity"),
        .line("a member twice", #"{"symbol":"BTCUSDT","symbol":"ETHUSDT","side":"buy"}"#, says: "symbol", "twice"),
        .line("too deep", String(repeating: "[", count: 40), says: "nested deeper"),
        .notUTF8(),
        Bad(
            "no key where one is wanted", ["append", "s", "--from", "input.jsonl", "--key-from", "k"],
            file: #"{"a":"b"}"#, status: 1, says: "line 1", "k:", "missing"),
        Bad(
            "a field over 256 KiB", ["append", "s", "--from", "input.jsonl"],
            file: #"{"a":""# + String(repeating: "x", count: 300_000) + #""}"#, status: 1, says: "line 1", "262144"),
        Bad(
            "a line over 1 MiB", ["append", "s", "--from", "input.jsonl"],
            file: String(repeating: "x", count: 1_200_000), status: 2, says: "input.jsonl", "1048576"),
    ]

    static let commands: [Bad] = [
        Bad("no field", ["append", "s"], status: 2, says: "name=value"),
        Bad("no equals sign", ["append", "s", "hello"], status: 2, says: "hello", "name=value"),
        Bad("fields and a file", ["append", "s", "a=b", "--from", "input.jsonl"], status: 2, says: "--from"),
        Bad(
            "a file that is not there", ["append", "s", "--from", "nowhere.jsonl"], status: 2, says: "nowhere.jsonl",
            "No such file"),
        Bad("an unknown verb", ["sell"], status: 2, says: "sell"),
        Bad("an unknown option", ["status", "--wrong"], status: 2, says: "--wrong"),
        Bad("an unknown role", ["serve", "--roles", "router,trader"], status: 2, says: "trader", "router"),
        Bad("no role", ["serve", "--roles", ","], status: 2, says: "role"),
        Bad(
            "an unknown setting", ["append", "s", "a=b", "--set", "router.nothing=1"], status: 2,
            says: "router.nothing", "no such setting"),
        Bad(
            "a setting that is no number", ["append", "s", "a=b", "--set", "router.confidence_min=high"], status: 2,
            says: "router.confidence_min", "high"),
        Bad(
            "a setting out of range", ["serve", "--set", "router.confidence_min=2"], status: 2,
            says: "router.confidence_min", "0 to 1"),
        Bad("a setting without a value", ["config", "--set", "router.confidence_min"], status: 2, says: "name=value"),
        Bad(
            "a settings file that is not there", ["config", "--settings", "nowhere.yaml"], status: 2,
            says: "nowhere.yaml"),
        Bad("an unknown kind", ["query", "--kind", "nothing"], status: 2, says: "nothing", "trade.intent"),
        Bad("an unknown projection", ["rebuild", "nothing"], status: 2, says: "nothing", "positions"),
        Bad("a head that is none", ["verify", "--head", "nonsense"], status: 2, says: "--head nonsense", "N:HASH"),
        Bad("a head with a short hash", ["verify", "--head", "1:abcd"], status: 2, says: "--head 1:abcd", "N:HASH"),
        Bad(
            "a head of another log", ["verify", "--head", "1:" + String(repeating: "0", count: 64)], status: 1,
            says: "record 1", "head that was given"),
        Bad(
            "a head past the end", ["verify", "--head", "999:" + String(repeating: "0", count: 64)], status: 1,
            says: "999", "cut off"),
        Bad("a sequence that is none", ["query", "--seq", "abc"], status: 2, says: "--seq abc"),
        Bad("a range that is none", ["query", "--seq", "1..b"], status: 2, says: "--seq 1..b"),
        Bad("a time that is none", ["query", "--since", "yesterday"], status: 2, says: "--since", "ISO-8601"),
        Bad("a negative limit", ["query", "--limit=-1"], status: 2, says: "--limit"),
        Bad("a chain of nothing", ["query", "--chain", "999"], status: 1, says: "no record 999"),
        Bad(
            "a group that is not there", ["groups", "read", "s", "nothing", "me"], status: 2,
            says: "no consumer group nothing", "s"),
        Bad("a stream that is not there", ["groups", "pending", "nowhere", "g"], status: 2, says: "no stream nowhere"),
        Bad("an entry id that is none", ["groups", "ack", "s", "g", "abc"], status: 2, says: "abc", "1763818338282-0"),
        Bad(
            "an id after which nothing can be", ["groups", "create", "s", "g", "--after", "yesterday"], status: 2,
            says: "yesterday"),
        Bad("a second init", ["init"], status: 2, says: "already a log"),
    ]

    @Test func badMessagesAreRefusedAndNothingIsWritten() throws { try expectAll(BadInputTests.messages) }

    @Test func badCommandLinesAreRefusedAndNothingIsWritten() throws { try expectAll(BadInputTests.commands) }

    private func expectAll(_ table: [Bad]) throws {
        try withScratchLog { log in
            try log.expect(0, "append", "s", "a=b")
            let before = try log.status()
            for bad in table {
                try Data(bad.file).write(to: URL(fileURLWithPath: log.folder + "/input.jsonl"))
                let finished = try log.run(bad.arguments)
                #expect(finished.status == bad.status, "\(bad.testDescription): \(finished)")
                for words in bad.says where !(finished.errors + finished.out).contains(words) {
                    Issue.record("\(bad.testDescription): nothing says \"\(words)\": \(finished)")
                }
                #expect(
                    try log.status().text("head_hash") == before.text("head_hash"),
                    "\(bad.testDescription): the head moved")
            }
        }
    }

    @Test func anImportStopsAtABadLineAndSkipBadGoesOn() throws {
        try withScratchLog { log in
            let good = (1...3).map { Messages.decision(key: "\($0)", trace: "t\($0)") }
            let file = try log.file("mixed.jsonl", [good[0], "{broken", good[1], #"{"key":"x"}"#, good[2]])
            let stopped = try log.run("append", Messages.decisions, "--from", file, "--key-from", "key", "--json")
            #expect(stopped.status == 1 && stopped.errors.contains("line 2"), "\(stopped)")
            #expect(try stopped.lines.map { try Answer($0).outcome } == ["appended"])
            let skipped = try log.run(
                "append", Messages.decisions, "--from", file, "--key-from", "key", "--json", "--skip-bad")
            #expect(skipped.status == 1, "\(skipped)")
            let outcomes = try skipped.lines.map { try Answer($0).outcome }
            #expect(outcomes.sorted() == ["appended", "appended", "duplicate", "refused", "refused"], "\(outcomes)")
            #expect(try log.records("--kind", "decision").count == 3)
        }
    }

    @Test func anAgeThatIsLongerThanTimeIsAnErrorAndNoCrash() throws {
        try withScratchLog { log in
            for age in ["100000d", "200000d", "999999d"] {
                let finished = try log.run("query", "--since", age)
                #expect(finished.signal == nil, "\(finished)")
            }
        }
    }

    @Test func aSettingsFileWithAnUnknownNameStopsEveryVerb() throws {
        try withScratchLog { log in
            try Data("router:\n  nothing: 1\n".utf8).write(to: URL(fileURLWithPath: log.folder + "/backstop.yaml"))
            for arguments in [["status"], ["append", "s", "a=b"], ["serve"], ["config"], ["query"]] {
                let finished = try log.run(arguments)
                #expect(finished.status == 2 && finished.errors.contains("router.nothing"), "\(finished)")
            }
            try FileManager.default.removeItem(atPath: log.folder + "/backstop.yaml")
            #expect(try log.head() == 0)
        }
    }

    @Test func aLineFromAPipeIsAnsweredWhileThePipeStaysOpen() throws {
        try withScratchLog { log in
            let program = try log.start(
                "append", "s", "--from", "-", "--key-from", "k", "--json", piped: .inputAndOutput)
            try program.write(Messages.entry(key: "k1", value: 1) + "\n")
            let line = try? program.answers?.next(within: 3)  // nil where none came
            #expect(line != nil, "the line waits for 255 others, or for the end of the pipe")
            try program.closeInput()
            #expect(try program.finish().status == 0)
        }
    }
}
