// Makes a bundle from a log: three walks (what belongs to it; the states before and after; the chain), each in bounded read
// transactions, all up to the head as it was at the beginning. It changes nothing.

internal import Domain
package import EventLog
internal import Events
package import Records

package enum BundleMaker {
    /// - Parameters:
    ///   - version: `backstop 0.1.0`.
    ///   - progress: what it does, and the sequence reached.
    package static func make(
        _ log: EventLog, subject: SequenceNumber, secrets: Secrets, version: String,
        progress: (String, SequenceNumber) -> Void
    ) throws -> EvidenceBundle {
        let head = try log.head()
        let closure = try Closure(of: subject, in: log, head: head) { progress("looked at", $0) }
        var records: [BundledRecord] = []
        var basis: Set<SequenceNumber> = []
        for sequence in closure.reasons.keys.sorted() {
            let (record, itsBasis) = try bundled(sequence, closure.reasons[sequence] ?? [], log, secrets)
            records.append(record)
            if record.isEvent { basis.insert(itsBasis) }
        }
        var states = StateCollector(secrets)
        let events = records.filter(\.isEvent).map(\.sequence)
        try states.collect(Set(events + events.map(\.previous)).union(basis), log) { progress("folded", $0) }
        let (span, links) = try chain(events, log, head) { progress("linked", $0) }
        return EvidenceBundle(
            madeBy: version, id: log.id, origin: log.identity.origin, subject: subject, head: head, span: span,
            links: links, records: records, states: states.states, parts: states.parts)
    }

    private static func bundled(
        _ sequence: SequenceNumber, _ why: Set<BundledRecord.Reason>, _ log: EventLog, _ secrets: Secrets
    ) throws -> (BundledRecord, basis: SequenceNumber) {
        var found: (BundledRecord, SequenceNumber)?
        let previous = try hash(sequence.previous, log)
        try log.walk(from: sequence, through: sequence) { view in
            let bytes = view.bytes.array()
            let content: BundledRecord.Content
            if let reason = secrets.found(in: Array(bytes[Header.byteCount...])) {
                content = .withheld(
                    header: Array(bytes[..<Header.Offset.hash]),
                    tail: Digest.sha256(Array(bytes[Header.byteCount...])), reason: reason)
            } else {
                content = .whole(bytes)
            }
            found = (
                BundledRecord(
                    sequence: sequence, why: why.sorted(), previous: previous, hash: view.hash, content: content),
                view.basis
            )
            return false
        }
        guard let found else { throw LogError.damaged("record \(sequence) is missing") }
        return found
    }

    private static func hash(_ sequence: SequenceNumber, _ log: EventLog) throws -> Digest {
        if sequence.isNone { return log.identity.genesis }
        guard let record = try log.snapshot({ try $0.record(sequence) }) else {
            throw LogError.damaged("record \(sequence) is missing")
        }
        return record.header.hash
    }

    /// From the first event to the head where that is not too long, else to the last event, else not at all.
    private static func chain(
        _ events: [SequenceNumber], _ log: EventLog, _ head: Head, _ progress: (SequenceNumber) -> Void
    ) throws -> (BundleSpan?, [UInt8]) {
        guard let first = events.first, let lastEvent = events.last else { return (nil, []) }
        func isShort(_ last: SequenceNumber) -> Bool { last.rawValue - first.rawValue < UInt64(Limits.bundleLinksMax) }
        guard let last = [head.sequence, lastEvent].first(where: isShort) else { return (nil, []) }
        var links: [UInt8] = []
        var end = head
        try log.walk(from: first, through: last) { view in
            links += view.bytes.array(0..<Header.Offset.hash)
            links += Digest.sha256(view.bytes.array(Header.byteCount..<view.bytes.byteCount)).bytes
            end = Head(sequence: view.sequence, hash: view.hash)
            if view.sequence.rawValue.isMultiple(of: 20_000) { progress(view.sequence) }
            return true
        }
        guard end.sequence == last else { throw LogError.damaged("record \(last) is missing") }
        return (BundleSpan(before: try hash(first.previous, log), first: first, last: end), links)
    }
}

/// The states that a bundle needs, each projection's bytes once.
private struct StateCollector {
    private(set) var states: [BundledState] = []
    private(set) var parts: [BundledPart] = []
    private var known: Set<Digest> = []
    private var byteCount = 0
    private let secrets: Secrets

    init(_ secrets: Secrets) { self.secrets = secrets }

    mutating func collect(
        _ wanted: Set<SequenceNumber>, _ log: EventLog, _ progress: (SequenceNumber) -> Void
    ) throws {
        let wanted = wanted.sorted()
        guard let last = wanted.last else { return }
        var state = State()
        var place = 0
        if wanted[0].isNone {
            try take(state)
            place = 1
        }
        guard !last.isNone else { return }
        try log.walk(from: SequenceNumber(1), through: last) { record in
            try state.apply(record)
            if record.sequence.rawValue.isMultiple(of: 100_000) { progress(record.sequence) }
            if place < wanted.count, wanted[place] == state.asOf {
                try take(state)
                place += 1
            }
            return true
        }
    }

    private mutating func take(_ state: State) throws {
        let encoded = state.encodedParts
        for part in encoded where known.insert(part.digest).inserted {
            let isLeftOut = part.bytes.count > Limits.bundledPartBytesMax || secrets.found(in: part.bytes) != nil
            byteCount += isLeftOut ? 0 : part.bytes.count
            guard byteCount <= Limits.bundleBytesMax / 4 else { throw BundleError.tooLarge(byteCount) }
            parts.append(
                BundledPart(
                    name: part.name, version: part.version, digest: part.digest, bytes: isLeftOut ? nil : part.bytes))
        }
        states.append(BundledState(asOf: state.asOf, parts: encoded.map(\.digest)))
    }
}
