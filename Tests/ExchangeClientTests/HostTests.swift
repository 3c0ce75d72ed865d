// Which addresses a client can be made for. There is no other way to a host than through this check.

import Testing

@testable import Exchange
@testable import ExchangeClient

@Suite struct HostTests {
    @Test(arguments: [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"), ("http://localhost:8080/", "http://127.0.0.1:8080"),
        ("https://LOCALHOST", "https://127.0.0.1"), ("http://[::1]:9", "http://[::1]:9"),
        ("http://127.255.0.1", "http://127.255.0.1"),
        ("https://demo-fapi.binance.com", "https://demo-fapi.binance.com"),
        ("https://testnet.binancefuture.com:443/", "https://testnet.binancefuture.com:443"),
    ])
    func allowed(_ text: String, _ base: String) throws {
        #expect(try ExchangeHost(text, isLive: false, environment: [:]).base == base)
    }

    /// The stream of a host is never another party's, and without TLS on loopback alone.
    @Test(arguments: [
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080"), ("http://127.0.0.1", "ws://127.0.0.1"),
        ("https://127.0.0.1:8443", "wss://127.0.0.1:8443"), ("http://[::1]:9", "ws://[::1]:9"),
        ("https://demo-fapi.binance.com", "wss://demo-fstream.binance.com"),
        ("https://demo-fapi.binance.com:443", "wss://demo-fstream.binance.com"),
        ("https://testnet.binancefuture.com", "wss://fstream.binancefuture.com"),
        ("https://fapi.binance.com", "wss://fstream.binance.com"),
    ])
    func eachHostHasItsStream(_ text: String, _ stream: String) throws {
        let host = try ExchangeHost(text, isLive: true, environment: ["BACKSTOP_LIVE": "1"])
        #expect(host.stream.description == stream)
    }

    @Test(arguments: [
        "", "127.0.0.1:8080", "ftp://127.0.0.1", "http://", "https://", "http://127.0.0.1:", "http://127.0.0.1:0",
        "http://127.0.0.1:65536", "http://127.0.0.1:80x", "http://127.0.0.1/path", "http://127.0.0.1?x",
        "https://demo-fapi.binance.com@evil.example", "https://u:p@demo-fapi.binance.com",
        "https://demo-fapi.binance.com#evil", "https://demo-fapi.binance.com\\evil",
        "https://demo-fapi.binance.com%2eevil",
        "https://demo-fapi.binance.com/fapi", "https://demo-fapi.binance.com\r\nHost: x",
        "HTTPS://demo-fapi.binance.com",
        " https://demo-fapi.binance.com", "https://demo\u{2010}fapi.binance.com", "http://[::1",
        "http://[::1].evil.com",
        "http://[::ffff:127.0.0.1]",
    ])
    func malformed(_ text: String) {
        #expect(throws: HostError.self) { try ExchangeHost(text, isLive: true, environment: ["BACKSTOP_LIVE": "1"]) }
    }

    @Test(arguments: [
        "https://example.com", "https://evil-demo-fapi.binance.com", "https://demo-fapi.binance.com.evil.com",
        "https://api.binance.com", "https://demo-fapi.binance.com.", "https://demo-fapi.binance.com:444",
        "http://10.0.0.1", "http://128.0.0.1", "http://0x7f.0.0.1", "http://127.1", "http://2130706433",
        "http://127.0.0.01", "http://127.0.0.256", "http://0177.0.0.1", "http://localhost.evil.com", "https://0.0.0.0",
    ])
    func notAllowed(_ text: String) throws {
        let error = try #require(throws: HostError.self) {
            try ExchangeHost(text, isLive: true, environment: ["BACKSTOP_LIVE": "1"])
        }
        guard case .notAllowed = error else { return #expect(Bool(false), "\(error)") }
    }

    @Test func plainHTTPIsForLoopbackAlone() {
        #expect(throws: HostError.plainHTTP("demo-fapi.binance.com")) {
            try ExchangeHost("http://demo-fapi.binance.com", isLive: false, environment: [:])
        }
        #expect(throws: HostError.plainHTTP("fapi.binance.com")) {
            try ExchangeHost("http://fapi.binance.com", isLive: true, environment: ["BACKSTOP_LIVE": "1"])
        }
    }

    @Test(arguments: [(false, "1"), (true, nil), (true, "0"), (true, "true"), (true, ""), (false, nil)])
    func productionNeedsBothSwitches(_ isLive: Bool, _ variable: String?) {
        var environment: [String: String] = [:]
        environment["BACKSTOP_LIVE"] = variable
        #expect(throws: HostError.notLive("fapi.binance.com")) {
            try ExchangeHost("https://FAPI.binance.com", isLive: isLive, environment: environment)
        }
    }

    @Test func productionIsThereForWhoMeansIt() throws {
        let host = try ExchangeHost("https://fapi.binance.com", isLive: true, environment: ["BACKSTOP_LIVE": "1"])
        #expect(host.isProduction && host.isTLS)
    }
}
