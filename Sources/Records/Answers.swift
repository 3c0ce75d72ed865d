// What an append answers. Five answers, and no sixth: a caller that handles them all has handled
// everything that can happen to its draft.

/// Why a draft was not taken. Nothing was written.
package enum Refusal: Error, Equatable, Sendable, CustomStringConvertible {
    /// A guard that the draft requires lowered is raised by that record.
    case guarded(name: String, by: SequenceNumber)
    /// A field is over its bound or breaks a rule.
    case bound(BoundError)
    /// The entry id is not larger than the stream's last one.
    case entryID(requested: String, last: EntryID)
    /// The log has reached the share of its space that ordinary appends may use.
    case full(String)
    /// One transaction cannot take so much here; the same in smaller parts may go.
    case tooMuchAtOnce(bytesAllowed: Int)
    /// Too much is waiting for the writer.
    case busy(waiting: Int)

    /// One word for machines.
    package var code: String {
        switch self {
        case .guarded: "guarded"
        case .bound: "bound"
        case .entryID: "entry_id"
        case .full: "full"
        case .tooMuchAtOnce: "too_much_at_once"
        case .busy: "busy"
        }
    }

    package var description: String {
        switch self {
        case .guarded(let name, let by): "guard \(name) is raised by record \(by)"
        case .bound(let error): error.description
        case .entryID(let requested, let last):
            "entry id \(requested) is equal or smaller than the stream's last one, \(last)"
        case .full(let what): what
        case .tooMuchAtOnce(let bytes): "one transaction takes \(bytes) bytes here; append less at once"
        case .busy(let waiting): "\(waiting) appends are waiting; try again"
        }
    }
}

/// Where a record stands.
package struct Place: Hashable, Sendable {
    package let sequence: SequenceNumber
    package let entryID: EntryID
    package init(sequence: SequenceNumber, entryID: EntryID) {
        self.sequence = sequence
        self.entryID = entryID
    }
}

package enum AppendAnswer: Equatable, Sendable {
    /// Committed and on disk.
    case appended(Place)
    /// The key has its record already, with the same content; nothing was written.
    case duplicate(first: Place)
    /// The key has its record already, with other content; recorded as evidence.
    case conflict(first: Place)
    case refused(Refusal)
    /// The commit failed; the log is poisoned. Ask again with the same key after reopening.
    case unknown(String)
}
