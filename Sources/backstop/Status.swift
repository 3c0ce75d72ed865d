import ArgumentParser
import Domain
import EventLog
import Events
import Processes
import Records
import Services

struct Status: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show trading state, positions, what is unresolved, groups, disk and the log's head.",
        discussion: """
            Keep the head that it prints somewhere else: `backstop verify --head N:HASH` then shows whether the
            log was cut off or rewritten since.

            Examples:
              backstop status
              backstop status --json | jq .trading
              backstop status --prometheus > /var/lib/node_exporter/backstop.prom
            """)

    @Flag(help: "Metrics in Prometheus' text format; ops/alerts.yml has the rules for them.")
    var prometheus = false
    @OptionGroup var common: CommonOptions

    func run() throws {
        try common.withLog(.reading) { log in
            let views = openViews(log)
            defer { views?.close() }
            let state = try StateReader.current(log, views: views)
            let (head, groups) = try log.snapshot { (try $0.head(), try $0.groups()) }
            let report = StatusReport(
                log: log, head: head, state: state, groups: groups, exitSocket: try common.exitSocketPath())
            if prometheus { return report.printMetrics() }
            if common.json { Output.json(report.json) } else { report.print() }
        }
    }
}

/// Views save time; where they cannot be opened (a read-only folder, say) the answer is folded afresh.
func openViews(_ log: EventLog) -> Views? {
    do { return try Views(for: log) } catch {
        Output.error("views cannot be used, folding the whole log: \(error)")
        return nil
    }
}

struct StatusReport {
    let log: EventLog
    let head: Head
    let state: State
    let groups: [GroupSummary]
    /// Where the exit worker listens.
    let exitSocket: String

    var hasExitWorker: Bool { LocalSocket.isListened(at: exitSocket) }

    // MARK: For machines

    var json: JSONValue {
        let space = log.space()
        let readers = log.readers()
        return .object([
            JSONMember("head", number(head.sequence.rawValue)), JSONMember("log_id", .string(log.id.description)),
            JSONMember("head_hash", .string(head.hash.hex)), JSONMember("as_of_seq", number(state.asOf.rawValue)),
            JSONMember("trading", .string(state.trading.mode.rawValue)), JSONMember("halt", halt),
            JSONMember("hearts", .array(hearts.map(\.json))),
            JSONMember("exit_worker", .bool(hasExitWorker)),
            JSONMember("reducing", .array(state.trading.reducingCauses.map { .string($0.cause) })),
            JSONMember("positions", .array(state.positions.open.map { PositionRow($0.key, $0.position).json })),
            JSONMember("intents_open", number(UInt64(state.intents.openCount))),
            JSONMember("unresolved", .array(state.orders.unknown.map(order))),
            JSONMember("orders_open", .array(state.orders.all.map(order))),
            JSONMember("groups", .array(groups.map(\.json))),
            JSONMember(
                "disk",
                .object([
                    JSONMember("used_bytes", number(UInt64(space.used))),
                    JSONMember("capacity_bytes", number(UInt64(space.capacity))),
                    JSONMember("free_bytes", number(UInt64(space.diskFree))),
                    JSONMember("reserve_bytes", number(UInt64(space.reserve))),
                    JSONMember("fill_percent", number(UInt64(space.fillPercent))),
                ])),
            JSONMember(
                "readers",
                .object([
                    JSONMember("slots_used", number(UInt64(readers.inUse))),
                    JSONMember("slots_max", number(UInt64(readers.max))),
                ])),
            JSONMember("bridge", BridgeStatus(log)?.report ?? .null),
        ])
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
            JSONMember("state", .string(StatusReport.word(order.state))),
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

    func print() {
        Output.line("log        \(log.id)  head \(Output.styled(grouped(head.sequence.rawValue), .bold))")
        Output.line("head hash  \(head)")
        printTrading()
        printSafety()
        printOrders()
        PositionTable(state.positions.open.map { PositionRow($0.key, $0.position) }).print(title: "positions")
        GroupTable.print(groups)
        BridgeStatus(log)?.print()
        let space = log.space()
        Output.line(
            "disk       \(bytes(space.used)) used of \(bytes(space.capacity)) (\(space.fillPercent) %), "
                + "\(bytes(space.diskFree)) free, reserve \(bytes(space.reserve))")
    }

    private func printTrading() {
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

    private func printSafety() {
        for heart in hearts { Output.line("heart      \(heart.text)") }
        Output.line(
            hasExitWorker
                ? "exit       the worker listens at \(exitSocket)"
                : "exit       no worker can be reached at \(exitSocket): a panic halts, and nothing is closed")
    }

    private func printOrders() {
        let open = state.intents.openCount
        Output.line("intents    \(grouped(open)) open of \(grouped(state.intents.decisions)) decisions")
        for order in state.orders.all {
            let text = "\(order.symbol) \(order.quantity) \(order.clientOrderID)"
            if order.state == .unknown {
                Output.line(Output.styled("UNRESOLVED \(text)", .red))
            } else {
                Output.line("order      \(text) \(StatusReport.word(order.state)), without an end yet")
            }
        }
    }
}

func number(_ value: UInt64) -> JSONValue { .number(String(value)) }
