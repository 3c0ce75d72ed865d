// The options of XADD and XTRIM: MAXLEN and MINID with `=` or `~`, LIMIT, NOMKSTREAM; checked in Redis' order. Trimming
// hides. With `~` entries go by hundreds, as Redis' nodes do: a bounded stream does not cost a record an entry. There are
// no nodes here: an entry's node follows from its number in the stream.

internal import EventLog
internal import Events
internal import Records

struct Trim: Sendable {
    enum Bound: Sendable {
        case length(UInt64)
        case before(EntryID)
    }
    var bound: Bound
    var isApproximate: Bool
    /// At most so many are hidden; 0: no bound.
    var limit = 0

    /// The entries of a node: `~` hides whole ones.
    var step = Trim.stepDefault

    /// What Redis' default of `stream-node-max-entries` makes of `~`.
    static let stepDefault = 100

    /// Looked at once where there is no limit.
    private static let chunk = 1_000_000

    func run(_ stream: StreamName, _ transaction: inout LogTransaction) throws -> Int {
        guard isApproximate else { return try exactly(stream, &transaction) }
        var hidden = 0
        while let known = try transaction.stream(stream) {
            let count = try wholeNodes(known, transaction)
            guard count > 0 else { break }
            hidden += try transaction.trim(stream, toLength: known.length - UInt64(count))
            if limit > 0 { break }
        }
        return hidden
    }

    private func exactly(_ stream: StreamName, _ transaction: inout LogTransaction) throws -> Int {
        switch bound {
        case .length(let length): try transaction.trim(stream, toLength: length)
        case .before(let id): try transaction.hide(stream, before: id)
        }
    }

    /// How many visible entries stand in nodes of which all entries may go. The last node counts, too, however full.
    private func wholeNodes(_ stream: StreamState, _ transaction: borrowing LogTransaction) throws -> Int {
        var (most, last) = (limit > 0 ? limit : Trim.chunk, EntryID.last)
        switch bound {
        case .length(let length):
            guard stream.length > length else { return 0 }
            most = Int(clamping: min(UInt64(most), stream.length - length))
        case .before(let id):
            guard let previous = id.previous else { return 0 }
            last = previous
        }
        guard try mayGo(most, stream, transaction), stream.firstID <= last else { return 0 }
        let first = try transaction.entries(stream.number, stream.firstID...last, limit: most)
        guard let end = first.last else { return 0 }
        let after = try end.id.next.flatMap { next in
            try transaction.entries(stream.number, next ... .last, limit: 1).first
        }
        var count = 0
        for place in first.indices {
            let following = place + 1 < first.count ? first[place + 1] : after
            if following.map({ node($0) != node(first[place]) }) ?? true { count = place + 1 }
        }
        return count
    }

    private func node(_ entry: IndexEntry) -> UInt64 { step > 0 ? (entry.ordinal - 1) / UInt64(step) : 0 }

    /// A quick look, for streams that are trimmed with each entry: whether the first node can be small enough.
    private func mayGo(
        _ most: Int, _ stream: StreamState, _ transaction: borrowing LogTransaction
    ) throws -> Bool {
        let one = try transaction.entries(stream.number, stream.firstID...stream.firstID, limit: 1)
        guard let first = one.first else { return false }
        let end = step > 0 ? min(stream.lastOrdinal, (node(first) + 1) * UInt64(step)) : stream.lastOrdinal
        let holes = stream.lastOrdinal - first.ordinal + 1 - stream.length
        return end - first.ordinal + 1 <= UInt64(most) + holes
    }

    /// Streams whose entries are evidence keep them in sight.
    static func check(_ stream: StreamName, _ command: String) throws(RespError) {
        guard let entry = StreamCatalogue.entry(for: stream), !entry.mayBeTrimmed else { return }
        throw RespError(whole: "NOPERM \(command) hides entries, and \(stream) is never trimmed or deleted from")
    }
}

/// What stands before XADD's id, or is all of XTRIM.
struct AddOrTrimOptions {
    var trim: Trim?
    var makesStream = true
    /// XADD: where the id stands.
    var idPlace = 0
    var id = EntryIDRequest.next
    private var limit: Int64?

    init(_ words: Words, isAdd: Bool) throws(RespError) {
        var place = 2
        options: while place < words.count {
            let more = words.after(place)
            if isAdd, words.exactly(place, "*") { break }
            if words.word(place, is: "maxlen") && more > 0 || words.word(place, is: "minid") && more > 0 {
                try readBound(words, &place)
            } else if words.word(place, is: "limit") && more > 0 {
                let number = try words.integer(place + 1)
                guard number >= 0 else { throw RespError("The LIMIT argument must be >= 0.") }
                limit = number
                place += 1
            } else if isAdd, words.word(place, is: "nomkstream") {
                makesStream = false
            } else if isAdd {
                id = try AddOrTrimOptions.id(words[place])
                break options
            } else {
                throw .syntax
            }
            place += 1
        }
        idPlace = place
        try finish(isAdd, step: words.scope.trimStep)
    }

    private mutating func readBound(_ words: Words, _ place: inout Int) throws(RespError) {
        guard trim == nil else {
            throw RespError("syntax error, MAXLEN and MINID options at the same time are not compatible")
        }
        let isLength = words.word(place, is: "maxlen")
        var isApproximate = false
        if words.after(place) >= 2, words.exactly(place + 1, "~") || words.exactly(place + 1, "=") {
            isApproximate = words.exactly(place + 1, "~")
            place += 1
        }
        let bound: Trim.Bound
        if isLength {
            let length = try words.integer(place + 1)
            guard length >= 0 else { throw RespError("The MAXLEN argument must be >= 0.") }
            bound = .length(UInt64(length))
        } else {
            bound = .before(try EntryID(reading: words[place + 1], allowsEnds: true))
        }
        place += 1
        trim = Trim(bound: bound, isApproximate: isApproximate)
    }

    private mutating func finish(_ isAdd: Bool, step: Int) throws(RespError) {
        guard var found = trim else {
            if let limit, limit > 0 {
                throw RespError("syntax error, LIMIT cannot be used without specifying a trimming strategy")
            }
            if !isAdd { throw RespError("syntax error, XTRIM must be called with a trimming strategy") }
            if limit != nil { throw RespError("syntax error, LIMIT cannot be used without the special ~ option") }
            return
        }
        if limit != nil, !found.isApproximate {
            throw RespError("syntax error, LIMIT cannot be used without the special ~ option")
        }
        found.step = step
        if found.isApproximate {
            found.limit = limit.map { Int($0) } ?? (step > 0 ? min(100 * step, 1_000_000) : 10_000)
        }
        trim = found
    }

    private static func id(_ bytes: [UInt8]) throws(RespError) -> EntryIDRequest {
        guard let (id, isCounterGiven) = EntryID.read(bytes, 0, false) else { throw .invalidID }
        return isCounterGiven ? .exactly(id) : .nextIn(milliseconds: id.milliseconds)
    }
}
