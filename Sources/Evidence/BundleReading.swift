// What people read of a bundle, made from its bytes alone: each record's data, and what each changed in the state.

internal import Domain
internal import Events
internal import Records

struct BundleReading {
    /// By number, as their records in the bundle say.
    private let streams: [StreamNumber: StreamName]
    private let parts: [Digest: BundledPart]
    private let states: [SequenceNumber: BundledState]
    private let records: [BundledRecord]

    init(_ bundle: EvidenceBundle) {
        parts = Dictionary(bundle.parts.map { ($0.digest, $0) }) { first, _ in first }
        states = Dictionary(bundle.states.map { ($0.asOf, $0) }) { first, _ in first }
        records = bundle.records
        var streams: [StreamNumber: StreamName] = [:]
        for record in bundle.records {
            guard case .whole(let bytes) = record.content, let created = BundleReading.created(bytes) else { continue }
            streams[created.number] = created.name
        }
        self.streams = streams
    }

    private static func created(_ bytes: [UInt8]) -> (number: StreamNumber, name: StreamName)? {
        // What cannot be read names no stream; the check says what is wrong with it.
        guard let record = try? RecordView(checking: bytes.span.bytes).record(), record.kind == .streamCreated,
            // As above.
            case .streamCreated(let message)? = try? EventRecord.decode(record),
            // As above.
            let name = try? StreamName(message.name)
        else { return nil }
        return (StreamNumber(message.number), name)
    }

    func stream(_ number: StreamNumber) -> StreamName? { streams[number] }

    // MARK: Records

    func shown(_ record: BundledRecord) -> JSONValue {
        guard case .whole(let bytes) = record.content else { return .null }
        do {
            let record = try RecordView(checking: bytes.span.bytes).record()
            let header = record.header
            return .object([
                JSONMember("kind", .string(EventKind(record.kind)?.name ?? "kind \(record.kind.rawValue)")),
                JSONMember("stream", streams[header.stream].map { .string($0.text) } ?? .null),
                JSONMember("recorded_at", .string(TimeText.render(header.recordedAt))),
                JSONMember("trace", .string(record.traceID)), JSONMember("producer", .string(record.producer)),
                JSONMember("cause", .number("\(header.cause)")), JSONMember("basis", .number("\(header.basis)")),
                JSONMember("data", data(record)),
            ])
        } catch { return .object([JSONMember("unreadable", .string("\(error)"))]) }
    }

    private func data(_ record: Record) -> JSONValue {
        do { return try EventRecord.json(of: record) } catch {
            return .object([JSONMember("unreadable", .string("\(error)"))])
        }
    }

    // MARK: States

    /// The state at a sequence; nil where it is not in the bundle, or a part of it is withheld.
    func state(_ sequence: SequenceNumber) throws(RecordError) -> State? {
        guard let state = states[sequence] else { return nil }
        var encoded: [EncodedPart] = []
        for digest in state.parts {
            guard let part = parts[digest]?.encoded else { return nil }
            encoded.append(part)
        }
        return try State(asOf: sequence, parts: encoded)
    }

    /// The digests of its projections.
    func digests(_ sequence: SequenceNumber) -> [Digest]? { states[sequence]?.parts }

    /// What each record changed: `{"seq","changed":{projection:{"before","after"}}}` a line.
    var changes: [JSONValue] {
        records.compactMap { record in
            guard let change = change(record) else { return nil }
            return .object([JSONMember("seq", .number("\(record.sequence)")), JSONMember("changed", .object(change))])
        }
    }

    /// Nil where the states before and after it are not there, or nothing changed.
    func change(_ record: BundledRecord) -> [JSONMember]? {
        // A state that cannot be read shows nothing; the check says so.
        guard let before = try? state(record.sequence.previous), let after = try? state(record.sequence),
            let digests = self.digests(record.sequence.previous), let others = self.digests(record.sequence)
        else { return nil }
        let (old, new) = (StateJSON.parts(before), StateJSON.parts(after))
        let changed = zip(old, new).enumerated().compactMap { place, pair -> JSONMember? in
            guard digests[place] != others[place] else { return nil }
            return JSONMember(
                pair.0.name, .object([JSONMember("before", pair.0.value), JSONMember("after", pair.1.value)]))
        }
        return changed.isEmpty ? nil : changed
    }
}
