// What the exchange said, kept so that an audit can hear it again: reports in the exchange's own names, as its readers
// read them; the four other answers by their words. Secrets cannot stand here: answers hold none, and requests are not
// kept. What is read back must be equal to what was kept, or is an error.

package import Events

/// What can be kept, and read again.
package protocol Evident: Sendable {
    var evidence: JSONValue { get }
    init(evidence: JSONValue) throws(MessageError)
}

extension JSONValue {
    package static func text(_ text: String) -> JSONValue { .string(text) }
    package static func whole(_ number: some BinaryInteger) -> JSONValue { .number(String(number)) }
    package static func amount(_ amount: ExactDecimal?) -> JSONValue { amount.map { .string($0.description) } ?? .null }

    /// Without what is null.
    package static func members(_ members: [(String, JSONValue)]) -> JSONValue {
        .object(members.filter { $0.1 != .null }.map { JSONMember($0.0, $0.1) })
    }
}

extension AnswerFields {
    /// As it was kept; missing is empty.
    package func kept(_ name: String) throws(MessageError) -> String {
        guard let value = member(name) else { return "" }
        guard case .string(let text) = value else { throw MessageError(name, "must be text") }
        return text
    }

    package func optionalDecimal(_ name: String) throws(MessageError) -> ExactDecimal? {
        member(name) == nil ? nil : try decimal(name)
    }

    package func list<Item: Evident>(_ name: String, of type: Item.Type = Item.self) throws(MessageError) -> [Item] {
        var items: [Item] = []
        for value in try AnswerFields.rows(try required(name)) { items.append(try Item(evidence: value)) }
        return items
    }
}

extension OrderReport: Evident {
    package var evidence: JSONValue {
        .members([
            ("symbol", .text(symbol)), ("orderId", .whole(orderID)), ("clientOrderId", .text(clientOrderID)),
            ("status", .text(status.rawValue)), ("side", .text(side.rawValue)),
            ("positionSide", .text(positionSide.rawValue)), ("type", .text(type)), ("origQty", .amount(quantity)),
            ("executedQty", .amount(executedQuantity)), ("price", .amount(price)), ("avgPrice", .amount(averagePrice)),
            ("reduceOnly", .bool(reduceOnly)), ("updateTime", updatedAtMilliseconds.map { .whole($0) } ?? .null),
        ])
    }
    package init(evidence: JSONValue) throws(MessageError) { try self.init(AnswerFields(evidence)) }
}

extension AlgoOrderReport: Evident {
    package var evidence: JSONValue {
        .members([
            ("symbol", .text(symbol)), ("algoId", .whole(algoID)), ("clientAlgoId", .text(clientAlgoID)),
            ("side", .text(side.rawValue)), ("positionSide", .text(positionSide.rawValue)),
            ("algoStatus", .text(status)), ("orderType", .text(type)),
        ])
    }
    package init(evidence: JSONValue) throws(MessageError) { try self.init(AnswerFields(evidence)) }
}

extension PositionReport: Evident {
    package var evidence: JSONValue {
        .members([
            ("symbol", .text(symbol)), ("positionSide", .text(positionSide.rawValue)),
            ("positionAmt", .amount(quantity)), ("entryPrice", .amount(entryPrice)), ("markPrice", .amount(markPrice)),
            ("updateTime", updatedAtMilliseconds.map { .whole($0) } ?? .null),
        ])
    }
    package init(evidence: JSONValue) throws(MessageError) { try self.init(AnswerFields(evidence)) }
}

extension AccountTrade: Evident {
    package var evidence: JSONValue {
        .members([
            ("symbol", .text(symbol)), ("id", .whole(tradeID)), ("orderId", .whole(orderID)),
            ("side", .text(side.rawValue)), ("positionSide", .text(positionSide.rawValue)), ("price", .amount(price)),
            ("qty", .amount(quantity)), ("realizedPnl", .amount(realizedProfit)), ("commission", .amount(fee)),
            ("commissionAsset", .text(feeAsset)), ("maker", .bool(isMaker)), ("time", .whole(tradedAtMilliseconds)),
        ])
    }
    package init(evidence: JSONValue) throws(MessageError) { try self.init(AnswerFields(evidence)) }
}

extension Instrument: Evident {
    package var evidence: JSONValue {
        var filters = [
            price.evidence("PRICE_FILTER", "minPrice", "maxPrice", "tickSize"),
            limitQuantity.evidence("LOT_SIZE", "minQty", "maxQty", "stepSize"),
            marketQuantity.evidence("MARKET_LOT_SIZE", "minQty", "maxQty", "stepSize"),
        ]
        if let notionalMin {
            filters.append(.members([("filterType", .text("MIN_NOTIONAL")), ("notional", .amount(notionalMin))]))
        }
        return .members([
            ("symbol", .text(symbol.text)), ("status", .text(status)), ("contractType", .text(contractType)),
            ("marginAsset", .text(marginAsset)), ("filters", .array(filters)),
        ])
    }
    package init(evidence: JSONValue) throws(MessageError) { try self.init(AnswerFields(evidence)) }
}

