// `backstop serve --resp` as a real process, on a port that the kernel gives.

import Foundation
import Glibc

package final class RespFace {
    package let port: Int
    package let process: RunningProgram

    /// - Parameter environment: with BACKSTOP_LOG. The log is made where it is missing.
    package init(
        _ arguments: [String] = [], folder: String, environment: [String: String], program: String = Program.path
    ) throws {
        process = try RunningProgram(
            ["serve", "--init", "--resp", "127.0.0.1:0"] + arguments, folder: folder, environment: environment,
            piped: .nothing, program: program)
        port = try RespFace.port(of: process)
    }

    /// `resp-scratch` in place of the log that is kept; its own folder is made in `folder`.
    package init(scratchIn folder: String) throws {
        process = try RunningProgram(
            ["--port", "0"], folder: folder, environment: ["PATH": "/usr/bin:/bin", "TMPDIR": folder],
            piped: .nothing, program: RespFace.scratchPath)
        port = try RespFace.port(of: process)
    }

    private static func port(of process: RunningProgram) throws -> Int {
        let limit = ContinuousClock.now + .seconds(Program.secondsMax)
        while true {
            let said = process.errors
            if let from = said.range(of: "resp listening on 127.0.0.1:"),
                let port = Int(said[from.upperBound...].prefix { $0.isNumber })
            {
                return port
            }
            guard process.isRunning, ContinuousClock.now < limit else { throw Trouble("no face: \(said)") }
            _ = poll(nil, 0, 5)
        }
    }

    package func connect(wholeErrors: Bool = false) throws -> RedisConnection {
        guard let connection = RedisConnection(port: port, wholeErrors: wholeErrors) else {
            throw Trouble("nobody answers on port \(port): \(process.errors.suffix(500))")
        }
        return connection
    }

    /// SIGTERM, and its end.
    package func stop() throws -> Finished {
        process.send(SIGTERM)
        return try process.finish()
    }
}

extension RespFace {
    /// Beside `backstop`.
    package static var scratchPath: String {
        Program.path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            + "/resp-scratch"
    }
}
