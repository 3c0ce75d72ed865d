// One bounded read of a query: records are copied out before anything is printed, because a reader that waits
// for a slow terminal inside its transaction would make the file grow.

import EventLog
import Records

struct QueryPage {
    private(set) var records: [Record] = []
    /// The first sequence that was not looked at.
    private(set) var next: SequenceNumber
    /// Nothing that could match follows.
    private(set) var isLast = true

    init(from start: SequenceNumber, _ filter: QueryFilter, in log: EventLog) throws {
        next = start
        var found: [Record] = []
        var (seen, position, isLast) = (0, start, true)
        try log.snapshot { snapshot in
            try snapshot.walk(from: start) { view in
                if let end = filter.end, view.sequence > end { return false }
                if let until = filter.until, view.recordedAt >= until { return false }
                position = view.sequence.next
                seen += 1
                if filter.mayMatch(view) { found.append(try view.record()) }
                isLast = found.count < Limits.queryPageRecordsMax && seen < Limits.scanRecordsPerTransactionMax
                return isLast
            }
        }
        (records, next, self.isLast) = (found, position, isLast)
    }
}
