// The log, spoken to as if it were Redis: one event loop that reads and answers, the log's writer that writes, one
// thread that hears of appends of other processes. It must never repair, complete or drop what a client says, and never
// answer a write before its commit is on disk.

package import EventLog
internal import Dispatch
internal import Events
internal import Glibc
package import Logging
internal import NIOCore
internal import NIOPosix
internal import Records
internal import Services
internal import Synchronization

package struct RespOptions: Sendable {
    package var address: RespAddress
    /// Redis' lag and Redis' DELCONSUMER instead of ours.
    package var exact = false
    package var users = RespUsers.none
    package var version = ""
    /// Nil: the log's own commands, and no others.
    package var `extension`: (any RespExtension)?
    package var stallMilliseconds = Limits.respStalledMillisecondsMax

    package init(address: RespAddress) { self.address = address }
}

/// What a connection needs of its server. Belongs to the event loop.
final class ConnectionHost: SessionHost, ExtensionHost, @unchecked Sendable {
    let execution: Execution
    let blocked: BlockedReads
    let users: RespUsers
    let stallMilliseconds: Int64
    private let ending: HaltEnding
    private let logger: Logger
    private let slow = DispatchQueue(label: "backstop-resp-resume")
    private var connections: [Int64: Connection] = [:]
    private var lastID: Int64 = 0
    private var refused = RefusedTriggers()
    var info = ServerInfo()
    private(set) var isClosing = false

    init(_ execution: Execution, _ ending: HaltEnding, _ options: RespOptions, _ logger: Logger, loop: any EventLoop) {
        self.execution = execution
        self.ending = ending
        self.logger = logger
        stallMilliseconds = options.stallMilliseconds
        users = options.users
        info.version = options.version
        blocked = BlockedReads(loop: loop, execution: execution)
    }

    // MARK: Connections

    var isFull: Bool { connections.count >= Limits.respConnectionsMax }

    func nextID() -> Int64 {
        lastID += 1
        info.accepted += 1
        return lastID
    }

    func opened(_ connection: Connection) { connections[connection.session.id] = connection }

    func closed(_ connection: Connection) {
        connections[connection.session.id] = nil
        blocked.remove(client: connection.session.id)
    }

    func stalled(_ connection: Connection) {
        logger.warning(
            "client \(connection.session.id) at \(connection.session.address) does not read its replies: closed")
    }

    func countCommand() { info.commands += 1 }
    func countError() { info.errors += 1 }
    func resetCounters() { (info.commands, info.errors, info.accepted, info.rejected) = (0, 0, 0, 0) }

    /// No command begins any more; what is with the writer is answered.
    func close() {
        isClosing = true
        for connection in connections.values { connection.drain() }
    }

    var isEmpty: Bool { connections.isEmpty }

    var commands: CommandTable { execution.commands }
    var databases: Int { execution.extension?.databases ?? 1 }

    // MARK: For sessions

    func information(_ sections: Set<String>) -> String {
        info.connections = connections.count
        info.blocked = blocked.count
        info.usedBytes = execution.log.space().used
        do {
            info.head = "\(try execution.log.head())"
            info.keys = try execution.log.snapshot { try $0.streamNames().count }
        } catch { info.head = "unreadable" }
        return info.text(sections, execution.extension?.sections(sections, execution.log) ?? [])
    }

    func extended(_ command: Command, _ words: Words, from client: Int64) throws(RespError) -> RespValue? {
        guard let value = try execution.extension?.answer(command, words, from: client, self) else { return nil }
        return value
    }

    func clients() -> [(id: Int64, address: String, localAddress: String)] {
        connections.values.map(\.session).sorted { $0.id < $1.id }.map { ($0.id, $0.address, $0.localAddress) }
    }

    func end(client: Int64, isAsking: Bool) { connections[client]?.kill(isAsking: isAsking) }

    func clientLines(_ ids: Set<Int64>?) -> [String] {
        connections.keys.sorted().filter { ids?.contains($0) ?? true }.compactMap { connections[$0]?.line }
    }

    func unblock(_ id: Int64, withError: Bool) -> Bool { blocked.unblock(client: id, withError: withError) }

    // MARK: For commands

    /// Reads what can be read before the writer's turn.
    func prepare(_ command: Command, _ words: Words, _ user: RespUser) -> Operation {
        var operation = Operation(command: command, words: words)
        operation.producer = user.isEverybody ? nil : user.name
        guard command.name == "xadd", execution.extension == nil else { return operation }
        do {
            let now = execution.now
            let producer = operation.producer ?? execution.producer
            let add = try AddCommand(words, producer: producer, now: now, rules: execution.log.rules)
            if !user.isEverybody { try Permission.checkIssuer(add.event, user) }
            if let refusal = add.refused,
                !refused.admits(refusal, client: producer, sample: add.draft.body.bytes, at: now)
            {
                operation.decided = .error("REFUSED \(AddCommand.text(refusal)); counted")
            } else {
                operation.add = add
            }
        } catch { operation.decided = Execution.reply(to: error) }
        return operation
    }

