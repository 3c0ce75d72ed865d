// One connection against servers that lie, trickle, stand still and hang up: it always ends, soon, and small.

import Glibc
import Programmes
import Records
import Testing
import TradingBench

@testable import RedisBridge

@Suite(.inLanes) struct LinkTests {
    /// What the first command is answered with → what it is called.
    static let nonsense: [(said: String, tooLarge: Bool)] = [
        ("*2147483647\r\n", true), ("*65537\r\n", true), ("$-7\r\n", false), ("garbage\r\n", false),
        ("HTTP/1.1 400 Bad Request\r\n\r\n", false), ("", false), ("*2\r\n$3\r\nabc\r\n", false),
        ("$100\r\nabc", false),
        ("\u{0}\u{1}\u{2}", false),
    ]

    @Test(arguments: nonsense.indices) func nonsenseEndsTheConnection(_ place: Int) throws {
        let (said, tooLarge) = LinkTests.nonsense[place]
        let server = try FakeRedis { peer, _ in
            _ = peer.hear()
            peer.say(said)
        }
        let link = try RedisLink(RedisAddress(server.url), blockMilliseconds: 0)
        let error = #expect(throws: RedisTrouble.self) { try link.run(redis("PING")) }
        #expect((error == .replyTooLarge) == tooLarge, "\(String(describing: error))")
        server.stop()
    }

    @Test func aTextThatNeverEndsIsCutOffAtTheCap() throws {
        let server = try FakeRedis { peer, _ in
            _ = peer.hear()
            peer.flood("$2000000000\r\n", bytes: 1 << 30)
        }
        let link = try RedisLink(RedisAddress(server.url), blockMilliseconds: 0)
        let before = try residentBytes()
        #expect(throws: RedisTrouble.replyTooLarge) { try link.run(redis("GET", "k")) }
        #expect(try residentBytes() - before < 64 << 20)
        server.stop()
    }

    @Test func silenceAndTricklesEndInTime() throws {
        let server = try FakeRedis { peer, number in
            _ = peer.hear()
            if number == 1 { return peer.waitForTheEnd() }
            // A byte before each time-out of the socket: only a limit over the whole answer ends this.
            peer.say("$1000\r\n")
            while peer.say("x") { _ = poll(nil, 0, 500) }
        }
        for _ in 1...2 {
            let link = try RedisLink(RedisAddress(server.url), blockMilliseconds: 100)
            let began = ContinuousClock.now
            let error = #expect(throws: RedisTrouble.self) { try link.run(redis("PING")) }
            let took = began.duration(to: .now)
            #expect(took < .milliseconds(100 + 2 * Limits.redisAnswerMillisecondsMax + 5_000), "\(took)")
            #expect(error?.description.contains("no answer within") == true, "\(String(describing: error))")
        }
        server.stop()
    }

    @Test func nobodyThereIsTold() throws {
        let port = try DurableRedis.freePort()
        #expect(throws: RedisTrouble.self) {
            try RedisLink(RedisAddress("redis://127.0.0.1:\(port)"), blockMilliseconds: 0)
        }
    }

    @Test func userPasswordAndDatabaseAreUsed() throws {
        try withFolder { folder in
            let server = try DurableRedis(folder: folder)
            try server.run("ACL", "SETUSER", "bot", "on", ">p@ss", "~*", "+@all")
            try server.run("SELECT", "3")
            try server.run("SET", "where", "three")
            let link = try RedisLink(
                RedisAddress("redis://bot:p%40ss@127.0.0.1:\(server.port)/3"), blockMilliseconds: 0)
            #expect(try link.run(redis("GET", "where")) == .text("three"))
            let error = #expect(throws: RedisTrouble.self) {
                try RedisLink(RedisAddress("redis://bot:wrong@127.0.0.1:\(server.port)/3"), blockMilliseconds: 0)
            }
            #expect(error?.description.contains("WRONGPASS") == true && error?.description.contains("wrong@") == false)
        }
    }
}
