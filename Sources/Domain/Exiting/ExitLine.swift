// The lines of the side journal, and what they say: a run's trigger, its closes before they leave, what became of them,
// its end. One JSON object a line. The worker writes and reads them again after a crash; the recorder makes records of
// them. A line that cannot be read is an error that names it, and never skipped.

package import Events
package import Exchange
internal import Records

package struct ExitLineError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

package enum ExitLine: Hashable, Sendable {
    case trigger(ExitTrigger)
    /// - number: from 1 within the run; the request's key.
    case request(CloseOrder, number: UInt32, atNs: Int64)
    case outcome(CloseOrder, ClosedOrder, number: UInt32)
    case trade(ExitTrade)
    case completion(ExitEnd)
}

package struct ExitEnd: Hashable, Sendable {
    package let completion: ExitCompletion
    package let startedAtNs: Int64
    package let completedAtNs: Int64

    package init(completion: ExitCompletion, startedAtNs: Int64, completedAtNs: Int64) {
        self.completion = completion
        self.startedAtNs = startedAtNs
        self.completedAtNs = completedAtNs
    }
}

/// A trade of a close.
package struct ExitTrade: Hashable, Sendable {
    package let number: UInt32
    package let clientOrderID: String
    package let trade: AccountTrade

    package init(_ trade: AccountTrade, of clientOrderID: String, number: UInt32) {
        self.number = number
        self.clientOrderID = clientOrderID
        self.trade = trade
    }
}

// MARK: - Writing

extension ExitLine {
    /// Without the newline.
    package var text: String { JSONText.render(json) }

    package var json: JSONValue {
        switch self {
        case .trigger(let trigger): ExitLine.object("trigger", [("trigger", trigger.json)])
        case .request(let close, let number, let at):
            ExitLine.object("request", ExitLine.members(close, number) + [("at_ns", .number(String(at)))])
        case .outcome(let close, let end, let number):
            ExitLine.object("outcome", ExitLine.members(close, number) + ExitLine.members(end))
        case .trade(let trade): ExitLine.object("trade", ExitLine.members(trade))
        case .completion(let end): ExitLine.object("completion", ExitLine.members(end))
        }
    }

    private static func object(_ kind: String, _ members: [(String, JSONValue)]) -> JSONValue {
        .object([JSONMember("line", .string(kind))] + members.map { JSONMember($0.0, $0.1) })
    }

    private static func members(_ close: CloseOrder, _ number: UInt32) -> [(String, JSONValue)] {
        [
            ("number", .number(String(number))), ("client_order_id", .string(close.clientOrderID.text)),
            ("symbol", .string(close.place.symbol.text)), ("position_side", .string(close.place.side.rawValue)),
            ("part", .number(String(close.part))), ("side", .string(close.side.rawValue)),
            ("quantity", .string(close.quantity.description)),
        ]
    }

    private static func members(_ end: ClosedOrder) -> [(String, JSONValue)] {
        [
            ("state", .string(end.state.text.lowercased())), ("executed", .string(end.executed.description)),
            ("average_price", end.averagePrice.map { .string($0.description) } ?? .null),
            ("exchange_order_id", .number(String(end.exchangeOrderID))),
            ("error_code", .number(String(end.errorCode))), ("reason", .string(end.reason)),
        ]
    }

    private static func members(_ noted: ExitTrade) -> [(String, JSONValue)] {
        let trade = noted.trade
        return [
            ("number", .number(String(noted.number))), ("client_order_id", .string(noted.clientOrderID)),
            ("symbol", .string(trade.symbol)), ("trade_id", .number(String(trade.tradeID))),
            ("order_id", .number(String(trade.orderID))), ("side", .string(trade.side.rawValue)),
            ("position_side", .string(trade.positionSide.rawValue)), ("price", .string(trade.price.description)),
            ("quantity", .string(trade.quantity.description)),
            ("realized_profit", .string(trade.realizedProfit.description)), ("fee", .string(trade.fee.description)),
            ("fee_asset", .string(trade.feeAsset)), ("maker", .bool(trade.isMaker)),
            ("traded_at_ms", .number(String(trade.tradedAtMilliseconds))),
        ]
    }

    private static func members(_ end: ExitEnd) -> [(String, JSONValue)] {
        let completion = end.completion
        return [
            ("positions_total", .number(String(completion.positionsTotal))),
            ("positions_closed", .number(String(completion.positionsClosed))),
            ("positions_failed", .number(String(completion.positionsFailed))),
            ("failed_symbols", .array(completion.failedSymbols.map { .string($0) })),
            ("execution_time_ms", .number(String(completion.executionMilliseconds))),
            ("started_at_ns", .number(String(end.startedAtNs))),
            ("completed_at_ns", .number(String(end.completedAtNs))),
        ]
    }
}

// MARK: - Reading

extension ExitLine {
    /// - Parameter trigger: of the run that the line belongs to; its closes must be named after it.
    package init(_ text: String, trigger: String?) throws(ExitLineError) {
        let json: JSONValue
        do throws(JSONError) { json = try JSONText.read(text) } catch { throw ExitLineError("\(error)") }
        try self.init(json: json, trigger: trigger)
    }

