// What a user stream does next: keys, connections, renewals, waits and losses, as one state machine. Pure: each input
// is a method that returns the actions which the shell performs, in that order; `now` is the monotonic clock.
// It must never tell anything of a connection that it has dropped, nor anything at all after `close`. The simulation runs
// it, too.

internal import Records

package enum StreamAction: Equatable {
    case askKey(attempt: Int)
    case renewKey(attempt: Int)
    case connect(ListenKey, attempt: Int)
    /// The attempt's connection, whether it stands or is being made.
    case drop(attempt: Int)
    case closeKey
    case tell(StreamNotice)
}

package struct StreamCourse {
    private let settings: StreamPacing
    private var state = State.idle
    /// Numbers the attempts: what speaks of an earlier one is not heard.
    private var attempt = 0
    /// In a row, not counting those after a good connection.
    private var failures = 0

    private enum State: Equatable {
        case idle
        case waiting(until: Int64)
        case asking(since: Int64)
        case connecting(Key, until: Int64)
        case live(Connection)
        case closed
    }

    private struct Key: Equatable {
        let key: ListenKey
        /// Counted from the moment in which it was asked for.
        var endsAt: Int64
    }

    private struct Connection: Equatable {
        var key: Key
        let since: Int64
        var heardAt: Int64
        var renewAt: Int64
        /// Nil: nobody is asked now.
        var renewingSince: Int64?
        var renewalProblem: String?
    }

    package init(_ settings: StreamPacing) { self.settings = settings }

    // MARK: Inputs

    package mutating func start(now: Int64) -> [StreamAction] {
        precondition(state == .idle, "a stream starts once")
        return ask(now)
    }

    package mutating func take(key answer: Answer<ListenKey>, attempt: Int, now: Int64) -> [StreamAction] {
        guard case .asking(let since) = state, attempt == self.attempt else { return [] }
        guard case .accepted(let key) = answer else { return fail(StreamLoss(noKey: answer), now) }
        state = .connecting(
            Key(key: key, endsAt: since + settings.keyMilliseconds), until: now + settings.connectMilliseconds)
        return [.connect(key, attempt: attempt)]
    }

    package mutating func take(renewal answer: Answer<ListenKey?>, attempt: Int, now: Int64) -> [StreamAction] {
        guard case .live(var connection) = state, attempt == self.attempt, let since = connection.renewingSince
        else { return [] }
        connection.renewingSince = nil
        switch answer {
        case .accepted(let key):
            if let key, key != connection.key.key { return lose(.keyExpired, "another key has taken its place", now) }
            connection.key.endsAt = since + settings.keyMilliseconds
            connection.renewAt = since + settings.renewalMilliseconds
            connection.renewalProblem = nil
        case .rejected(let rejection) where rejection.code == StreamCourse.noSuchKey:
            return lose(.keyExpired, "the exchange does not know it any more", now)
        case .rejected, .throttled, .unknown, .notSent:
            connection.renewAt = now + settings.renewalRetryMilliseconds
            connection.renewalProblem = StreamLoss(noKey: answer).text
        }
        state = .live(connection)
        return []
    }

    /// - Parameter wall: now, by the wall clock.
    package mutating func opened(attempt: Int, now: Int64, wall: Int64) -> [StreamAction] {
        guard case .connecting(let key, _) = state, attempt == self.attempt else { return [] }
        let renewAt = key.endsAt - settings.keyMilliseconds + settings.renewalMilliseconds
        state = .live(Connection(key: key, since: now, heardAt: now, renewAt: renewAt))
        return [.tell(.connected(at: Timestamp(milliseconds: wall)))]
    }

    /// A frame came, of whatever kind.
    package mutating func heard(attempt: Int, now: Int64) {
        guard case .live(var connection) = state, attempt == self.attempt else { return }
        connection.heardAt = now
        state = .live(connection)
    }

    package mutating func take(_ notice: StreamNotice, attempt: Int, now: Int64) -> [StreamAction] {
        guard case .live = state, attempt == self.attempt else { return [] }
        guard notice == .event(.listenKeyExpired) else { return [.tell(notice)] }
        return [.tell(notice)] + lose(.keyExpired, "the exchange says so", now)
    }

    package mutating func lost(_ loss: StreamLoss, attempt: Int, now: Int64) -> [StreamAction] {
        guard attempt == self.attempt else { return [] }
        switch state {
        case .connecting, .live: return fail(loss, now)
        case .idle, .waiting, .asking, .closed: return []
        }
    }

    /// The time has come, or not yet: then nothing happens.
    package mutating func tick(now: Int64) -> [StreamAction] {
        switch state {
        case .idle, .asking, .closed: return []
        case .waiting(let end): return now < end ? [] : ask(now)
        case .connecting(_, let end):
            return now < end ? [] : lose(.timedOut, "no stream within \(settings.connectMilliseconds) ms", now)
        case .live(let connection): return tick(connection, now)
        }
    }

    /// When `tick` is due; nil: it is not.
    package var wakeAt: Int64? {
        switch state {
        case .idle, .asking, .closed: nil
        case .waiting(let end), .connecting(_, let end): end
        case .live(let connection):
            min(
                connection.heardAt + settings.silenceMilliseconds, connection.since + settings.connectionMilliseconds,
                connection.key.endsAt, connection.renewingSince == nil ? connection.renewAt : .max)
        }
    }

    /// Told once; afterwards every input is without effect.
    package mutating func close() -> [StreamAction] {
        guard state != .closed else { return [] }
        let hasKey: Bool
        switch state {
        case .idle, .waiting, .asking, .closed: hasKey = false
        case .connecting, .live: hasKey = true
        }
        state = .closed
        return [.drop(attempt: attempt)] + (hasKey && settings.closesKey ? [.closeKey] : [])
            + [.tell(.disconnected(StreamLoss(reason: .closed, text: "the stream was closed")))]
    }

    // MARK: What follows

    private static let noSuchKey = -1125

    private mutating func tick(_ connection: Connection, _ now: Int64) -> [StreamAction] {
        if now >= connection.heardAt + settings.silenceMilliseconds {
            return lose(.silent, "no frame for \(settings.silenceMilliseconds) ms", now)
        }
        if now >= connection.key.endsAt {
            let problem = connection.renewalProblem.map { ": " + $0 } ?? ""
            return lose(.keyExpired, "it could not be extended" + problem, now)
        }
        if now >= connection.since + settings.connectionMilliseconds { return renew(now) }
        guard connection.renewingSince == nil, now >= connection.renewAt else { return [] }
        var asking = connection
        asking.renewingSince = now
        state = .live(asking)
        return [.renewKey(attempt: attempt)]
    }

    /// Asks for the key each time: a live one is given again, and extended.
    private mutating func ask(_ now: Int64) -> [StreamAction] {
        attempt += 1
        state = .asking(since: now)
        return [.askKey(attempt: attempt)]
    }

    /// A good connection has grown old. There is nothing to wait for.
    private mutating func renew(_ now: Int64) -> [StreamAction] {
        let loss = StreamLoss(reason: .renewed, text: "it stood for \(settings.connectionMilliseconds) ms")
        return [.drop(attempt: attempt), .tell(.disconnected(loss))] + ask(now)
    }

    private mutating func lose(_ reason: StreamLoss.Reason, _ text: String, _ now: Int64) -> [StreamAction] {
        fail(StreamLoss(reason: reason, text: text), now)
    }

    private mutating func fail(_ loss: StreamLoss, _ now: Int64) -> [StreamAction] {
        if case .live(let connection) = state, now - connection.since >= settings.stableMilliseconds { failures = 0 }
        let hadConnection = if case .asking = state { false } else { true }
        state = .waiting(until: now + wait())
        failures += 1
        return (hadConnection ? [.drop(attempt: attempt)] : []) + [.tell(.disconnected(loss))]
    }

    /// Doubled with each failure up to its bound; half of it is chance, so that not all clients of an exchange that
    /// was down come back in one moment.
    private func wait() -> Int64 {
        var whole = settings.backoffMillisecondsMin
        for _ in 0..<min(failures, 62) where whole < settings.backoffMillisecondsMax { whole *= 2 }
        whole = min(whole, settings.backoffMillisecondsMax)
        return settings.random(whole / 2...whole)
    }
}
