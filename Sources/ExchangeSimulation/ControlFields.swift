// The fields of a control request, read strictly: an unknown name, a wrong type or a number out of range is an
// error that says what would be right.

internal import Events

struct ControlError: Error, Equatable {
    let text: String
    init(_ text: String) { self.text = text }
}

struct ControlFields {
    private var members: [JSONMember]

    init(_ body: String) throws(ControlError) {
        if body.isEmpty {
            members = []
            return
        }
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONText.read(body)
        } catch {
            throw ControlError("the body is not JSON: \(error)")
        }
        guard case .object(let members) = value else { throw ControlError("the body must be a JSON object") }
        self.members = members
    }

    private mutating func take(_ name: String) -> JSONValue? {
        guard let index = members.firstIndex(where: { $0.name == name }) else { return nil }
        return members.remove(at: index).value
    }

    mutating func text(_ name: String) throws(ControlError) -> String? {
        switch take(name) {
        case nil, .null: return nil
        case .string(let text): return text
        default: throw ControlError("\(name) must be text")
        }
    }

    /// Text or number, as written.
    mutating func amount(_ name: String) throws(ControlError) -> Amount? {
        switch take(name) {
        case nil, .null: return nil
        case .string(let text), .number(let text):
            guard let amount = Amount(text: text) else { throw ControlError("\(name) is no decimal: \(text)") }
            return amount
        default: throw ControlError("\(name) must be a decimal")
        }
    }

    mutating func integer(_ name: String, _ range: ClosedRange<Int64>) throws(ControlError) -> Int64? {
        switch take(name) {
        case nil, .null: return nil
        case .number(let text):
            guard let value = Int64(text), range.contains(value) else {
                throw ControlError("\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return value
        default: throw ControlError("\(name) must be a number")
        }
    }

    mutating func boolean(_ name: String) throws(ControlError) -> Bool? {
        switch take(name) {
        case nil, .null: return nil
        case .bool(let flag): return flag
        default: throw ControlError("\(name) must be true or false")
        }
    }

    mutating func required<T>(_ name: String, _ value: T?) throws(ControlError) -> T {
        guard let value else { throw ControlError("\(name) is missing") }
        return value
    }

    func finish() throws(ControlError) {
        if let first = members.first { throw ControlError("unknown field \(first.name)") }
    }
}
