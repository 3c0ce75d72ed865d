// The postings of one term, over all runs, in either direction. What was read last is kept: the next look is
// mostly into the same entry.

internal import Events
internal import LMDB
internal import Records

struct SearchPostings {
    private let term: UInt64
    private let runs: [SearchRun]
    /// Postings without a gap between its first and its last.
    private var entry: [UInt64] = []

    init(_ term: SearchTerm, _ runs: [SearchRun]) {
        self.term = term.hash
        self.runs = runs
    }

    /// The smallest posting at or after `wanted`, or the largest at or before it.
    mutating func seek(_ wanted: UInt64, newestFirst: Bool, _ cursor: inout Cursor) throws -> UInt64? {
        if let first = entry.first, let last = entry.last, first <= wanted, wanted <= last {
            return newestFirst ? largest(upTo: wanted) : smallest(from: wanted)
        }
        return newestFirst ? try seekBack(wanted, &cursor) : try seekOn(wanted, &cursor)
    }

    private mutating func seekOn(_ wanted: UInt64, _ cursor: inout Cursor) throws -> UInt64? {
        for run in runs where run.last.rawValue >= wanted {
            guard try find(run, wanted, newestFirst: false, &cursor) else { continue }
            return smallest(from: wanted)
        }
        return nil
    }

    private mutating func seekBack(_ wanted: UInt64, _ cursor: inout Cursor) throws -> UInt64? {
        for run in runs.reversed() where run.first.rawValue <= wanted {
            guard try find(run, wanted, newestFirst: true, &cursor) else { continue }
            return largest(upTo: wanted)
        }
        return nil
    }

    /// Reads the entry of this run that holds the answer; false where none does.
    private mutating func find(
        _ run: SearchRun, _ wanted: UInt64, newestFirst: Bool, _ cursor: inout Cursor
    ) throws -> Bool {
        let key = SearchBlockKey(run: run.number, term: term, sequence: wanted)
        var isThere = try cursor.seekBack(key)
        // Where even the run's first block begins behind the key, the block before belongs to another run.
        if try !isThere || SearchBlockKey.run(of: cursor.key) != run.number {
            if newestFirst { return false }
            isThere = try cursor.seek(key)
        }
        while try isThere && SearchBlockKey.run(of: cursor.key) == run.number {
            switch try look(wanted, newestFirst: newestFirst, cursor) {
            case .found: return true
            case .absent: return false
            case .further: isThere = newestFirst ? false : try cursor.next()
            }
        }
        return false
    }

    private enum Look { case found, absent, further }

    private mutating func look(_ wanted: UInt64, newestFirst: Bool, _ cursor: borrowing Cursor) throws -> Look {
        var reader = ByteReader(cursor.value)
        var isFound = false
        while reader.remaining > 0 {
            let head = try SearchEntry(reading: &reader)
            if head.term < term {
                try head.skip(&reader)
                continue
            }
            if head.term > term || newestFirst && head.first > wanted { return isFound ? .found : .absent }
            let postings = try head.postings(&reader)
            if newestFirst {
                (entry, isFound) = (postings, true)  // a later one may fit, too
            } else if let last = postings.last, last >= wanted {
                entry = postings
                return .found
            }
        }
        return isFound ? .found : .further
    }

    /// In the entry; it is there.
    private func smallest(from wanted: UInt64) -> UInt64? {
        var (low, high) = (0, entry.count)
        while low < high {
            let middle = (low + high) / 2
            if entry[middle] < wanted { low = middle + 1 } else { high = middle }
        }
        return low < entry.count ? entry[low] : nil
    }

    private func largest(upTo wanted: UInt64) -> UInt64? {
        var (low, high) = (0, entry.count)
        while low < high {
            let middle = (low + high) / 2
            if entry[middle] <= wanted { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? entry[low - 1] : nil
    }
}
