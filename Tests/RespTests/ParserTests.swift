// The parser against everything that a peer could say: whole, split at every byte, lying about lengths, nested, huge.

import Records
import RespServer
import Testing

@Suite struct ParserTests {
    static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// All results until the parser wants more or has failed.
    static func results(_ pieces: [[UInt8]]) -> [RespParser.Result] {
        var parser = RespParser()
        var results: [RespParser.Result] = []
        for piece in pieces {
            parser.append(piece)
            parsing: while true {
                let result = parser.parse()
                switch result {
                case .incomplete: break parsing
                case .command: results.append(result)
                case .failed:
                    results.append(result)
                    return results
                }
            }
        }
        return results
    }

    static func command(_ words: String...) -> RespParser.Result { .command(words.map(bytes)) }

    static let wholes: [(String, [RespParser.Result])] = [
        ("*1\r\n$4\r\nPING\r\n", [command("PING")]),
        ("PING\r\n", [command("PING")]),
        ("PING\n", [command("PING")]),
        ("\r\n\r\nPING\r\n", [command("PING")]),
        ("*0\r\n*-1\r\n\r\nPING\r\n", [command("PING")]),
        ("*2\r\n$4\r\nECHO\r\n$0\r\n\r\n*1\r\n$4\r\nPING\r\n", [command("ECHO", ""), command("PING")]),
        ("*2\r\n$4\r\nECHO\r\n$5\r\na\0\r\nb\r\nPING x\r\n", [command("ECHO", "a\0\r\nb"), command("PING", "x")]),
        ("SET  \"a b\" 'c\\'d' e\r\n", [command("SET", "a b", "c'd", "e")]),
        ("ECHO \"\\x41\\n\\\"\"\r\n", [command("ECHO", "A\n\"")]),
        ("ECHO \"\"\r\n", [command("ECHO", "")]),
    ]

    @Test(arguments: wholes) func commandsComeOutHoweverTheyAreSplit(
        text: String, expected: [RespParser.Result]
    ) {
        let all = ParserTests.bytes(text)
        #expect(ParserTests.results([all]) == expected)
        #expect(ParserTests.results(all.map { [$0] }) == expected)
        for split in 0...all.count {
            #expect(ParserTests.results([Array(all[..<split]), Array(all[split...])]) == expected, "split at \(split)")
        }
    }

    static let bad: [(String, String?)] = [
        ("*x\r\n", "Protocol error: invalid multibulk length"),
        ("*+1\r\n", "Protocol error: invalid multibulk length"),
        ("*01\r\n", "Protocol error: invalid multibulk length"),
        ("*99999999999\r\n", "Protocol error: invalid multibulk length"),
        ("*99999999999999999999999\r\n", "Protocol error: invalid multibulk length"),
        ("*1\r\nPING\r\n", "Protocol error: expected '$', got 'P'"),
        ("*2\r\n*1\r\n$1\r\na\r\n", "Protocol error: expected '$', got '*'"),
        ("*1\r\n$-1\r\n", "Protocol error: invalid bulk length"),
        ("*1\r\n$x\r\n", "Protocol error: invalid bulk length"),
        ("*1\r\n$536870912\r\n", "Protocol error: invalid bulk length"),
        ("*1\r\n$99999999999999999999\r\n", "Protocol error: invalid bulk length"),
        ("*1\r\n$4\r\nPINGxxPING\r\n", "Protocol error: expected a line's end after a bulk"),
        ("SET \"a\r\n", "Protocol error: unbalanced quotes in request"),
        ("SET 'a'b\r\n", "Protocol error: unbalanced quotes in request"),
        ("POST / HTTP/1.1\r\n", nil),
        ("Host: localhost\r\n", nil),
        ("*1\r\n$4\r\npost\r\n", nil),
    ]

    @Test(arguments: bad) func whatCannotBeReadEndsTheConnection(text: String, expected: String?) {
        let all = ParserTests.bytes(text)
        #expect(ParserTests.results([all]) == [.failed(expected)])
        #expect(ParserTests.results(all.map { [$0] }).last == .failed(expected))
    }

