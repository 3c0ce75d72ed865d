// A real redis-server from Debian as an oracle: one process on a unix socket of its own, one connection over
// hiredis, replies as values that can be compared.

import Foundation
import Glibc
import Processes

/// A reply, of Redis or of ours.
package enum Reply: Equatable, CustomStringConvertible {
    case null
    case integer(Int64)
    case text(String)
    /// Its first word: what clients tell errors apart by.
    case error(String)
    case list([Reply])
    /// Ours only: a time or an age in milliseconds that two clocks made; equal within `Reply.slackMilliseconds`.
    case about(Int64)

    /// Times that commands set lie further apart than this; times of two processes do not.
    static let slackMilliseconds: Int64 = 60_000

    package var description: String {
        switch self {
        case .null: "nil"
        case .integer(let value): "\(value)"
        case .text(let text): "\"\(text)\""
        case .error(let word): "(error) \(word)"
        case .list(let items): "[\(items.map(\.description).joined(separator: ", "))]"
        case .about(let value): "~\(value)"
        }
    }

    /// Whether ours is what Redis says.
    func agrees(withRedis redis: Reply) -> Bool {
        switch (self, redis) {
        case (.about(let ours), .integer(let theirs)): abs(ours - theirs) <= Reply.slackMilliseconds
        case (.list(let ours), .list(let theirs)):
            ours.count == theirs.count && zip(ours, theirs).allSatisfy { $0.agrees(withRedis: $1) }
        default: self == redis
        }
    }
}

package final class RedisServer {
    private let process: ChildProcess
    let connection: RedisConnection
    package let socket: String

    /// Starts `redis-server` in `folder` and connects.
    package init(folder: String) throws {
        socket = folder + "/redis.sock"
        process = try ChildProcess(
            "/usr/bin/redis-server",
            [
                "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", folder,
                "--stream-node-max-entries", "100",
            ], input: .null, output: .null, errors: .null)
        guard let connected = RedisServer.connect(socket, while: process) else {
            process.send(SIGKILL)
            throw Trouble("redis-server did not answer on \(socket)")
        }
        connection = connected
    }

    deinit {
        process.send(SIGKILL)
        _ = process.wait(seconds: 5)
    }

    private static func connect(_ socket: String, while process: ChildProcess) -> RedisConnection? {
        let limit = ContinuousClock.now + .seconds(Program.secondsMax)
        while ContinuousClock.now < limit, process.isRunning {
            if let connection = RedisConnection(socket: socket) { return connection }
            poll(nil, 0, 5)
        }
        return nil
    }

    func serverVersion() throws -> String {
        guard case .text(let info) = try run(["INFO", "server"]) else { throw Trouble("INFO gave no text") }
        let line = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("redis_version:") }
        return line.map { String($0.dropFirst(14)) } ?? "unknown"
    }

    func run(_ arguments: [String]) throws -> Reply { try connection.run(arguments) }
    func send(_ arguments: [String]) throws { try connection.send(arguments) }
    func receive() throws -> Reply { try connection.receive() }
}
