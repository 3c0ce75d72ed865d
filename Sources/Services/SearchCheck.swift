// Whether the search index holds what the log gives: run by run, every posting is read again, and every record's
// terms are made again.

internal import EventLog
internal import Events
internal import LMDB
package import Records

/// A range of records whose postings are not what the log gives.
package struct SearchDifference: Sendable {
    package let range: ClosedRange<SequenceNumber>
    /// Postings.
    package let expected: UInt64
    package let found: UInt64
}

extension SearchIndex {
    /// Of the edition in use; empty where all is as it must be.
    package func check(progress: (SequenceNumber) -> Void = { _ in }) throws -> [SearchDifference] {
        let (runs, reached) = try views.read { transaction -> ([SearchRun], SequenceNumber) in
            let edition = try views.editions(SearchIndex.line, transaction).current
            return (try self.runs(edition, transaction), try self.reached(edition, transaction))
        }
        var different: [SearchDifference] = []
        var next = SequenceNumber(1)
        for run in runs where run.last <= reached {
            if run.first > next {
                let missing = next...run.first.previous
                different.append(SearchDifference(range: missing, expected: try expected(missing).postings, found: 0))
            }
            let (expected, found) = (try expected(run.first...run.last), try found(run))
            if expected != found || found != run.content {
                different.append(
                    SearchDifference(
                        range: run.first...run.last, expected: expected.postings, found: found.postings))
            }
            next = run.last.next
            progress(run.last)
        }
        if next <= reached {
            let missing = next...reached
            different.append(SearchDifference(range: missing, expected: try expected(missing).postings, found: 0))
        }
        return different
    }

    private func expected(_ range: ClosedRange<SequenceNumber>) throws -> SearchSum {
        var sum = SearchSum()
        try log.walk(from: range.lowerBound, through: range.upperBound) { record in
            let sequence = record.sequence.rawValue
            var seen: [UInt64] = []
            SearchTerm.each(of: record) { term in
                guard !seen.contains(term.hash) else { return }
                seen.append(term.hash)
                sum.add(term.hash, sequence)
            }
            return true
        }
        return sum
    }

    private func found(_ run: SearchRun) throws -> SearchSum {
        var sum = SearchSum()
        var last: [UInt8]?
        while let block = try views.block(of: run, after: last) {
            do {
                for entry in try SearchIndex.entries(block.bytes) {
                    for sequence in entry.postings { sum.add(entry.term, sequence) }
                }
            } catch { return SearchSum() }  // a block that cannot be read holds nothing, and so differs
            last = block.key
        }
        return sum
    }
}
