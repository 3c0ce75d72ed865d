// `resp-scratch` as a real process, beside a real redis-server: what suites of the Redis world need and `backstop`
// does not have.

import Foundation
import Glibc
import Programmes
import Records
import Testing

@Suite(.serialized) struct ScratchTests {
    static let flush = """
        a XADD s 1-1 f v
        a SADD set m
        a XGROUP CREATE s g $
        b& XREADGROUP GROUP g c BLOCK 0 STREAMS s >
        c& XREAD BLOCK 0 STREAMS s $
        d WATCH s
        e WATCH none
        f WATCH set
        a FLUSHALL
        b?
        c~
        d MULTI
        d PING
        d EXEC
        e MULTI
        e PING
        e EXEC
        f MULTI
        f EXEC
        a EXISTS s set
        a DBSIZE
        a XADD s 1-1 f v
        c~
        a XADD s 2-1 f v
        c?
        a XINFO GROUPS s
        b XREADGROUP GROUP g c STREAMS s >
        a XLEN s
        a FLUSHALL ASYNC
        a FLUSHALL x
        a FLUSHDB SYNC y
        a FUNCTION FLUSH
        a FUNCTION FLUSH SYNC
        a FUNCTION FLUSH x
        a FUNCTION FOO
        a FUNCTION
        a XADD s 1-1 f v
        a XGROUP CREATE s g $
        b& XREADGROUP GROUP g c BLOCK 0 STREAMS s >
        a MULTI
        a FLUSHALL
        a XADD s 1-1 f v
        a XGROUP CREATE s g 0
        a EXEC
        b?
        """

    static let rename = """
        a XADD s 1-1 f v
        a XADD s 2-1 f v
        a XGROUP CREATE s g 0
        a XREADGROUP GROUP g d COUNT 5 STREAMS s >
        b& XREADGROUP GROUP g d BLOCK 0 STREAMS s >
        c& XREAD BLOCK 0 STREAMS t 0
        d WATCH s
        a RENAME s t
        b?
        c?
        d MULTI
        d PING
        d EXEC
        a EXISTS s t
        a TYPE t
        a XPENDING t g
        a XINFO GROUPS t
        a XINFO STREAM t
        a XACK t g 1-1
        a XLEN s
        a XADD s 1-1 a b
        a XINFO GROUPS s
        a RENAME nokey x
        a RENAME t t
        a RENAMENX t s
        a RENAMENX nokey s
        a RENAMENX t u
        e& XREADGROUP GROUP g e BLOCK 0 STREAMS u >
        a XADD v 9-1 a b
        a XGROUP CREATE v g 0
        a RENAME v u
        e?
        e& XREADGROUP GROUP g e BLOCK 0 STREAMS u >
        a RENAME s u
        e?
        a XPENDING u g
        a KEYS *
        a DEL u u nokey
        a DBSIZE
        """

    static let databases = """
        a SELECT 9
        a XADD s 1-1 f v
        b EXISTS s
        b XADD s 5-1 f v
        a XLEN s
        a XRANGE s - +
        a SELECT 16
        a SELECT -1
        a SELECT x
        c& XREAD BLOCK 0 STREAMS s $
        a XADD s 6-1 f v
        c~
        b XADD s 6-1 f v
        c?
        b MULTI
        b SELECT 9
        b XRANGE s - +
        b SELECT 99
        b XLEN s
        b EXEC
        b XRANGE s - +
        b SELECT 0
        b FLUSHDB
        b DBSIZE
        a DBSIZE
        a CLIENT GETNAME
        a RESET
        a DBSIZE
        a SELECT 9
        b FLUSHALL
        a DBSIZE
        """

