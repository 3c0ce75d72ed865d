// The answers of an execution as evidence. See ExecutionEvidence.

package import Events
internal import Exchange

extension ExecutionAnswer: Evident {
    package var evidence: JSONValue {
        switch self {
        case .instrument(let found): said("instrument", found?.evidence ?? .null)
        case .price(let price): said("price", .amount(price))
        case .holdings(let rows, let isHedgeMode):
            .members([
                ("says", .text("holdings")), ("value", .array(rows.map(\.evidence))),
                ("hedge_mode", .bool(isHedgeMode)),
            ])
        case .count(let count): said("count", .whole(count))
        case .done: said("done", .null)
        case .unanswered(let why): said("unanswered", .text(why))
        case .declined(let why): said("declined", .text(why))
        case .committed(let request): said("committed", request.evidence)
        case .stoodAlready(let request): said("stood_already", request.evidence)
        case .requestRefused(let reason, let detail):
            .members([("says", .text("request_refused")), ("value", .text(reason)), ("detail", .text(detail))])
        case .placed(let answer): said("placed", answer.evidence(\.evidence))
        case .lookedUp(let answer): said("looked_up", answer.evidence(\.evidence))
        case .trades(let trades): said("trades", .array(trades.map(\.evidence)))
        case .seen(let what): said("seen", .text(what))
        case .notSeen: said("not_seen", .null)
        }
    }

    private func said(_ word: String, _ value: JSONValue) -> JSONValue {
        .members([("says", .text(word)), ("value", value)])
    }

    package init(evidence: JSONValue) throws(MessageError) {
        let fields = try AnswerFields(evidence)
        switch try fields.text("says") {
        case "instrument":
            let found = fields.member("value")
            self = .instrument(try found.map { value throws(MessageError) in try Instrument(evidence: value) })
        case "price": self = .price(try fields.decimal("value"))
        case "holdings": self = .holdings(try fields.list("value"), isHedgeMode: try fields.flag("hedge_mode"))
        case "count": self = .count(Int(try fields.whole("value", 0...Int64.max)))
        case "done": self = .done
        case "unanswered": self = .unanswered(try fields.kept("value"))
        case "declined": self = .declined(try fields.kept("value"))
        case "committed": self = .committed(try RequestedOrder(evidence: try fields.required("value")))
        case "stood_already": self = .stoodAlready(try RequestedOrder(evidence: try fields.required("value")))
        case "request_refused":
            self = .requestRefused(reason: try fields.kept("value"), detail: try fields.kept("detail"))
        case "placed": self = .placed(try ExecutionAnswer.report(fields))
        case "looked_up": self = .lookedUp(try ExecutionAnswer.report(fields))
        case "trades": self = .trades(try fields.list("value"))
        case "seen": self = .seen(try fields.kept("value"))
        case "not_seen": self = .notSeen
        case let other: throw MessageError("says", "unknown word \(ForeignText.tame(other))")
        }
    }

    private static func report(_ fields: AnswerFields) throws(MessageError) -> Answer<OrderReport> {
        try Answer(evidence: try fields.required("value")) { value throws(MessageError) in
            try OrderReport(evidence: value)
        }
    }
}
