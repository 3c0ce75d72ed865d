// From a record back to its event, and to the data that a query shows. The verbatim fields stay what the
// producer wrote; what is shown for a typed kind comes from the typed message alone.

package import Records

package enum EventRecord {
    package static func decode(_ record: Record) throws(MessageError) -> Event {
        guard let kind = EventKind(record.kind) else {
            throw MessageError("kind", "\(record.kind.rawValue) is not known to this version")
        }
        return try event(kind, body: record.body)
    }

    /// The `data` of a query's line: members in snake_case, absent ones left out, decimals as text, times
    /// as ISO-8601, enumerations as lower-case words. Untyped: the verbatim fields.
    package static func json(of record: Record) throws(MessageError) -> JSONValue {
        guard let kind = EventKind(record.kind) else {
            throw MessageError("kind", "\(record.kind.rawValue) is not known to this version")
        }
        let (fields, event) = try parts(kind, body: record.body)
        if case .untyped = event { return VerbatimJSON.fields(fields) }
        var members: [JSONMember] = []
        for item in event.listing.items { members.append(JSONMember(item.name, try item.value.json())) }
        if case .conflict(let conflict) = event { members.append(offered(conflict)) }
        return .object(members)
    }

    /// The typed part of a body.
    package static func event(_ kind: EventKind, body: [UInt8]) throws(MessageError) -> Event {
        let typed: Range<Int>
        do {
            typed = try Body.parts(body.span.bytes).typed
        } catch {
            throw MessageError(error)
        }
        return try Event(kind, typed: Array(body[typed]))
    }

    /// Both parts of a body, checked.
    static func parts(_ kind: EventKind, body: [UInt8]) throws(MessageError) -> (fields: FieldMap, event: Event) {
        let fields: FieldMap
        do {
            fields = try Body.fields(body.span.bytes)
        } catch {
            throw MessageError(error)
        }
        return (fields, try event(kind, body: body))
    }

    /// The fields that were offered under a key that had its record already.
    private static func offered(_ conflict: EventConflict) -> JSONMember {
        let body = [UInt8](conflict.offeredBody)
        do {
            return JSONMember("offered_fields", VerbatimJSON.fields(try Body.fields(body.span.bytes)))
        } catch {
            return JSONMember("offered_fields_unreadable", .string(error.description))
        }
    }
}
