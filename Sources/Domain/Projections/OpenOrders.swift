// Orders that were requested and have no final outcome yet: what may still happen on the exchange.
// An outcome that nobody knows keeps its order here until it is resolved by asking. An order must never
// leave this table because time has passed.

package import Events
package import Records

package struct OpenOrders: Projection {
    package static let name = "open_orders"
    package static let version: UInt32 = 1
    package static let kinds = [EventKind.orderRequested.kind, EventKind.orderOutcome.kind]

    private var table: [SequenceNumber: OpenOrder] = [:]
    /// Requests beyond `Limits.openOrdersMax` open ones: counted, not kept.
    package private(set) var untracked: UInt64 = 0

    package init() {}

    package var count: Int { table.count }
    package subscript(request: SequenceNumber) -> OpenOrder? { table[request] }

    /// Sorted by request.
    package var all: [OpenOrder] { table.values.sorted { $0.request < $1.request } }

    /// Those whose outcome nobody knows, sorted by request.
    package var unknown: [OpenOrder] { all.filter { $0.state == .unknown } }

    package mutating func apply(_ record: borrowing RecordView) throws(RecordError) {
        let kind = record.kind
        if kind == EventKind.orderRequested.kind {
            try open(try OrderRequestFacts(reading: record), record)
        } else if kind == EventKind.orderOutcome.kind {
            try follow(try OrderOutcomeFacts(reading: record), record.sequence)
        }
    }
}

package struct OpenOrder: Hashable, Sendable {
    package enum State: UInt8, CaseIterable, Hashable, Sendable {
        /// Durable; nothing has been heard of it.
        case requested = 1
        case accepted = 2
        case partiallyFilled = 3
        case unknown = 4
    }

    package let request: SequenceNumber
    package let intent: SequenceNumber
    package let leg: UInt32
    package let venue: String
    package let account: String
    package let symbol: String
    package let side: EventSide
    package let positionSide: EventPositionSide
    package let quantity: ExactDecimal
    /// Nil: a market order.
    package let price: ExactDecimal?
    package let reduceOnly: Bool
    package let clientOrderID: String
    package let requestedAt: Moment
    package fileprivate(set) var state: State
    package fileprivate(set) var executed: ExactDecimal
    /// The last outcome; none: nothing has been heard of it.
    package fileprivate(set) var outcome: SequenceNumber
    package fileprivate(set) var exchangeOrderID: String
}

extension OpenOrders {
    private mutating func open(_ message: OrderRequestFacts, _ record: borrowing RecordView) throws(RecordError) {
        guard table.count < Limits.openOrdersMax else {
            untracked += 1
            return
        }
        table[record.sequence] = OpenOrder(
            request: record.sequence, intent: SequenceNumber(message.intentSequence), leg: message.leg,
            venue: message.venue, account: message.account, symbol: message.symbol, side: message.side,
            positionSide: message.positionSide, quantity: try message.quantity.stored(),
            price: try message.price?.stored(), reduceOnly: message.reduceOnly,
            clientOrderID: message.clientOrderID, requestedAt: Moment(of: record), state: .requested, executed: .zero,
            outcome: .none, exchangeOrderID: "")
    }

    /// An outcome of an order that is not open (any more) changes nothing here.
    mutating func follow(_ message: OrderOutcomeFacts, _ sequence: SequenceNumber) throws(RecordError) {
        let request = SequenceNumber(message.requestSequence)
        let state: OpenOrder.State
        switch message.state {
        case .accepted: state = .accepted
        case .partiallyFilled: state = .partiallyFilled
        case .unknown: state = .unknown
        case .filled, .rejected, .canceled, .expired, .notFoundAfterHorizon:
            table[request] = nil
            return
        case .unspecified, .UNRECOGNIZED:
            throw .malformed("record \(sequence): outcome \(message.state.rawValue) is not known to this version")
        }
        let executed = try message.executedQuantity?.stored()
        table[request]?.follow(state, executed, message.exchangeOrderID, sequence)
    }
}

extension OpenOrder {
    fileprivate mutating func follow(
        _ state: State, _ executed: ExactDecimal?, _ exchangeOrderID: String, _ sequence: SequenceNumber
    ) {
        self.state = state
        if let executed { self.executed = executed }
        if !exchangeOrderID.isEmpty { self.exchangeOrderID = exchangeOrderID }
        outcome = sequence
    }
}

extension OpenOrders {
    package func encode() -> [UInt8] {
        var writer = ByteWriter()
        writer.table(table)
        writer.varint(untracked)
        return writer.bytes
    }

    package init(decoding bytes: [UInt8]) throws(RecordError) {
        var reader = ByteReader(bytes.span.bytes)
        table = try reader.table(max: Limits.openOrdersMax)
        untracked = try reader.varint()
        try reader.finish()
    }
}

extension OpenOrder: Stored {
    package func write(to writer: inout ByteWriter) {
        request.write(to: &writer)
        intent.write(to: &writer)
        writer.fixed(leg)
        for text in [venue, account, symbol] { writer.sized(text) }
        side.write(to: &writer)
        positionSide.write(to: &writer)
        quantity.write(to: &writer)
        writer.optional(price)
        writer.flag(reduceOnly)
        writer.sized(clientOrderID)
        requestedAt.write(to: &writer)
        writer.fixed(state.rawValue)
        executed.write(to: &writer)
        outcome.write(to: &writer)
        writer.sized(exchangeOrderID)
    }

    @_lifetime(reader: copy reader)
    package init(from reader: inout ByteReader) throws(RecordError) {
        request = try SequenceNumber(from: &reader)
        intent = try SequenceNumber(from: &reader)
        leg = try reader.fixed(UInt32.self)
        venue = try reader.text()
        account = try reader.text()
        symbol = try reader.text()
        side = try EventSide(from: &reader)
        positionSide = try EventPositionSide(from: &reader)
        quantity = try ExactDecimal(from: &reader)
        price = try reader.optional()
        reduceOnly = try reader.flag()
        clientOrderID = try reader.text()
        requestedAt = try Moment(from: &reader)
        let number = try reader.fixed(UInt8.self)
        guard let state = State(rawValue: number) else { throw .malformed("order state \(number)") }
        self.state = state
        executed = try ExactDecimal(from: &reader)
        outcome = try SequenceNumber(from: &reader)
        exchangeOrderID = try reader.text()
    }
}
