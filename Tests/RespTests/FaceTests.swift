// The Redis face as a real process: beside a real redis-server byte for byte, by redis-cli, by hiredis, and by clients
// that behave badly.

import Foundation
import Glibc
import Programmes
import Testing

struct FaceLog {
    let folder: String
    var environment: [String: String] {
        [
            "PATH": "/usr/bin:/bin", "BACKSTOP_LOG": folder + "/log", "BACKSTOP_LOG_RESERVE_BYTES": "0",
            "SWIFT_BACKTRACE": "enable=no",
        ]
    }

    func face(_ arguments: String...) throws -> RespFace {
        try RespFace(arguments, folder: folder, environment: environment)
    }

    func run(_ arguments: String...) throws -> Finished {
        try RunningProgram(arguments, folder: folder, environment: environment, piped: .nothing).finish()
    }

    func redisCLI(_ face: RespFace, _ arguments: String...) throws -> String {
        let finished = try RunningProgram(
            ["-p", "\(face.port)"] + arguments, folder: folder, environment: environment, piped: .nothing,
            program: "/usr/bin/redis-cli"
        ).finish()
        return finished.out.trimmingCharacters(in: .newlines)
    }

    static func use(_ body: (FaceLog) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.path + "/resp-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }  // what cannot be removed harms no test
        let log = FaceLog(folder: folder)
        try body(log)
        guard FileManager.default.fileExists(atPath: folder + "/log/FORMAT") else { return }
        let verified = try log.run("verify")
        #expect(verified.status == 0, "\(verified)")
    }
}

@Suite(.serialized) struct FaceTests {
    // MARK: Redis' words

