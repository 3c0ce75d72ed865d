// One blocking connection to Redis over hiredis. It belongs to one thread. Any error ends it: what was on its way may
// have been done or not, and whoever used it looks again over a new one. Never redisCommand (a format can be wrong), never an
// answer without a cap, never a wait without a limit.

internal import CHiredis
internal import Glibc
internal import Records

/// A command's words.
typealias RedisCommand = [[UInt8]]

func redis(_ words: String...) -> RedisCommand { words.map { Array($0.utf8) } }

final class RedisLink {
    private let context: UnsafeMutablePointer<redisContext>
    private let budget = ReplyBudget()
    private let waitMilliseconds: Int

    /// Connects, and says who it is.
    /// - Parameter blockMilliseconds: for how long its commands block on purpose; an answer may come later by
    ///   `Limits.redisAnswerMillisecondsMax`.
    init(_ address: RedisAddress, blockMilliseconds: Int) throws(RedisTrouble) {
        let limit = RedisLink.time(Limits.redisConnectMillisecondsMax)
        guard let made = redisConnectWithTimeout(address.host, Int32(address.port), limit) else {
            throw .dead("\(address): no memory for a connection")
        }
        context = made
        waitMilliseconds = blockMilliseconds + Limits.redisAnswerMillisecondsMax
        made.pointee.reader?.pointee.fn = ReplyBuilder.functions
        made.pointee.reader?.pointee.privdata = Unmanaged.passUnretained(budget).toOpaque()
        guard made.pointee.err == 0 else { throw .dead("\(address): \(RedisLink.text(made))") }
        guard redisSetTimeout(made, RedisLink.time(waitMilliseconds)) == REDIS_OK else {
            throw .dead("\(address): no time-out can be set")
        }
        _ = redisEnableKeepAlive(made)  // without it a dead peer is found by the time-out alone
        if let password = address.password {
            let user = address.user.isEmpty ? [] : [Array(address.user.utf8)]
            try expectOK([Array("AUTH".utf8)] + user + [Array(password.utf8)])
        }
        if address.database != 0 { try expectOK(redis("SELECT", "\(address.database)")) }
    }

    deinit { redisFree(context) }

    private static func time(_ milliseconds: Int) -> timeval {
        timeval(tv_sec: milliseconds / 1_000, tv_usec: milliseconds % 1_000 * 1_000)
    }

    private static func text(_ context: UnsafeMutablePointer<redisContext>) -> String {
        let text = withUnsafeBytes(of: context.pointee.errstr) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        return text.isEmpty ? "error \(context.pointee.err)" : text
    }

    // MARK: Asking

    /// Errors of Redis come as `RedisReply.error`.
    func run(_ command: RedisCommand) throws(RedisTrouble) -> RedisReply { try run([command])[0] }

    /// As one write; answers in the order of the commands.
    func run(_ commands: [RedisCommand]) throws(RedisTrouble) -> [RedisReply] {
        for command in commands { append(command) }
        var isDone: Int32 = 0
        while isDone == 0 {
            guard redisBufferWrite(context, &isDone) == REDIS_OK else { throw dead() }
        }
        var replies: [RedisReply] = []
        replies.reserveCapacity(commands.count)
        for _ in commands { replies.append(try receive()) }
        return replies
    }

    func expectOK(_ command: RedisCommand) throws(RedisTrouble) {
        let reply = try run(command)
        if case .error(let text) = reply { throw .refused(text) }
        guard reply.isOK else {
            throw .nonsense(command: String(decoding: command[0], as: UTF8.self), answer: reply.summary)
        }
    }

    private func append(_ command: RedisCommand) {
        let lengths = command.map(\.count)
        var joined: [UInt8] = []
        for word in command {
            joined += word
            joined.append(0)
        }
        joined.withUnsafeBufferPointer { bytes in
            var at = 0
            var words: [UnsafePointer<CChar>?] = []
            words.reserveCapacity(lengths.count)
            for length in lengths {
                words.append(UnsafeRawPointer(bytes.baseAddress! + at).assumingMemoryBound(to: CChar.self))
                at += length + 1
            }
            let status = redisAppendCommandArgv(context, Int32(lengths.count), &words, lengths)
            precondition(status == REDIS_OK, "there is memory for a command")
        }
    }

    /// The whole answer in time, or nothing: a server that trickles must not hold a thread for ever.
    private func receive() throws(RedisTrouble) -> RedisReply {
        let limit = ContinuousClock.now + .milliseconds(waitMilliseconds)
        budget.begin()
        while true {
            guard let reader = context.pointee.reader else { throw .dead("the connection has no reader") }
            var root: UnsafeMutableRawPointer?
            guard redisReaderGetReply(reader, &root) == REDIS_OK else {
                if budget.isExceeded { throw .replyTooLarge }
                let why = withUnsafeBytes(of: reader.pointee.errstr) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                throw .dead("not an answer of Redis: \(why)")
            }
            if let root { return ReplyBuilder.take(root) }
            guard reader.pointee.len - reader.pointee.pos <= Limits.redisReplyBytesMax else { throw .replyTooLarge }
            guard ContinuousClock.now < limit else { throw .dead("no answer within \(waitMilliseconds) ms") }
            guard redisBufferRead(context) == REDIS_OK else { throw dead() }
        }
    }

    private func dead() -> RedisTrouble {
        if context.pointee.err == REDIS_ERR_IO, errno == EAGAIN {
            return .dead("no answer within \(waitMilliseconds) ms")
        }
        return .dead(RedisLink.text(context))
    }
}