extension StepRule {
    fileprivate func evidence(_ type: String, _ min: String, _ max: String, _ step: String) -> JSONValue {
        .members([
            ("filterType", .text(type)), (min, .amount(minimum)), (max, .amount(maximum)), (step, .amount(self.step)),
        ])
    }
}

extension Rows: Evident where Row: Evident {
    package var evidence: JSONValue {
        .members([
            ("rows", .array(readable.map(\.evidence))),
            (
                "unreadable",
                isComplete
                    ? .null
                    : .array(
                        unreadable.map { row in
                            .members([
                                ("symbol", row.symbol.map { .text($0) } ?? .null), ("problem", .text(row.problem)),
                            ])
                        })
            ),
        ])
    }

    package init(evidence: JSONValue) throws(MessageError) {
        let fields = try AnswerFields(evidence)
        var broken: [Unreadable] = []
        if let list = fields.member("unreadable") {
            for item in try AnswerFields.rows(list) {
                let row = try AnswerFields(item)
                let symbol = row.member("symbol") == nil ? nil : try row.kept("symbol")
                broken.append(Unreadable(symbol: symbol, problem: try row.kept("problem")))
            }
        }
        self.init(readable: try fields.list("rows"), unreadable: broken)
    }
}

extension ExchangeInfo {
    /// The rules of those symbols; nothing else of it decides.
    package func evidence(of symbols: Set<SymbolName>) -> JSONValue {
        .array(symbols.sorted { $0.text < $1.text }.compactMap { self[$0]?.evidence })
    }

    package init(evidence: JSONValue) throws(MessageError) {
        var found: [Instrument] = []
        for row in try AnswerFields.rows(evidence) { found.append(try Instrument(evidence: row)) }
        self.init(instruments: Rows(readable: found, unreadable: []))
    }
}

// MARK: - The five answers

extension Answer {
    package func evidence(_ value: (Value) -> JSONValue) -> JSONValue {
        switch self {
        case .accepted(let found): .members([("answer", .text("accepted")), ("value", value(found))])
        case .rejected(let rejection):
            .members([
                ("answer", .text("rejected")), ("kind", .text(rejection.kind.rawValue)),
                ("status", .whole(rejection.status)), ("code", rejection.code.map { .whole($0) } ?? .null),
                ("text", .text(rejection.text)),
            ])
        case .throttled(let why):
            .members([
                ("answer", .text("throttled")), ("cause", .text(why.cause.rawValue)),
                ("retry_after_ms", why.retryAfterMilliseconds.map { .whole($0) } ?? .null), ("text", .text(why.text)),
            ])
        case .unknown(let why):
            .members([
                ("answer", .text("unknown")), ("reason", .text(why.reason.rawValue)), ("text", .text(why.text)),
            ])
        case .notSent(let why):
            .members([
                ("answer", .text("not_sent")), ("reason", .text(why.reason.rawValue)), ("text", .text(why.text)),
            ])
        }
    }

    package init(
        evidence: JSONValue, _ value: (JSONValue) throws(MessageError) -> Value
    ) throws(MessageError) {
        let fields = try AnswerFields(evidence)
        switch try fields.text("answer") {
        case "accepted": self = .accepted(try value(fields.member("value") ?? .null))
        case "rejected":
            self = .rejected(
                Rejection(
                    kind: try fields.word("kind", as: Rejection.Kind.self),
                    status: Int(try fields.whole("status", 0...999)),
                    code: try fields.optionalWhole("code", Int64.min...Int64.max).map { Int($0) },
                    text: try fields.kept("text")))
        case "throttled":
            self = .throttled(
                Throttling(
                    cause: try fields.word("cause", as: Throttling.Cause.self),
                    retryAfterMilliseconds: try fields.optionalWhole("retry_after_ms", Int64.min...Int64.max),
                    text: try fields.kept("text")))
        case "unknown":
            self = .unknown(
                Unknown(reason: try fields.word("reason", as: Unknown.Reason.self), text: try fields.kept("text")))
        case "not_sent":
            self = .notSent(
                NotSent(reason: try fields.word("reason", as: NotSent.Reason.self), text: try fields.kept("text")))
        case let other: throw MessageError("answer", "unknown word \(ForeignText.tame(other))")
        }
    }
}
