// Clients that wait in XREAD or XREADGROUP, in the order in which they began to. Whenever the log has grown, each is
// looked at in that order; deliveries go to the writer in that order, too, so one new entry serves the first of a group's
// readers, and the others wait on. Belongs to the event loop.

internal import EventLog
internal import NIOCore
internal import Records

final class BlockedRead: @unchecked Sendable {
    let client: Int64
    let command: ReadCommand
    let sources: [ReadSource]
    fileprivate let finish: (RespValue) -> Void
    /// A delivery to it is under way.
    fileprivate var isTrying = false
    fileprivate var triesAgain = false
    fileprivate var isDone = false
    fileprivate var timer: Scheduled<Void>?

    init(client: Int64, command: ReadCommand, sources: [ReadSource], finish: @escaping (RespValue) -> Void) {
        self.client = client
        self.command = command.unblocked()
        self.sources = sources
        self.finish = finish
    }
}

final class BlockedReads: @unchecked Sendable {
    private let loop: any EventLoop
    private let execution: Execution
    private var waiting: [BlockedRead] = []

    init(loop: any EventLoop, execution: Execution) {
        self.loop = loop
        self.execution = execution
    }

    var count: Int { waiting.count }

    /// Waits from now on. What came in since it was last looked is found at once.
    func add(_ read: BlockedRead) {
        waiting.append(read)
        if let milliseconds = read.command.block, milliseconds > 0 {
            let delay = TimeAmount.milliseconds(min(milliseconds, Limits.idleMillisecondsMax))
            read.timer = loop.assumeIsolated().scheduleTask(in: delay) { self.end(read, .nullArray) }
        }
        look(only: read)
    }

    /// The client is gone: nothing is delivered to it any more.
    func remove(client: Int64) {
        for read in waiting where read.client == client { drop(read) }
    }

    func unblock(client: Int64, withError: Bool) -> Bool {
        guard let read = waiting.first(where: { $0.client == client }) else { return false }
        end(read, withError ? .error("UNBLOCKED client unblocked via CLIENT UNBLOCK") : .nullArray)
        return true
    }

    private func drop(_ read: BlockedRead) {
        read.isDone = true
        read.timer?.cancel()
        waiting.removeAll { $0 === read }
    }

    private func end(_ read: BlockedRead, _ reply: RespValue) {
        guard !read.isDone else { return }
        drop(read)
        // Whoever waits beside it is served before its next command begins.
        loop.execute { read.finish(reply) }
    }

    // MARK: Looking

    func look() { look(only: nil) }

    private enum Found {
        case reply(RespValue)
        case delivery(ReadSource)
    }

    private func look(only: BlockedRead?) {
        guard !waiting.isEmpty else { return }
        var found: [(BlockedRead, Found)] = []
        do {
            try execution.log.snapshot { snapshot in
                for read in waiting where only == nil || read === only {
                    guard !read.isTrying else {
                        read.triesAgain = true
                        continue
                    }
                    if let news = BlockedReads.news(for: read, snapshot) { found.append((read, news)) }
                }
            }
        } catch {
            // A log that cannot be read any more serves nobody, and nobody is to wait for it.
            for read in waiting { end(read, Execution.reply(to: error)) }
            return
        }
        for (read, news) in found where !read.isDone {
            switch news {
            case .reply(let reply): end(read, reply)
            case .delivery(let source): deliver(source, to: read)
            }
        }
    }

    private static func news(for read: BlockedRead, _ snapshot: borrowing LogSnapshot) -> Found? {
        do {
            for source in read.sources where try read.command.hasNews(source, snapshot) {
                guard read.command.group == nil else { return .delivery(source) }
                let reply = try read.command.read([source], snapshot)
                if reply != .nullArray { return .reply(reply) }
            }
            return nil
        } catch { return .reply(Execution.reply(to: error)) }
    }

    private func deliver(_ source: ReadSource, to read: BlockedRead) {
        read.isTrying = true
        let command = read.command
        execution.transact(.group, on: loop) { transaction in
            guard try command.hasNews(source, transaction) else { return .nullArray }
            return try command.readGroup([source], &transaction)
        } done: {
            self.delivered($0, to: read)
        }
    }

    private func delivered(_ result: Result<RespValue, any Error>, to read: BlockedRead) {
        read.isTrying = false
        switch result {
        case .failure(let error): end(read, Execution.reply(to: error))
        case .success(.nullArray) where read.triesAgain:
            read.triesAgain = false
            if !read.isDone { look(only: read) }
        case .success(.nullArray): return
        case .success(let reply): end(read, reply)
        }
    }
}
