// The signature of a request: hexadecimal HMAC-SHA256 over query and body as sent, joined without a
// separator, up to the signature itself. It is compared in constant time. No secret may be written anywhere.

internal import Crypto
internal import Events

package enum Signing {
    /// What a client must append as `signature=…`.
    package static func signature(of payload: String, secret: String) -> String {
        let key = SymmetricKey(data: Array(secret.utf8))
        let code = HMAC<SHA256>.authenticationCode(for: Array(payload.utf8), using: key)
        return code.map { byte in
            let digits = String(byte, radix: 16)
            return digits.utf8.count == 1 ? "0" + digits : digits
        }.joined()
    }

    /// - Parameter secret: nil accepts any signature of the right form.
    static func check(query: String, body: String, secret: String?) throws(VenueError) {
        let fromQuery = split(query)
        let fromBody = split(body)
        guard let given = fromBody.signature ?? fromQuery.signature else {
            let isMisplaced = [query, body].contains { ("&" + $0).contains("&signature=") }
            throw isMisplaced ? .signature : .mandatory("signature")
        }
        guard given.utf8.count == 64, given.utf8.allSatisfy(isHexadecimal) else { throw .signature }
        guard let secret else { return }
        let payload =
            fromBody.signature == nil ? fromQuery.payload + body : query + fromBody.payload
        guard isSame(signature(of: payload, secret: secret), given.lowercased()) else { throw .signature }
    }

    /// Only a signature that stands last counts.
    private static func split(_ text: String) -> (payload: String, signature: String?) {
        let last = text.split(separator: "&", omittingEmptySubsequences: false).last ?? ""
        guard last.hasPrefix("signature=") else { return (text, nil) }
        let rest = text.utf8.count - last.utf8.count
        let payload = String(text.utf8.prefix(max(0, rest - 1))) ?? ""
        return (payload, String(last.dropFirst("signature=".count)))
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte) || (0x41...0x46).contains(byte)
    }

    private static func isSame(_ a: String, _ b: String) -> Bool {
        guard a.utf8.count == b.utf8.count else { return false }
        return zip(a.utf8, b.utf8).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
