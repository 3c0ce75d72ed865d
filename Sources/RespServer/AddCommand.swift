// XADD: its words are read and its draft is made and digested before the writer's turn; what is left for the turn is
// what only the log can say. Streams of the catalogue are typed and checked; others take any fields.

internal import EventLog
internal import Events
internal import Records
internal import Services

struct AddCommand: Sendable {
    let stream: StreamName
    let options: AddOrTrimOptionsKept
    let draft: Draft
    let prepared: PreparedDraft
    /// A panic trigger that is not accepted: it is recorded, and its client hears why.
    let refused: EventPanicRefused?
    /// Of a panic trigger that is accepted.
    let event: Event?

    struct AddOrTrimOptionsKept: Sendable {
        let id: EntryIDRequest
        let makesStream: Bool
        let trim: Trim?
    }

    init(_ words: Words, producer: String, now: Timestamp, rules: LogRules) throws {
        let options = try AddOrTrimOptions(words, isAdd: true)
        let first = options.idPlace + 1
        guard words.count - first >= 2, (words.count - first).isMultiple(of: 2) else { throw RespError.arity("xadd") }
        if options.id == .exactly(.zero) { throw RespError("The ID specified in XADD must be greater than 0-0") }
        stream = try words.key(1).streamToWrite()
        // A trigger is taken however it is given: clients add MAXLEN to every entry, and nothing is trimmed.
        let isTrigger = stream == StreamCatalogue.panics
        if options.trim != nil, !isTrigger { try Trim.check(stream, "trimming") }
        var fields: [FieldMap.Field] = []
        for place in stride(from: first, to: words.count, by: 2) {
            fields.append(FieldMap.Field(name: words[place], value: words[place + 1]))
        }
        draft = try Intake.draft(
            stream: stream.text, fields: FieldMap(fields), key: nil, traceID: nil, producer: producer, recordedAt: now,
            entryID: options.id)
        prepared = try PreparedDraft(draft, rules: rules)
        refused = try RefusedTriggers.refusal(of: draft)
        event =
            draft.kind == EventKind.panicRequested.kind
            ? try EventRecord.event(.panicRequested, body: draft.body.bytes) : nil
        self.options = AddOrTrimOptionsKept(
            id: options.id, makesStream: options.makesStream || isTrigger, trim: isTrigger ? nil : options.trim)
    }

    func run(_ transaction: inout LogTransaction) throws -> RespValue {
        let known = try transaction.stream(stream)
        if known == nil, !options.makesStream { return .null }
        let last = known?.lastID ?? .zero
        if last == .last {
            throw RespError("The stream has exhausted the last possible ID, unable to add more items")
        }
        guard options.id.resolved(after: last, now: transaction.now) != nil else {
            throw RespError("The ID specified in XADD is equal or smaller than the target stream top item")
        }
        switch try transaction.append(prepared) {
        case .appended(let place):
            if let trim = options.trim { _ = try trim.run(stream, &transaction) }
            if let refused {
                return .error("REFUSED \(AddCommand.text(refused)); recorded as \(place.entryID)")
            }
            return EntryReplies.id(place.entryID)
        case .duplicate(let first): return EntryReplies.id(first.entryID)
        case .conflict(let first):
            return .error("CONFLICT entry \(first.entryID) has this key and other content")
        case .refused(.tooMuchAtOnce(let bytes)): throw LogError.refused(.tooMuchAtOnce(bytesAllowed: bytes))
        case .refused(let refusal): throw LogError.refused(refusal)
        case .unknown(let why): throw LogError.outcomeUnknown(why)
        }
    }

    static func text(_ refused: EventPanicRefused) -> String {
        "panic trigger \(refused.reason.text)\(refused.detail.isEmpty ? "" : ": \(refused.detail)")"
    }
}
