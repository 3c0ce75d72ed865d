// A message on its way in: its fields, and the members of its `payload` where it has one, as one list of
// named values. A reader takes out what it knows, each name once; what nobody took is kept as members.
// Both shapes of the wire (envelope with a JSON payload, and flat) become the same list here, so that no
// reader has to know which came. It must never drop a value silently or prefer one of two that differ.

import Foundation
import Records

struct Incoming {
    enum Origin { case field, payload }
    enum Value: Equatable {
        case json(JSONValue)
        case notUTF8([UInt8])
    }
    struct Item {
        let name: String
        let value: Value
        let origin: Origin
    }
    /// A value that was taken out, with the name that it stood under.
    struct Found {
        let name: String
        let value: JSONValue
        let origin: Origin
    }

    private var items: [Item] = []

    /// Throws where `payload` is not one JSON object.
    init(_ fields: FieldMap) throws(MessageError) {
        var payloads = 0
        for field in fields.fields {
            // A name that is not UTF-8 cannot be one of ours; it stays in the verbatim fields.
            guard let name = String(validating: field.name, as: UTF8.self) else { continue }
            if name == "payload" {
                payloads += 1
                guard payloads == 1 else { throw MessageError("payload", "stands twice") }
                try open(payload: field.value)
            } else if let text = String(validating: field.value, as: UTF8.self) {
                items.append(Item(name: name, value: .json(.string(text)), origin: .field))
            } else {
                items.append(Item(name: name, value: .notUTF8(field.value), origin: .field))
            }
        }
    }

    private mutating func open(payload bytes: [UInt8]) throws(MessageError) {
        let value: JSONValue
        do {
            value = try JSONText.read(bytes)
        } catch {
            throw MessageError("payload", "not readable as JSON: \(error)")
        }
        guard case .object(let members) = value else {
            throw MessageError("payload", "must be a JSON object, found \(value.typeName)")
        }
        for member in members {
            items.append(Item(name: member.name, value: .json(member.value), origin: .payload))
        }
    }
}

// MARK: - Taking values out

extension Incoming {
    /// Takes out every value under one of `names`. Nil where there is none, or null. Throws where there
    /// are two that differ, or one name stands twice in one place.
    mutating func take(_ names: [String]) throws(MessageError) -> Found? {
        let found = try remove(names)
        guard let first = found.first else { return nil }
        for other in found.dropFirst() where !Incoming.same(other.value, first.value) {
            throw MessageError(
                first.name,
                other.name == first.name ? "stands twice, with different values" : "differs from \(other.name)")
        }
        return first
    }

    /// As `take`, for values of which a message may hold several that differ (the envelope's and the
    /// payload's time): the one from `origin`, then the one whose name comes first.
    mutating func takeFirst(_ names: [String], of origin: Origin) throws(MessageError) -> Found? {
        let found = try remove(names)
        for preferred in [true, false] {
            for name in names {
                if let hit = found.first(where: { $0.name == name && ($0.origin == origin) == preferred }) {
                    return hit
                }
            }
        }
        return nil
    }

    /// What nobody took, in order, without what belongs to the envelope.
    func rest() -> [EventMember] {
        items.compactMap { item in
            guard item.name != "event_type", item.name != "trace_id" else { return nil }
            var member = EventMember()
            member.name = item.name
            switch item.value {
            case .json(let value): member.json = JSONText.render(value)
            case .notUTF8(let bytes):
                let text = Data(bytes).base64EncodedString()
                member.json = JSONText.render(.object([JSONMember("base64", .string(text))]))
            }
            return member
        }
    }

    private mutating func remove(_ names: [String]) throws(MessageError) -> [Found] {
        var found: [Found] = []
        for item in items where names.contains(item.name) {
            guard case .json(let value) = item.value else { throw MessageError(item.name, "is not valid UTF-8") }
            if found.contains(where: { $0.name == item.name && $0.origin == item.origin }) {
                throw MessageError(item.name, "stands twice")
            }
            if value != .null { found.append(Found(name: item.name, value: value, origin: item.origin)) }
        }
        items.removeAll { names.contains($0.name) }
        return found
    }

    /// A flat field is always text, so `"5"` and `5` are the same.
    private static func same(_ a: JSONValue, _ b: JSONValue) -> Bool {
        a == b || scalarText(a) != nil && scalarText(a) == scalarText(b)
    }

    static func scalarText(_ value: JSONValue) -> String? {
        switch value {
        case .string(let text), .number(let text): text
        case .bool(let flag): flag ? "true" : "false"
        case .null, .array, .object: nil
        }
    }
}
