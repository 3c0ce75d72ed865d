// Requests and answers that many tests need, and a client that speaks to a scripted server.

import Events
import Records

@testable import Exchange
@testable import ExchangeClient

enum Sample {
    static let key = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
    static let secret = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"
    static let credentials = try! Credentials(key: key, secret: secret)
    static let symbol = try! SymbolName("BTCUSDT")

    static func id(_ number: Int) -> ClientOrderID { try! ClientOrderID("bs\(number)") }

    static func order(
        _ number: Int, side: OrderSide = .buy, positionSide: PositionSide = .both, quantity: String = "0.010",
        reduceOnly: Bool = false, terms: NewOrder.Terms = .market
    ) -> NewOrder {
        try! NewOrder(
            symbol: symbol, side: side, positionSide: positionSide, quantity: try! ExactDecimal(quantity),
            terms: terms, reduceOnly: reduceOnly, clientOrderID: id(number))
    }

    static func permit(_ number: Int) -> SendPermit {
        SendPermit(appended: SequenceNumber(UInt64(number) + 1), clientOrderID: id(number))
    }

    /// What the exchange would say to `request`, with some members replaced.
    static func orderAnswer(_ request: ReceivedRequest, _ changes: [String: String] = [:]) -> String {
        orderAnswer(
            id: request.clientID ?? request.parameter("origClientOrderId") ?? "x",
            symbol: request.parameter("symbol") ?? "BTCUSDT", side: request.parameter("side") ?? "BUY",
            quantity: request.parameter("quantity") ?? "0.010", changes)
    }

    static func orderAnswer(
        id: String, symbol: String = "BTCUSDT", side: String = "BUY", quantity: String = "0.010",
        _ changes: [String: String] = [:]
    ) -> String {
        let members = [
            ("orderId", "22542179"), ("symbol", "\"\(symbol)\""), ("status", "\"FILLED\""),
            ("clientOrderId", "\"\(id)\""), ("price", "\"0.00\""), ("avgPrice", "\"64000.10\""),
            ("origQty", "\"\(quantity)\""), ("executedQty", "\"\(quantity)\""), ("cumQty", "\"\(quantity)\""),
            ("timeInForce", "\"GTC\""), ("type", "\"MARKET\""), ("reduceOnly", "false"), ("closePosition", "false"),
            ("side", "\"\(side)\""), ("positionSide", "\"BOTH\""), ("updateTime", "1763818338280"),
        ]
        let lines = members.map { "\"\($0.0)\":\(changes[$0.0] ?? $0.1)" }
        return "{" + lines.joined(separator: ",") + "}"
    }

    static func error(_ code: Int, _ text: String) -> String { #"{"code":\#(code),"msg":"\#(text)"}"# }
}

/// A server with a script, and a client that knows only it. Both end with the test.
func withServer<Result>(
    settings: ClientSettings = ClientSettings(), credentials: Credentials? = Sample.credentials,
    _ script: @escaping @Sendable (ReceivedRequest) -> Reaction,
    _ body: (ExchangeClient, ScriptedServer) throws -> Result
) throws -> Result {
    let server = ScriptedServer(script)
    defer { server.stop() }
    let host = try ExchangeHost(server.url, isLive: false, environment: [:])
    let client = ExchangeClient(host: host, credentials: credentials, settings: settings)
    defer { client.close() }
    return try body(client, server)
}

extension ExchangeClient {
    /// An opening order whose last look says yes.
    @available(*, noasync)
    func place(_ number: Int) -> Answer<OrderReport> {
        place(Sample.order(number), permit: Sample.permit(number), .ordinary) { true }
    }
}

extension Answer {
    /// One word for expectations: `accepted`, `rejected/request`, `unknown/timedOut`.
    var word: String {
        switch self {
        case .accepted: "accepted"
        case .rejected(let it): "rejected/\(it.kind.rawValue)"
        case .throttled(let it): "throttled/\(it.cause.rawValue)"
        case .unknown(let it): "unknown/\(it.reason.rawValue)"
        case .notSent(let it): "notSent/\(it.reason.rawValue)"
        }
    }

    var text: String {
        switch self {
        case .accepted: ""
        case .rejected(let it): it.text
        case .throttled(let it): it.text
        case .unknown(let it): it.text
        case .notSent(let it): it.text
        }
    }
}

/// Small, seeded, the same everywhere.
struct SplitMix {
    private var state: UInt64
    init(_ seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