    package init(json: JSONValue, trigger: String?) throws(ExitLineError) {
        let fields = ExitFields(json)
        let kind = try fields.text("line")
        if kind == "trigger" {
            guard let inner = json["trigger"] else { throw ExitLineError("trigger is missing") }
            self = .trigger(try ExitTrigger(json: inner))
            return
        }
        switch kind {
        case "request":
            self = .request(
                try fields.close(trigger), number: try fields.number("number", UInt32.init),
                atNs: try fields.number("at_ns", Int64.init))
        case "outcome":
            self = .outcome(
                try fields.close(trigger), try fields.end(), number: try fields.number("number", UInt32.init))
        case "trade": self = .trade(try fields.trade())
        case "completion": self = .completion(try fields.completion())
        default: throw ExitLineError("line \(ForeignText.tame(kind)) is not known")
        }
    }
}

/// The members of a line, read strictly.
struct ExitFields {
    let json: JSONValue
    init(_ json: JSONValue) { self.json = json }

    func text(_ name: String) throws(ExitLineError) -> String {
        guard case .string(let text) = json[name] else { throw ExitLineError("\(name) must be a text") }
        return text
    }

    func number<Value>(_ name: String, _ read: (String) -> Value?) throws(ExitLineError) -> Value {
        guard case .number(let text) = json[name], let value = read(text) else {
            throw ExitLineError("\(name) must be a whole number")
        }
        return value
    }

    func decimal(_ name: String) throws(ExitLineError) -> ExactDecimal {
        let text = try text(name)
        do throws(DecimalError) { return try ExactDecimal(text) } catch { throw ExitLineError("\(name): \(error)") }
    }

    func word<Word: RawRepresentable<String>>(_ name: String, _ type: Word.Type) throws(ExitLineError) -> Word {
        guard let word = Word(rawValue: try text(name)) else { throw ExitLineError("\(name) is not known") }
        return word
    }

    func close(_ trigger: String?) throws(ExitLineError) -> CloseOrder {
        guard let trigger else { throw ExitLineError("a close stands before its trigger") }
        guard let symbol = SymbolName.known(try text("symbol")) else { throw ExitLineError("symbol is none") }
        let close = CloseOrder(
            trigger: trigger, place: ExitPlace(symbol: symbol, side: try word("position_side", PositionSide.self)),
            part: try number("part", UInt32.init), side: try word("side", OrderSide.self),
            quantity: try decimal("quantity"))
        guard close.clientOrderID.text == (try text("client_order_id")) else {
            throw ExitLineError("client_order_id is not this close's")
        }
        return close
    }

    func end() throws(ExitLineError) -> ClosedOrder {
        let name = try text("state")
        guard
            let state = EventOutcomeState.allCases.first(where: { $0.text.lowercased() == name && $0 != .unspecified })
        else {
            throw ExitLineError("state \(ForeignText.tame(name)) is not known")
        }
        return ClosedOrder(
            state: state, executed: try decimal("executed"),
            averagePrice: json["average_price"] == .null ? nil : try decimal("average_price"),
            exchangeOrderID: try number("exchange_order_id", Int64.init),
            errorCode: try number("error_code", Int.init), reason: try text("reason"))
    }

    func trade() throws(ExitLineError) -> ExitTrade {
        guard case .bool(let isMaker) = json["maker"] else { throw ExitLineError("maker must be true or false") }
        let trade = AccountTrade(
            symbol: try text("symbol"), tradeID: try number("trade_id", Int64.init),
            orderID: try number("order_id", Int64.init), side: try word("side", OrderSide.self),
            positionSide: try word("position_side", PositionSide.self), price: try decimal("price"),
            quantity: try decimal("quantity"), realizedProfit: try decimal("realized_profit"),
            fee: try decimal("fee"), feeAsset: try text("fee_asset"), isMaker: isMaker,
            tradedAtMilliseconds: try number("traded_at_ms", Int64.init))
        return ExitTrade(trade, of: try text("client_order_id"), number: try number("number", UInt32.init))
    }

    func completion() throws(ExitLineError) -> ExitEnd {
        guard case .array(let items) = json["failed_symbols"] else {
            throw ExitLineError("failed_symbols must be a list")
        }
        var symbols: [String] = []
        for item in items {
            guard case .string(let symbol) = item else { throw ExitLineError("failed_symbols must hold texts") }
            symbols.append(symbol)
        }
        let completion = ExitCompletion(
            positionsTotal: try number("positions_total", Int.init),
            positionsClosed: try number("positions_closed", Int.init),
            positionsFailed: try number("positions_failed", Int.init), failedSymbols: symbols,
            executionMilliseconds: try number("execution_time_ms", Int64.init))
        return ExitEnd(
            completion: completion, startedAtNs: try number("started_at_ns", Int64.init),
            completedAtNs: try number("completed_at_ns", Int64.init))
    }
}
