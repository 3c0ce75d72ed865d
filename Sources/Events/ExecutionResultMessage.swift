// Reads an execution result: the terminal state of one intent. States on the way there are not results.

import Records

extension EventExecutionResult {
    init(reading incoming: inout Incoming) throws(MessageError) {
        self.init()
        intentSequence = try incoming.whole("intent_sequence", range: 1...UInt64(Int64.max)) ?? 0
        symbol = try incoming.symbol()
        guard let state = try incoming.word("status", "state", as: EventTerminalState.self) else {
            throw Incoming.missing("status")
        }
        self.state = state
        side = try incoming.word("side", "action", as: EventSide.self) ?? .unspecified
        guard state != .filled || side != .unspecified else { throw Incoming.missing("side") }
        reason = try incoming.text("reason", max: Limits.reasonBytesMax)
        orderID = try incoming.token("order_id", "orderId")
        if let value = try incoming.decimal("filled_quantity", "filled_qty", "executed_qty", rule: .notNegative) {
            filledQuantity = value
        }
        if let value = try incoming.decimal("average_price", "avg_price", rule: .notNegative) { averagePrice = value }
        producedAtNs = try incoming.time("timestamp", "ts")?.nanoseconds ?? 0
        members = incoming.rest()
    }
}
