// Holds the venue and gives it the time: requests in, answers and stream messages out, a tick. It lives on one
// event loop and must never be touched from anywhere else: that is what makes the venue's state safe.

import Events
import ExchangeSimulation
import NIOCore
import NIOWebSocket
import Records

/// Unchecked: every member checks that it runs on the host's loop.
final class VenueHost: @unchecked Sendable {
    private var venue: Venue
    private let loop: any EventLoop
    /// Nil: nobody asked when requests come in.
    let arrivals: Arrivals?
    private var streams: [StreamHandler] = []
    private(set) var connections = 0
    /// Requests whose answers have not left.
    private(set) var pending = 0
    private(set) var isDraining = false
    private var whenDrained: (() -> Void)?

    init(venue: Venue, arrivals: Arrivals?, loop: any EventLoop) {
        self.venue = venue
        self.arrivals = arrivals
        self.loop = loop
    }

    /// Prices, timers, late stream messages.
    func start() {
        loop.preconditionInEventLoop()
        let tick = TimeAmount.milliseconds(Limits.simulatedTickMilliseconds)
        loop.scheduleRepeatedTask(initialDelay: tick, delay: tick) { [self] _ in
            venue.advance(to: Clock.now())
            sendStream()
        }
    }

    func handle(_ request: Request, then answer: @escaping (Delivery) -> Void) {
        loop.preconditionInEventLoop()
        pending += 1
        let now = Clock.now()
        switch venue.receive(request, at: now) {
        case .answered(let delivery): answer(delivery)
        case .held(let held, let until):
            let resume = NIOLoopBound((held, answer), eventLoop: loop)
            loop.scheduleTask(in: .milliseconds(until - now)) { [self] in
                resume.value.1(venue.resume(resume.value.0, at: Clock.now()))
                sendStream()
            }
        }
        sendStream()
    }

    /// Each request exactly once: its answer has left, or never will.
    func finished() {
        loop.preconditionInEventLoop()
        pending -= 1
        if pending == 0 { whenDrained?() }
    }

    // MARK: Connections

    /// False where there are too many.
    func opened() -> Bool {
        loop.preconditionInEventLoop()
        guard connections < Limits.simulatedConnectionsMax else { return false }
        connections += 1
        return true
    }

    func closed() {
        loop.preconditionInEventLoop()
        connections -= 1
    }

    func add(_ stream: StreamHandler) {
        loop.preconditionInEventLoop()
        streams.append(stream)
    }

    func remove(_ stream: StreamHandler) {
        loop.preconditionInEventLoop()
        streams.removeAll { $0 === stream }
    }

    private func sendStream() {
        let now = Clock.now()
        for output in venue.takeStream() {
            if output.dueAt <= now {
                send(output)
            } else {
                loop.scheduleTask(in: .milliseconds(output.dueAt - now)) { [self] in send(output) }
            }
        }
    }

    private func send(_ output: StreamOutput) {
        for stream in streams where stream.listens(to: output.listenKey) {
            switch output.content {
            case .event(let event): stream.send(event, key: output.listenKey)
            case .disconnect: stream.end(.normalClosure)
            case .stall: stream.stall()
            }
        }
    }

    /// No new work; calls back once nothing is pending.
    func drain(then done: @escaping () -> Void) {
        loop.preconditionInEventLoop()
        isDraining = true
        for stream in streams { stream.end(.goingAway) }
        whenDrained = done
        if pending == 0 { done() }
    }
}