    @Test func everyReplyOfTheConversationIsRedisOwn() throws {
        try FaceLog.use { log in
            let face = try log.face("--set", "redis.exact=true")
            let redis = try RedisServer(folder: log.folder)
            let (ours, theirs) = (try Wire(port: face.port), try Wire(socket: redis.socket))
            for line in Conversation.two.split(separator: "\n") {
                #expect(try ours.say(String(line)) == theirs.say(String(line)), "\(line)")
            }
            #expect(
                try ours.say("HELLO 3").hasPrefix("%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15"))
            _ = try theirs.say("HELLO 3")
            for line in Conversation.three.split(separator: "\n") {
                #expect(try ours.say(String(line)) == theirs.say(String(line)), "RESP3: \(line)")
            }
            #expect(try ours.rest().isEmpty)
            #expect(try face.stop().status == 0)
        }
    }

    @Test func redisCLIAndHiredisWorkAsTheyAre() throws {
        try FaceLog.use { log in
            let face = try log.face()
            #expect(try log.redisCLI(face, "PING") == "PONG")
            let id = try log.redisCLI(face, "XADD", "s", "*", "f", "a b")
            #expect(try log.redisCLI(face, "XRANGE", "s", "-", "+") == "\(id)\nf\na b")
            #expect(try log.redisCLI(face, "-3", "XGROUP", "CREATE", "s", "g", "0") == "OK")
            #expect(try log.redisCLI(face, "XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">").contains(id))
            #expect(try log.redisCLI(face, "XACK", "s", "g", id) == "1")
            #expect(try log.redisCLI(face, "INFO", "server").contains("redis_version:7.0.15"))
            #expect(try log.redisCLI(face, "--scan") == "s")
            let connection = try face.connect(wholeErrors: true)
            #expect(try connection.run(["XLEN", "s"]) == .integer(1))
            #expect(try connection.run(["XPENDING", "s", "g"]) == .list([.integer(0), .null, .null, .null]))
            #expect(try connection.run(["NOPE"]) == .error("ERR unknown command 'NOPE', with args beginning with: "))
        }
    }

    // MARK: Commits

    @Test func whatArrivesTogetherIsAnsweredInOrder() throws {
        try FaceLog.use { log in
            let face = try log.face()
            let clients = try (0..<4).map { _ in try Wire(port: face.port) }
            for (number, client) in clients.enumerated() {
                var bytes: [UInt8] = []
                for count in 1...500 {
                    bytes += Wire.encode(["XADD", "s\(number)", "\(count)-1", "n", "\(count)"])
                    bytes += Wire.encode(["XLEN", "s\(number)"])
                    if count.isMultiple(of: 100) { bytes += Wire.encode(["XADD", "s\(number)", "1-1", "n", "x"]) }
                }
                try client.send(bytes)
            }
            for client in clients {
                for count in 1...500 {
                    #expect(try client.reply().hasSuffix("\r\n\(count)-1\r\n"))
                    #expect(try client.reply() == ":\(count)\r\n")
                    if count.isMultiple(of: 100) { #expect(try client.reply().hasPrefix("-ERR The ID specified")) }
                }
            }
        }
    }

    @Test func aTransactionSeesItselfAndAWatchedChangeEndsIt() throws {
        try FaceLog.use { log in
            let face = try log.face()
            let (one, other) = (try Wire(port: face.port), try Wire(port: face.port))
            #expect(try one.say("WATCH s") == "+OK\r\n")
            #expect(try other.say("XADD s 1-1 a b") == "$3\r\n1-1\r\n")
            #expect(try one.say("MULTI") == "+OK\r\n")
            #expect(try one.say("XADD s 2-1 a b") == "+QUEUED\r\n")
            #expect(try one.say("EXEC") == "*-1\r\n")
            #expect(try one.say("XLEN s") == ":1\r\n")
            // A failing command changes nothing, and the rest goes on.
            for line in ["MULTI", "XADD s 2-1 a b", "XADD s 2-1 a b", "XGROUP CREATE s g 0", "XLEN s"] {
                _ = try one.say(line)
            }
            #expect(
                try one.say("EXEC")
                    == "*4\r\n$3\r\n2-1\r\n-ERR The ID specified in XADD is equal or smaller than the target stream top item\r\n+OK\r\n:2\r\n"
            )
        }
    }

    // MARK: Waiting

    @Test func readersThatWaitAreServedInTheirOrder() throws {
        try FaceLog.use { log in
            let face = try log.face()
            let writer = try Wire(port: face.port)
            _ = try writer.say("XGROUP CREATE s g $ MKSTREAM")
            let readers = try (0..<3).map { _ in try Wire(port: face.port) }
            for (number, reader) in readers.enumerated() {
                try reader.command("XREADGROUP", "GROUP", "g", "c\(number)", "BLOCK", "0", "STREAMS", "s", ">")
                try wait(writer, blocked: number + 1)
            }
            for number in 0..<3 {
                // Once by ourselves, then by another process.
                if number == 0 {
                    _ = try writer.say("XADD s 1-1 n 0")
                } else {
                    #expect(try log.run("append", "s", "n=\(number)").status == 0)
                }
                #expect(try readers[number].reply().contains("$1\r\nn\r\n$1\r\n\(number)\r\n"))
                for later in readers[(number + 1)...] { #expect(later.isSilent(milliseconds: 50)) }
            }
            #expect(try writer.say("XPENDING s g").hasPrefix("*4\r\n:3\r\n"))
        }
    }

    @Test func aReaderWithoutAGroupHearsOfItsStreamAndATimeEnds() throws {
        try FaceLog.use { log in
            let face = try log.face()
            let (reader, writer) = (try Wire(port: face.port), try Wire(port: face.port))
            #expect(try reader.say("XREAD BLOCK 30 STREAMS s $") == "*-1\r\n")
            try reader.command("XREAD", "BLOCK", "0", "STREAMS", "s", "t", "$", "$")
            try wait(writer, blocked: 1)
            _ = try writer.say("XADD t 1-1 a b")
            #expect(
                try reader.reply() == "*1\r\n*2\r\n$1\r\nt\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n")
            // A group that goes takes its readers' hope.
            _ = try writer.say("XGROUP CREATE s g $ MKSTREAM")
            try reader.command("XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">")
            try wait(writer, blocked: 1)
            _ = try writer.say("XGROUP DESTROY s g")
            #expect(
                try reader.reply() == "-NOGROUP the consumer group this client was blocked on no longer exists\r\n")
            try reader.command("XREAD", "BLOCK", "0", "STREAMS", "s", "$")
            try wait(writer, blocked: 1)
            let id = try writer.say("CLIENT LIST").components(separatedBy: "id=").compactMap {
                $0.contains("flags=b") ? $0.prefix { $0.isNumber } : nil
            }
            #expect(try writer.say("CLIENT UNBLOCK \(id.first ?? "0") ERROR") == ":1\r\n")
            #expect(try reader.reply() == "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n")
        }
    }

    /// A client that is gone gets nothing: what came stays for another.
    @Test func whoIsGoneIsServedNothing() throws {
        try FaceLog.use { log in
            let face = try log.face()
            let writer = try Wire(port: face.port)
            _ = try writer.say("XGROUP CREATE s g $ MKSTREAM")
            var gone: Wire? = try Wire(port: face.port)
            try gone?.command("XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">")
            try wait(writer, blocked: 1)
            gone = nil
            try wait(writer, blocked: 0)
            _ = try writer.say("XADD s 1-1 a b")
            #expect(try writer.say("XPENDING s g").hasPrefix("*4\r\n:0\r\n"))
        }
    }

    private func wait(_ client: Wire, blocked count: Int) throws {
        let limit = ContinuousClock.now + .seconds(Program.secondsMax)
        while try !client.say("INFO clients").contains("blocked_clients:\(count)\r\n") {
            guard ContinuousClock.now < limit else { throw Trouble("never \(count) blocked clients") }
            _ = poll(nil, 0, 5)
        }
    }

    // MARK: Streams that the catalogue knows

    @Test func knownStreamsAreCheckedAndHaveTwoNames() throws {
        try FaceLog.use { log in
            let face = try log.face()
            let client = try Wire(port: face.port)
            let beat = [
                "service_id", "eb", "status", "OK", "active_positions", "0", "ts",
                "\(Int(Date().timeIntervalSince1970))",
            ]
            #expect(try client.ask(["XADD", "quantum:stream:exit_brain.heartbeat", "*"] + beat).hasPrefix("$"))
            #expect(try client.say("XLEN exit_brain:heartbeat") == ":1\r\n")
            #expect(try client.say("XADD exit_brain:heartbeat * nonsense 1").hasPrefix("-ERR "))
            #expect(try client.say("XLEN exit_brain:heartbeat") == ":1\r\n")
            for line in ["XTRIM system:panic_close MAXLEN 0", "XDEL system:panic_close 1-1"] {
                #expect(try client.say(line) == ":0\r\n")
            }
            // A trigger that is refused is on record, and its client hears why.
            let refused = try client.say("XADD system:panic_close * reason x issued_by nobody ts 1700000000")
            #expect(refused.hasPrefix("-REFUSED panic trigger issuer"), "\(refused)")
            #expect(try client.say("XLEN quantum:stream:system.panic_close") == ":1\r\n")
            for line in [
                "XTRIM system:panic_close MAXLEN 0", "XDEL system:panic_close 1-1",
                "XADD system:panic_close:completed MAXLEN 1 * event_id x",
            ] {
                #expect(try client.say(line).hasPrefix("-NOPERM "), "\(line)")
            }
            #expect(try client.say("DEL exit_brain:heartbeat").hasPrefix("-NOPERM "))
        }
    }

    // MARK: Virtual keys

    @Test func theHaltHashHaltsAndResumes() throws {
        try FaceLog.use { log in
            let face = try log.face()
            let client = try Wire(port: face.port)
            #expect(try client.say("HGETALL system:state:trading") == "*0\r\n")
            #expect(try client.say("DEL system:state:trading") == ":0\r\n")
            #expect(try client.say("HSET system:state:trading halted true reason drill source anna") == ":3\r\n")
            #expect(try client.say("HGET system:state:trading reason") == "$5\r\ndrill\r\n")
            #expect(try client.say("GET quantum:state:trading_halted") == "$4\r\ntrue\r\n")
            #expect(try client.say("TYPE system:state:trading") == "+hash\r\n")
            // Together with a write they are read inside its transaction.
            try client.send("XADD s 1-1 a b\r\nHGET system:state:trading source\r\nKEYS *trading\r\n")
            #expect(try client.reply() == "$3\r\n1-1\r\n")
            #expect(try client.reply() == "$4\r\nanna\r\n")
            #expect(try client.reply() == "*1\r\n$20\r\nsystem:state:trading\r\n")
            #expect(try client.say("EXISTS system:state:trading quantum:state:trading_halted") == ":2\r\n")
            let refused = try client.say("DEL system:state:trading")
            #expect(refused.hasPrefix("-HALTED not resumed: nobody has looked whether all is flat"), "\(refused)")
            #expect(try client.say("HSET system:state:trading halted maybe").hasPrefix("-NOPERM "))
            #expect(try client.say("HSET system:state:trading reason x").hasPrefix("-NOPERM "))
            #expect(try client.say("SET quantum:state:trading_halted false").hasPrefix("-NOPERM "))
            #expect(try client.say("XADD system:state:trading * a b").hasPrefix("-WRONGTYPE "))
            #expect(try face.stop().status == 0)

            let easy = try log.face("--set", "resume.require_flat=false")
            let other = try Wire(port: easy.port)
            #expect(try other.say("HEXISTS system:state:trading halted") == ":1\r\n")
            #expect(try other.say("DEL system:state:trading quantum:state:trading_halted") == ":2\r\n")
            #expect(try other.say("EXISTS system:state:trading") == ":0\r\n")
            let resume = try log.run("query", "--kind", "resume", "--json")
            #expect(resume.out.contains("redis DEL") && resume.out.contains("default"), "\(resume)")
        }
    }

    @Test func aDedupKeyIsThereWhenItsIntentIs() throws {
        try FaceLog.use { log in
            let face = try log.face("--roles", "router")
            let client = try Wire(port: face.port)
            let key = "quantum:dedup:trade_intent:t-1"
            #expect(try client.say("EXISTS \(key)") == ":0\r\n")
            #expect(try client.say("TTL \(key)") == ":-2\r\n")
            let decision = [
                "symbol", "BTCUSDT", "side", "buy", "confidence", "0.9", "entry_price", "60000", "quantity", "0.1",
                "trace_id", "t-1",
            ]
            #expect(try client.ask(["XADD", "quantum:stream:ai.decision.made", "*"] + decision).hasPrefix("$"))
            try client.command("XREAD", "BLOCK", "30000", "STREAMS", "quantum:stream:trade.intent", "0")
            #expect(try client.reply().contains("t-1"))
            #expect(try client.say("GET \(key)") == "$1\r\n1\r\n")
            #expect(try client.say("SET \(key) 1 NX EX 86400") == "$-1\r\n")
            let left = Int(try client.say("TTL \(key)").filter(\.isNumber)) ?? 0
            #expect((86_000...86_400).contains(left))
            #expect(try client.say("DEL \(key)").hasPrefix("-NOPERM "))
        }
    }

    // MARK: Clients that behave badly

    /// As routers of Redis' world do, before they give an intent: one of them gets it, for ever, whatever is killed.
    @Test func aDedupKeyIsClaimedOnce() throws {
        try FaceLog.use { log in
            let first = try log.face()
            let key = "quantum:dedup:trade_intent:mine"
            let clients = try (0..<8).map { _ in try Wire(port: first.port) }
            for client in clients { try client.command("SET", key, "1", "NX", "EX", "86400") }
            let replies = try clients.map { try $0.reply() }.sorted()
            #expect(replies == Array(repeating: "$-1\r\n", count: 7) + ["+OK\r\n"])
            let order = "quantum:dedup:order:o-1"
            try clients[0].send(
                "SET \(order) x NX PX 5000\r\nXADD own * a b\r\nSET \(order) y NX\r\nSET \(order) z\r\nGET \(order)\r\n"
            )
            #expect(try clients[0].reply() == "+OK\r\n")
            #expect(try clients[0].reply().hasPrefix("$"))
            #expect(
                try [clients[0].reply(), clients[0].reply(), clients[0].reply()] == [
                    "$-1\r\n", "+OK\r\n", "$1\r\nx\r\n",
                ])
            for refused in ["SET \(key) 1 XX", "SET \(key) 1 GET", "DEL \(key)", "DEL \(order)", "SET other 1 NX"] {
                #expect(try clients[1].say(refused).hasPrefix("-NOPERM "), "\(refused)")
            }
            #expect(try clients[1].say("SET quantum:dedup:order:p 1 NX EX 0").hasPrefix("-ERR invalid expire time"))
            _ = try first.process.killNow()
            let second = try log.face()
            let client = try Wire(port: second.port)
            #expect(try client.say("SET \(key) 1 NX EX 86400") == "$-1\r\n")
            #expect(try client.say("EXISTS \(key) \(order)") == ":2\r\n")
            #expect(try client.say("TYPE \(order)") == "+string\r\n")
            let left = Int(try client.say("TTL \(key)").filter(\.isNumber)) ?? 0
            #expect((86_000...86_400).contains(left))
            let records = try log.run("query", "--stream", "backstop:stream:dedup.claimed", "--json").lines
            #expect(records.count == 2, "\(records)")
        }
    }

    @Test func abuseEndsItsOwnConnectionOnly() throws {
        try FaceLog.use { log in
            let face = try log.face()
            let good = try Wire(port: face.port)
            for (said, heard) in [
                ("POST / HTTP/1.1\r\nHost: localhost\r\n\r\nXADD s * a b\r\n", ""),
                ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "-ERR wrong number of arguments for 'get' command\r\n"),
                ("*1\r\n$536870912\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
                ("*2\r\n*1\r\n", "-ERR Protocol error: expected '$', got '*'\r\n"),
                ("XADD n 1-1 a b\r\n*x\r\n", "$3\r\n1-1\r\n-ERR Protocol error: invalid multibulk length\r\n"),
                ("*1\r\n$4\r\nPING\r\n*1\r\nQ", "+PONG\r\n-ERR Protocol error: expected '$', got 'Q'\r\n"),
            ] {
                let bad = try Wire(port: face.port)
                try bad.send(said.hasSuffix("Q") ? said + "\r\n" : said)
                #expect(try bad.rest() == heard, "\(said)")
            }
            #expect(try good.say("XLEN s") == ":0\r\n")
            // Half-closed: what was asked is answered.
            let half = try Wire(port: face.port)
            try half.send("XADD s 1-1 a b\r\nPING\r\n")
            half.endOutput()
            #expect(try half.rest() == "$3\r\n1-1\r\n+PONG\r\n")
        }
    }

    @Test func onlyThisMachineMayConnect() throws {
        try FaceLog.use { log in
            let refused = try log.run("serve", "--init", "--resp", "0.0.0.0:6380")
            #expect(refused.status == 2 && refused.errors.contains("no users are configured"), "\(refused)")
            let alone = try log.run("serve", "--resp", "127.0.0.1:0", "--roles", "watchdog")
            #expect(alone.status == 2 && alone.errors.contains("process of its own"), "\(alone)")
        }
    }
}