    static let types = """
        a SET k v
        a RPUSH l a b c
        a LPUSH l z
        a SADD m a b a
        a HSET h f v g w
        a TYPE k
        a TYPE l
        a TYPE m
        a TYPE h
        a XADD k * f v
        a XADD l NOMKSTREAM * f v
        a XLEN k
        a XRANGE l - +
        a XREVRANGE m + -
        a XDEL h 1-1
        a XTRIM k MAXLEN 1
        a XACK k g 1-1
        a XREAD STREAMS k 0
        a XREAD STREAMS nokey k 0 0
        a XREADGROUP GROUP g c STREAMS k >
        a XGROUP CREATE k g 0
        a XGROUP CREATE k g 0 MKSTREAM
        a XGROUP DESTROY k g
        a XPENDING k g
        a XCLAIM k g c 0 1-1
        a XAUTOCLAIM k g c 0 0
        a XINFO STREAM k
        a XINFO GROUPS k
        a XINFO CONSUMERS k g
        a XSETID k 1-1
        a GET k
        a GET l
        a SET k w NX
        a SET k w XX GET
        a SET l w GET
        a INCR n
        a INCRBY n 41
        a INCR k
        a INCR l
        a LLEN l
        a LRANGE l 0 -1
        a LRANGE l 1 -2
        a LRANGE l 3 1
        a LLEN k
        a SCARD m
        a SADD k x
        a HGET h f
        a HGET k f
        a HEXISTS h x
        a HGETALL h
        a HSET k a b
        a XADD s 1-1 f v
        a GET s
        a SET s x GET
        a LPUSH s x
        a HGETALL s
        a INCR s
        a XGROUP CREATE s g $
        a EXISTS s k nokey
        b& XREADGROUP GROUP g c BLOCK 0 STREAMS s >
        c& XREAD BLOCK 0 STREAMS s $
        a SET s x
        b?
        c~
        a DEL s
        c~
        a XADD s 2-1 f v
        c?
        a MULTI
        a DEL s
        a XADD s 1-1 f v
        a XLEN s
        a SET s x
        a XLEN s
        a DEL s
        a EXISTS s
        a EXEC
        a DPING
        """

    static let identifiers = """
        a XSETID nokey 1-1
        a XSETID nokey x
        a XADD s 5-5 f v
        a XADD s 6-6 f v
        a XDEL s 6-6
        a XSETID s 4-1
        a XSETID s 7
        a XSETID s 8 FOO
        a XSETID s 8 ENTRIESADDED -1
        a XSETID s 8 ENTRIESADDED 0
        a XSETID s 8 MAXDELETEDID 9-1
        a XSETID s 8-1 ENTRIESADDED 100 MAXDELETEDID 7-1
        a XINFO STREAM s
        a XADD s 8-1 f v
        a XADD s 8-2 f v
        a XGROUP CREATE s g 0
        a XINFO GROUPS s
        a XADD e 300-0 f v
        a XTRIM e MAXLEN 0
        a XSETID e 200-0
        a XINFO STREAM e
        a XADD e 200-1 f v
        a XRANGE e - +
        a XGROUP HELP
        a XINFO HELP
        a CLIENT SETINFO a b
        a CLIENT NO-EVICT foo
        a CLIENT NO-EVICT off
        a CLIENT KILL foo
        a CLIENT KILL ID x
        a CLIENT KILL ID 0
        a CLIENT KILL ID 99999
        a CLIENT KILL TYPE foo
        a CLIENT KILL SKIPME maybe
        a CLIENT KILL USER nobody
        a CLIENT KILL ID 1 x
        a CONFIG SET nope 1
        a CONFIG SET stream-node-max-entries x
        a CONFIG SET stream-node-max-entries -1
        a CONFIG SET stream-node-max-entries
        a CONFIG SET stream-node-max-entries 5 stream-node-max-entries 6
        a CONFIG GET stream-node-max-e*
        a CONFIG GET nope
        a CONFIG GET
        a CONFIG FOO
        a CONFIG
        a CONFIG RESETSTAT x
        """

