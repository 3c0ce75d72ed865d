// `query` as an operator types it: conditions, times, formats, chains; through the index and without it.

import EventLog
import Events
import Foundation
import Glibc
import Processes
import Programmes
import Records
import Testing

@Suite(.repeatable) struct QueryTests {
    @Test func everyConditionFindsItsRecords() throws {
        try withScratchLog { log in
            try addTrade(log)
            func kinds(_ conditions: String...) throws -> [String] {
                try log.rows(["query"] + conditions).map { $0.text("kind") }
            }
            #expect(try kinds("--client-order-id", "bs1") == ["order.requested", "order.outcome", "fill"])
            #expect(try kinds("--order-id", "77") == ["order.outcome", "fill"])
            #expect(try kinds("--trade-id", "9001") == ["fill"])
            #expect(try kinds("--producer", "desk") == ["fill"])
            #expect(try kinds("--symbol", "btcusdt", "--order-id", "77", "--kind", "fill") == ["fill"])
            #expect(try kinds("--symbol", "ETHUSDT", "--order-id", "77").isEmpty)
            #expect(try kinds("--where", "state = filled and executed_quantity = 0.250") == ["order.outcome"])
            #expect(try kinds("--where", "quantity >= 0.25", "--where", "not side = sell").count == 3)
            #expect(try kinds("--key", "fill/v/a/BTCUSDT/9001") == ["fill"])
            #expect(try kinds("--key", "user/notes/n1") == ["untyped"])
            #expect(try kinds("--key", "n1", "--stream", "notes") == ["untyped"])
            #expect(try kinds("--key", "n1").isEmpty)
            #expect(try kinds("--key", "user/notes/n1", "--kind", "fill").isEmpty)
        }
    }

