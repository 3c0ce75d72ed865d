// What the log is given at open: identity and guards of a draft, and the bodies of the log's own events.
// Both functions are pure; `verify` calls them again years later and must get the same answer. A kind
// that this version does not know is an error here: what cannot be judged is not appended.

import Foundation
package import Records

package enum EventRules {
    package static let rules = LogRules(
        facts: { kind, body in try facts(kind, body: body) },
        body: { event in body(of: event) },
        hiding: { body in try hiding(body) },
        offered: { body in try offered(body) },
        restoration: { body in try Restorations.read(body) })

    package static func facts(_ kind: Kind, body: [UInt8]) throws(MessageError) -> DraftFacts {
        guard let known = EventKind(kind) else {
            throw MessageError("kind", "\(kind.rawValue) is not known to this version")
        }
        // Every append passes here: the verbatim fields are read only where they are the identity.
        if known == .untyped, let identity = try Identity.ofPlain(body) {
            return DraftFacts(identity: identity, guards: [])
        }
        let event = try EventRecord.event(known, body: body)
        let fields = known == .untyped ? try EventRecord.parts(known, body: body).fields : FieldMap()
        return DraftFacts(
            identity: try Identity.bytes(of: event, fields: fields), guards: try GuardTable.operations(of: event))
    }

    package static func body(of logEvent: LogEvent) -> Body {
        let event = message(logEvent)
        do {
            return Body(fields: try Rendering.flat(event.listing), typed: event.typed)
        } catch {
            preconditionFailure("the log's own events hold no decimals and no members: \(error)")
        }
    }

    private static func message(_ event: LogEvent) -> Event {
        switch event {
        case .sessionStarted(let bootID, let host, let pid, let version):
            var message = EventSessionStarted()
            message.bootID = bootID
            message.host = host
            message.pid = pid
            message.version = version
            return .sessionStarted(message)
        case .streamCreated(let number, let name):
            var message = EventStreamCreated()
            message.number = number.rawValue
            message.name = name.text
            return .streamCreated(message)
        case .conflict(let key, let first, let offered, let body):
            var message = EventConflict()
            message.key = key
            message.firstSequence = first.rawValue
            message.offeredContent = .init(offered.bytes)
            message.offeredBody = .init(body)
            return .conflict(message)
        case .groupChanged(let stream, let group, let change):
            var message = EventGroupChanged()
            message.stream = stream.text
            message.group = group
            message.change = change.message
            return .groupChanged(message)
        case .streamHidden(let stream, let hiding):
            var message = EventStreamHidden()
            message.stream = stream.text
            switch hiding {
            case .entries(let ids): message.entryIds = ids.map(\.description)
            case .before(let id): message.beforeID = id.description
            }
            return .streamHidden(message)
        case .restored(let restoration): return .logRestored(restoration.message)
        }
    }

    private static func offered(_ body: [UInt8]) throws -> Digest {
        guard case .conflict(let message) = try EventRecord.event(.conflict, body: body),
            let digest = Digest(hex: Hex.encode([UInt8](message.offeredContent)))
        else { throw MessageError("offered_content", "a conflict with a digest of 32 bytes is expected") }
        return digest
    }

    private static func hiding(_ body: [UInt8]) throws -> (stream: StreamName, hiding: Hiding) {
        guard case .streamHidden(let message) = try EventRecord.event(.streamHidden, body: body) else {
            throw MessageError("kind", "stream.hidden is expected")
        }
        func id(_ text: String) throws -> EntryID {
            guard let id = EntryID(text) else { throw MessageError("entry_ids", "\(text) is no entry id") }
            return id
        }
        let stream = try StreamName(message.stream)
        if !message.beforeID.isEmpty { return (stream, .before(try id(message.beforeID))) }
        return (stream, .entries(try message.entryIds.map(id)))
    }
}
