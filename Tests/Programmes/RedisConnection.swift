// One connection over hiredis, to Redis or to whatever speaks as Redis does.

import CHiredis
import Glibc

package final class RedisConnection {
    private let context: UnsafeMutablePointer<redisContext>
    /// Errors with their whole text, not with their first word alone.
    private let wholeErrors: Bool

    /// Nil: nobody answers there.
    package convenience init?(socket: String, wholeErrors: Bool = false) {
        self.init(redisConnectUnix(socket), wholeErrors)
    }

    package convenience init?(port: Int, wholeErrors: Bool = false) {
        self.init(redisConnect("127.0.0.1", Int32(port)), wholeErrors)
    }

    private init?(_ connected: UnsafeMutablePointer<redisContext>?, _ wholeErrors: Bool) {
        guard let connected else { return nil }
        guard connected.pointee.err == 0, redisSetTimeout(connected, timeval(tv_sec: 60, tv_usec: 0)) == REDIS_OK else {
            redisFree(connected)
            return nil
        }
        context = connected
        self.wholeErrors = wholeErrors
    }

    deinit { redisFree(context) }

    package func run(_ arguments: [String]) throws -> Reply {
        try send(arguments)
        return try receive()
    }

    /// Sends a command and does not wait: Redis works while its caller does.
    package func send(_ arguments: [String]) throws {
        var pointers: [UnsafePointer<CChar>?] = arguments.map { UnsafePointer(strdup($0)) }
        defer { for pointer in pointers { free(UnsafeMutablePointer(mutating: pointer)) } }
        let lengths = arguments.map(\.utf8.count)
        redisAppendCommandArgv(context, Int32(arguments.count), &pointers, lengths)
        var isDone: Int32 = 0
        while isDone == 0 {
            guard redisBufferWrite(context, &isDone) == REDIS_OK else {
                throw Trouble("the server is gone before \(arguments)")
            }
        }
    }

    /// The reply to the oldest command that was sent.
    package func receive() throws -> Reply {
        var answer: UnsafeMutableRawPointer?
        guard redisGetReply(context, &answer) == REDIS_OK, let answer else {
            throw Trouble("the server is gone: a reply is missing")
        }
        defer { freeReplyObject(answer) }
        return reply(answer.assumingMemoryBound(to: redisReply.self))
    }

    private func reply(_ from: UnsafeMutablePointer<redisReply>) -> Reply {
        let found = from.pointee
        switch found.type {
        case REDIS_REPLY_NIL: return .null
        case REDIS_REPLY_INTEGER: return .integer(found.integer)
        case REDIS_REPLY_ARRAY:
            return .list((0..<found.elements).map { place in reply(found.element[place]!) })
        case REDIS_REPLY_ERROR:
            let text = String(decoding: UnsafeRawBufferPointer(start: found.str, count: found.len), as: UTF8.self)
            return .error(wholeErrors ? text : String(text.prefix { $0 != " " }))
        default:
            return .text(String(decoding: UnsafeRawBufferPointer(start: found.str, count: found.len), as: UTF8.self))
        }
    }
}
