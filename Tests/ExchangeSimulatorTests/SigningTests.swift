// Signatures: the vectors of the fact sheet, and the places where a signature may stand.

import ExchangeSimulation
import Testing

@Suite struct SigningTests {
    static let secret = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"

    @Test(arguments: [
        (
            "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000"
                + "&timestamp=1591702613943", "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9"
        ),
        (
            "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC" + "quantity=1&price=9000&recvWindow=5000"
                + "&timestamp=1591702613943", "30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4"
        ),
    ])
    func vectorsOfTheFactSheet(payload: String, signature: String) {
        #expect(Signing.signature(of: payload, secret: SigningTests.secret) == signature)
    }

    /// The four placements that real clients use.
    @Test(arguments: ["query", "body", "both", "bodyWithDelete", "signatureInQueryOverBody"])
    func aSignatureCountsWhereverTheParametersStand(placement: String) {
        var exchange = Exchange()
        let order = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=80000"
        let time = "timestamp=\(exchange.now)"
        func sign(_ payload: String) -> String { "&signature=" + Signing.signature(of: payload, secret: "s1") }
        var (method, query, body) = ("POST", "", "")
        switch placement {
        case "query": query = order + "&" + time + sign(order + "&" + time)
        case "body": body = order + "&" + time + sign(order + "&" + time)
        case "both": (query, body) = (order, time + sign(order + time))
        case "signatureInQueryOverBody":
            (query, body) = (order + sign(order + time), time)
        default:
            exchange.order(order + "&newClientOrderId=a")
            let keys = "symbol=BTCUSDT&origClientOrderId=a&" + time
            (method, body) = ("DELETE", keys + sign(keys))
        }
        let request = Request(
            method: method, path: "/fapi/v1/order", query: query, body: body, apiKey: "k1", client: "c")
        let reply = exchange.send(request)
        #expect(reply.status == 200, "\(placement): \(reply)")
        #expect(reply.text("symbol") == "BTCUSDT")
    }

    @Test func upperCaseHexadecimalIsTheSameSignature() {
        var exchange = Exchange()
        let payload = "timestamp=\(exchange.now)"
        let signature = Signing.signature(of: payload, secret: "s1").uppercased()
        #expect(exchange.call("GET", "v2/balance", payload + "&signature=" + signature).status == 200)
    }

    @Test func aSignatureMustStandLast() {
        var exchange = Exchange()
        let payload = "timestamp=\(exchange.now)"
        let signature = Signing.signature(of: payload, secret: "s1")
        #expect(exchange.call("GET", "v2/balance", "signature=\(signature)&" + payload).code == -1022)
    }

    @Test func theQueryWinsOverTheBody() {
        var exchange = Exchange()
        let body = "leverage=3"
        let reply = exchange.call("POST", "v1/leverage", "symbol=BTCUSDT&leverage=7", body: body)
        #expect(reply.number("leverage") == 7)
    }

    @Test func withoutConfiguredAccountsAnyKeyIsAnAccountOfItsOwn() {
        var exchange = Exchange { $0.accounts = [] }
        let signature = String(repeating: "ab", count: 32)
        let query = "timestamp=\(exchange.now)&signature=\(signature)"
        #expect(exchange.call("GET", "v2/balance", query, key: "any").status == 200)
        #expect(exchange.call("GET", "v2/balance", "timestamp=\(exchange.now)&signature=zz", key: "any").code == -1022)
    }
}
