// One connection of the user stream, from the venue to a process: what is sent arrives later, in the order of sending,
// as TCP has it. Events are lost, doubled and swapped before they come here, by the venue's stream faults.

internal import Events
internal import Exchange
internal import ExchangeSimulation
internal import Records

/// What a process hears of its connection, in order.
enum ConnectionNote {
    case opened
    /// A frame of whatever kind.
    case heard
    case message([UInt8])
    case ended(StreamLoss)
}

final class SimulatedConnection {
    let key: String
    private let exchange: SimulatedExchange
    private let time: VirtualTime
    private let take: (ConnectionNote) -> Void
    private var lastAt: Milliseconds = 0
    private var isStalled = false
    private(set) var isClosed = false

    init(_ key: String, _ exchange: SimulatedExchange, _ time: VirtualTime, take: @escaping (ConnectionNote) -> Void) {
        self.key = key
        self.exchange = exchange
        self.time = time
        self.take = take
    }

    /// The handshake has been answered.
    func open() {
        arrive(.opened)
        ping()
    }

    private func ping() {
        time.after(Milliseconds(Limits.simulatedPingMilliseconds)) {
            guard !self.isClosed else { return }
            if !self.isStalled { self.arrive(.heard) }
            self.ping()
        }
    }

    func send(_ content: StreamOutput.Content, isGarbled: Bool) {
        guard !isClosed, !isStalled else { return }
        switch content {
        case .event(let event):
            let bytes = Array(JSONText.render(event).utf8)
            arrive(.message(isGarbled ? Array(bytes.prefix(bytes.count / 2)) : bytes))
        case .disconnect: arrive(.ended(StreamLoss(reason: .ended, text: "the exchange closed it")))
        case .stall: isStalled = true
        }
    }

    /// The network between the two is gone.
    func breakDown() { arrive(.ended(StreamLoss(reason: .lost, text: "the connection broke"))) }

    /// By the process, or with it.
    func close() {
        isClosed = true
        exchange.closed(self)
    }

    private func arrive(_ note: ConnectionNote) {
        lastAt = max(lastAt, time.now + exchange.travelTime())
        time.at(lastAt) {
            guard !self.isClosed else { return }
            if case .ended = note { self.close() }
            self.take(note)
        }
    }
}
