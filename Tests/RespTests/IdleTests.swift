// Ten thousand connections that say nothing: others are served, and one beyond the bound is told so.

import Foundation
import Glibc
import Programmes
import Records
import Testing

@Suite struct IdleTests {
    /// As many as this process may have; on a machine with a low bound that is fewer, and said.
    private static func connectionsMax() -> Int {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return min(Limits.respConnectionsMax, Int(clamping: limit.rlim_max) - 1_000)
    }

    @Test func idleConnectionsHurtNobody() throws {
        let count = Self.connectionsMax()
        if count < Limits.respConnectionsMax { print("idle connections: \(count), the machine allows no more files") }
        try FaceLog.use { log in
            let face = try log.face()
            let polite = try Wire(port: face.port)
            // Each is taken before the next one comes: what waits to be taken is the kernel's.
            let idle = try (1..<count).map { _ in
                let wire = try Wire(port: face.port)
                #expect(try wire.say("PING") == "+PONG\r\n")
                return wire
            }
            #expect(try polite.say("XADD s * a b").hasPrefix("$"))
            #expect(try idle[idle.count / 2].say("XLEN s") == ":1\r\n")
            #expect(try polite.say("INFO clients").contains("connected_clients:\(count)"))
            if count == Limits.respConnectionsMax {
                let tooMany = try Wire(port: face.port)
                #expect(try tooMany.rest() == "-ERR max number of clients reached\r\n")
            }
            #expect(try polite.say("PING") == "+PONG\r\n")
            withExtendedLifetime(idle) {}
        }
    }
}