    /// Refused triggers that were only counted, as records.
    func summarize() {
        do {
            let now = execution.now
            let drafts = try refused.summaries(all: isClosing, producer: execution.producer, at: now)
            guard !drafts.isEmpty else { return }
            let logger = logger
            execution.log.transact(.ordinary) { transaction in
                for draft in drafts { _ = try transaction.append(draft) }
            } done: { result in
                if case .failure(let error) = result { logger.error("refused triggers were not recorded: \(error)") }
            }
        } catch { logger.error("refused triggers were not recorded: \(error)") }
    }

    func endHalt(reason: String, operator: String, answer: Int64, done: @escaping @Sendable (RespValue) -> Void) {
        let (execution, ending) = (self.execution, self.ending)
        slow.async {
            do {
                done(
                    try ending.end(
                        execution.log, execution.board, reason: reason, operator: `operator`, answer: answer,
                        producer: execution.producer))
            } catch { done(Execution.reply(to: error)) }
        }
    }
}

package final class RespServer: Sendable {
    private let log: EventLog
    private let options: RespOptions
    private let logger: Logger
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let host: ConnectionHost
    private let listener = Mutex<(any Channel)?>(nil)
    private let isStopping = Mutex(false)
    private let stopped = DispatchSemaphore(value: 0)

    package init(_ log: EventLog, board: HaltBoard, ending: HaltEnding, options: RespOptions, logger: Logger) {
        self.log = log
        self.options = options
        self.logger = logger
        let execution = Execution(
            log: log, board: board, exact: options.exact, producer: "resp", extension: options.extension)
        host = ConnectionHost(execution, ending, options, logger, loop: group.next())
    }

    /// Listens; returns the port. Nothing is answered before `run`'s caller says so: it is ready from here on.
    @available(*, noasync)
    package func listen() throws -> Int {
        let host = host
        RespServer.raiseFileLimit()
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 511)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(
                .writeBufferWaterMark,
                value: .init(low: Limits.respOutputBytesLow, high: Limits.respOutputBytesHigh)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try RespServer.prepare(channel, host) }
            }
        let channel = try bootstrap.bind(host: options.address.host, port: options.address.port).wait()
        let port = channel.localAddress?.port ?? options.address.port
        listener.withLock { $0 = channel }
        try group.next().submit { host.info.port = port }.wait()
        let shown = options.address.host.contains(":") ? "[\(options.address.host)]" : options.address.host
        logger.info(
            "resp listening on \(shown):\(port); \(options.users.isEmpty ? "no users are configured: whoever connects may do everything" : "\(options.users.count) users")"
        )
        if !options.users.isEmpty, !options.address.isLoopback {
            logger.warning("resp listens beyond this machine without TLS: passwords can be read on the way")
        }
        return port
    }

    /// Each connection is a file; without more of them there are fewer connections, and nothing else happens.
    private static func raiseFileLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, max(limit.rlim_cur, rlim_t(Limits.respConnectionsMax + 256)))
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    private static func prepare(_ channel: any Channel, _ host: ConnectionHost) throws {
        let id = host.nextID()
        guard !host.isFull, !host.isClosing else {
            host.info.rejected += 1
            let text = RespValue.error("ERR max number of clients reached").encoded(.two)
            channel.writeAndFlush(channel.allocator.buffer(bytes: text)).whenComplete { _ in
                channel.close(promise: nil)
            }
            return
        }
        let session = Session(
            id: id, address: RespServer.text(channel.remoteAddress),
            localAddress: RespServer.text(channel.localAddress),
            users: host.users)
        try channel.pipeline.syncOperations.addHandler(
            Connection(session: session, server: host, execution: host.execution))
    }

    private static func text(_ address: SocketAddress?) -> String {
        guard let address, let ip = address.ipAddress, let port = address.port else { return "?:0" }
        return ip.contains(":") ? "[\(ip)]:\(port)" : "\(ip):\(port)"
    }

    /// Wakes those who wait, until `stop`.
    @available(*, noasync)
    package func run() throws {
        let (host, loop) = (host, group.next())
        let timer = loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in host.summarize() }
        var seen = SequenceNumber.none
        while !isStopping.withLock({ $0 }) {
            try log.waker.wait(milliseconds: Limits.wakeIntervalMillisecondsMax) {
                try isStopping.withLock { $0 } || log.head().sequence != seen
            }
            let head = try log.head().sequence
            if head != seen { loop.execute { host.blocked.look() } }
            seen = head
        }
        timer.cancel()
        try drain()
        stopped.signal()
    }

    private func drain() throws {
        try listener.withLock { $0 }?.close().wait()
        let (host, loop) = (host, group.next())
        try loop.submit { host.close() }.wait()
        let limit = ContinuousClock.now + .seconds(5)
        while try !loop.submit({ host.isEmpty }).wait(), ContinuousClock.now < limit {
            _ = stopped.wait(timeout: .now() + .milliseconds(5))
        }
        try loop.submit { host.summarize() }.wait()
        try group.syncShutdownGracefully()
    }

    package func stop() {
        isStopping.withLock { $0 = true }
        log.waker.wake()
    }
}
