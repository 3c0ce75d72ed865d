// Logs of tests: made, lent, verified, removed.

import Foundation
import Glibc
package import Programmes
package import Testing

/// Makes a log, lends it, verifies and audits it, removes it.
package func withTradingLog(
    _ exchange: Exchange, location: SourceLocation = #_sourceLocation, _ body: (TradingLog) throws -> Void
) throws {
    try withTradingLogs(1, exchange, location: location) { try body($0[0]) }
}

package func withTradingLogs(
    _ count: Int, _ exchange: Exchange, location: SourceLocation = #_sourceLocation,
    _ body: ([TradingLog]) throws -> Void
) throws {
    let logs = (0..<count).map { _ in
        TradingLog(
            folder: FileManager.default.temporaryDirectory.path + "/backstop-test-" + UUID().uuidString,
            exchange: exchange)
    }
    defer { for log in logs { try? FileManager.default.removeItem(atPath: log.folder) } }  // harms no test
    for log in logs {
        try FileManager.default.createDirectory(atPath: log.folder, withIntermediateDirectories: true)
    }
    try expectDone(try logs.map { try $0.start(["init"]) }, location: location)
    try body(logs)
    try expectDone(try logs.map { try $0.start(["verify"]) }, location: location)
    try expectDone(try logs.map { try $0.start(["audit"]) }, location: location)
}

package func expectKilled(_ victims: [RunningProgram], location: SourceLocation = #_sourceLocation) throws {
    for victim in victims {
        let finished = try victim.finish()
        #expect(finished.signal == SIGKILL, "its failpoint is not reached: \(finished)", sourceLocation: location)
    }
}

package func expectDone(_ programs: [RunningProgram], location: SourceLocation = #_sourceLocation) throws {
    for program in programs {
        let finished = try program.finish()
        #expect(finished.status == 0, "\(finished)", sourceLocation: location)
    }
}
