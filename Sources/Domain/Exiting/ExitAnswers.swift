// The words of an exit's evidence: answers, closes, rules, ends. See ExitEvidence.

internal import Events
internal import Exchange
internal import Records

extension ExitAnswer {
    var evidence: JSONValue {
        switch self {
        case .positions(let look, let answer): seen("positions", look, answer.evidence(\.evidence))
        case .openOrders(let look, let answer): seen("open_orders", look, answer.evidence(\.evidence))
        case .openAlgoOrders(let look, let answer): seen("open_algo_orders", look, answer.evidence(\.evidence))
        case .canceled(let symbol, let isAlgo, let answer):
            .members([
                ("says", .text("canceled")), ("symbol", .text(symbol.text)), ("algo", .bool(isAlgo)),
                ("answer", answer.evidence { _ in .null }),
            ])
        case .closed(let close, let answer): said("closed", close, answer.evidence(\.evidence))
        case .lookedUp(let close, let answer): said("looked_up", close, answer.evidence(\.evidence))
        case .trades(let close, let answer):
            said("trades", close, answer.evidence { .array($0.map(\.evidence)) })
        case .witnessed(let close, let answer):
            said("witnessed", close, answer.evidence { .array($0.map(\.evidence)) })
        }
    }

    private func seen(_ word: String, _ look: Int, _ answer: JSONValue) -> JSONValue {
        .members([("says", .text(word)), ("look", .whole(look)), ("answer", answer)])
    }

    private func said(_ word: String, _ close: CloseOrder, _ answer: JSONValue) -> JSONValue {
        .members([("says", .text(word)), ("close", close.evidence), ("answer", answer)])
    }

    init(_ fields: AnswerFields, _ trigger: String) throws(MessageError) {
        let answer = try fields.required("answer")
        func look() throws(MessageError) -> Int { Int(try fields.whole("look", 0...Int64.max)) }
        func close() throws(MessageError) -> CloseOrder {
            try CloseOrder(evidence: try fields.required("close"), trigger)
        }
        func report() throws(MessageError) -> Answer<OrderReport> {
            try Answer(evidence: answer) { value throws(MessageError) in try OrderReport(evidence: value) }
        }
        func trades() throws(MessageError) -> Answer<[AccountTrade]> {
            try Answer(evidence: answer) { value throws(MessageError) in
                var trades: [AccountTrade] = []
                for row in try AnswerFields.rows(value) { trades.append(try AccountTrade(evidence: row)) }
                return trades
            }
        }
        switch try fields.text("says") {
        case "positions":
            self = .positions(
                try look(),
                try Answer(evidence: answer) { value throws(MessageError) in try Rows<PositionReport>(evidence: value) }
            )
        case "open_orders":
            self = .openOrders(
                try look(),
                try Answer(evidence: answer) { value throws(MessageError) in try Rows<OrderReport>(evidence: value) })
        case "open_algo_orders":
            self = .openAlgoOrders(
                try look(),
                try Answer(evidence: answer) { value throws(MessageError) in try Rows<AlgoOrderReport>(evidence: value)
                }
            )
        case "canceled":
            self = .canceled(
                try SymbolName(fields.text("symbol")), isAlgo: try fields.flag("algo"),
                try Answer(evidence: answer) { _ throws(MessageError) in () })
        case "closed": self = .closed(try close(), try report())
        case "looked_up": self = .lookedUp(try close(), try report())
        case "trades": self = .trades(try close(), try trades())
        case "witnessed": self = .witnessed(try close(), try trades())
        case let other: throw MessageError("says", "unknown word \(ForeignText.tame(other))")
        }
    }
}

extension CloseOrder {
    var evidence: JSONValue {
        .members([
            ("symbol", .text(place.symbol.text)), ("position_side", .text(place.side.rawValue)), ("part", .whole(part)),
            ("side", .text(side.rawValue)), ("quantity", .amount(quantity)),
        ])
    }

