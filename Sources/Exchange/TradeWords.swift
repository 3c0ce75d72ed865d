// The words of the exchange, as types: sides, order types, states, and the names that we send. A name is
// checked where it is made, so that no request can hold a byte that its endpoint would read otherwise.
// A word that is not listed is an error and never a default.

package import Events
internal import Records

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
