// A typed message as named values: the one table from which identities, rendered fields and the data of
// queries are made, so that the three cannot name a thing differently. Absent and zero values are left
// out. Names and their meaning are published; order here is for people and is never part of an identity.

import Foundation
import Records

enum ListedValue: Equatable {
    case text(String)
    /// As it stands in the message; made canonical where it is used.
    case decimal(EventDecimal)
    case count(UInt64)
    case whole(Int64)
    /// Nanoseconds since 1970.
    case time(Int64)
    case flag(Bool)
    case list([String])
    case bytes([UInt8])
    case json(JSONValue)
    /// A producer's own members, each a JSON text.
    case members([EventMember])
}

struct Listing {
    struct Item {
        let name: String
        let value: ListedValue
    }
    private(set) var items: [Item] = []

    mutating func add(_ name: String, _ value: ListedValue) { items.append(Item(name: name, value: value)) }

    mutating func text(_ name: String, _ value: String) {
        if !value.isEmpty { add(name, .text(value)) }
    }
    mutating func word(_ name: String, _ value: some Worded) { text(name, value.word) }
    mutating func decimal(_ name: String, _ value: EventDecimal?) {
        if let value { add(name, .decimal(value)) }
    }
    mutating func count(_ name: String, _ value: some FixedWidthInteger & UnsignedInteger) {
        if value != 0 { add(name, .count(UInt64(value))) }
    }
    /// Zero is a value here.
    mutating func total(_ name: String, _ value: some FixedWidthInteger & UnsignedInteger) {
        add(name, .count(UInt64(value)))
    }
    mutating func time(_ name: String, _ nanoseconds: Int64) {
        if nanoseconds != 0 { add(name, .time(nanoseconds)) }
    }
    mutating func flag(_ name: String, _ value: Bool) {
        if value { add(name, .flag(value)) }
    }
    mutating func members(_ value: [EventMember]) {
        if !value.isEmpty { add("members", .members(value)) }
    }
}

extension ListedValue {
    /// For the data of a query: decimals as text, times as ISO-8601.
    func json() throws(MessageError) -> JSONValue {
        switch self {
        case .text(let text): .string(text)
        case .decimal(let decimal): .string(try ListedValue.exact(decimal).description)
        case .count(let value): .number(String(value))
        case .whole(let value): .number(String(value))
        case .time(let nanoseconds): .string(TimeText.render(Timestamp(nanoseconds: nanoseconds)))
        case .flag(let flag): .bool(flag)
        case .list(let items): .array(items.map { .string($0) })
        case .bytes(let bytes): VerbatimJSON.value(bytes)
        case .json(let value): value
        case .members(let members): try ListedValue.object(members)
        }
    }

    /// As one field's text.
    func fieldText() throws(MessageError) -> String {
        let value = try json()
        return Incoming.scalarText(value) ?? JSONText.render(value)
    }

    static func exact(_ decimal: EventDecimal) throws(MessageError) -> ExactDecimal {
        do {
            return try ExactDecimal(decimal)
        } catch {
            throw MessageError("body", "holds a decimal out of range: \(error)")
        }
    }

    private static func object(_ members: [EventMember]) throws(MessageError) -> JSONValue {
        var pairs: [(String, JSONValue)] = []
        for member in members {
            do {
                pairs.append((member.name, try JSONText.read(member.json)))
            } catch {
                throw MessageError(member.name, "a kept member that is not JSON: \(error)")
            }
        }
        return VerbatimJSON.object(pairs)
    }
}

/// Fields as JSON: repeated names become arrays, bytes that are not UTF-8 become `{"base64":…}`.
enum VerbatimJSON {
    static func value(_ bytes: [UInt8]) -> JSONValue {
        if let text = String(validating: bytes, as: UTF8.self) { return .string(text) }
        return .object([JSONMember("base64", .string(Data(bytes).base64EncodedString()))])
    }

    static func fields(_ fields: FieldMap) -> JSONValue {
        object(fields.fields.map { (name($0.name), value($0.value)) })
    }

    static func object(_ pairs: [(String, JSONValue)]) -> JSONValue {
        var order: [[UInt8]] = []
        var values: [[UInt8]: (name: String, values: [JSONValue])] = [:]
        for (name, value) in pairs {
            let key = Array(name.utf8)
            if values[key] == nil { order.append(key) }
            values[key, default: (name, [])].values.append(value)
        }
        return .object(
            order.compactMap { key in
                values[key].map { JSONMember($0.name, $0.values.count == 1 ? $0.values[0] : .array($0.values)) }
            })
    }

    private static func name(_ bytes: [UInt8]) -> String {
        String(validating: bytes, as: UTF8.self) ?? "base64:" + Data(bytes).base64EncodedString()
    }
}
