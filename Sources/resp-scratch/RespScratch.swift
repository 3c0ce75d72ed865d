// The command line: a Redis face on an empty log that is thrown away at the end, for test suites of the Redis world.
// It must never be given a log that somebody keeps: there is no option for one.

import ArgumentParser
import Foundation
import RespServer

@main
struct RespScratch: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resp-scratch",
        abstract: "The Redis face of Backstop for test suites: an empty log in a temporary folder, removed at the end.",
        discussion: """
            All that `backstop serve --resp` has, with Redis' lag and Redis' DELCONSUMER, and what suites need beside it:
            FLUSHALL, FLUSHDB, FUNCTION FLUSH, SELECT 0 to 15, CONFIG, CLIENT KILL, RENAME, DEL, XSETID, and strings,
            lists, sets and hashes, in memory. One command runs at a time, and each write is a commit on disk. Only this
            machine may connect. `backstop` has none of these commands.

            Examples:
              resp-scratch                                     on 127.0.0.1:6399
              resp-scratch --port 0                            prints the port that it got
              TMPDIR=/dev/shm resp-scratch --port 7000         in memory: faster, and nothing here is to be kept
              redis-cli -p 6399 FLUSHALL

            Exit status: 0 stopped by SIGTERM or SIGINT, 2 could not run.
            """)

    @Option(help: "Address to listen on; only this machine's own.") var host = "127.0.0.1"
    @Option(help: "Port to listen on; 0 takes a free one.") var port = 6_399

    static func main() {
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch { end(error) }
    }

    private static func end(_ error: any Error) -> Never {
        let isUsage = exitCode(for: error) == .validationFailure
        guard isUsage || exitCode(for: error) == .success else {
            FileHandle.standardError.write(Data("resp-scratch: \(error)\n".utf8))
            Foundation.exit(2)
        }
        let text = fullMessage(for: error) + "\n"
        (isUsage ? FileHandle.standardError : FileHandle.standardOutput).write(Data(text.utf8))
        Foundation.exit(isUsage ? 2 : 0)
    }

    private var address: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    func validate() throws {
        do { _ = try RespAddress(address) } catch { throw ValidationError("\(error)") }
    }

    func run() throws { try ScratchServer.run(at: try RespAddress(address)) }
}
