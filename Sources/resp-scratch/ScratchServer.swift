// The throw-away log, the server on it, and their end.

import Domain
import EventLog
import Events
import Foundation
import Logging
import Processes
import Records
import RespServer
import Services
import Synchronization

enum ScratchServer {
    /// Until a signal; then the folder is gone.
    static func run(at address: RespAddress) throws {
        var logger = Logger(label: "resp-scratch") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .info
        let folder = FileManager.default.temporaryDirectory.path + "/resp-scratch-\(UUID().uuidString)"
        defer {
            do { try FileManager.default.removeItem(atPath: folder) } catch {
                logger.error("\(folder) is left behind: \(error)")
            }
        }
        let options = LogOptions(bytesMax: .max, reserveBytes: 0, clock: .system, version: "resp-scratch")
        _ = try EventLog.create(at: folder, options: options)
        let log = try EventLog(at: folder, mode: .writing, rules: EventRules.rules, options: options)
        defer { log.close() }
        var face = RespOptions(address: address)
        face.exact = true
        face.version = "resp-scratch"
        face.extension = ScratchFace()
        let server = RespServer(
            log, board: try HaltBoard(log, views: nil), ending: HaltEnding(policy: ResumePolicy(), look: nil),
            options: face, logger: logger)
        try StopSignals.listen { _ in server.stop() }
        do { _ = try server.listen() } catch { throw CannotRun("\(address): cannot listen: \(error)") }
        try server.run()
    }
}

struct CannotRun: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
