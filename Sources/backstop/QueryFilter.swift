// The conditions of a query, read once; what cannot be read says where.

import EventLog
import Events
import Records

struct QueryFilter {
    let start: SequenceNumber
    let end: SequenceNumber?
    let since: Timestamp?
    let until: Timestamp?
    let kind: Kind?
    private let trace: String?
    private let symbol: String?
    private let stream: StreamName?

    init(_ query: Query, now: Timestamp) throws {
        (start, end) = try QueryFilter.range(query.seq)
        since = try query.since.map { try QueryFilter.time($0, "--since", now) }
        until = try query.until.map { try QueryFilter.time($0, "--until", now) }
        trace = query.trace
        symbol = query.symbol?.uppercased()
        stream = try query.stream.map { try StreamCatalogue.resolve($0) }
        kind = try query.kind.map { name in
            guard let kind = EventKind.named(name) else {
                let all = EventKind.allCases.map(\.name).joined(separator: ", ")
                throw CannotRun("--kind \(name): no such kind; there are: \(all)")
            }
            return kind.kind
        }
    }

    /// What the header can say, without decoding a body.
    func mayMatch(_ view: borrowing RecordView) -> Bool {
        if let since, view.recordedAt < since { return false }
        if let kind, view.kind != kind { return false }
        return true
    }

    func matches(_ shown: ShownRecord) -> Bool {
        if let kind, shown.record.kind != kind { return false }
        if let trace, shown.record.traceID != trace { return false }
        if let stream, shown.stream != stream { return false }
        if shown.record.sequence < start { return false }
        if let end, shown.record.sequence > end { return false }
        if let since, shown.record.header.recordedAt < since { return false }
        if let until, shown.record.header.recordedAt >= until { return false }
        if let symbol {
            guard case .string(let named) = shown.data["symbol"] else { return false }
            return named.uppercased() == symbol
        }
        return true
    }

    private static func range(_ text: String?) throws -> (SequenceNumber, SequenceNumber?) {
        guard let text else { return (SequenceNumber(1), nil) }
        guard let dots = text.firstRange(of: "..") else {
            guard let one = UInt64(text) else { throw CannotRun("--seq \(text): a number or A..B is needed") }
            return (SequenceNumber(one), SequenceNumber(one))
        }
        let (low, high) = (text[..<dots.lowerBound], text[dots.upperBound...])
        guard low.isEmpty || UInt64(low) != nil, high.isEmpty || UInt64(high) != nil else {
            throw CannotRun("--seq \(text): A..B needs numbers, at byte \(dots.lowerBound.utf16Offset(in: text))")
        }
        return (SequenceNumber(UInt64(low) ?? 1), UInt64(high).map { SequenceNumber($0) })
    }

    static func time(_ text: String, _ option: String, _ now: Timestamp) throws -> Timestamp {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        if let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()) {
            let (age, isTooLong) = count.multipliedReportingOverflow(by: unit * 1_000_000_000)
            guard !isTooLong, count >= 0, age <= now.nanoseconds else {
                throw CannotRun("\(option) \(text): an age from 0s to the year 1970 is needed")
            }
            return Timestamp(nanoseconds: now.nanoseconds - age)
        }
        do { return try TimeText.read(text, field: option) } catch {
            throw CannotRun("\(error); give ISO-8601, an epoch time, or an age such as 15m")
        }
    }
}
