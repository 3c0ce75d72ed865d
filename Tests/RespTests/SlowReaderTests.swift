// A reader that does not read: its commands wait, and after the bound it is closed; others go on.

import EventLog
import Events
import Foundation
import Domain
import Logging
import Programmes
import RespServer
import Testing

@Suite struct SlowReaderTests {
    @Test func whoDoesNotReadIsClosed() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/resp-test-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }  // what cannot be removed harms no test
        let options = LogOptions(bytesMax: .max, reserveBytes: 0, clock: .system, version: "tests")
        _ = try EventLog.create(at: folder, options: options)
        let log = try EventLog(at: folder, mode: .writing, rules: EventRules.rules, options: options)
        defer { log.close() }
        var face = RespOptions(address: try RespAddress("127.0.0.1:0"))
        face.stallMilliseconds = 200
        let server = RespServer(
            log, board: try HaltBoard(log, views: nil),
            ending: HaltEnding(policy: ResumePolicy(), look: nil), options: face, logger: Logger(label: "tests"))
        let port = try server.listen()
        let ended = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            do { try server.run() } catch { Issue.record(error) }
            ended.signal()
        }
        let (slow, good) = (try Wire(port: port), try Wire(port: port))
        let value = String(repeating: "v", count: 200_000)
        for number in 1...20 { _ = try good.ask("XADD", "s", "\(number)-1", "f", value) }
        // 400 MB of answers to somebody who takes none.
        try slow.send((0..<100).flatMap { _ in Wire.encode(["XRANGE", "s", "-", "+"]) })
        let limit = ContinuousClock.now + .seconds(60)
        while try good.say("INFO clients").contains("connected_clients:2"), ContinuousClock.now < limit {}
        #expect(try good.say("INFO clients").contains("connected_clients:1"))
        #expect(try good.say("PING") == "+PONG\r\n")
        server.stop()
        ended.wait()
    }
}
