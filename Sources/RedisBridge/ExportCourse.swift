// What an exported stream needs next: pure. Redis' last id says how far the copy goes; the log says whether that id is
// ours. Ids only grow in a stream, and only we write it, so a copy is always a beginning of the log's stream.

internal import Records

struct ExportCourse: Equatable, Sendable {
    enum Step: Equatable {
        /// Send what the log has after this id.
        case send(after: EntryID)
        /// Compare the entry with this id here and there, and tell `compared`.
        case compare(EntryID)
        /// Somebody else writes the stream: nothing may be sent.
        case stop(String)
    }

    /// The copy is known to be the log's stream up to here; nil: nobody has looked yet over this connection.
    private(set) var reached: EntryID?
    private(set) var stopped: String?

    /// Over a new connection nothing is known.
    mutating func connected() { reached = nil }

    /// - Parameter lastID: the largest id that Redis' stream ever had; zero where it is not there.
    mutating func looked(lastID: EntryID) -> Step {
        if reached == lastID { return .send(after: lastID) }
        guard lastID > .zero else {
            stopped = nil
            reached = .zero
            return .send(after: .zero)
        }
        return .compare(lastID)
    }

    /// - Parameters:
    ///   - ours: the log's fields of that entry; nil: the log has no such id.
    ///   - theirs: Redis'; nil: it was trimmed or deleted there, and only its id is left.
    mutating func compared(_ id: EntryID, ours: FieldMap?, theirs: FieldMap?) -> Step {
        guard let ours else { return stop("its last entry, \(id), is not the log's") }
        if let theirs, theirs != ours { return stop("entry \(id) there has other fields than the log's") }
        stopped = nil
        reached = id
        return .send(after: id)
    }

    /// Redis has answered that the entries are in its stream.
    mutating func sent(through id: EntryID) { reached = id }

    private mutating func stop(_ why: String) -> Step {
        reached = nil
        stopped = why
        return .stop(why)
    }
}
