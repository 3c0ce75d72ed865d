// One message of the user-data stream: what happened to an order, to positions, to the stream itself. It is read
// whole or not at all: whoever gets an error must ask over REST, because something happened that is not known.
// An event that Backstop does not use is named and not read; nothing may be skipped without a word.

package import Events
internal import Records

package enum StreamEvent: Equatable, Sendable {
    case order(OrderUpdate)
    case account(AccountUpdate)
    /// Nothing more comes under this key, though the connection stays open.
    case listenKeyExpired
    /// Not used here: TRADE_LITE (ORDER_TRADE_UPDATE says more), settings, margin calls, algo orders, what is new.
    case other(type: String)

    /// - Throws: names the event, where it could be read, and the member that is wrong.
    package init(reading bytes: [UInt8]) throws(MessageError) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONText.read(bytes)
        } catch {
            throw MessageError("message", error.description)
        }
        let fields = try AnswerFields(value)
        let type = try fields.text("e")
        do throws(MessageError) {
            switch type {
            case "ORDER_TRADE_UPDATE": self = .order(try OrderUpdate(fields))
            case "ACCOUNT_UPDATE": self = .account(try AccountUpdate(fields))
            case "listenKeyExpired": self = .listenKeyExpired
            default: self = .other(type: type)
            }
        } catch {
            throw MessageError("\(type) \(error.field)", error.problem)
        }
    }
}

extension AnswerFields {
    /// Milliseconds since 1970, of a time that can be one.
    func time(_ name: String) throws(MessageError) -> Int64 {
        try whole(name, 1...Limits.exchangeTimeMillisecondsMax)
    }

    /// An object inside this one.
    func object(_ name: String) throws(MessageError) -> AnswerFields {
        do throws(MessageError) {
            return try AnswerFields(try required(name))
        } catch {
            throw error.field == name ? error : MessageError(name, error.problem)
        }
    }
}
