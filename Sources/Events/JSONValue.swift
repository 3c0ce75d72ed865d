// A JSON value as it was written: numbers keep their text and objects keep their order, so that money
// never passes through a Double and what is kept can be given back as it came.

package indirect enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    /// The number's own text, in JSON's grammar. ExactDecimal reads it.
    case number(String)
    case string(String)
    case array([JSONValue])
    /// In the order of the text; a name stands once.
    case object([JSONMember])

    /// The first member of that name, where this is an object.
    package subscript(_ name: String) -> JSONValue? {
        switch self {
        case .object(let members): members.first { $0.name == name }?.value
        case .null, .bool, .number, .string, .array: nil
        }
    }

    /// For messages to people.
    package var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .number: "a number"
        case .string: "text"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

package struct JSONMember: Equatable, Sendable {
    package var name: String
    package var value: JSONValue
    package init(_ name: String, _ value: JSONValue) {
        self.name = name
        self.value = value
    }
}
