// The projections as JSON, for people: what is open, what stands, who beats. It says less than their bytes.

internal import Domain
internal import Events
internal import Records

enum StateJSON {
    /// By the order of the encoding, under their names.
    static func parts(_ state: State) -> [JSONMember] {
        [
            JSONMember(Positions.name, .array(state.positions.all.map { position($0.key, $0.position) })),
            JSONMember(AttestedPositions.name, .array(state.attested.all.map { attested($0.key, $0.attested) })),
            JSONMember(OpenOrders.name, .array(state.orders.all.map(order))),
            JSONMember(Intents.name, .array(state.intents.open.map(intent))),
            JSONMember(TradingState.name, trading(state.trading)),
            JSONMember(Heartbeats.name, .array(state.heartbeats.all.map { heart($0.service, $0.heart) })),
            JSONMember(Configuration.name, configuration(state.configuration)),
        ]
    }

    private static func text(_ name: String, _ value: some CustomStringConvertible) -> JSONMember {
        JSONMember(name, .string("\(value)"))
    }

    private static func number(_ name: String, _ value: some CustomStringConvertible) -> JSONMember {
        JSONMember(name, .number("\(value)"))
    }

    private static func side(_ leg: PositionLeg) -> String {
        switch leg {
        case .both: "both"
        case .long: "long"
        case .short: "short"
        }
    }

    private static func word(_ state: OpenOrder.State) -> String {
        switch state {
        case .requested: "requested"
        case .accepted: "accepted"
        case .partiallyFilled: "partially_filled"
        case .unknown: "unknown"
        }
    }

    private static func place(_ key: PositionKey) -> [JSONMember] {
        [
            text("venue", key.venue), text("account", key.account), text("symbol", key.symbol),
            text("side", side(key.leg)),
        ]
    }

    private static func position(_ key: PositionKey, _ position: Position) -> JSONValue {
        .object(
            place(key) + [
                text("quantity", position.quantity), text("cost", position.cost),
                text("realised", position.realisedProfit), number("fills", position.fills),
            ])
    }

    private static func attested(_ key: PositionKey, _ attested: Attested) -> JSONValue {
        .object(place(key) + [text("quantity", attested.quantity), number("seq", attested.sequence)])
    }

    private static func order(_ order: OpenOrder) -> JSONValue {
        .object([
            number("request", order.request), number("intent", order.intent), text("symbol", order.symbol),
            text("side", order.side == .buy ? "buy" : "sell"), text("quantity", order.quantity),
            text("state", word(order.state)), text("executed", order.executed),
            text("client_order_id", order.clientOrderID),
        ])
    }

    private static func intent(_ intent: OpenIntent) -> JSONValue {
        .object([
            number("seq", intent.sequence), text("trace", intent.traceID), text("symbol", intent.symbol),
            JSONMember("reduce_only", .bool(intent.reduceOnly)),
        ])
    }

    private static func trading(_ trading: TradingState) -> JSONValue {
        let halt = trading.halt.map { halt in
            JSONValue.object([
                text("reason", halt.reason), text("source", halt.source), number("seq", halt.sequence),
            ])
        }
        return .object([
            text("mode", trading.mode.rawValue), JSONMember("halt", halt ?? .null),
            JSONMember("reducing", .array(trading.reducingCauses.map { .string($0.cause) })),
            JSONMember(
                "guarded_symbols",
                .array(trading.guardedSymbols.map { .string("\($0.symbol) by request \($0.request)") })),
            JSONMember("panics_open", .array(trading.panics.open.map { .number("\($0.sequence)") })),
        ])
    }

    private static func heart(_ service: String, _ heart: Heart) -> JSONValue {
        .object([
            text("service", service), number("seq", heart.sequence),
            text("status", heart.status == .degraded ? "degraded" : "alive"),
            number("active_positions", heart.activePositions),
        ])
    }

    private static func configuration(_ configuration: Configuration) -> JSONValue {
        .object([
            number("seq", configuration.sequence),
            JSONMember("settings", .object(configuration.settings.map { JSONMember($0.name, .string($0.value)) })),
        ])
    }
}
