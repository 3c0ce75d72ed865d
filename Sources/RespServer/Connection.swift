// One client's connection: bytes in, commands in order, replies in order. What arrives together and may share a commit
// does: it goes to the writer as one closure. While a command is under way, or the client does not read its replies, no
// other begins, and beyond a bound nothing more is read. Belongs to its event loop.

internal import EventLog
internal import NIOCore
internal import Records

final class Connection: ChannelDuplexHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private unowned let server: ConnectionHost
    private let execution: Execution
    private(set) var session: Session
    private let since = ContinuousClock.now
    private var parser = RespParser()
    /// Was read, and did not fit to what was before it.
    private var ahead: Words?
    private var context: ChannelHandlerContext?
    /// A command is with the writer, the exchange, or waits for entries.
    private var isBusy = false
    private var isEnding = false
    /// What is said before the end, after the replies to what came before.
    private var parting: RespValue?
    private var hasEnded = false
    private var isInputOver = false
    private var wantsRead = false
    private var isAdvancing = false
    private var stall: Scheduled<Void>?
    private var outputAtStall = -1
    private var lastError: String?

    init(session: Session, server: ConnectionHost, execution: Execution) {
        self.session = session
        self.server = server
        self.execution = execution
    }

    var line: String {
        let age = Int((ContinuousClock.now - since) / .seconds(1))
        let multi = session.queue.map { "\($0.commands.count)" } ?? "-1"
        return
            "id=\(session.id) addr=\(session.address) laddr=\(session.localAddress) fd=-1 name=\(session.name) age=\(age) idle=0 flags=\(isBlocked ? "b" : "N") db=\(session.database) sub=0 psub=0 ssub=0 multi=\(multi) cmd=\(session.lastCommand) user=\(session.user?.name ?? RespUsers.defaultName) redir=-1 resp=\(session.version.rawValue)"
    }
    private var isBlocked = false
    /// Whoever runs a command has said who it is.
    private var user: RespUser { session.user ?? .everybody }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelActive(context: ChannelHandlerContext) {
        server.opened(self)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        parser.append(unwrapInboundIn(data).readableBytesView)
        advance()
    }

    func channelInactive(context: ChannelHandlerContext) {
        gone()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed = event {
            isInputOver = true
            // Who waits and cannot say anything any more is served nothing.
            if isBlocked { close() } else { advance() }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { close() }

    /// Nothing is read while what was read waits.
    func read(context: ChannelHandlerContext) {
        if mayRead { context.read() } else { wantsRead = true }
    }

    private var mayRead: Bool {
        if isEnding { return false }
        let canAdvance = !isBusy && context?.channel.isWritable == true
        return canAdvance || parser.waitingBytes < Limits.respBatchBytesMax
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            stall?.cancel()
            stall = nil
            advance()
        } else if stall == nil {
            outputAtStall = -1
            watchStall()
        }
        context.fireChannelWritabilityChanged()
    }

    /// Closes when nothing was taken since the last look.
    private func watchStall() {
        guard let context, !context.channel.isWritable else { return }
        let waiting = bufferedBytes(context.channel)
        if outputAtStall >= 0, waiting >= outputAtStall {
            server.stalled(self)
            return close()
        }
        outputAtStall = waiting
        stall = context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(server.stallMilliseconds)) {
            self.watchStall()
        }
    }

    private func bufferedBytes(_ channel: any Channel) -> Int {
        do { return try channel.syncOptions?.getOption(.bufferedWritableBytes) ?? .max } catch { return .max }
    }

    private func gone() {
        guard !hasEnded else { return }
        (hasEnded, isEnding) = (true, true)
        stall?.cancel()
        context = nil
        server.closed(self)
    }

    private func close() {
        isEnding = true
        context?.close(promise: nil)
    }

    /// By CLIENT KILL.
    func kill(isAsking: Bool) {
        if isAsking { isEnding = true } else { close() }
    }

    /// What is under way is answered first.
    func drain() {
        if isBlocked || !isBusy { end() } else { isEnding = true }
    }

    // MARK: Replies

    private func reply(_ value: RespValue) {
        if case .error(let text) = value {
            server.countError()
            lastError = text
            execution.extension?.failed(text)
        }
        guard let context, !hasEnded else { return }
        let bytes = value.encoded(session.version)
        context.write(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
    }

    /// The command that was under way has its replies.
    private func finish(_ replies: [RespValue]) {
        (isBusy, isBlocked) = (false, false)
        for value in replies { reply(value) }
        if isEnding { return end() }
        advance()
    }

    /// Closes when everything that was said has left.
    private func end() {
        guard let context, !hasEnded else { return }
        isEnding = true
        if let parting { reply(parting) }
        parting = nil
        let left = context.eventLoop.makePromise(of: Void.self)
        left.futureResult.whenComplete { _ in self.close() }
        context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(capacity: 0)), promise: left)
    }

    // MARK: Commands in order

    private func advance() {
        guard !isAdvancing else { return }
        isAdvancing = true
        while !isBusy, !isEnding, context?.channel.isWritable == true, let words = next() { take(words) }
        isAdvancing = false
        guard let context, !hasEnded else { return }
        context.flush()
        if isEnding || isInputOver && context.channel.isWritable, !isBusy { return end() }
        if wantsRead, mayRead {
            wantsRead = false
            context.read()
        }
    }

    private func next() -> Words? {
        if let words = ahead {
            ahead = nil
            return words
        }
        switch parser.parse() {
        case .command(let all):
            var words = Words(all)
            words.scope.extension = execution.extension
            return words
        case .incomplete: return nil
        case .failed(let text):
            parting = text.map { .error("ERR \($0)") }
            isEnding = true
            return nil
        }
    }

    private func take(_ taken: Words) {
        server.countCommand()
        var words = taken
        words.scope.database = session.queue?.database ?? session.database
        let command: Command
        do { command = try permitted(words) } catch {
            session.spoil()
            execution.extension?.refused(execution.commands.named(words.lower(0))?.name)
            return reply(error.reply)
        }
        session.lastCommand = command.shown(words)
        if session.queue != nil, !Session.runsInsideMulti(command) {
            return reply(session.enqueue(command, words, databases: server.databases))
        }
        guard let `extension` = execution.extension else { return run(command, words) }
        let began = ContinuousClock.now
        lastError = nil
        run(command, words)
        `extension`.ran(
            session.lastCommand, microseconds: Int64((ContinuousClock.now - began) / .microseconds(1)),
            isFailed: lastError != nil)
        // As in Redis: who waits is served before the next command of anybody begins.
        server.blocked.look()
    }

    private func permitted(_ words: Words) throws(RespError) -> Command {
        let command = try execution.commands.find(words)
        try Permission.check(command, words, session.user)
        return command
    }

    private func run(_ command: Command, _ words: Words) {
        switch command.course {
        case .session: answer(command, words)
        case .transaction: transaction(command, words)
        case .read: isBlockingRead(command, words) ? block(words) : read(command, words)
        case .write: isBlockingRead(command, words) ? block(words) : write(command, words)
        }
    }

    private func answer(_ command: Command, _ words: Words) {
        let (value, after) = answered(command, words)
        reply(value)
        if case .close = after { isEnding = true }
    }

    /// On a copy: CLIENT LIST looks at this connection, too.
    private func answered(_ command: Command, _ words: Words) -> (reply: RespValue, after: AfterReply) {
        var changed = session
        defer { session = changed }
        return changed.answer(command, words, server)
    }

    private func read(_ command: Command, _ words: Words) {
        reply(execution.answer(reading: Operation(command: command, words: words)))
    }

    // MARK: Writing

    private func write(_ command: Command, _ words: Words) {
        if command.changesHalt { return changeHalt(command, words) }
        var operations = [server.prepare(command, words, user)]
        if execution.extension == nil { collect(&operations) }
        isBusy = true
        submit(operations)
    }

    /// The command, where its words may run in a transaction with others'.
    private func sharing(_ words: Words) -> Command? {
        let command: Command
        do { command = try permitted(words) } catch { return nil }  // answered when its turn comes
        switch command.course {
        case .session, .transaction: return nil
        case .read: return command
        case .write: return command.changesHalt ? nil : command
        }
    }

    /// What follows and may share the transaction.
    private func collect(_ operations: inout [Operation]) {
        var writeClass = operations[0].writeClass
        var bytes = operations[0].words.byteCount
        while operations.count < Limits.respBatchCommandsMax, bytes < Limits.respBatchBytesMax, let words = next() {
            guard let command = sharing(words), !isBlockingRead(command, words) else {
                ahead = words
                return
            }
            let operation = server.prepare(command, words, user)
            if let wanted = operation.writeClass {
                guard writeClass == nil || writeClass == wanted else {
                    ahead = words
                    return
                }
                writeClass = wanted
            }
            server.countCommand()
            bytes += words.byteCount
            operations.append(operation)
        }
    }

    private func submit(_ operations: [Operation]) {
        guard let loop = context?.eventLoop else { return }
        let execution = self.execution
        guard let writeClass = operations.compactMap(\.writeClass).first else {
            return finish(operations.map { execution.answer(reading: $0) })
        }
        execution.transact(writeClass, on: loop) {
            try execution.answers(operations, &$0)
        } done: {
            self.written(operations, $0)
        }
    }

    private func written(_ operations: [Operation], _ result: Result<[RespValue], any Error>) {
        switch result {
        case .success(let replies): finish(replies)
        case .failure(LogError.outcomeUnknown(let why)):
            finish(operations.map { _ in Execution.reply(to: LogError.outcomeUnknown(why)) })
        case .failure(let error) where operations.count == 1: finish([Execution.reply(to: error)])
        // One of them cannot be done: each for itself then, in order.
        case .failure: alone(operations[...], [])
        }
    }

    private func alone(_ left: ArraySlice<Operation>, _ replies: [RespValue]) {
        guard let operation = left.first, let loop = context?.eventLoop else { return finish(replies) }
        let execution = self.execution
        guard let writeClass = operation.writeClass else {
            return alone(left.dropFirst(), replies + [execution.answer(reading: operation)])
        }
        execution.transact(writeClass, on: loop) {
            try execution.answers([operation], &$0)
        } done: { result in
            let reply: RespValue
            switch result {
            case .success(let found): reply = found[0]
            case .failure(let error): reply = Execution.reply(to: error)
            }
            self.alone(left.dropFirst(), replies + [reply])
        }
    }

    private func changeHalt(_ command: Command, _ words: Words) {
        let operation = server.prepare(command, words, user)
        do {
            switch try execution.log.snapshot({ try execution.halt(words, $0) }) {
            case .nothing: reply(.integer(0))
            case .halt:
                isBusy = true
                submit([operation])
            case .resume(let reason, let answer):
                try Permission.checkResume(user)
                isBusy = true
                guard let loop = context?.eventLoop else { return }
                server.endHalt(reason: reason, operator: user.name, answer: answer) { reply in
                    loop.execute { self.finish([reply]) }
                }
            }
        } catch { reply(Execution.reply(to: error)) }
    }

    // MARK: Transactions of the client

    private func transaction(_ command: Command, _ words: Words) {
        switch command.name {
        case "multi": reply(session.begin())
        case "discard": reply(session.discard())
        case "unwatch":
            session.watched = []
            reply(.ok)
        case "watch": watch(words)
        default: exec()
        }
    }

    private func watch(_ words: Words) {
        guard session.queue == nil else { return reply(RespError("WATCH inside MULTI is not allowed").reply) }
        do {
            let database = words.scope.database
            let names = words.all.dropFirst().filter { name in
                !session.watched.contains { $0.name == name && $0.scope.database == database }
            }
            guard session.watched.count + names.count <= Limits.respWatchedKeysMax else {
                throw RespError("at most \(Limits.respWatchedKeysMax) keys are watched")
            }
            session.watched += try execution.log.snapshot { snapshot in
                var seen: [WatchedKey] = []
                for name in names { seen.append(try WatchedKey(name, words.scope, execution.board, snapshot)) }
                return seen
            }
            reply(.ok)
        } catch { reply(Execution.reply(to: error)) }
    }

    private func exec() {
        switch session.takeQueue() {
        case .refused(let value): reply(value)
        case .run(let commands, let watched): run(commands, watched)
        }
    }

    private func run(_ commands: [(command: Command, words: Words)], _ watched: [WatchedKey]) {
        guard let loop = context?.eventLoop else { return }
        // What belongs to the connection is answered here, in its place.
        let operations = commands.filter { $0.command.course != .session && $0.command.course != .transaction }
            .map { server.prepare($0.command, $0.words, user) }
        let classes = Set(operations.compactMap(\.writeClass))
        let writeClass = classes.contains(.emergency) ? .emergency : classes.max() ?? .group
        isBusy = true
        let execution = self.execution
        execution.transact(writeClass, on: loop) {
            try execution.exec(operations, watched, &$0)
        } done: {
            self.executed(commands, $0)
        }
    }

    private func executed(
        _ commands: [(command: Command, words: Words)], _ result: Result<[RespValue]?, any Error>
    ) {
        switch result {
        case .failure(let error): finish([Execution.reply(to: error)])
        case .success(nil): finish([.nullArray])
        case .success(let found?):
            var left = found[...]
            finish([
                .array(
                    commands.map { command, words in
                        let value: RespValue
                        switch command.course {
                        case .read, .write: value = left.removeFirst()
                        case .session: value = answered(command, words).reply
                        case .transaction: value = .ok  // UNWATCH: EXEC has done it
                        }
                        execution.extension?.ran(command.shown(words), microseconds: 0, isFailed: value.isError)
                        if case .error(let text) = value { execution.extension?.failed(text) }
                        return value
                    })
            ])
        }
    }

    // MARK: Waiting

    private func isBlockingRead(_ command: Command, _ words: Words) -> Bool {
        guard command.isBlocking else { return false }
        do { return try ReadCommand(words).block != nil } catch { return false }  // its reply will be the error
    }

    private func block(_ words: Words) {
        do {
            let command = try ReadCommand(words)
            if command.group == nil {
                let (reply, sources) = try execution.log.snapshot { snapshot in
                    let sources = try command.sources(snapshot)
                    return (try command.read(sources, snapshot), sources)
                }
                isBusy = true
                decide(.success((reply, sources)), command)
            } else {
                guard let loop = context?.eventLoop else { return }
                isBusy = true
                execution.transact(.group, on: loop) { transaction in
                    let sources = try command.sources(transaction)
                    return (try command.readGroup(sources, &transaction), sources)
                } done: {
                    self.decide($0, command)
                }
            }
        } catch { reply(Execution.reply(to: error)) }
    }

    private func decide(_ result: Result<(RespValue, [ReadSource]), any Error>, _ command: ReadCommand) {
        switch result {
        case .failure(let error): finish([Execution.reply(to: error)])
        case .success((.nullArray, let sources)):
            guard !isEnding, !isInputOver else { return finish([.nullArray]) }
            isBlocked = true
            server.blocked.add(
                BlockedRead(client: session.id, command: command, sources: sources) { [weak self] reply in
                    guard let self else { return }
                    if reply.isError { self.execution.extension?.failedBlocked(self.session.lastCommand) }
                    self.finish([reply])
                })
        case .success((let reply, _)): finish([reply])
        }
    }
}
