// Reading a run from its beginning to its end, for merging and comparing.

internal import LMDB
internal import Records

/// The entries of one run, in order, block by block: no read transaction is held between two.
struct SearchRunStream {
    private let run: SearchRun
    private let views: Views
    private var entries: [(term: UInt64, postings: [UInt64])] = []
    private var place = 0
    private var block: [UInt8]?

    init(_ run: SearchRun, _ views: Views) {
        self.run = run
        self.views = views
    }

    /// Nil at the end.
    var term: UInt64? { place < entries.count ? entries[place].term : nil }
    var postings: [UInt64] { entries[place].postings }

    mutating func advance() throws {
        place += 1
        if place == entries.count { try fill() }
    }

    mutating func fill() throws {
        (entries, place) = ([], 0)
        let read = try views.block(of: run, after: block)
        guard let read else { return }
        block = read.key
        entries = try SearchIndex.entries(read.bytes)
    }
}

extension Views {
    /// The run's first block, or the one after `last`; nil at the end.
    func block(of run: SearchRun, after last: [UInt8]?) throws -> (key: [UInt8], bytes: [UInt8])? {
        try read { transaction in
            try transaction.withCursor(tables.blocks) { cursor -> (key: [UInt8], bytes: [UInt8])? in
                var isThere: Bool
                if let last {
                    isThere = try cursor.seek(last)
                    if isThere, cursor.key.array() == last { isThere = try cursor.next() }
                } else {
                    isThere = try cursor.seek(SearchBlockKey(run: run.number, term: 0, sequence: 0))
                }
                guard try isThere && SearchBlockKey.run(of: cursor.key) == run.number else { return nil }
                return (cursor.key.array(), cursor.value.array())
            }
        }
    }
}

extension SearchIndex {
    static func entries(_ block: [UInt8]) throws(RecordError) -> [(term: UInt64, postings: [UInt64])] {
        var entries: [(term: UInt64, postings: [UInt64])] = []
        var reader = ByteReader(block.span.bytes)
        while reader.remaining > 0 {
            let head = try SearchEntry(reading: &reader)
            entries.append((head.term, try head.postings(&reader)))
        }
        return entries
    }
}
