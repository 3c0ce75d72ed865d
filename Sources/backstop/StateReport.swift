// What a state says of trading, orders and positions, whether it is of now or of the past.

import Domain
import EventLog
import Events
import Records
import Services

struct StateReport {
    private let state: State
    init(_ state: State) { self.state = state }

    var members: [JSONMember] {
        [
            JSONMember("trading", .string(state.trading.mode.rawValue)), JSONMember("halt", halt),
            JSONMember("reducing", .array(state.trading.reducingCauses.map { .string($0.cause) })),
            JSONMember("positions", .array(state.positions.open.map { PositionRow($0.key, $0.position).json })),
            JSONMember("intents_open", number(UInt64(state.intents.openCount))),
            JSONMember("unresolved", .array(state.orders.unknown.map(order))),
            JSONMember("orders_open", .array(state.orders.all.map(order))),
        ]
    }

    private var halt: JSONValue {
        guard let halt = state.trading.halt else { return .null }
        return .object([
            JSONMember("reason", .string(halt.reason)), JSONMember("source", .string(halt.source)),
            JSONMember("seq", number(halt.sequence.rawValue)),
            JSONMember("halted_at", .string(TimeText.render(halt.haltedAt.recordedAt))),
            JSONMember("panic", halt.panic.isNone ? .null : number(halt.panic.rawValue)),
        ])
    }

    private func order(_ order: OpenOrder) -> JSONValue {
        .object([
            JSONMember("request", number(order.request.rawValue)), JSONMember("symbol", .string(order.symbol)),
            JSONMember("client_order_id", .string(order.clientOrderID)),
            JSONMember("quantity", .string(order.quantity.description)),
            JSONMember("state", .string(StateReport.word(order.state))),
        ])
    }

    private static func word(_ state: OpenOrder.State) -> String {
        switch state {
        case .requested: "requested"
        case .accepted: "accepted"
        case .partiallyFilled: "partially_filled"
        case .unknown: "unknown"
        }
    }

    // MARK: For people

    func printPositions() {
        PositionTable(state.positions.open.map { PositionRow($0.key, $0.position) }).print(title: "positions")
    }

    func printTrading() {
        let mode = state.trading.mode
        let style: Output.Style = mode == .active ? .green : mode == .reducing ? .yellow : .red
        Output.line("trading    \(Output.styled(mode.rawValue, style))   as of \(grouped(state.asOf.rawValue))")
        if let halt = state.trading.halt {
            let at = TimeText.render(halt.haltedAt.recordedAt)
            Output.line(
                "           halted by record \(halt.sequence) at \(at): \(Output.oneLine(halt.reason)) (\(Output.oneLine(halt.source)))"
            )
        }
        for panic in state.trading.panics.open {
            Output.line(
                "           panic \(panic.sequence) has no completion yet: backstop serve --roles exit carries it out")
        }
        for cause in state.trading.reducingCauses { Output.line("           reducing: \(cause.cause) \(cause.detail)") }
    }

    func printOrders() {
        let open = state.intents.openCount
        Output.line("intents    \(grouped(open)) open of \(grouped(state.intents.decisions)) decisions")
        for order in state.orders.all {
            let text = "\(order.symbol) \(order.quantity) \(order.clientOrderID)"
            if order.state == .unknown {
                Output.line(Output.styled("UNRESOLVED \(text)", .red))
            } else {
                Output.line("order      \(text) \(StateReport.word(order.state)), without an end yet")
            }
        }
    }
}

/// `status --as-of`: what the log knows of that moment. Groups, readers, disk, the exit worker and the ages of hearts
/// are of now, so they are left out.
struct PastStatus {
    private let state: State
    private let logID: LogID
    private let head: Head
    /// Of the record that it is as of; nil: before the first.
    private let record: Record?
    private let when: String
    private static let leftOut = ["hearts", "exit_worker", "groups", "disk", "readers", "bridge"]

    init(_ state: State, _ log: EventLog) throws {
        self.state = state
        logID = log.id
        (head, record) = try log.snapshot { (try $0.head(), try $0.record(state.asOf)) }
        when = try asOfText(state.asOf, log)
    }

    var json: JSONValue {
        let hash = record.map { JSONValue.string($0.header.hash.hex) } ?? .null
        let time = record.map { JSONValue.string(TimeText.render($0.header.recordedAt)) } ?? .null
        return .object(
            [
                JSONMember("head", number(head.sequence.rawValue)), JSONMember("log_id", .string(logID.description)),
                JSONMember("as_of_seq", number(state.asOf.rawValue)), JSONMember("as_of_hash", hash),
                JSONMember("as_of_recorded_at", time),
            ] + StateReport(state).members + [
                JSONMember("left_out", .array(PastStatus.leftOut.map { .string($0) }))
            ])
    }

    func print() {
        Output.line("log        \(logID)  head \(grouped(head.sequence.rawValue))")
        Output.line(Output.styled("           \(when)", .bold))
        if let record { Output.line("hash       \(Head(sequence: record.sequence, hash: record.header.hash))") }
        StateReport(state).printTrading()
        StateReport(state).printOrders()
        StateReport(state).printPositions()
        Output.line(
            Output.styled(
                "left out, since it is known of now only: hearts, exit worker, groups, disk, readers, bridge", .dim))
    }
}
