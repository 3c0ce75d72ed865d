// redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], read once. What is shown of it never holds the password.

package struct RedisAddress: Equatable, Sendable, CustomStringConvertible {
    package let host: String
    package let port: Int
    package let database: Int
    /// Empty: Redis' default user.
    let user: String
    /// Nil: no AUTH.
    let password: String?

    package struct Bad: Error, Equatable, CustomStringConvertible { package let description: String }

    /// Errors never repeat the text: it may hold a password.
    package init(_ text: String) throws(Bad) {
        if text.hasPrefix("rediss://") {
            throw Bad(
                description:
                    "rediss:// (TLS) is not spoken here: run a TLS proxy on this machine (stunnel, or ghostunnel, from 127.0.0.1:6379 to the server) and give redis://127.0.0.1:6379"
            )
        }
        guard text.hasPrefix("redis://") else {
            throw Bad(description: "redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE] is needed")
        }
        var rest = text.dropFirst("redis://".count)
        var credentials: Substring?
        if let at = rest.lastIndex(of: "@") { (credentials, rest) = (rest[..<at], rest[rest.index(after: at)...]) }
        let path = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let place = try RedisAddress.place(path[0])
        (host, port) = place
        guard let database = path.count < 2 || path[1].isEmpty ? 0 : Int(path[1]), 0...9_999 ~= database else {
            throw Bad(description: "the database must be a number from 0, as redis://127.0.0.1:6379/0")
        }
        self.database = database
        guard let credentials else {
            (user, password) = ("", nil)
            return
        }
        let parts = credentials.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let user = RedisAddress.decoded(parts[0]), let word = RedisAddress.decoded(parts[1])
        else { throw Bad(description: "before the @, USER:PASSWORD or :PASSWORD is needed, percent-encoded") }
        (self.user, password) = (user, word)
    }

    private static func place(_ text: Substring) throws(Bad) -> (String, Int) {
        var (host, port) = (text, Substring("6379"))
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            host = text[text.index(after: text.startIndex)..<end]
            let after = text[text.index(after: end)...]
            if after.hasPrefix(":") { port = after.dropFirst() }
        } else if let colon = text.lastIndex(of: ":") {
            (host, port) = (text[..<colon], text[text.index(after: colon)...])
        }
        guard !host.isEmpty, let number = Int(port), 1...65_535 ~= number,
            host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else { throw Bad(description: "HOST:PORT is needed, as redis://127.0.0.1:6379") }
        return (String(host), number)
    }

    /// Percent-encoding taken away; nil where it is broken.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    package var description: String {
        "redis://\(host.contains(":") ? "[\(host)]" : host):\(port)" + (database == 0 ? "" : "/\(database)")
    }
}
