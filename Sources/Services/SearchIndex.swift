// Finds records by what they hold (see SearchTerms), by their kind, stream or cause, without walking the log. It
// answers for a prefix of the log and says how long that is; what follows it is for whoever asks to scan, so that
// an answer is never less than the log holds. What it names must be compared with the record: a term is 64 bits.

package import EventLog
package import Events
internal import LMDB
package import Records

package struct SearchIndex: Sendable {
    static let version = SearchTerms.version
    static let line = ViewLine.search(version: version)
    static let lockName = "search"
    let views: Views
    let log: EventLog
    let sizes: SearchSizes

    package init(views: Views, log: EventLog, sizes: SearchSizes = .full) {
        self.views = views
        self.log = log
        self.sizes = sizes
    }

    /// The last record that the index knows; none where it knows nothing of this log.
    package func reached() throws -> SequenceNumber {
        try views.read { try reached(try views.editions(SearchIndex.line, $0).current, $0) }
    }

    func reached<T: ReadableTransaction & ~Copyable>(
        _ edition: UInt32, _ transaction: borrowing T
    ) throws -> SequenceNumber {
        let name = SearchIndex.line.row(edition)
        return try views.checkpoint(name, version: SearchIndex.version, log, transaction)?.head.sequence ?? .none
    }

    /// In order; they cover 1 to `reached`.
    func runs<T: ReadableTransaction & ~Copyable>(
        _ edition: UInt32, _ transaction: borrowing T
    ) throws -> [SearchRun] {
        try transaction.withCursor(views.tables.runs) { cursor in
            var found: [SearchRun] = []
            var isThere = try cursor.seek(SearchRunKey(edition: edition, first: .none).bytes)
            while isThere {
                let key = try SearchRunKey(decoding: cursor.key.array())
                guard key.version == SearchIndex.version, key.edition == edition else { break }
                found.append(try SearchRun(first: key.first, decoding: cursor.value.array()))
                isThere = try cursor.next()
            }
            return found
        }
    }
}

/// How many records a run is built from. Tests take small ones.
package struct SearchSizes: Sendable {
    let recordsMin: UInt64
    let recordsMax: UInt64

    package static let full = SearchSizes(
        recordsMin: Limits.searchRunRecordsMin, recordsMax: Limits.searchRunRecordsMax)

    package init(recordsMin: UInt64, recordsMax: UInt64) {
        precondition(recordsMin > 0 && recordsMin <= recordsMax, "a run has at least one record")
        self.recordsMin = recordsMin
        self.recordsMax = recordsMax
    }
}

/// Some records that hold all terms, in the order asked for.
package struct SearchPage: Sendable {
    package let sequences: [SequenceNumber]
    /// What is left of the range; nil: nothing.
    package let rest: ClosedRange<SequenceNumber>?
}

extension SearchIndex {
    /// Records of the range that hold all the terms. Nil where the index does not reach the range's end (any more:
    /// another process may have cleared it).
    package func page(
        _ terms: [SearchTerm], in range: ClosedRange<SequenceNumber>, newestFirst: Bool
    ) throws -> SearchPage? {
        precondition(!terms.isEmpty, "a search needs a term")
        do { return try meet(terms, range, newestFirst: newestFirst) } catch let damage as RecordError {
            views.note("the search index is not used, \(damage); backstop rebuild search makes it again")
            return nil
        }
    }

    private func meet(
        _ terms: [SearchTerm], _ range: ClosedRange<SequenceNumber>, newestFirst: Bool
    ) throws -> SearchPage? {
        try views.read { transaction in
            let edition = try views.editions(SearchIndex.line, transaction).current
            guard try reached(edition, transaction) >= range.upperBound else { return nil }
            let runs = try runs(edition, transaction)
            return try transaction.withCursor(views.tables.blocks) { cursor in
                var meeting = SearchMeeting(terms, runs, newestFirst: newestFirst)
                return try meeting.page(range, &cursor)
            }
        }
    }
}

/// Where the postings of all terms meet: each in turn jumps to where the one before it stands.
private struct SearchMeeting {
    private var postings: [SearchPostings]
    private let newestFirst: Bool

    init(_ terms: [SearchTerm], _ runs: [SearchRun], newestFirst: Bool) {
        postings = terms.map { SearchPostings($0, runs) }
        self.newestFirst = newestFirst
    }

    mutating func page(_ range: ClosedRange<SequenceNumber>, _ cursor: inout Cursor) throws -> SearchPage {
        var found: [SequenceNumber] = []
        var candidate = (newestFirst ? range.upperBound : range.lowerBound).rawValue
        var (agreeing, place, looks) = (0, 0, 0)
        while looks < Limits.searchPageLooksMax, found.count < Limits.searchPagePostingsMax {
            looks += 1
            guard let next = try postings[place].seek(candidate, newestFirst: newestFirst, &cursor),
                range.contains(SequenceNumber(next))
            else { return SearchPage(sequences: found, rest: nil) }
            agreeing = next == candidate ? agreeing + 1 : 1
            candidate = next
            if agreeing == postings.count {
                found.append(SequenceNumber(candidate))
                if candidate == (newestFirst ? range.lowerBound : range.upperBound).rawValue {
                    return SearchPage(sequences: found, rest: nil)
                }
                candidate = newestFirst ? candidate - 1 : candidate + 1
                agreeing = 0
            } else {
                place = (place + 1) % postings.count
            }
        }
        let next = SequenceNumber(candidate)
        let rest = newestFirst ? range.lowerBound...next : next...range.upperBound
        return SearchPage(sequences: found, rest: rest)
    }
}
