// A real redis-server from Debian as an oracle: one process on a unix socket of its own, one connection over
// hiredis, replies as values that can be compared.

import CHiredis
import Foundation
import Glibc
import Processes

/// A reply, of Redis or of ours.
enum Reply: Equatable, CustomStringConvertible {
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

    var description: String {
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

final class RedisServer {
    private let process: ChildProcess
    private let context: UnsafeMutablePointer<redisContext>

    /// Starts `redis-server` in `folder` and connects.
    init(folder: String) throws {
        let socket = folder + "/redis.sock"
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
        context = connected
    }

    deinit {
        redisFree(context)
        process.send(SIGKILL)
        _ = process.wait(seconds: 5)
    }

    private static func connect(_ socket: String, while process: ChildProcess) -> UnsafeMutablePointer<redisContext>? {
        let limit = ContinuousClock.now + .seconds(Program.secondsMax)
        while ContinuousClock.now < limit, process.isRunning {
            if let context = redisConnectUnix(socket) {
                if context.pointee.err == 0, redisSetTimeout(context, timeval(tv_sec: 60, tv_usec: 0)) == REDIS_OK {
                    return context
                }
                redisFree(context)
            }
            poll(nil, 0, 5)
        }
        return nil
    }

    func serverVersion() throws -> String {
        guard case .text(let info) = try run(["INFO", "server"]) else { throw Trouble("INFO gave no text") }
        let line = info.split(whereSeparator: \.isNewline).first { $0.hasPrefix("redis_version:") }
        return line.map { String($0.dropFirst(14)) } ?? "unknown"
    }

    func run(_ arguments: [String]) throws -> Reply {
        try send(arguments)
        return try receive()
    }

    /// Sends a command and does not wait: Redis works while its caller does.
    func send(_ arguments: [String]) throws {
        var pointers: [UnsafePointer<CChar>?] = arguments.map { UnsafePointer(strdup($0)) }
        defer { for pointer in pointers { free(UnsafeMutablePointer(mutating: pointer)) } }
        let lengths = arguments.map(\.utf8.count)
        redisAppendCommandArgv(context, Int32(arguments.count), &pointers, lengths)
        var isDone: Int32 = 0
        while isDone == 0 {
            guard redisBufferWrite(context, &isDone) == REDIS_OK else {
                throw Trouble("redis-server is gone before \(arguments)")
            }
        }
    }

    /// The reply to the oldest command that was sent.
    func receive() throws -> Reply {
        var answer: UnsafeMutableRawPointer?
        guard redisGetReply(context, &answer) == REDIS_OK, let answer else {
            throw Trouble("redis-server is gone: a reply is missing")
        }
        defer { freeReplyObject(answer) }
        return RedisServer.reply(answer.assumingMemoryBound(to: redisReply.self))
    }

    private static func reply(_ from: UnsafeMutablePointer<redisReply>) -> Reply {
        let found = from.pointee
        switch found.type {
        case REDIS_REPLY_NIL: return .null
        case REDIS_REPLY_INTEGER: return .integer(found.integer)
        case REDIS_REPLY_ARRAY:
            return .list((0..<found.elements).map { place in reply(found.element[place]!) })
        case REDIS_REPLY_ERROR:
            let text = String(decoding: UnsafeRawBufferPointer(start: found.str, count: found.len), as: UTF8.self)
            return .error(String(text.prefix { $0 != " " }))
        default:
            return .text(String(decoding: UnsafeRawBufferPointer(start: found.str, count: found.len), as: UTF8.self))
        }
    }
}
