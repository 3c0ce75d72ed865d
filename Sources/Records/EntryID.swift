// An entry's id inside its stream, as in Redis: milliseconds, then a counter. It orders a stream; it is
// never used as a key of deduplication.

/// `<ms>-<n>`. The smallest that can be added is 0-1.
package struct EntryID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var milliseconds: UInt64
    package var counter: UInt64

    package init(_ milliseconds: UInt64, _ counter: UInt64) {
        self.milliseconds = milliseconds
        self.counter = counter
    }

    package static let zero = EntryID(0, 0)
    package static let last = EntryID(.max, .max)
    package var description: String { "\(milliseconds)-\(counter)" }

    package static func < (a: EntryID, b: EntryID) -> Bool {
        a.milliseconds != b.milliseconds ? a.milliseconds < b.milliseconds : a.counter < b.counter
    }

    /// The next larger id, or nil at the end of the range.
    package var next: EntryID? {
        if counter < .max { return EntryID(milliseconds, counter + 1) }
        return milliseconds < .max ? EntryID(milliseconds + 1, 0) : nil
    }

    /// The next smaller id, or nil at the beginning of the range.
    package var previous: EntryID? {
        if counter > 0 { return EntryID(milliseconds, counter - 1) }
        return milliseconds > 0 ? EntryID(milliseconds - 1, .max) : nil
    }

    /// Reads `ms` or `ms-n`. A missing counter becomes `missingCounter` (0 at the start of a range,
    /// the largest at its end). Nil where the text is no id.
    package init?(_ text: String, missingCounter: UInt64 = 0) {
        guard text.utf8.count <= 127 else { return nil }
        let parts = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard let ms = EntryID.number(parts[0]) else { return nil }
        guard parts.count == 2 else {
            self.init(ms, missingCounter)
            return
        }
        guard let n = EntryID.number(parts[1]) else { return nil }
        self.init(ms, n)
    }

    private static func number(_ text: Substring) -> UInt64? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return UInt64(text)
    }
}

/// What a draft asks for: the next id, or one of its own.
package enum EntryIDRequest: Hashable, Sendable {
    case next
    case exactly(EntryID)
    case nextIn(milliseconds: UInt64)
}

extension EntryIDRequest {
    /// The id that XADD would give after `last` at `now`, or nil where the request cannot be met.
    /// A clock that goes back never breaks the order.
    package func resolved(after last: EntryID, now: Timestamp) -> EntryID? {
        switch self {
        case .next:
            let ms = UInt64(max(0, now.milliseconds))
            return ms > last.milliseconds ? EntryID(ms, 0) : last.next
        case .exactly(let id):
            return id > last ? id : nil
        case .nextIn(let ms):
            if ms == last.milliseconds { return last.counter < .max ? EntryID(ms, last.counter + 1) : nil }
            return ms > last.milliseconds ? EntryID(ms, 0) : nil
        }
    }
}