    @Test func theNewestComeFirstOrLast() throws {
        try withScratchLog { log in
            _ = try log.file("many", (0..<700).map { #"{"n":"\#($0)"}"# })
            try log.expect(0, "append", "s", "--from", log.folder + "/many")
            func numbers(_ options: String...) throws -> [String] {
                try log.rows(["query", "--stream", "s"] + options).map { $0.row("data").text("n") }
            }
            #expect(try numbers("--last", "3") == ["697", "698", "699"])
            #expect(try numbers("--reverse", "--limit", "3") == ["699", "698", "697"])
            #expect(try numbers("--reverse", "--limit", "0") == (0..<700).reversed().map { "\($0)" })
            #expect(try numbers("--last", "10000") == (0..<700).map { "\($0)" })
            let cut = try log.run("query", "--stream", "s", "--limit", "3", "--json")
            #expect(cut.lines.count == 3 && cut.errors.contains("there are more"), "\(cut)")
            let whole = try log.run("query", "--stream", "s", "--limit", "700", "--json")
            #expect(whole.lines.count == 700 && whole.errors.isEmpty, "\(whole.errors)")
        }
    }

    @Test func ambiguousTimesAreErrorsThatSayHowToWriteThem() throws {
        try withScratchLog { log in
            try log.expect(0, "append", "s", "a=b")
            let bad: [(String, String)] = [
                ("03:12", "T03:12Z"), ("3:12", "T03:12Z"), ("01/02/2026", "year first"), ("2026-01-17", "T00:00:00Z"),
                ("2026-01-17T03:12:00", "2026-01-17T03:12:00Z"), ("2026-01-17 03:12", "+01:00"),
                ("yesterday", "ISO-8601"),
                ("2026-13-17T03:12:00Z", "not a time"), ("12", "not a time"), ("", "not a time"),
            ]
            for (text, says) in bad {
                for option in ["--since", "--until"] {
                    let finished = try log.run("query", option, text)
                    #expect(finished.status == 2 && finished.errors.contains(says), "\(finished)")
                }
            }
            let good = [
                "2020-01-17T03:12Z", "2020-01-17T03:12:00.5Z", "2020-01-17 03:12+01:00", "2020-01-17T03:12:09-0130",
                "1600000000", "1600000000000", "900d",
            ]
            for text in good { #expect(try log.rows("query", "--since", text).count == 3, "\(text)") }
            let swapped = try log.run("query", "--since", "1h", "--until", "2h")
            #expect(swapped.status == 2 && swapped.errors.contains("not after"), "\(swapped)")
            for (text, says) in [
                ("99", "ends at 3"), ("1600000000", "is a sequence"), ("2200-01-01T00:00:00Z", "come yet"),
            ] {
                let finished = try log.run("positions", "--as-of", text)
                #expect(finished.status == 2 && finished.errors.contains(says), "\(finished)")
            }
        }
    }

    @Test func aConditionThatCannotBeReadShowsThePlace() throws {
        try withScratchLog { log in
            let finished = try log.run("query", "--where", "quantity >= 0.1 xor b")
            #expect(finished.status == 2, "\(finished)")
            let lines = finished.errors.split(separator: "\n")
            #expect(lines.first?.contains("byte 16") == true && lines.count == 3, "\(finished)")
            #expect(lines[2].count == lines[1].split(separator: "x")[0].count + 1, "\(finished)")
        }
    }

    @Test func foreignTextDrawsNothing() throws {
        try withScratchLog { log in
            let wild = "a\u{1b}[31mred\nnext\r\u{9b}2J\u{202e}turned\u{2028}"
            try log.expect(0, "append", "s", "reason=\(wild)")
            for format in ["table", "json"] {
                let out = try log.run("query", "--stream", "s", "--format", format).out
                let bad: Set<Unicode.Scalar> = ["\u{1b}", "\r", "\u{9b}", "\u{202e}", "\u{2028}"]
                #expect(!out.unicodeScalars.contains { bad.contains($0) }, "\(format): \(out.debugDescription)")
                #expect(out.split(separator: "\n").count == (format == "table" ? 2 : 1), "\(out)")
            }
            #expect(try log.rows("query", "--stream", "s").first?.row("data").text("reason") == wild)
        }
    }

    @Test func csvIsReadBackAndHoldsNoFormula() throws {
        try withScratchLog { log in
            try log.expect(0, "append", "s", "a=1,2\"3\"\nx", "--trace", "=HYPERLINK(1)")
            try log.expect(0, "append", "s", "a=b", "--trace=-5.5", "--producer", "@me")
            let out = try log.run("query", "--stream", "s", "--format", "csv").out
            let lines = out.components(separatedBy: "\r\n")
            #expect(lines.count == 4 && lines[0] == "seq,id,stream,kind,recorded_at,key,trace,cause,producer,data")
            #expect(lines[1].contains(",'=HYPERLINK(1),"), "\(lines[1])")
            #expect(lines[1].hasSuffix(#","{""a"":""1,2\""3\""\nx""}""#), "\(lines[1])")
            #expect(lines[2].contains(",-5.5,,'@me,"), "\(lines[2])")
            let none = try log.run("query", "--stream", "nowhere", "--format", "csv")
            #expect(none.status == 0 && none.lines.count == 1, "\(none)")
            #expect(try log.run("query", "--stream", "nowhere").out.contains("there is no stream nowhere"))
        }
    }

    @Test func aChainIsBoundedAndShowsTheRecordThatWasAskedFor() throws {
        try withScratchLog { log in
            // 30 effects of the first record; and from the last of them on, each of the one before it.
            let (wide, deep) = try addCauses(log, wide: 30, deep: 100)
            let all = try log.rows("query", "--chain", "\(wide[0])", "--limit", "0").map { $0.number("seq") }
            #expect(all.sorted() == (wide + deep).sorted() && all.first == wide[0], "\(all)")
            #expect(try log.rows("query", "--chain", "\(deep[50])", "--limit", "0").map { $0.number("seq") } == all)
            // The asked one and its causes are there, whatever is left out.
            let some = try log.run("query", "--chain", "\(deep[0])", "--limit", "5")
            for wanted in [wide[0], wide[30], deep[0]] { #expect(some.out.contains("#\(wanted) "), "\(some)") }
            #expect(some.out.contains("more than 5") && some.lines.filter { $0.contains("#") }.count == 5, "\(some)")
            let cut = try log.run("query", "--chain", "\(wide[0])", "--limit", "5", "--json")
            #expect(cut.lines.count == 5 && cut.errors.contains("more than 5"), "\(cut)")
            // With the index as without it.
            _ = try log.file("many", (0..<20_000).map { #"{"n":"\#($0)"}"# })
            try log.expect(0, "append", "s", "--from", log.folder + "/many")
            #expect(try log.rows("query", "--chain", "\(deep[99])", "--limit", "0").map { $0.number("seq") } == all)
            #expect(try log.run("rebuild", "--check", "search").out.contains("as of 2"), "the index was not built")
            for options in [["--symbol", "X"], ["--reverse"], ["--follow"]] {
                #expect(try log.run(["query", "--chain", "1"] + options).status == 2)
            }
        }
    }

    @Test func theIndexAnswersAsALookAtEveryRecordDoes() throws {
        try withScratchLog { log in
            let lines = (0..<21_000).map { #"{"n":"\#($0)","symbol":"S\#($0 % 50)","order_id":"\#($0 % 1000)"}"# }
            _ = try log.file("many", lines)
            try log.expect(0, "append", "s", "--from", log.folder + "/many")
            for _ in 0..<2 {
                #expect(
                    try log.rows("query", "--order-id", "7").map { $0.row("data").text("n") }
                        == (0..<21).map { "\($0 * 1_000 + 7)" })
                #expect(try log.rows("query", "--symbol", "s7", "--order-id", "57", "--reverse").count == 21)
                #expect(try log.rows("query", "--symbol", "S8", "--order-id", "57").isEmpty)
                #expect(
                    try log.rows("query", "--symbol", "S7", "--last", "2").map { $0.row("data").text("n") }
                        == ["20907", "20957"])
                // The tail, which is not in the index.
                try log.expect(0, "append", "s", "n=new", "order_id=7777")
                #expect(try log.rows("query", "--order-id", "7777").last?.row("data").text("n") == "new")
            }
            let check = try log.run("rebuild", "--check", "search")
            #expect(check.status == 0 && !check.out.contains("as of 0"), "\(check)")
            try FileManager.default.removeItem(atPath: log.views)
            try Data().write(to: URL(fileURLWithPath: log.views))  // in its place a file: no views can be had
            #expect(try log.rows("query", "--order-id", "7").count == 21)
            try FileManager.default.removeItem(atPath: log.views)
        }
    }

    @Test func statusAndPositionsOfThePastAreWhatTheyWere() throws {
        try withScratchLog { log in
            try addTrade(log)
            let fill = try #require(try log.records("--kind", "fill").first)
            let before = fill.number("seq") - 1
            #expect(try log.rows("positions", "--as-of", "\(before)").isEmpty)
            #expect(try log.rows("positions", "--as-of", "\(before + 1)").first?.text("quantity") == "0.25")
            // A time that was copied from a record means that record, too.
            let asOf = try #require(try log.rows("positions", "--as-of", fill.text("recorded_at")).first)
            #expect(asOf.text("quantity") == "0.25" && asOf.number("as_of_seq") >= before + 1, "\(asOf)")
            let status = try #require(try log.rows("status", "--as-of", "\(before)").first)
            #expect(status.number("as_of_seq") == before && status.text("trading") == "ACTIVE")
            #expect(status.rows("positions").isEmpty && status.isNull("halt"))
            for name in ["hearts", "groups", "disk", "readers"] { #expect(!status.names.contains(name)) }
            #expect(try log.records("--as-of", "\(before)").count == before)
            let empty = try #require(try log.rows("status", "--as-of", "0").first)
            #expect(empty.number("as_of_seq") == 0 && empty.isNull("as_of_hash"))
            #expect(try log.run("positions", "--as-of", "2001-01-01T00:00Z").out.contains("before the first record"))
        }
    }

    @Test func aTableOnATerminalGoesThroughThePager() throws {
        try withScratchLog { log in
            try log.expect(0, "append", "s", "a=b")
            let paged = try onTerminal(log, ["query"], ["PAGER": "sed 's/^/paged: /'"])
            #expect(paged.contains("paged:") && paged.contains("\u{1b}[2m"), "\(paged)")
            for arguments in [["query", "--no-pager"], ["query", "--json"]] {
                let plain = try onTerminal(log, arguments, ["PAGER": "sed 's/^/paged: /'"])
                #expect(!plain.contains("paged:") && plain.contains("session.started"), "\(plain)")
            }
            for pager in ["cat", ""] {
                #expect(try onTerminal(log, ["query"], ["PAGER": pager]).contains("session.started"))
            }
            // A pager that leaves at once ends nothing badly.
            _ = try onTerminal(log, ["query"], ["PAGER": "true"])
        }
    }

    // MARK: Parts

    /// What a terminal would get; the command must end with status 0.
    private func onTerminal(_ log: ScratchLog, _ arguments: [String], _ more: [String: String]) throws -> String {
        let ours = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        defer { close(ours) }
        var (locked, number): (Int32, Int32) = (0, 0)
        // TIOCSPTLCK and TIOCGPTN: unlock the other end, and which it is.
        guard ours >= 0, ioctl(ours, 0x4004_5431, &locked) == 0, ioctl(ours, 0x8004_5430, &number) == 0 else {
            throw Trouble("no terminal: \(String(cString: strerror(errno)))")
        }
        let theirs = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var environment = log.environment(failpoint: nil, more)
        environment["NO_COLOR"] = nil
        let child = try ChildProcess(
            Program.path, arguments, environment: environment, folder: log.folder, input: .null,
            output: .descriptor(theirs), errors: .descriptor(theirs))
        close(theirs)
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(ours, &chunk, chunk.count)
            guard count > 0 else { break }  // EIO: nobody writes to it any more
            text += chunk[..<count]
        }
        let end = child.wait(seconds: Program.secondsMax)
        #expect(end == .exited(0))
        return String(decoding: text, as: UTF8.self)
    }

    private func addCauses(_ log: ScratchLog, wide: Int, deep: Int) throws -> (wide: [Int], deep: [Int]) {
        let open = try EventLog(
            at: log.path, mode: .writing, rules: EventRules.rules,
            options: LogOptions(bytesMax: .max, reserveBytes: 0, clock: .system, version: "test"))
        defer { open.close() }
        func add(_ cause: Int) throws -> Int {
            let draft = Draft(
                kind: EventKind.untyped.kind, stream: StreamName(literal: "s"), key: nil,
                producer: "test", cause: SequenceNumber(UInt64(cause)),
                body: Body(fields: FieldMap([("cause", "\(cause)")]), typed: []))
            guard case .appended(let place) = try open.append([draft])[0] else { throw Trouble("not appended") }
            return Int(place.sequence.rawValue)
        }
        var (all, chain) = ([try add(0)], [Int]())
        for _ in 0..<wide { all.append(try add(all[0])) }
        for _ in 0..<deep { chain.append(try add(chain.last ?? all[wide])) }
        return (all, chain)
    }

    /// A request, its outcome and its fill, and a note.
    private func addTrade(_ log: ScratchLog) throws {
        try log.expect(0, "append", "notes", "text=hello", "--key", "n1")
        try log.expect(0, "append", Messages.decisions, "symbol=BTCUSDT", "side=buy", "quantity=0.25", "trace_id=t")
        let decision = try #require(try log.records("--kind", "decision").first).number("seq")
        try log.expect(
            0, "append", "backstop:stream:order.requested", "intent_sequence=\(decision)", "leg=1", "venue=v",
            "account=a", "symbol=BTCUSDT", "side=BUY", "quantity=0.25", "client_order_id=bs1")
        let request = try #require(try log.records("--kind", "order.requested").first).number("seq")
        try log.expect(
            0, "append", "backstop:stream:order.outcome", "request_sequence=\(request)", "symbol=BTCUSDT",
            "client_order_id=bs1", "state=FILLED", "exchange_order_id=77", "executed_quantity=0.25")
        try log.expect(
            0, "append", Messages.fills, "venue=v", "account=a", "symbol=BTCUSDT", "trade_id=9001", "order_id=77",
            "client_order_id=bs1", "side=buy", "quantity=0.25", "price=100", "--producer", "desk")
    }
}
