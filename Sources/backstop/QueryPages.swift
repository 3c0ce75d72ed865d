// The records of a range that may match, page by page: through the index as far as it reaches, by a look at each
// record beyond. Records are copied out before anything is printed, because a reader that waits for a slow terminal
// inside its transaction would make the file grow.

import EventLog
import Events
import Records
import Services

struct QueryPages {
    private enum Part {
        case indexed(ClosedRange<SequenceNumber>)
        case scanned(ClosedRange<SequenceNumber>)
    }
    private let filter: QueryFilter
    private let newestFirst: Bool
    private let log: EventLog
    private let index: SearchIndex?
    private let terms: [SearchTerm]
    /// In the order in which they are to be shown.
    private var parts: [Part] = []
    /// What the index named and nobody has read yet.
    private var named: ArraySlice<SequenceNumber> = []
    private var looked = 0

    init(
        _ filter: QueryFilter, _ range: ClosedRange<SequenceNumber>, newestFirst: Bool, _ log: EventLog,
        _ views: ViewsOnDemand
    ) throws {
        (self.filter, self.newestFirst, self.log) = (filter, newestFirst, log)
        let terms = try log.snapshot { snapshot in
            try filter.terms { try snapshot.stream($0)?.number }
        }
        self.terms = terms ?? []
        if filter.asksForKey {
            index = nil
            if let key = try filter.sequenceOfKey(log), range.contains(key) { parts = [.scanned(key...key)] }
            return
        }
        let length = range.upperBound.rawValue - range.lowerBound.rawValue
        guard let terms else {
            index = nil
            return
        }
        guard !terms.isEmpty, length > Limits.queryScanRecordsMax, let index = try views.index(upTo: range.upperBound)
        else {
            index = nil
            parts = [.scanned(range)]
            return
        }
        self.index = index
        let reached = min(try index.reached(), range.upperBound)
        if reached >= range.lowerBound { parts.append(.indexed(range.lowerBound...reached)) }
        if reached < range.upperBound { parts.append(.scanned(max(reached.next, range.lowerBound)...range.upperBound)) }
        if newestFirst { parts.reverse() }
    }

    /// Nil at the end; a page may be empty.
    mutating func next() throws -> [Record]? {
        if !named.isEmpty { return try readNamed() }
        guard let part = parts.first else { return nil }
        parts.removeFirst()
        switch part {
        case .scanned(let range): return try scan(range)
        case .indexed(let range):
            guard let page = try index?.page(terms, in: range, newestFirst: newestFirst) else {
                parts.insert(.scanned(range), at: 0)  // the index was taken away
                return []
            }
            if let rest = page.rest { parts.insert(.indexed(rest), at: 0) }
            named = page.sequences[...]
            return try readNamed()
        }
    }

    private mutating func readNamed() throws -> [Record] {
        var room = PageRoom()
        var found: [Record] = []
        let filter = filter
        try log.snapshot { snapshot in
            while room.isOpen, let sequence = named.popFirst() {
                try snapshot.walk(from: sequence) { view in
                    if view.sequence == sequence, filter.mayMatch(view) { found.append(try room.take(view)) }
                    return false
                }
            }
        }
        return found
    }

    private mutating func scan(_ range: ClosedRange<SequenceNumber>) throws -> [Record] {
        let length = UInt64(newestFirst ? Limits.queryPageRecordsMax : Limits.scanRecordsPerTransactionMax)
        let isWhole = range.upperBound.rawValue - range.lowerBound.rawValue < length
        var piece = range
        if !isWhole {
            piece =
                newestFirst
                ? SequenceNumber(range.upperBound.rawValue - length + 1)...range.upperBound
                : range.lowerBound...SequenceNumber(range.lowerBound.rawValue + length - 1)
        }
        // Backwards the piece is short, and must be read to its end before its last record can be shown.
        var room = PageRoom(hasEnd: !newestFirst)
        var (found, reached) = ([Record](), piece.lowerBound.previous)
        let filter = filter
        try log.snapshot { snapshot in
            try snapshot.walk(from: piece.lowerBound) { view in
                guard view.sequence <= piece.upperBound else { return false }
                reached = view.sequence
                if filter.mayMatch(view) { found.append(try room.take(view)) }
                return room.isOpen
            }
        }
        report(piece)
        if newestFirst {
            if !isWhole { parts.insert(.scanned(range.lowerBound...piece.lowerBound.previous), at: 0) }
            return found.reversed()
        }
        let next = room.isOpen ? piece.upperBound.next : reached.next
        if next <= range.upperBound { parts.insert(.scanned(next...range.upperBound), at: 0) }
        return found
    }

    private mutating func report(_ piece: ClosedRange<SequenceNumber>) {
        let before = looked / 200_000
        looked += Int(piece.upperBound.rawValue - piece.lowerBound.rawValue) + 1
        if looked / 200_000 > before { Output.progress("looked at \(grouped(looked)) records") }
    }
}

/// How much one page may hold.
private struct PageRoom {
    private var records = 0
    private var bytes = 0
    private let hasEnd: Bool

    init(hasEnd: Bool = true) { self.hasEnd = hasEnd }

    var isOpen: Bool {
        !hasEnd || records < Limits.queryPageRecordsMax && bytes < Limits.queryPageBytesMax
    }

    mutating func take(_ view: borrowing RecordView) throws -> Record {
        records += 1
        bytes += view.bytes.byteCount
        return try view.record()
    }
}

/// Views are opened when somebody needs them, once.
final class ViewsOnDemand {
    private let log: EventLog
    private var opened: Views??

    private let verbose: Bool

    init(_ log: EventLog, verbose: Bool) { (self.log, self.verbose) = (log, verbose) }

    func close() {
        if case .some(.some(let views)) = opened { views.close() }
    }

    private func views() -> Views? {
        if let opened { return opened }
        let views = openViews(log, verbose: verbose)
        opened = .some(views)
        return views
    }

    /// The index, brought up to date where it is far behind `end`. Nil where there is none to be had; then every record
    /// is looked at.
    func index(upTo end: SequenceNumber) throws -> SearchIndex? {
        guard let views = views() else { return nil }
        let index = SearchIndex(views: views, log: log)
        guard end.rawValue > (try index.reached()).rawValue + Limits.searchTailRecordsMax else { return index }
        do {
            let isOurs = try index.catchUp {
                Output.progress(
                    "bringing the search index up to date: \(grouped($0.rawValue)) of \(grouped(end.rawValue))")
            }
            if !isOurs { Output.progress("another process builds the search index; what it lacks is looked through") }
        } catch {
            Output.endProgress()
            Output.error("the search index cannot be brought up to date, looking through what it lacks: \(error)")
        }
        return index
    }
}
