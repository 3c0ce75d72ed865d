// The conditions of a query, read once; what cannot be read says where.

import EventLog
import Events
import Records

struct QueryFilter {
    private let names: [(field: SearchField, text: [UInt8])]
    private let kind: Kind?
    private let stream: StreamName?
    private let conditions: [Condition]
    private let key: String?

    init(_ options: QueryOptions) throws {
        let wanted: [(SearchField, String?)] = [
            (.trace, options.trace), (.symbol, options.symbol), (.producer, options.producer),
            (.clientOrderID, options.clientOrderID), (.orderID, options.orderID), (.tradeID, options.tradeID),
        ]
        names = wanted.compactMap { field, text in text.map { (field, Array($0.utf8)) } }
        if let empty = names.first(where: \.text.isEmpty) { throw CannotRun("an empty \(empty.field) finds nothing") }
        stream = try options.stream.map { try StreamCatalogue.resolve($0) }
        key = options.key
        kind = try options.kind.map { name in
            guard let kind = EventKind.named(name) else {
                let all = EventKind.allCases.map(\.name).joined(separator: ", ")
                throw CannotRun("--kind \(name): no such kind; there are: \(all)")
            }
            return kind.kind
        }
        conditions = try options.wheres.map { try QueryFilter.condition($0) }
    }

    private static func condition(_ text: String) throws -> Condition {
        do { return try ConditionParser.read(text) } catch {
            let shown = Output.tame(String(text.prefix(400)))
            let before = Array(text.utf8.prefix(min(error.offset, 400)))
            let column = Output.tame(String(decoding: before, as: UTF8.self)).count
            throw CannotRun("--where: \(error)\n  \(shown)\n  \(String(repeating: " ", count: column))^")
        }
    }

    /// What finds candidates in the index; none: every record must be looked at.
    func terms(_ numberOf: (StreamName) throws -> StreamNumber?) rethrows -> [SearchTerm]? {
        var terms = names.map { SearchTerm($0.field, $0.text) }
        if let kind { terms.append(.kind(kind)) }
        if let stream {
            // No record belongs to a stream that is not there.
            guard let number = try numberOf(stream) else { return nil }
            terms.append(.stream(number))
        }
        return terms
    }

    /// What a record says without its message being decoded.
    func mayMatch(_ view: borrowing RecordView) -> Bool {
        if let kind, view.kind != kind { return false }
        for name in names { guard SearchTerms.has(name.field, name.text, in: view) else { return false } }
        return true
    }

    func matches(_ shown: ShownRecord) -> Bool {
        if let stream, shown.stream != stream { return false }
        if let key, shown.record.key?.qualified(stream: shown.stream) != key, shown.record.key?.text != key {
            return false
        }
        if conditions.isEmpty { return true }
        let data = shown.data
        return conditions.allSatisfy { $0.holds(in: data) }
    }

    /// Why there may be nothing.
    func hint(_ log: EventLog) throws -> String? {
        guard let stream, try log.snapshot({ try $0.stream(stream) }) == nil else { return nil }
        return "there is no stream \(Output.tame(stream.text))"
    }

    // MARK: Keys

    var asksForKey: Bool { key != nil }

    /// The record that has the key; nil where none has.
    func sequenceOfKey(_ log: EventLog) throws -> SequenceNumber? {
        guard let key else { return nil }
        return try log.snapshot { snapshot in
            for (key, stream) in readings(of: key) {
                if let sequence = try snapshot.first(key, stream: stream) { return sequence }
            }
            return nil
        }
    }

    /// A user's key is shown as `user/STREAM/KEY`, and both may hold slashes.
    private func readings(of text: String) -> [(IdempotencyKey, StreamName?)] {
        var readings: [(IdempotencyKey, StreamName?)] = []
        if let stream { readings.append((.user(text), stream)) }
        guard text.hasPrefix("user/") else { return readings + [(.own(text), nil)] }
        let rest = text.dropFirst("user/".count)
        for slash in rest.indices where rest[slash] == "/" {
            // What is no stream's name is not one that has keys.
            guard let stream = try? StreamName(String(rest[..<slash])) else { continue }
            readings.append((.user(String(rest[rest.index(after: slash)...])), stream))
        }
        return readings
    }
}

/// The records among which a query looks: sequences and times make one range, since stamps grow with sequences.
struct QueryRange {
    /// Nil where it is empty.
    let closed: ClosedRange<SequenceNumber>?
    /// Where whoever follows goes on.
    let next: SequenceNumber

    init(_ options: QueryOptions, _ log: EventLog) throws {
        let now = log.clock.now()
        let since = try options.since.map { try CommandTime.read($0, option: "--since", now: now) }
        let until = try options.until.map { try CommandTime.read($0, option: "--until", now: now) }
        if let since, let until, until <= since {
            throw CannotRun("--until is not after --since: nothing lies between")
        }
        let asOf = try options.asOf.map { try AsOf.read($0, log) }
        var (low, high) = try QueryRange.sequences(options.seq)
        let head = try log.snapshot { snapshot in
            if let since { low = max(low, try snapshot.first(recordedAt: since)) }
            if let until { high = min(high, try snapshot.first(recordedAt: until).previous) }
            return try snapshot.head().sequence
        }
        if let asOf { high = min(high, asOf) }
        let end = min(high, head)
        closed = low <= end && !end.isNone ? max(low, SequenceNumber(1))...end : nil
        next = max(low, head.next)
    }

    private static func sequences(_ text: String?) throws -> (SequenceNumber, SequenceNumber) {
        guard let text else { return (SequenceNumber(1), SequenceNumber(.max)) }
        guard let dots = text.firstRange(of: "..") else {
            guard let one = UInt64(text) else { throw CannotRun("--seq \(text): a number or A..B is needed") }
            return (SequenceNumber(one), SequenceNumber(one))
        }
        let (low, high) = (text[..<dots.lowerBound], text[dots.upperBound...])
        guard low.isEmpty || UInt64(low) != nil, high.isEmpty || UInt64(high) != nil else {
            throw CannotRun("--seq \(text): A..B needs numbers, at byte \(dots.lowerBound.utf16Offset(in: text))")
        }
        return (SequenceNumber(UInt64(low) ?? 1), SequenceNumber(UInt64(high) ?? .max))
    }
}