    @Test func aLineHasABound() {
        let long = [UInt8](repeating: 0x61, count: Limits.respLineBytesMax + 1)
        #expect(ParserTests.results([long]) == [.failed("Protocol error: too big inline request")])
        #expect(ParserTests.results([[0x2a] + long]) == [.failed("Protocol error: too big mbulk count string")])
        #expect(
            ParserTests.results([ParserTests.bytes("*1\r\n$") + long])
                == [.failed("Protocol error: too big bulk count string")])
    }

    @Test func nothingIsAllocatedForWhatALengthAnnounces() {
        var parser = RespParser()
        parser.append(ParserTests.bytes("*\(Limits.respArgumentsMax)\r\n$\(Limits.respBulkBytesMax)\r\nab"))
        #expect(parser.parse() == .incomplete)
        #expect(parser.waitingBytes < Limits.respBulkBytesMax + 100)
        // Bulks that fit alone and not together.
        let bulk =
            ParserTests.bytes("$\(Limits.respBulkBytesMax)\r\n")
            + [UInt8](repeating: 0, count: Limits.respBulkBytesMax) + [0x0d, 0x0a]
        let pieces = [ParserTests.bytes("*100\r\n")] + Array(repeating: bulk, count: 100)
        #expect(ParserTests.results(pieces) == [.failed("Protocol error: invalid bulk length")])
    }

    @Test func afterAFailureNothingIsParsed() {
        var parser = RespParser()
        parser.append(ParserTests.bytes("*x\r\n"))
        #expect(parser.parse() == .failed("Protocol error: invalid multibulk length"))
        parser.append(ParserTests.bytes("PING\r\n"))
        #expect(parser.parse() == .failed("Protocol error: invalid multibulk length"))
    }

    /// Random commands, cut and bent at random places: the parser never crashes, never hangs, keeps its bound, and reads
    /// what was not bent.
    @Test func randomInputsEndInCommandsOrErrors() {
        var random = Chance(seed: Chance.seed)
        for _ in 0..<4_000 {
            var input: [UInt8] = []
            var sent: [RespParser.Result] = []
            for _ in 0...random.next(4) {
                let words = (0...random.next(3)).map { _ in random.bytes(random.next(12)) }
                input += ParserTests.bytes("*\(words.count)\r\n")
                for word in words { input += ParserTests.bytes("$\(word.count)\r\n") + word + [0x0d, 0x0a] }
                sent.append(.command(words))
            }
            let isBent = random.next(2) == 1
            if isBent { for _ in 0...random.next(3) { input[random.next(input.count)] = random.byte() } }
            var pieces: [[UInt8]] = []
            var rest = input[...]
            while !rest.isEmpty {
                let count = 1 + random.next(min(rest.count, 20))
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            let found = ParserTests.results(pieces)
            guard isBent || found == sent else {
                Issue.record("seed \(Chance.seed): \(found), sent \(sent)")
                return
            }
            #expect(found.count <= input.count)
        }
    }
}

struct Chance {
    static let seed = UInt64.random(in: 0 ... .max)
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func word() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    mutating func next(_ count: Int) -> Int { Int(word() % UInt64(count)) }
    mutating func byte() -> UInt8 {
        let marks: [UInt8] = [0x0d, 0x0a, 0x2a, 0x24, 0x2d, 0x30, 0x22, 0x27, 0]
        return next(2) == 0 ? marks[next(marks.count)] : UInt8(next(256))
    }
    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in byte() } }
}

@Suite struct EncoderTests {
    static let values: [(RespValue, String, String)] = [
        (.ok, "+OK\r\n", "+OK\r\n"),
        (.error("ERR a\r\nb"), "-ERR a b\r\n", "-ERR a b\r\n"),
        (.integer(-7), ":-7\r\n", ":-7\r\n"),
        (.text("a\0"), "$2\r\na\0\r\n", "$2\r\na\0\r\n"),
        (.null, "$-1\r\n", "_\r\n"),
        (.nullArray, "*-1\r\n", "_\r\n"),
        (.verbatim("hi"), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"),
        (.array([.integer(1), .array([])]), "*2\r\n:1\r\n*0\r\n", "*2\r\n:1\r\n*0\r\n"),
        (.map([(.text("a"), .integer(1))]), "*2\r\n$1\r\na\r\n:1\r\n", "%1\r\n$1\r\na\r\n:1\r\n"),
        (.pairs([(.text("a"), .integer(1))]), "*1\r\n*2\r\n$1\r\na\r\n:1\r\n", "%1\r\n$1\r\na\r\n:1\r\n"),
    ]

    @Test(arguments: values) func aValueHasTheBytesOfItsProtocol(value: RespValue, two: String, three: String) {
        #expect(String(decoding: value.encoded(.two), as: UTF8.self) == two)
        #expect(String(decoding: value.encoded(.three), as: UTF8.self) == three)
    }
}

@Suite struct AddressTests {
    @Test func onlyLoopbackIsListenedOn() throws {
        #expect(try RespAddress("127.0.0.1:6380").description == "127.0.0.1:6380")
        #expect(try RespAddress("localhost:0").host == "127.0.0.1")
        #expect(try RespAddress("[::1]:6380").host == "::1")
        for text in [
            "0.0.0.0:6380", "192.168.1.5:6380", "[::]:6380", "example.com:1", "127.0.0.1", "127.0.0.1:x", ":1",
        ] {
            #expect(throws: RespAddress.Bad.self, "\(text)") { try RespAddress(text) }
        }
    }
}
