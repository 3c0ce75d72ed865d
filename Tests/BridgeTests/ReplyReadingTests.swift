// hiredis with our reply functions: whole, split at every byte, announcing more than it may, nested too deep, nonsense.

import CHiredis
import Records
import Testing

@testable import RedisBridge

@Suite struct ReplyReadingTests {
    /// Feeds the pieces; the first reply, or nil where it is not complete, or an error.
    static func read(_ pieces: [[UInt8]]) throws(RedisTrouble) -> RedisReply? {
        let budget = ReplyBudget()
        guard let reader = redisReaderCreateWithFunctions(ReplyBuilder.functions) else { return nil }
        defer { redisReaderFree(reader) }
        reader.pointee.privdata = Unmanaged.passUnretained(budget).toOpaque()
        for piece in pieces {
            let status = piece.withUnsafeBytes {
                redisReaderFeed(reader, $0.baseAddress?.assumingMemoryBound(to: CChar.self), piece.count)
            }
            guard status == REDIS_OK else { throw .dead("not fed") }
            var root: UnsafeMutableRawPointer?
            guard redisReaderGetReply(reader, &root) == REDIS_OK else {
                throw budget.isExceeded ? .replyTooLarge : .dead("refused")
            }
            if let root { return ReplyBuilder.take(root) }
        }
        withExtendedLifetime(budget) {}
        return nil
    }

    static let wholes: [(String, RedisReply)] = [
        ("+OK\r\n", .text("OK")), ("$-1\r\n", .null), ("*-1\r\n", .null), ("*0\r\n", .list([])),
        (":-7\r\n", .integer(-7)), ("$0\r\n\r\n", .text("")), ("$4\r\na\r\nb\r\n", .text("a\r\nb")),
        ("-ERR no such key\r\n", .error("ERR no such key")),
        (
            "*1\r\n*2\r\n$1\r\ns\r\n*2\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n*2\r\n$3\r\n1-2\r\n*-1\r\n",
            .list([
                .list([
                    .text("s"),
                    .list([
                        .list([.text("1-1"), .list([.text("f"), .text("v")])]), .list([.text("1-2"), .null]),
                    ]),
                ])
            ])
        ),
        (
            "*3\r\n+OK\r\n*1\r\n:1\r\n-OOM full\r\n",
            .list([.text("OK"), .list([.integer(1)]), .error("OOM full")])
        ),
    ]

    @Test(arguments: wholes.indices) func isReadHoweverItIsSplit(_ place: Int) throws {
        let (text, expected) = ReplyReadingTests.wholes[place]
        let bytes = Array(text.utf8)
        #expect(try ReplyReadingTests.read([bytes]) == expected)
        for cut in 1..<bytes.count {
            #expect(try ReplyReadingTests.read([Array(bytes[..<cut]), Array(bytes[cut...])]) == expected, "at \(cut)")
            #expect(try ReplyReadingTests.read([Array(bytes[..<cut])]) == nil, "only \(cut)")
        }
        #expect(try ReplyReadingTests.read(bytes.map { [$0] }) == expected)
    }

    @Test(arguments: [
        "*65537\r\n", "*2147483647\r\n", "*2\r\n*40000\r\n",
        "*2\r\n*1\r\n:1\r\n*65535\r\n",
    ]) func announcedElementsAreCountedBeforeTheyAreThere(_ text: String) {
        // The third is within its bound until its sibling comes.
        if text == "*2\r\n*40000\r\n" {
            let all = "*2\r\n*40000\r\n" + String(repeating: ":1\r\n", count: 40_000) + "*40000\r\n"
            #expect(throws: RedisTrouble.replyTooLarge) { try ReplyReadingTests.read([Array(all.utf8)]) }
        } else {
            #expect(throws: RedisTrouble.replyTooLarge) { try ReplyReadingTests.read([Array(text.utf8)]) }
        }
    }

    @Test func bytesOfAllTextsAreCounted() throws {
        let half =
            "$\(Limits.redisReplyBytesMax / 2)\r\n" + String(repeating: "x", count: Limits.redisReplyBytesMax / 2)
        #expect(try ReplyReadingTests.read([Array("*2\r\n\(half)\r\n\(half)\r\n".utf8)])?.list?.count == 2)
        #expect(throws: RedisTrouble.replyTooLarge) {
            try ReplyReadingTests.read([Array("*3\r\n\(half)\r\n\(half)\r\n$1\r\nx\r\n".utf8)])
        }
    }

    @Test(arguments: [
        "hello\r\n", "*-2\r\n", "*9999999999999999999\r\n", ":x\r\n", "%1\r\n", "\0\0\0\0\r\n", "HTTP/1.1 400 Bad\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "$-2\r\n", "$x\r\n",
    ]) func whatIsNoAnswerIsAnErrorOrNothing(_ text: String) {
        do {
            let reply = try ReplyReadingTests.read([Array(text.utf8)])
            Issue.record("\(text) was read as \(String(describing: reply))")
        } catch {}
    }

    @Test func theFunctionsFreeWhatIsCutOff() throws {
        for cut in 1..<60 {
            let bytes = Array(ReplyReadingTests.wholes[8].0.utf8.prefix(cut))
            _ = try ReplyReadingTests.read([bytes])
        }
    }
}
