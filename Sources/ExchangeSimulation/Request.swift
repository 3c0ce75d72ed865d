// What comes in and what goes out, without sockets: a request as its raw bytes, an answer, and how that
// answer travels. Whoever drives the venue (a server, a simulation) performs the wire and nothing else.

package import Events

package struct Request: Sendable {
    package var method: String
    package var path: String
    /// As sent, percent-encoded, without the question mark.
    package var query: String
    /// As sent.
    package var body: String
    package var apiKey: String?
    /// Whose weight is counted: the client's IP address.
    package var client: String

    package init(
        method: String, path: String, query: String, body: String, apiKey: String?, client: String
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.apiKey = apiKey
        self.client = client
    }
}

package struct Answer: Equatable, Sendable {
    package var status: Int
    package var headers: [Header]
    package var body: String

    package struct Header: Equatable, Sendable {
        package var name: String
        package var value: String
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    init(status: Int = 200, _ value: JSONValue) {
        self.init(status: status, type: "application/json", body: JSONText.render(value))
    }

    init(status: Int, type: String, body: String) {
        self.status = status
        self.headers = [Header("Content-Type", type)]
        self.body = body
    }

    init(_ error: VenueError) { self.init(status: error.status, error.json) }

    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

extension VenueError {
    package var json: JSONValue { object(["code": .int(code), "msg": .string(message)]) }
}

/// How an answer leaves.
package struct Wire: Equatable, Sendable {
    package enum Ending: String, CaseIterable, Equatable, Sendable {
        case whole
        /// Closed in order, without a byte.
        case close
        /// Head and half of the body, then a TCP reset.
        case cut
        /// No byte, and a TCP reset.
        case reset
        /// No byte until `holdMilliseconds` have passed, then closed.
        case hang
    }
    package var ending = Ending.whole
    /// Between deciding and answering.
    package var delay: Milliseconds = 0
    /// Nil: as fast as it goes.
    package var bytesPerSecond: Int?
    package init() {}
    package init(_ ending: Ending) { self.ending = ending }
}

package struct Delivery: Equatable, Sendable {
    package var answer: Answer
    package var wire: Wire
}

/// What to do with a request that has arrived.
package enum Handling: Sendable {
    case answered(Delivery)
    /// Not looked at before that time; give it back to `resume` then.
    case held(HeldRequest, until: Milliseconds)
}

/// A request on its way to the engine.
package struct HeldRequest: Sendable {
    let request: Request
    /// Where the gate has already seen it, when.
    let enteredAt: Milliseconds?
    /// The fault that it met on arrival, which it must not meet again.
    let effect: FaultEffect?
}

// MARK: JSON

/// Members in the order of the text.
func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
    .object(members.map { JSONMember($0.key, $0.value) })
}

extension JSONValue {
    static func int(_ value: some BinaryInteger) -> JSONValue { .number(String(value)) }
    static func money(_ value: Amount) -> JSONValue { .string(value.moneyText) }

    /// Members behind those of an object.
    func adding(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
        guard case .object(let own) = self else { preconditionFailure("members are added to an object only") }
        return .object(own + members.map { JSONMember($0.key, $0.value) })
    }
}
