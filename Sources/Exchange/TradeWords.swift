// The words of the exchange, as types: sides, order types, states, and the names that we send. A name is
// checked where it is made, so that no request can hold a byte that its endpoint would read otherwise.
// A word that is not listed is an error and never a default.

package import Events
package import Records

package enum OrderSide: String, Sendable, CaseIterable { case buy = "BUY", sell = "SELL" }

package enum PositionSide: String, Sendable, CaseIterable { case both = "BOTH", long = "LONG", short = "SHORT" }

package enum TimeInForce: String, Sendable, CaseIterable {
    case goodTillCancel = "GTC"
    case immediateOrCancel = "IOC"
    case fillOrKill = "FOK"
    case postOnly = "GTX"
}

/// Final: filled, cancelled, rejected, expired, expiredInMatch. Expired and cancelled orders may have traded:
/// read the executed quantity.
package enum OrderStatus: String, Sendable, CaseIterable {
    case new = "NEW"
    case partiallyFilled = "PARTIALLY_FILLED"
    case filled = "FILLED"
    case canceled = "CANCELED"
    case rejected = "REJECTED"
    case expired = "EXPIRED"
    case expiredInMatch = "EXPIRED_IN_MATCH"

    package var isFinal: Bool {
        switch self {
        case .new, .partiallyFilled: false
        case .filled, .canceled, .rejected, .expired, .expiredInMatch: true
        }
    }
}

package enum MarginType: String, Sendable, CaseIterable { case isolated = "ISOLATED", crossed = "CROSSED" }

/// A symbol that may stand in a request: 1…32 of A-Z, 0-9, "_" and "-".
package struct SymbolName: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) throws(MessageError) {
        guard try Symbol.canonical(text) == text else { throw MessageError("symbol", "must be upper case") }
        self.text = text
    }

    /// Nil where the text cannot be a symbol.
    package static func known(_ text: String) -> SymbolName? {
        do { return try SymbolName(text) } catch { return nil }
    }

    package var description: String { text }
}

/// 1…36 of the characters that the exchange takes.
package struct ClientOrderID: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) throws(MessageError) {
        guard (1...Limits.clientOrderIDBytesMax).contains(text.utf8.count) else {
            throw MessageError(
                "client_order_id",
                "\(text.utf8.count) bytes, 1 to \(Limits.clientOrderIDBytesMax) are allowed")
        }
        guard text.utf8.allSatisfy(ClientOrderID.isAllowed) else {
            throw MessageError("client_order_id", "may hold only letters, digits and . : / _ -")
        }
        self.text = text
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "/"),
            UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    package var description: String { text }
}

/// Which order is meant. Ours are known by our own id, even where the answer with theirs was lost.
package enum OrderKey: Hashable, Sendable {
    case clientID(ClientOrderID)
    case exchangeID(Int64)
}

extension ClientOrderID {
    /// `bs` and 26 characters of base32: of the log, and of the request's key in it. So it is known before the request
    /// is written, nobody else's, and after a restore, which makes a new log id, another.
    package static func of(_ log: LogID, requestKey: String) -> ClientOrderID {
        of(Digest.sha256(log.bytes + Array(requestKey.utf8)))
    }

    /// Of a close in an emergency, which may stand in no log yet: of the trigger, the position and the part.
    package static func ofClose(
        trigger: String, symbol: SymbolName, positionSide: PositionSide, part: UInt32
    ) -> ClientOrderID {
        of(Digest.sha256(Array("exit/\(trigger)/\(symbol.text)/\(positionSide.rawValue)/\(part)".utf8)))
    }

    private static func of(_ digest: Digest) -> ClientOrderID {
        let digest = digest.bytes
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
        var text = Array("bs".utf8)
        var (bits, count, place) = (0, 0, 0)
        while text.count < 28 {
            if count < 5 {
                bits = (bits << 8 | Int(digest[place])) & 0xffff
                count += 8
                place += 1
            }
            count -= 5
            text.append(alphabet[bits >> count & 31])
        }
        do { return try ClientOrderID(String(decoding: text, as: UTF8.self)) } catch {
            preconditionFailure("letters and digits are allowed: \(error)")
        }
    }
}
