// Reads refusals that another process wrote into Backstop's own streams, in the fields that Rendering
// gives them. Nothing here refuses anything.

import Records

extension EventDecisionRefused {
    init(reading incoming: inout Incoming) throws(MessageError) {
        self.init()
        guard let decision = try incoming.whole("decision_sequence", range: 1...UInt64(Int64.max)) else {
            throw Incoming.missing("decision_sequence")
        }
        decisionSequence = decision
        guard let reason = try incoming.word("reason", as: EventDecisionRefusalReason.self) else {
            throw Incoming.missing("reason")
        }
        self.reason = reason
        detail = try incoming.text("detail", max: Limits.reasonBytesMax)
        symbol = try incoming.symbol()
        action = try incoming.word("action", as: EventAction.self) ?? .unspecified
        refersTo = try incoming.whole("refers_to", range: 0...UInt64(Int64.max)) ?? 0
        rule = try incoming.text("rule", max: Limits.producerBytesMax)
        configSequence = try incoming.whole("config_sequence", range: 0...UInt64(Int64.max)) ?? 0
    }
}

extension EventMessageRefused {
    init(reading incoming: inout Incoming) throws(MessageError) {
        self.init()
        stream = try incoming.text("stream", max: Limits.streamNameBytesMax)
        guard !stream.isEmpty else { throw MessageError("stream", "must not be empty or missing") }
        reason = try incoming.text("reason", max: Limits.reasonBytesMax)
        guard !reason.isEmpty else { throw MessageError("reason", "must not be empty or missing") }
        client = try incoming.text("client", max: Limits.producerBytesMax)
        count = try incoming.whole("count", range: 1...UInt64(Int64.max)) ?? 1
    }
}
