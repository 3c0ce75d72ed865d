// Users and roles over real sockets: who has not said who it is may do nothing, and each may do what its roles say.

import Foundation
import Glibc
import Programmes
import Records
import Testing

@testable import RespServer

@Suite(.serialized) struct UserTests {
    private static let table = [
        ("alice", "wonder", "operators"), ("engine", "e-pass", "ai_engine"), ("heart", "h-pass", "exit_brain consumer"),
        ("dash", "d-pass", "reader"), ("worker", "w-pass", "consumer"), ("default", "0-pass", "reader"),
    ]

    private func withUsers(_ body: (FaceLog, RespFace, (String) throws -> Wire) throws -> Void) throws {
        try FaceLog.use { log in
            let path = log.folder + "/users"
            try Self.file.write(toFile: path, atomically: true, encoding: .utf8)
            chmod(path, 0o600)
            let face = try log.face("--set", "resp.users=\(path)", "--profile", "seeds")
            try body(log, face) { name in
                let wire = try Wire(port: face.port)
                let password = Self.table.first { $0.0 == name }?.1 ?? ""
                #expect(try wire.ask("AUTH", name, password) == "+OK\r\n")
                return wire
            }
            #expect(try face.stop().status == 0)
        }
    }

    private static var file: String {
        "# who may do what\n\n"
            + table.map { "\($0.0)  \(Hex.encode(Digest.sha256(Array($0.1.utf8)).bytes))  \($0.2)\n" }.joined()
    }

    private static let heartbeat = "exit_brain:heartbeat * service_id b status OK active_positions 0 last_decision_ts 0"
    private static var trigger: String {
        "event_id t reason r severity CRITICAL ts \(Int(Date().timeIntervalSince1970 * 1_000))"
    }

    // MARK: Saying who one is