    init(evidence: JSONValue, _ trigger: String) throws(MessageError) {
        let fields = try AnswerFields(evidence)
        self.init(
            trigger: trigger,
            place: ExitPlace(
                symbol: try SymbolName(fields.text("symbol")),
                side: try fields.word("position_side", as: PositionSide.self)),
            part: UInt32(try fields.whole("part", 0...Int64(UInt32.max))),
            side: try fields.word("side", as: OrderSide.self), quantity: try fields.decimal("quantity"))
    }
}

extension ClosedOrder {
    fileprivate var evidence: JSONValue {
        .members([
            ("state", .text(state.text)), ("executed", .amount(executed)), ("average_price", .amount(averagePrice)),
            ("exchange_order_id", .whole(exchangeOrderID)), ("error_code", .whole(errorCode)),
            ("reason", .text(reason)),
        ])
    }

    fileprivate init(evidence: JSONValue) throws(MessageError) {
        let fields = try AnswerFields(evidence)
        let word = try fields.text("state")
        guard let state = EventOutcomeState.allCases.first(where: { $0.text == word }) else {
            throw MessageError("state", "unknown word \(ForeignText.tame(word))")
        }
        self.init(
            state: state, executed: try fields.decimal("executed"),
            averagePrice: try fields.optionalDecimal("average_price"),
            exchangeOrderID: try fields.whole("exchange_order_id", Int64.min...Int64.max),
            errorCode: Int(try fields.whole("error_code", Int64.min...Int64.max)), reason: try fields.kept("reason"))
    }
}

extension ExitPast {
    var evidence: JSONValue {
        .members([("close", close.evidence), ("end", end?.evidence ?? .null), ("has_trades", .bool(hasTrades))])
    }

    init(evidence: JSONValue, _ trigger: String) throws(MessageError) {
        let fields = try AnswerFields(evidence)
        var end: ClosedOrder?
        if let kept = fields.member("end") { end = try ClosedOrder(evidence: kept) }
        self.init(
            close: try CloseOrder(evidence: try fields.required("close"), trigger), end: end,
            hasTrades: try fields.flag("has_trades"))
    }
}

extension ExitCompletion {
    var evidence: JSONValue {
        .members([
            ("total", .whole(positionsTotal)), ("closed", .whole(positionsClosed)), ("failed", .whole(positionsFailed)),
            ("symbols", .array(failedSymbols.map { .text($0) })), ("execution_ms", .whole(executionMilliseconds)),
        ])
    }

    init(evidence: JSONValue) throws(MessageError) {
        let fields = try AnswerFields(evidence)
        func count(_ name: String) throws(MessageError) -> Int { Int(try fields.whole(name, 0...Int64(UInt32.max))) }
        var symbols: [String] = []
        for row in try AnswerFields.rows(try fields.required("symbols")) {
            guard case .string(let symbol) = row else { throw MessageError("symbols", "must be texts") }
            symbols.append(symbol)
        }
        self.init(
            positionsTotal: try count("total"), positionsClosed: try count("closed"),
            positionsFailed: try count("failed"), failedSymbols: symbols,
            executionMilliseconds: try fields.whole("execution_ms", Int64.min...Int64.max))
    }
}

extension ExitRules {
    private static let names: [(String, any WritableKeyPath<ExitRules, Milliseconds> & Sendable)] = [
        ("fence_ms", \.fenceMilliseconds), ("cancel_wait_ms", \.cancelWaitMilliseconds),
        ("instruments_wait_ms", \.instrumentsWaitMilliseconds), ("patience_ms", \.patienceMilliseconds),
        ("run_ms", \.runMilliseconds), ("stale_ms", \.staleMilliseconds), ("look_pause_ms", \.lookPauseMilliseconds),
        ("look_pause_ms_max", \.lookPauseMillisecondsMax), ("horizon_ms", \.horizonMilliseconds),
        ("doubt_ms", \.doubtMilliseconds), ("doubt_pause_ms", \.doubtPauseMilliseconds),
    ]

    var evidence: JSONValue { .members(ExitRules.names.map { ($0.0, .whole(self[keyPath: $0.1])) }) }

    init(evidence: JSONValue) throws(MessageError) {
        self.init()
        let fields = try AnswerFields(evidence)
        for (name, path) in ExitRules.names { self[keyPath: path] = try fields.whole(name, 0...Int64.max) }
    }
}
