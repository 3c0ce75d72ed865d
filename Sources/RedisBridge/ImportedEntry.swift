// An entry of Redis as a draft for the log: pure. Its key holds source, stream, id and digest, so an entry that comes twice is
// there once, and an id that Redis gives a second time, after it lost the first, is another entry. What cannot be an
// entry of its stream becomes a record that says so, under the same key: nothing is dropped in silence, and nothing
// holds up the stream.

internal import Events
internal import Records
internal import Services

struct ImportedEntry: Sendable {
    let id: EntryID
    /// Of the import; the draft has it, too, unless the message gives a key of its own (a fill).
    let key: IdempotencyKey
    let draft: Draft
    /// A trigger that is not accepted.
    let refused: EventPanicRefused?

    /// For an entry that cannot be had: too large, or deleted.
    init(id: EntryID, lost why: String, from source: BridgePlan.Import, _ name: String, at now: Timestamp) throws {
        let key = ImportedEntry.key(name, source, id, digest: "lost")
        self.init(id: id, key: key, draft: try ImportedEntry.refusal(why, [], source, name, key, at: now), refused: nil)
    }

    init(
        id: EntryID, fields: FieldMap, from source: BridgePlan.Import, _ name: String, at now: Timestamp
    ) throws {
        var bytes = ByteWriter(capacity: 256)
        fields.encode(into: &bytes)
        let key = ImportedEntry.key(name, source, id, digest: Digest.sha256(bytes.bytes).hex)
        do {
            var draft = try Intake.draft(
                stream: source.stream.text, fields: fields, key: nil, traceID: nil,
                producer: ImportedEntry.producer(name), recordedAt: now)
            let refused = try RefusedTriggers.refusal(of: draft)
            if draft.key == nil { draft.key = key }
            self.init(id: id, key: key, draft: draft, refused: refused)
        } catch {
            let draft = try ImportedEntry.refusal("\(error)", bytes.bytes, source, name, key, at: now)
            self.init(id: id, key: key, draft: draft, refused: nil)
        }
    }

    private init(id: EntryID, key: IdempotencyKey, draft: Draft, refused: EventPanicRefused?) {
        self.id = id
        self.key = key
        self.draft = draft
        self.refused = refused
    }

    /// The same entry, which the log will not have: why.
    func refused(by refusal: Refusal, from source: BridgePlan.Import, _ name: String, at now: Timestamp) throws -> Draft
    {
        try ImportedEntry.refusal(refusal.description, draft.body.bytes, source, name, key, at: now)
    }

    static func producer(_ name: String) -> String { "bridge:\(name)" }

    /// Streams and names are bounded, so it is.
    static func key(_ name: String, _ source: BridgePlan.Import, _ id: EntryID, digest: String) -> IdempotencyKey {
        .own("import/\(name)/\(source.redis)/\(id)/\(digest)")
    }

    private static func refusal(
        _ why: String, _ sample: [UInt8], _ source: BridgePlan.Import, _ name: String, _ key: IdempotencyKey,
        at now: Timestamp
    ) throws -> Draft {
        var message = EventMessageRefused()
        message.stream = source.stream.text
        message.reason = ImportedEntry.bounded(why)
        message.client = producer(name)
        message.count = 1
        message.sample.append(contentsOf: sample.prefix(Limits.refusalSampleBytesMax))
        var draft = try Drafts.messageRefused(message, producer: producer(name), at: now)
        draft.key = key
        return draft
    }

    /// Errors quote what came: cut to what a reason may hold.
    private static func bounded(_ text: String) -> String {
        var text = String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : $0 }))
        while text.utf8.count > Limits.reasonBytesMax { text.removeLast() }
        return text
    }
}