    @Test func whoHasNotSaidWhoItIsMayDoNothing() throws {
        try withUsers { _, face, _ in
            let wire = try Wire(port: face.port)
            for line in [
                "PING", "XLEN s", "XADD s * a b", "INFO", "MULTI", "CLIENT LIST", "COMMAND COUNT", "ACL WHOAMI",
            ] {
                #expect(try wire.say(line) == "-NOAUTH Authentication required.\r\n", "\(line)")
            }
            #expect(try wire.say("HELLO 3").hasPrefix("-NOAUTH HELLO must be called with the client already"))
            for line in ["AUTH alice wrong", "AUTH nobody wonder", "AUTH wrong", "HELLO 2 AUTH alice nope"] {
                #expect(
                    try wire.say(line) == "-WRONGPASS invalid username-password pair or user is disabled.\r\n",
                    "\(line)")
                #expect(try wire.say("PING").hasPrefix("-NOAUTH"))
            }
            #expect(try wire.say("AUTH 0-pass") == "+OK\r\n")
            #expect(try wire.say("ACL WHOAMI") == "$7\r\ndefault\r\n")
            #expect(try wire.say("HELLO 3 AUTH alice wonder").hasPrefix("%7"))
            #expect(try wire.say("ACL WHOAMI") == "$5\r\nalice\r\n")
            #expect(try wire.say("CLIENT INFO").contains(" user=alice "))
            #expect(try wire.say("RESET") == "+RESET\r\n")
            #expect(try wire.say("PING").hasPrefix("-NOAUTH"))
        }
    }

    // MARK: What one may do

    @Test func entriesAreForTheRolesThatWriteThem() throws {
        try withUsers { log, _, wire in
            let decision = "quantum:stream:ai.decision.made * symbol BTCUSDT side buy confidence 0.9 trace_id t"
            #expect(try wire("engine").say("XADD " + decision).hasPrefix("$"))
            #expect(try wire("heart").say("XADD " + Self.heartbeat).hasPrefix("$"))
            #expect(
                try wire("heart").say("XADD quantum:stream:exit_brain.heartbeat" + Self.heartbeat.dropFirst(20))
                    .hasPrefix("$"))
            #expect(try wire("worker").say("XADD own * a b").hasPrefix("$"))
            // Forged: by another role, in one's own name or another's, under each name of the stream.
            let completion =
                "event_id t positions_total 0 positions_closed 0 positions_failed 0 failed_symbols [] execution_time_ms 1"
            for (user, words) in [
                ("engine", Self.heartbeat), ("worker", Self.heartbeat), ("heart", decision), ("dash", "own * a b"),
                ("engine", "quantum:stream:exit_brain.heartbeat" + Self.heartbeat.dropFirst(20)),
                ("alice", "system:panic_close:completed * " + completion),
                ("heart", "quantum:stream:panic_close.completed * " + completion),
                ("engine", "system:panic_close * issued_by ops " + Self.trigger),
                ("heart", "system:panic_close * issued_by ops " + Self.trigger),
                ("heart", "quantum:stream:system.panic_close * issued_by watchdog " + Self.trigger),
            ] {
                let reply = try wire(user).say("XADD " + words)
                #expect(reply.hasPrefix("-NOPERM "), "\(user) \(words): \(reply)")
                let multi = try wire(user)
                _ = try multi.say("MULTI")
                let queued = try multi.say("XADD " + words)
                #expect(
                    try multi.say("EXEC").contains(queued.hasPrefix("-NOPERM") ? "EXECABORT" : "NOPERM"), "\(words)")
            }
            #expect(
                try wire("heart").say("XADD system:panic_close * issued_by exit_brain " + Self.trigger).hasPrefix("$"))
            let kinds = try log.run("query", "--json", "--limit", "0").lines.filter {
                $0.contains(#""kind":"panic.requested""#) || $0.contains(#""kind":"panic.completed""#)
            }
            #expect(kinds.count == 1 && kinds[0].contains(#""issued_by":"exit_brain""#), "\(kinds)")
            #expect(kinds[0].contains(#""producer":"heart""#), "\(kinds)")
        }
    }

    @Test func groupsOfServicesAreTheirs() throws {
        try withUsers { log, _, wire in
            #expect(
                try wire("engine").say("XADD quantum:stream:ai.decision.made * symbol BTCUSDT side buy trace_id t")
                    .hasPrefix("$"))
            let stream = "quantum:stream:ai.decision.made"
            let together = try wire("worker")
            #expect(try wire("alice").say("XGROUP CREATE \(stream) router 0") == "+OK\r\n")
            for line in [
                "XREADGROUP GROUP router me STREAMS \(stream) >",
                "XREADGROUP COUNT 1 GROUP router me STREAMS \(stream) >",
                "XREADGROUP COUNT 1 NOACK GROUP router me STREAMS \(stream) >", "XACK \(stream) router 1-1",
                "XCLAIM \(stream) router me 0 1-1", "XAUTOCLAIM \(stream) router me 0 0",
                "XGROUP DESTROY \(stream) router",
                "XGROUP SETID \(stream) router $",
            ] { #expect(try wire("worker").say(line).hasPrefix("-NOPERM "), "\(line)") }
            for line in [
                "XGROUP CREATE \(stream) g 0", "XACK \(stream) g 1-1", "XDEL \(stream) 1-1", "XTRIM \(stream) MAXLEN 0",
            ] {
                #expect(try wire("dash").say(line).hasPrefix("-NOPERM "), "\(line)")
            }
            #expect(try wire("worker").say("XTRIM \(stream) MAXLEN 0").hasPrefix("-NOPERM "))
            #expect(try wire("worker").say("XGROUP CREATE \(stream) mine 0") == "+OK\r\n")
            #expect(try wire("worker").say("XREADGROUP GROUP mine me STREAMS \(stream) >").hasPrefix("*1"))
            #expect(try wire("dash").say("XLEN \(stream)") == ":1\r\n")
            // In one write with others', too: what may not be done does not ride along.
            try together.send("XADD own * a 1\r\nXACK \(stream) router 1-1\r\nXADD own * a 2\r\n")
            #expect(try together.reply().hasPrefix("$"))
            #expect(try together.reply().hasPrefix("-NOPERM"))
            #expect(try together.reply().hasPrefix("$"))
        }
    }

    @Test func haltingAndResumingHaveTheirRoles() throws {
        try withUsers { log, _, wire in
            let states = try log.run("status", "--json")
            #expect(states.out.contains(#""trading":"ACTIVE""#))
            for user in ["dash", "engine", "worker"] {
                #expect(try wire(user).say("HSET system:state:trading halted true reason x").hasPrefix("-NOPERM "))
            }
            #expect(try wire("heart").say("HSET system:state:trading halted true reason x") == ":2\r\n")
            for user in ["dash", "engine", "heart", "worker"] {
                #expect(try wire(user).say("DEL system:state:trading").hasPrefix("-NOPERM "), "\(user)")
                #expect(try wire(user).say("HSET system:state:trading halted false").hasPrefix("-NOPERM "), "\(user)")
            }
            // Without an exchange to ask: refused for what is missing, not for who asks.
            #expect(try wire("alice").say("DEL system:state:trading").hasPrefix("-HALTED "))
            #expect(try log.run("status", "--json").out.contains(#""trading":"HALTED""#))
        }
    }

    /// One entry must not be the last one that a stream takes; and a trigger is taken however it is given.
    @Test func nobodyMakesAStreamTakeNothingMore() throws {
        try withUsers { log, _, wire in
            let heart = try wire("heart")
            for id in ["18446744073709551615-18446744073709551615", "9999999999999-*", "9999999999999-1"] {
                let beat = Self.heartbeat.replacing(" * ", with: " \(id) ")
                #expect(try heart.say("XADD " + beat).contains("lies ahead of this machine's clock"), "\(id)")
                let trigger = "system:panic_close \(id) issued_by nobody " + Self.trigger
                #expect(try heart.say("XADD " + trigger).contains("lies ahead of this machine's clock"), "\(id)")
            }
            #expect(try heart.say("XADD " + Self.heartbeat).hasPrefix("$"))
            for options in ["MAXLEN 1", "MAXLEN ~ 1000", "NOMKSTREAM", "MINID 5-0"] {
                let reply = try heart.say("XADD system:panic_close \(options) * issued_by exit_brain " + Self.trigger)
                #expect(reply.hasPrefix("$"), "\(options): \(reply)")
            }
            #expect(try heart.say("XLEN system:panic_close") == ":4\r\n")
            #expect(try heart.say("XADD system:panic_close:completed MAXLEN 1 * a b").hasPrefix("-NOPERM"))
            #expect(try wire("dash").say("CLIENT UNBLOCK 1 ERROR").hasPrefix("-NOPERM"))
            #expect(try heart.say("HSET system:state:trading halted true reason x source other") == ":0\r\n")
            let halts = try log.run("query", "--kind", "halt", "--json").out
            #expect(halts.contains(#""producer":"heart""#), "\(halts)")
        }
    }

    // MARK: The file

    @Test(arguments: [
        ("", "no user in it"), ("alice", "line 1: NAME"), ("alice zz operators", "64 hex digits"),
        ("alice \(String(repeating: "a", count: 64)) boss", "no role boss"),
        ("\n# x\nalice \(String(repeating: "a", count: 62)) operators", "line 3"),
        (
            String(repeating: "alice \(String(repeating: "a", count: 64)) reader\n", count: 2),
            "line 2: user alice stands"
        ),
        (String(repeating: "x", count: 129) + " \(String(repeating: "a", count: 64)) reader", "a name of at most"),
    ]) func aBadFileIsRefusedWithItsLine(text: String, problem: String) {
        do {
            _ = try RespUsers(reading: text)
            Issue.record("taken: \(text)")
        } catch { #expect(error.description.contains(problem), "\(error)") }
    }

    @Test func withoutUsersOnlyThisMachineMayConnect() throws {
        try FaceLog.use { log in
            let open = try log.run("serve", "--init", "--resp", "0.0.0.0:0")
            #expect(open.status == 2 && open.errors.contains("resp.users"), "\(open)")
            let path = log.folder + "/users"
            try Self.file.write(toFile: path, atomically: true, encoding: .utf8)
            chmod(path, 0o644)
            let readable = try log.run("serve", "--resp", "0.0.0.0:0", "--set", "resp.users=\(path)")
            #expect(readable.status == 2 && readable.errors.contains("chmod 600"), "\(readable)")
            let missing = try log.run("serve", "--resp", "127.0.0.1:0", "--set", "resp.users=/nowhere/x")
            #expect(missing.status == 2 && missing.errors.contains("/nowhere/x cannot be read"), "\(missing)")
        }
    }
}
