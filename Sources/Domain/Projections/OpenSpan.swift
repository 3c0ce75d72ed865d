// Since when at least one of some positions has been open, without a break. The watchdog asks how long decisions
// have stood still while there was something to decide.

internal import Records

struct OpenSpan: Hashable, Sendable {
    /// Follows from the positions, so it is not in the bytes.
    private var count: Int
    private(set) var since: Moment?

    init() { (count, since) = (0, nil) }

    /// As it was written beside positions of which so many are open.
    init(count: Int, since: Moment?) throws(RecordError) {
        guard (count > 0) == (since != nil) else { throw .malformed("\(count) open positions, and not since when") }
        (self.count, self.since) = (count, since)
    }

    /// One position went from open or closed to open or closed.
    mutating func change(from wasOpen: Bool, to isOpen: Bool, _ record: borrowing RecordView) {
        guard wasOpen != isOpen else { return }
        count += isOpen ? 1 : -1
        if count == 0 { since = nil } else if since == nil { since = Moment(of: record) }
    }
}
