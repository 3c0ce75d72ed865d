// The venue as a client meets it, without sockets: signed calls at a time that only the test moves.

import Events
import ExchangeSimulation

struct Exchange {
    var venue: Venue
    var now: Int64 = 1_700_000_000_000
    static let key = "k1"
    static let secret = "s1"

    /// Prices stand still unless a test lets them move.
    init(
        seed: UInt64 = 7, symbols: [SymbolRules] = SymbolRules.catalogue,
        _ change: (inout VenueOptions) -> Void = { _ in }
    ) {
        var options = VenueOptions()
        options.seed = seed
        options.moveEvery = 0
        options.balance = 1_000_000
        options.accounts = [.init(key: Exchange.key, secret: Exchange.secret), .init(key: "k2", secret: "s2")]
        change(&options)
        venue = Venue(options, symbols: symbols, startedAt: now)
    }

    /// Signed in the query, where `query` does not say otherwise.
    @discardableResult
    mutating func call(
        _ method: String, _ path: String, _ query: String = "", body: String = "", key: String? = Exchange.key,
        client: String = "10.0.0.1"
    ) -> Reply {
        var text = query
        if !text.contains("timestamp=") { text += (text.isEmpty ? "" : "&") + "timestamp=\(now)" }
        if !text.contains("signature=") {
            let secret = key == "k2" ? "s2" : Exchange.secret
            text += "&signature=" + Signing.signature(of: text + body, secret: secret)
        }
        return send(
            Request(method: method, path: "/fapi/" + path, query: text, body: body, apiKey: key, client: client))
    }

    /// Exactly as given.
    mutating func send(_ request: Request) -> Reply {
        switch venue.receive(request, at: now) {
        case .answered(let delivery): return Reply(delivery)
        case .held(let held, let until):
            now = until
            return Reply(venue.resume(held, at: until))
        }
    }

    @discardableResult
    mutating func control(_ method: String, _ path: String, _ body: String = "") -> Reply {
        send(Request(method: method, path: "/sim/" + path, query: "", body: body, apiKey: nil, client: "control"))
    }

    // MARK: Short forms

    @discardableResult
    mutating func order(_ query: String, key: String = Exchange.key) -> Reply {
        call("POST", "v1/order", query, key: key)
    }

    @discardableResult
    mutating func market(_ side: String, _ quantity: String, _ rest: String = "", symbol: String = "BTCUSDT") -> Reply {
        order("symbol=\(symbol)&side=\(side)&type=MARKET&quantity=\(quantity)&newOrderRespType=RESULT" + rest)
    }

    @discardableResult
    mutating func limit(_ side: String, _ quantity: String, _ price: String, _ rest: String = "") -> Reply {
        order(
            "symbol=BTCUSDT&side=\(side)&type=LIMIT&timeInForce=GTC&quantity=\(quantity)&price=\(price)"
                + "&newOrderRespType=RESULT" + rest)
    }

    mutating func price(_ price: String, symbol: String = "BTCUSDT") {
        control("POST", "price", #"{"symbol":"\#(symbol)","price":"\#(price)"}"#)
    }

    /// As a number's text, of the first row of that side.
    mutating func position(_ side: String = "BOTH", symbol: String = "BTCUSDT") -> String? {
        let rows = call("GET", "v2/positionRisk", "symbol=\(symbol)").rows
        return rows.first { $0.text("positionSide") == side }?.text("positionAmt")
    }

    mutating func look(_ clientID: String) -> Reply {
        call("GET", "v1/order", "symbol=BTCUSDT&origClientOrderId=\(clientID)")
    }

    /// Begins to listen; what came before is not heard.
    mutating func listen() {
        call("POST", "v1/listenKey")
        _ = venue.takeStream()
    }

    /// The events since the last call.
    mutating func events() -> [Reply] {
        venue.takeStream().compactMap {
            guard case .event(let event) = $0.content else { return nil }
            return Reply(event)
        }
    }
}

/// An answer, or a part of one.
struct Reply: CustomStringConvertible {
    var status = 200
    var json: JSONValue
    var wire = Wire()
    var headers: [Answer.Header] = []
    var body = ""

    init(_ json: JSONValue) { self.json = json }

    init(_ delivery: Delivery) {
        status = delivery.answer.status
        wire = delivery.wire
        headers = delivery.answer.headers
        body = delivery.answer.body
        json = .null
        do {
            json = try JSONText.read(body)
        } catch {
            json = .null  // a page of HTML
        }
    }

    var description: String { "\(status) \(JSONText.render(json).prefix(500))" }

    var code: Int? { number("code") }
    var rows: [Reply] {
        guard case .array(let items) = json else { return [] }
        return items.map(Reply.init)
    }
    subscript(_ name: String) -> Reply { Reply(json[name] ?? .null) }

    func text(_ name: String) -> String? {
        guard case .string(let text) = json[name] else { return nil }
        return text
    }
    func number(_ name: String) -> Int? {
        guard case .number(let text) = json[name] else { return nil }
        return Int(text)
    }
    func flag(_ name: String) -> Bool? {
        guard case .bool(let flag) = json[name] else { return nil }
        return flag
    }
    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

extension [Reply] {
    /// Null where there are fewer: a test fails, and the others go on.
    func at(_ index: Int) -> Reply { indices.contains(index) ? self[index] : Reply(.null) }
}
