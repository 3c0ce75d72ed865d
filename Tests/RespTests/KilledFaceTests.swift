// What Redis loses of groups when it is killed, with appendfsync always: counts of history reads, entries-read, consumers
// of empty histories, pending entries of deleted messages. Here all of it is in the commit that the reply waits for.

import Glibc
import Programmes
import Testing

@Suite struct KilledFaceTests {
    private static let history = [
        "XADD s 1-1 f a", "XADD s 2-1 f b", "XADD s 3-1 f c", "XADD s 4-1 f d",
        "XGROUP CREATE s g 0",
        "XREADGROUP GROUP g anna COUNT 3 STREAMS s >",
        // Counts of history reads.
        "XREADGROUP GROUP g anna STREAMS s 0", "XREADGROUP GROUP g anna COUNT 1 STREAMS s 0",
        // A consumer of an empty history.
        "XREADGROUP GROUP g idle STREAMS s 0",
        "XREADGROUP GROUP g bert NOACK COUNT 1 STREAMS s >",
        "XCLAIM s g bert 0 3-1 RETRYCOUNT 7",
        // A message that is gone stays pending.
        "XDEL s 2-1",
        "XGROUP CREATE s other $ ENTRIESREAD 2",
        "XGROUP CREATECONSUMER s other nobody",
    ]

    @Test(arguments: ["false", "true"])
    func whatRedisForgetsIsThereAgain(exact: String) throws {
        try FaceLog.use { log in
            let asked = ["XINFO STREAM s FULL COUNT 0", "XPENDING s g", "XINFO GROUPS s"]
            let face = try log.face("--set", "redis.exact=\(exact)")
            let client = try Wire(port: face.port)
            for line in KilledFaceTests.history { #expect(try !client.say(line).hasPrefix("-"), "\(line)") }
            let before = try asked.map { try client.say($0) }
            #expect(try face.process.killNow().signal == SIGKILL)

            let again = try log.face("--set", "redis.exact=\(exact)")
            let other = try Wire(port: again.port)
            #expect(try asked.map { try other.say($0) } == before)
            // Each of the four, by itself.
            let pending = try other.say("XPENDING s g - + 10")
            let counts = pending.split(separator: "\r\n").filter { $0.hasPrefix(":") }.enumerated()
                .filter { $0.offset % 2 == 1 }.map { $0.element.dropFirst() }
            #expect(counts == ["3", "2", "7"])  // 1-1 thrice, 2-1 twice (and it is deleted), 3-1 as claimed
            #expect(pending.contains("2-1"))
            let groups = try other.say("XINFO GROUPS s")
            #expect(groups.contains("entries-read\r\n:4\r\n"))
            #expect(try other.say("XINFO CONSUMERS s g").contains("$4\r\nidle\r\n$7\r\npending\r\n:0\r\n"))
            #expect(try other.say("XREADGROUP GROUP g anna STREAMS s 1-1").contains("2-1\r\n*-1\r\n"))
            #expect(try again.stop().status == 0)
        }
    }
}
