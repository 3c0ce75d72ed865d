// The shell around StreamCourse: one event loop thread that performs its actions and brings it what happened. All of
// its state belongs to that thread. It must never decide anything, and never call the handler after the end.

internal import Dispatch
internal import Events
internal import Exchange
internal import NIOCore
internal import NIOPosix
internal import NIOWebSocket
internal import Synchronization

/// Unchecked: every member but those marked runs on the loop.
final class StreamRunner: @unchecked Sendable {
    private let client: ExchangeClient
    private let settings: StreamSettings
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let loop: any EventLoop
    /// False from the end on: the loop takes nothing more.
    private let isOpen = Mutex(true)
    private let isClosing = Mutex(false)
    private let ended = DispatchSemaphore(value: 0)

    private var course: StreamCourse
    private var handler: (@Sendable (StreamNotice) -> Void)?
    private var connector: StreamConnector?
    private var channel: (any Channel)?
    private var isStanding = false
    /// The connections up to this attempt are not wanted any more.
    private var dropped = 0
    /// The newest two, to take them out of texts.
    private var keys: [ListenKey] = []
    private var timer: (at: Int64, task: Scheduled<Void>)?
    /// What must come to its end before the loop may.
    private var pending = 0
    private var isEnding = false

    init(client: ExchangeClient, settings: StreamSettings, handler: @escaping @Sendable (StreamNotice) -> Void) {
        self.client = client
        self.settings = settings
        self.handler = handler
        loop = group.next()
        course = StreamCourse(settings.pacing)
    }

    // MARK: From any thread

    func start() { submit { self.perform(self.course.start(now: self.now)) } }

    var isOnItsThread: Bool { loop.inEventLoop }

    func close() {
        let isFirst = isClosing.withLock { isClosing in
            defer { isClosing = true }
            return !isClosing
        }
        if isFirst { submit { self.end() } }
    }

    func waitForEnd() {
        ended.wait()
        ended.signal()
    }

    /// What comes after the end is dropped.
    private func submit(_ work: @escaping @Sendable () -> Void) {
        isOpen.withLock { if $0 { loop.execute(work) } }
    }

    // MARK: Actions

    private var now: Int64 { settings.monotonicMilliseconds() }

    private func perform(_ actions: [StreamAction]) {
        loop.preconditionInEventLoop()
        for action in actions {
            switch action {
            case .askKey(let attempt): askKey(attempt)
            case .renewKey(let attempt): renewKey(attempt)
            case .connect(let key, let attempt): connect(key, attempt)
            case .drop(let attempt): drop(attempt)
            case .closeKey: closeKey()
            case .tell(let notice): tell(notice)
            }
        }
        setTimer()
    }

    private func askKey(_ attempt: Int) {
        client.command(.startUserStream(), .emergency) { answer in
            self.submit {
                if case .accepted(let key) = answer { self.keys = [key] + self.keys.filter { $0 != key }.prefix(1) }
                self.perform(self.course.take(key: answer, attempt: attempt, now: self.now))
            }
        }
    }

    private func renewKey(_ attempt: Int) {
        client.command(.keepUserStreamAlive(), .emergency) { answer in
            self.submit { self.perform(self.course.take(renewal: answer, attempt: attempt, now: self.now)) }
        }
    }

    private func closeKey() {
        pending += 1
        client.command(.closeUserStream(), .emergency) { _ in self.submit { self.settle() } }
    }

    private func tell(_ notice: StreamNotice) {
        guard case .disconnected(let loss) = notice else {
            handler?(notice)
            return
        }
        handler?(.disconnected(StreamLoss(reason: loss.reason, text: fit(loss.text))))
    }

    // MARK: The connection

    private func connect(_ key: ListenKey, _ attempt: Int) {
        let connector: StreamConnector
        do {
            connector =
                try self.connector ?? StreamConnector(address: client.host.stream, settings: settings, loop: loop)
        } catch {
            return perform(course.lost(StreamLoss(connection: error), attempt: attempt, now: now))
        }
        self.connector = connector
        pending += 1
        connector.connect(key) { self.take($0, attempt) }.whenComplete { result in
            if case .success(let channel) = result { self.keep(channel, attempt) }
            self.settle()
        }
    }

    private func keep(_ channel: any Channel, _ attempt: Int) {
        guard attempt > dropped else { return channel.close(promise: nil) }
        self.channel = channel
    }

    private func drop(_ attempt: Int) {
        dropped = attempt
        if isStanding { channel?.writeAndFlush(WebSocketFrame.closing(.normalClosure), promise: nil) }
        channel?.close(promise: nil)
        channel = nil
        isStanding = false
    }

    private func take(_ note: ConnectionNote, _ attempt: Int) {
        guard attempt > dropped else { return }
        switch note {
        case .opened:
            isStanding = true
            perform(course.opened(attempt: attempt, now: now, wall: settings.wallMilliseconds()))
        case .heard: course.heard(attempt: attempt, now: now)
        case .message(let bytes): perform(course.take(read(bytes), attempt: attempt, now: now))
        case .ended(let loss):
            isStanding = false
            perform(course.lost(loss, attempt: attempt, now: now))
        }
    }

    private func read(_ bytes: [UInt8]) -> StreamNotice {
        do throws(MessageError) {
            let event = try StreamEvent(reading: bytes)
            if case .other(let type) = event { return .event(.other(type: fit(type))) }
            return .event(event)
        } catch {
            return .unreadable(fit(error.description))
        }
    }

    /// Without keys, and fit for a record.
    private func fit(_ text: String) -> String {
        ForeignText.tame(keys.reduce(client.scrub(text)) { Credentials.hide($1.text, in: $0) })
    }

    // MARK: Time

    /// An earlier timer stays: it finds nothing to do and is set anew. So a frame does not cost a timer.
    private func setTimer() {
        guard let at = course.wakeAt else { return }
        if let timer, timer.at <= at { return }
        timer?.task.cancel()
        let task = loop.scheduleTask(in: .milliseconds(max(1, at - now))) {
            self.timer = nil
            self.perform(self.course.tick(now: self.now))
        }
        timer = (at, task)
    }

    // MARK: The end

    private func end() {
        perform(course.close())
        handler = nil
        timer?.task.cancel()
        timer = nil
        isEnding = true
        pending += 1
        settle()
    }

    /// One of the pending things is over. The loop ends with the last one.
    private func settle() {
        pending -= 1
        guard isEnding, pending == 0 else { return }
        isOpen.withLock { $0 = false }
        group.shutdownGracefully(queue: .global()) { _ in self.ended.signal() }
    }
}

/// Without it, `dump` would walk into SwiftNIO, whose buffers hold the listen key.
extension StreamRunner: CustomReflectable {
    var customMirror: Mirror { Mirror(self, children: [], displayStyle: .class) }
}