    @Test(arguments: ["flush", "rename", "databases", "types", "identifiers"])
    func everyReplyIsRedisOwn(name: String) throws {
        let scripts = [
            "flush": ScratchTests.flush, "rename": ScratchTests.rename, "databases": ScratchTests.databases,
            "types": ScratchTests.types, "identifiers": ScratchTests.identifiers,
        ]
        try ScratchTests.beside { duet in try duet.play(try #require(scripts[name])) }
    }

    /// The one that the log's own face is held to.
    @Test func theWholeConversationIsRedisOwnHereToo() throws {
        try ScratchTests.beside { duet in
            for line in Conversation.two.split(separator: "\n") { try duet.play(line: "a \(line)") }
            for line in Conversation.three.split(separator: "\n").prefix(while: { $0 != "QUIT" }) {
                try duet.play(line: "b \(line)")
            }
        }
    }

    @Test func whoIsBlockedWhenAllIsFlushedHearsOfIt() throws {
        try ScratchTests.beside { duet in
            try duet.play("a XADD s 1-1 f v\na XGROUP CREATE s g $\nb& XREADGROUP GROUP g c BLOCK 0 STREAMS s >")
            try duet.play(line: "a FLUSHALL")
            #expect(try duet.play(line: "b?") == "-UNBLOCKED the stream key no longer exists\r\n")
        }
    }

    /// Random trims of small nodes. A stream is never emptied: where Redis begins its next node then, it does not say.
    @Test(arguments: [1 as UInt64, 2, 3])
    func roughTrimsLeaveWhatRedisLeaves(seed: UInt64) throws {
        try ScratchTests.beside { duet in
            var chance = SeededGenerator(seed: seed)
            var last: UInt64 = 0
            for round in 0..<400 {
                if round.isMultiple(of: 80) {
                    try duet.play("a FLUSHALL\na CONFIG SET stream-node-max-entries \(chance.next() % 8 + 1)")
                    last = 0
                }
                let rough = chance.next().isMultiple(of: 4) ? "=" : "~"
                let limit = rough == "~" && chance.next().isMultiple(of: 3) ? " LIMIT \(chance.next() % 9)" : ""
                switch chance.next() % 8 {
                case 0: try duet.play(line: "a XTRIM s MAXLEN \(rough) \(chance.next() % 12 + 1)\(limit)")
                case 1: try duet.play(line: "a XTRIM s MINID \(rough) \(last - min(last, chance.next() % 12))\(limit)")
                case 2 where last > 3: try duet.play(line: "a XDEL s \(last - 1 - chance.next() % 3)")
                case 3:
                    last += 1
                    try duet.play(line: "a XADD s MAXLEN \(rough) \(chance.next() % 9 + 1)\(limit) \(last) f v")
                default:
                    last += 1
                    try duet.play(line: "a XADD s \(last) f v")
                }
                try duet.play(line: "a XRANGE s - +")
                if duet.replies[0] != duet.replies[1] { throw Trouble("seed \(seed), round \(round)") }
            }
        }
    }

    // MARK: Alone

    @Test func numbersOfErrorsAndCommandsAreCounted() throws {
        try ScratchTests.alone { face in
            let client = try Wire(port: face.port)
            for line in [
                "XADD s 1-1 f v", "XADD s 1-1 f v", "XADD s", "NOPE", "XGROUP CREATE s g 0", "SET k v", "XLEN k",
            ] {
                _ = try client.say(line)
            }
            let errors = try client.say("INFO errorstats")
            #expect(errors.contains("errorstat_ERR:count=3\r\n") && errors.contains("errorstat_WRONGTYPE:count=1\r\n"))
            let commands = try client.say("INFO commandstats")
            #expect(commands.contains("cmdstat_xadd:calls=2,"))
            #expect(commands.contains(",rejected_calls=1,failed_calls=1\r\n"))
            #expect(commands.contains("cmdstat_xgroup|create:calls=1,"))
            #expect(try client.say("INFO server").contains("redis_version:7.0.15\r\n"))
            #expect(try client.say("INFO keyspace").contains("db0:keys=2,"))
            #expect(try client.say("CONFIG RESETSTAT") == "+OK\r\n")
            #expect(try !client.say("INFO errorstats").contains("errorstat_"))
            for line in ["MULTI", "XADD s 1-1 f v", "XLEN s", "EXEC"] { _ = try client.say(line) }
            #expect(try client.say("INFO errorstats").contains("errorstat_ERR:count=1\r\n"))
            #expect(try client.say("INFO commandstats").contains("cmdstat_xlen:calls=1,"))
        }
    }

    @Test func whoBlocksAndFailsIsCounted() throws {
        try ScratchTests.beside { duet in
            try duet.play(
                """
                a XGROUP CREATE s g $ MKSTREAM
                b& XREADGROUP GROUP g c BLOCK 0 STREAMS s >
                a XGROUP DESTROY s g
                b?
                """)
            try duet.play(line: "a INFO commandstats", compared: false)
            for reply in duet.replies {
                let line = reply.split(separator: "\r\n").first { $0.hasPrefix("cmdstat_xreadgroup:") }
                #expect(line?.hasPrefix("cmdstat_xreadgroup:calls=1,") == true, "\(reply)")
                #expect(line?.hasSuffix(",rejected_calls=0,failed_calls=1") == true, "\(reply)")
            }
        }
    }

    @Test func aClientIsKilledByItsId() throws {
        try ScratchTests.alone { face in
            let (one, other) = (try Wire(port: face.port), try Wire(port: face.port))
            let id = try other.say("CLIENT ID").dropFirst().filter(\.isNumber)
            #expect(try one.say("CLIENT KILL ID \(id)") == ":1\r\n")
            #expect(try other.rest().isEmpty)
            #expect(try one.say("CLIENT KILL TYPE normal SKIPME no") == ":1\r\n")
            #expect(try one.rest().isEmpty)
        }
    }

    @Test func theFolderIsGoneAtTheEnd() throws {
        try FaceLog.use { log in
            let face = try RespFace(scratchIn: log.folder)
            #expect(try Wire(port: face.port).say("XADD s 1-1 f v") == "$3\r\n1-1\r\n")
            let made = try FileManager.default.contentsOfDirectory(atPath: log.folder)
            #expect(made.contains { $0.hasPrefix("resp-scratch-") })
            #expect(try face.stop().status == 0)
            let left = try FileManager.default.contentsOfDirectory(atPath: log.folder)
            #expect(!left.contains { $0.hasPrefix("resp-scratch-") })
        }
    }

    @Test(arguments: [["--port", "70000"], ["--host", "0.0.0.0"], ["--log", "x"]])
    func whatItCannotDoIsExitStatusTwo(arguments: [String]) throws {
        try FaceLog.use { log in
            let ended = try RunningProgram(
                arguments, folder: log.folder, environment: log.environment, piped: .nothing,
                program: RespFace.scratchPath
            ).finish()
            #expect(ended.status == 2 && !ended.errors.isEmpty, "\(ended)")
        }
    }

    @Test func itsHelpHasExamples() throws {
        try FaceLog.use { log in
            let help = try RunningProgram(
                ["--help"], folder: log.folder, environment: log.environment, piped: .nothing,
                program: RespFace.scratchPath
            ).finish()
            #expect(help.status == 0 && help.out.contains("Examples:") && help.out.contains("Exit status:"), "\(help)")
        }
    }

    /// None of it is in `backstop`.
    @Test func theLogItselfRefusesAllOfIt() throws {
        try FaceLog.use { log in
            let face = try log.face()
            let client = try Wire(port: face.port)
            _ = try client.say("XADD s 1-1 f v")
            for line in [
                "FLUSHALL", "FLUSHDB", "FUNCTION FLUSH", "CONFIG GET *", "CONFIG SET stream-node-max-entries 1",
                "RENAME s t", "RENAMENX s t", "XSETID s 9-9", "UNLINK s", "INCR n", "LPUSH l a", "SADD m a",
            ] {
                #expect(try client.say(line).hasPrefix("-ERR unknown command"), "\(line)")
            }
            #expect(try client.say("CLIENT KILL ID 1").hasPrefix("-ERR unknown subcommand"))
            #expect(try client.say("SELECT 1") == "-ERR DB index is out of range\r\n")
            #expect(try client.say("SET k v").hasPrefix("-NOPERM"))
            #expect(try client.say("DEL s").hasPrefix("-NOPERM"))
            #expect(try client.say("COMMAND").hasPrefix("*"))  // alone, too, it is a command
            #expect(try client.say("XLEN s") == ":1\r\n")
        }
    }

    // MARK: Parts

    private static func beside(_ body: (Duet) throws -> Void) throws {
        try alone { face in
            let folder = FileManager.default.temporaryDirectory.path + "/resp-test-" + UUID().uuidString
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: folder) }  // what cannot be removed harms no test
            let redis = try RedisServer(folder: folder)
            try body(try Duet({ try Wire(port: face.port) }, { try Wire(socket: redis.socket) }))
        }
    }

    private static func alone(_ body: (RespFace) throws -> Void) throws {
        try FaceLog.use { log in
            let face = try RespFace(scratchIn: log.folder)
            try body(face)
            #expect(try face.stop().status == 0)
        }
    }
}
