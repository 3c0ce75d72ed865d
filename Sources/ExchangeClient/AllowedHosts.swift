// Where requests may go. Allowed, not denied: loopback (plain HTTP only there), the exchange's test hosts,
// and production only where two separate switches say so. There is no other way to make an ExchangeHost, and
// nothing is resolved or connected before one was made. A new host must be added here, by a person, together with
// the host of its user stream.

internal import Exchange

package enum HostError: Error, Equatable, Sendable, CustomStringConvertible {
    case malformed(String)
    case notAllowed(String)
    case plainHTTP(String)
    case notLive(String)

    package var description: String {
        switch self {
        case .malformed(let text): "not an exchange's address: \(text); expected https://HOST or http://127.0.0.1:PORT"
        case .notAllowed(let host):
            "\(host) is not an allowed host: loopback, \(ExchangeHost.testHosts.joined(separator: ", ")), or production"
        case .plainHTTP(let host): "\(host) must be spoken to over https; http is for loopback alone"
        case .notLive(let host): "\(host) is production: it needs --live and BACKSTOP_LIVE=1, both"
        }
    }
}

package struct ExchangeHost: Hashable, Sendable, CustomStringConvertible {
    /// REST, and the host of the user stream that belongs to it.
    private static let testStreams = [
        (rest: "demo-fapi.binance.com", stream: "demo-fstream.binance.com"),
        (rest: "testnet.binancefuture.com", stream: "fstream.binancefuture.com"),
    ]
    private static let productionStreams = [(rest: "fapi.binance.com", stream: "fstream.binance.com")]
    package static let testHosts = testStreams.map(\.rest)
    package static let productionHosts = productionStreams.map(\.rest)
    package static let liveVariable = "BACKSTOP_LIVE"

    /// `https://demo-fapi.binance.com`, without a slash at its end.
    let base: String
    let isTLS: Bool
    /// Where the user stream is: on loopback the same port.
    let stream: StreamAddress
    package let isProduction: Bool
    package let isLoopback: Bool

    /// - Parameters:
    ///   - text: scheme, host and perhaps a port; nothing else.
    ///   - isLive: whether `--live` was given. Production needs BACKSTOP_LIVE=1 in `environment`, too.
    package init(_ text: String, isLive: Bool, environment: [String: String]) throws(HostError) {
        guard let address = Address(text) else { throw .malformed(ForeignText.tame(text)) }
        isProduction = ExchangeHost.productionHosts.contains(address.host)
        isTLS = address.isTLS
        isLoopback = address.isLoopback
        if address.isLoopback {
            base = address.base
            stream = StreamAddress(host: address.host, port: address.port, isTLS: address.isTLS)
            return
        }
        let known = ExchangeHost.testStreams + ExchangeHost.productionStreams
        guard let pair = known.first(where: { $0.rest == address.host }) else { throw .notAllowed(address.host) }
        guard address.port == nil || address.port == 443 else { throw .notAllowed("\(address.host):\(address.port!)") }
        guard address.isTLS else { throw .plainHTTP(address.host) }
        if isProduction {
            guard isLive, environment[ExchangeHost.liveVariable] == "1" else { throw .notLive(address.host) }
        }
        base = address.base
        stream = StreamAddress(host: pair.stream, port: nil, isTLS: true)
    }

    package var description: String { base }
}

/// The WebSocket of an allowed host. Without TLS on loopback alone, as its host is.
struct StreamAddress: Hashable, Sendable, CustomStringConvertible {
    /// A name, or an address in its text form (`[::1]`).
    let host: String
    let port: Int
    let isTLS: Bool

    fileprivate init(host: String, port: Int?, isTLS: Bool) {
        self.host = host
        self.port = port ?? (isTLS ? 443 : 80)
        self.isTLS = isTLS
    }

    /// The base of every stream's address, without a slash at its end.
    var description: String { (isTLS ? "wss://" : "ws://") + authority }

    /// As the Host header has it.
    var authority: String { port == (isTLS ? 443 : 80) ? host : "\(host):\(port)" }
}

/// scheme://host[:port][/]. Narrower than a URL on purpose: no user, no path, no query, no escapes, and of
/// the many ways to write an IPv4 address only four plain numbers.
private struct Address {
    var isTLS: Bool
    var host: String
    var port: Int?

    init?(_ text: String) {
        var rest = text[...]
        if rest.hasPrefix("https://") {
            isTLS = true
        } else if rest.hasPrefix("http://") {
            isTLS = false
        } else {
            return nil
        }
        rest = rest.dropFirst(isTLS ? 8 : 7)
        if rest.hasSuffix("/") { rest.removeLast() }
        guard rest.utf8.count <= 255 else { return nil }
        if rest.hasPrefix("[::1]") {
            host = "[::1]"
            rest = rest.dropFirst(5)
        } else {
            let name = rest.prefix { $0 != ":" }
            guard !name.isEmpty, name.utf8.allSatisfy(Address.isHostByte) else { return nil }
            // The name "localhost" could be made to mean another machine; the number cannot.
            host = name.lowercased() == "localhost" ? "127.0.0.1" : name.lowercased()
            rest = rest[name.endIndex...]
        }
        guard !rest.isEmpty else { return }
        let digits = rest.dropFirst()
        guard rest.first == ":", (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy(Address.isDigit),
            let number = Int(digits), (1...65_535).contains(number)
        else { return nil }
        port = number
    }

    var base: String { (isTLS ? "https://" : "http://") + host + (port.map { ":\($0)" } ?? "") }

    var isLoopback: Bool {
        if host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "127" else { return false }
        return parts.allSatisfy { part in
            (1...3).contains(part.utf8.count) && part.utf8.allSatisfy(Address.isDigit) && Int(part)! <= 255
                && (part == "0" || !part.hasPrefix("0"))
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: ".")
    }
}
