// The records that an audit lives on: what was said to whoever decided, and digests of the state. They stand in no
// stream, and of their fields only what names them is kept verbatim: nobody but audits, queries and bundles reads them.

import Foundation
package import Records

extension EventEvidence {
    var listing: Listing {
        var list = Listing()
        list.count("about", about)
        list.text("rule", rule)
        list.add("started_at_ms", .whole(startedAtMs))
        list.count("part", part)
        list.count("parts", parts)
        // Text that is no JSON is shown as what it is.
        do { list.add("said", .json(try JSONText.read(said))) } catch { list.text("said", said) }
        return list
    }
}

extension EventStateDigest {
    package mutating func add(_ name: String, version: UInt32, _ digest: Digest) {
        var part = Part()
        part.name = name
        part.version = version
        part.digest = Data(digest.bytes)
        parts.append(part)
    }

    var listing: Listing {
        var list = Listing()
        list.total("as_of_seq", asOf)
        let parts = parts.map { part in
            JSONMember("\(part.name)/\(part.version)", .string(Hex.encode(Array(part.digest))))
        }
        list.add("parts", .json(.object(parts)))
        return list
    }
}

extension Drafts {
    /// - Parameter cause: the intent, or the trigger.
    package static func evidence(
        _ evidence: EventEvidence, traceID: String, cause: SequenceNumber, producer: String
    ) throws(MessageError) -> Draft {
        guard evidence.about > 0 else { throw Incoming.missing("about") }
        return try draft(
            .evidence(evidence), nil, key: nil,
            fields: FieldMap([("about", String(evidence.about)), ("rule", evidence.rule)]),
            Origin(traceID, cause, .none, producer))
    }

    package static func stateDigest(_ digest: EventStateDigest, producer: String) throws(MessageError) -> Draft {
        try draft(
            .stateDigest(digest), nil, key: "state.digest/\(digest.asOf)",
            fields: FieldMap([("as_of_seq", String(digest.asOf))]),
            Origin("", .none, SequenceNumber(digest.asOf), producer))
    }
}
