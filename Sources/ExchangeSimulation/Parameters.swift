// The parameters of a request, read strictly: each reader either returns a value or throws the exchange's own
// refusal. Query and body together; a name in both counts from the query. It must never guess: `True` is
// true, `yes` is refused.

internal import Events
internal import Records

struct Parameters {
    private var values: [String: String] = [:]

    static let decimalRange = #"^([0-9]{1,20})(\.[0-9]{1,20})?$"#

    init(query: String, body: String) throws(VenueError) {
        let fromQuery = try Parameters.read(query)
        values = try Parameters.read(body)
        values.merge(fromQuery) { _, query in query }
    }

    /// One order of a batch: a flat object of texts, numbers and booleans.
    init(_ object: JSONValue) throws(VenueError) {
        guard case .object(let members) = object else { throw .notValid("batchOrders") }
        for member in members {
            switch member.value {
            case .string(let text), .number(let text): values[member.name] = text
            case .bool(let flag): values[member.name] = flag ? "true" : "false"
            case .null: continue
            case .array, .object: throw .notValid(member.name)
            }
        }
    }

    private static func read(_ text: String) throws(VenueError) -> [String: String] {
        var values: [String: String] = [:]
        for pair in text.utf8.split(separator: UInt8(ascii: "&")) {
            guard values.count < Limits.simulatedParametersMax else { throw .tooManyParameters }
            let halves = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let name = decoded(halves[0])
            let value = halves.count > 1 ? decoded(halves[1]) : ""
            guard let name, let value else { throw .illegal("\(Substring(halves[0]))", range: "UTF-8") }
            guard values.updateValue(value, forKey: name) == nil else { throw .twice(name) }
        }
        return values
    }

    /// Percent-decoding of a form: `+` is a blank. Nil where it is not UTF-8 or not hexadecimal.
    private static func decoded(_ text: Substring.UTF8View) -> String? {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "+") {
                bytes.append(UInt8(ascii: " "))
            } else if byte == UInt8(ascii: "%") {
                guard let high = rest.popFirst(), let low = rest.popFirst(),
                    let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16)
                else { return nil }
                bytes.append(value)
            } else {
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    func has(_ name: String) -> Bool { values[name] != nil }
    /// As it came, empty or not.
    func raw(_ name: String) -> String? { values[name] }

    /// Nil where it was not sent; empty is an error.
    func text(_ name: String) throws(VenueError) -> String? {
        guard let value = values[name] else { return nil }
        guard !value.isEmpty else { throw .empty(name) }
        return value
    }

    func required(_ name: String) throws(VenueError) -> String {
        guard let value = values[name], !value.isEmpty else { throw .mandatory(name) }
        return value
    }

    /// Plain notation: no sign, no exponent, no blanks.
    func decimal(_ name: String) throws(VenueError) -> Amount? {
        guard let text = try text(name) else { return nil }
        guard Parameters.isPlainDecimal(text) else { throw .illegal(name, range: Parameters.decimalRange) }
        guard let value = Amount(text: text) else { throw text.contains(".") ? .precision : .quantityTooLarge }
        return value
    }

    static func isPlainDecimal(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count) else { return false }
        return parts.allSatisfy { (1...20).contains($0.count) && $0.allSatisfy { (0x30...0x39).contains($0) } }
    }

    func integer(_ name: String) throws(VenueError) -> Int64? {
        guard let text = try text(name) else { return nil }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int64(text) else {
            throw .illegal(name, range: "^[0-9]{1,20}$")
        }
        return value
    }

    func integer(_ name: String, in range: ClosedRange<Int64>) throws(VenueError) -> Int64? {
        guard let value = try integer(name) else { return nil }
        guard range.contains(value) else { throw .notValid(name) }
        return value
    }

    func boolean(_ name: String) throws(VenueError) -> Bool? {
        guard let text = try text(name) else { return nil }
        switch text.lowercased() {
        case "true": return true
        case "false": return false
        default: throw .notValid(name)
        }
    }

    func choice<T: RawRepresentable>(
        _ name: String, else refusal: VenueError
    ) throws(VenueError) -> T? where T.RawValue == String {
        guard let text = try text(name) else { return nil }
        guard let value = T(rawValue: text) else { throw refusal }
        return value
    }
}
