// What `backstop serve` costs while nothing happens: CPU time a minute, and memory, after its start is over.

import EventLog
import Foundation
import Records

extension LogBench {
    static func idle(_ folder: String, seconds: Int) throws {
        let log = try openLog(folder)  // made where it is missing
        let records = try log.head().sequence.rawValue
        log.close()
        // No setting of the machine's reaches it.
        let serve = try Child(
            "backstop", ["serve", "--roles", "router", "--log", folder], reads: .errors, environment: [:])
        while let line = serve.line(), !line.contains(" listening on ") { note(line) }
        guard serve.isRunning else { fail("serve did not start\n") }
        let startSeconds = try waitUntilQuiet(serve)
        let before = try serve.cpuNanoseconds()
        sleep(UInt32(seconds))
        let used = try serve.cpuNanoseconds() - before
        let memory = serve.anonymousKilobytes()
        guard serve.isRunning else { fail("serve ended while it was idle\n") }
        serve.stop()
        print(
            String(
                format: "{\"peer\":\"backstop\",\"mode\":\"idle\",\"records\":%d,\"seconds\":%d,"
                    + "\"cpu_ms_per_minute\":%.2f,\"rss_anonymous_kb\":%d,\"start_seconds\":%d}",
                records, seconds, Double(used) / 1e6 * 60 / Double(seconds), memory, startSeconds))
    }

    /// Views are built at the start: it is over when a whole second took less than 2 % of a core. Then, or
    /// after five minutes, whatever is used is what idling costs.
    private static func waitUntilQuiet(_ serve: Child) throws -> Int {
        for second in 1...300 {
            let before = try serve.cpuNanoseconds()
            sleep(1)
            if try serve.cpuNanoseconds() - before < 20_000_000 { return second }
        }
        return 300
    }

    static func note(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }
}
