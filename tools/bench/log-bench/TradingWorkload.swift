// Trading records for replay: 35 % heartbeats, 25 % decisions, 25 % orders (requests and outcomes), 15 %
// fills, over 20 symbols, made as the roles make them.

import Events
import Records

struct TradingWorkload {
    private(set) var number: UInt64 = 0
    /// A draft's sequence is its number plus this.
    var base: UInt64 = 0
    private let now = LogTime.start

    mutating func next() throws -> Draft {
        number += 1
        switch number % 20 {
        case 0..<7: return try heartbeat()
        case 7..<12: return try decision()
        case 12, 14: return try request()
        case 13, 15, 16: return try outcome()
        default: return try fill()
        }
    }

    private var symbol: String { "SYM\(number % 20)USDT" }

    private func draft(_ stream: StreamName, _ pairs: [(String, String)]) throws -> Draft {
        try Intake.draft(
            stream: stream.text, fields: FieldMap(pairs), key: nil, traceID: nil, producer: "bench", recordedAt: now)
    }

    private func heartbeat() throws -> Draft {
        try draft(
            StreamCatalogue.heartbeats,
            [("status", "ALIVE"), ("active_positions", "2"), ("ts", "1763818338282"), ("latency_ms", "12")])
    }

    private func decision() throws -> Draft {
        try draft(
            StreamCatalogue.decisions,
            [
                ("trace_id", "\(symbol)_\(number)"), ("symbol", symbol), ("side", "BUY"), ("confidence", "0.5183"),
                ("timestamp", "2025-11-22T13:32:18.282193+00:00"),
            ])
    }

    private func request() throws -> Draft {
        try draft(
            StreamCatalogue.orderRequests,
            [
                ("intent_sequence", "\(number)"), ("leg", "1"), ("venue", "binance"), ("account", "main"),
                ("symbol", symbol), ("side", "BUY"), ("quantity", "0.25"), ("client_order_id", "bs\(number)"),
            ])
    }

    /// Of the request directly before it, as the kinds follow each other.
    private func outcome() throws -> Draft {
        try draft(
            StreamCatalogue.orderOutcomes,
            [
                ("request_sequence", "\(base + number - 1)"), ("symbol", symbol),
                ("client_order_id", "bs\(number - 1)"),
                ("state", "FILLED"), ("exchange_order_id", "\(number)"), ("executed_quantity", "0.25"),
            ])
    }

    private func fill() throws -> Draft {
        try draft(
            StreamCatalogue.fills,
            [
                ("venue", "binance"), ("account", "main"), ("symbol", symbol), ("trade_id", "\(number)"),
                ("order_id", "\(number)"), ("side", number.isMultiple(of: 3) ? "SELL" : "BUY"), ("quantity", "0.25"),
                ("price", "64250.10"), ("fee", "0.0642"), ("fee_asset", "USDT"),
            ])
    }
}

enum LogTime {
    static let start = Timestamp(milliseconds: 1_763_818_338_282)
}
