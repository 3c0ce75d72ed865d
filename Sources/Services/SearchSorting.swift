// The order of a run's postings, in memory: 16 bytes each, twice.

/// Postings of one run, sorted by term; those of a term keep their order.
struct SearchSorting {
    private struct Posting {
        let term: UInt64
        let offset: UInt32
    }
    private var postings: [Posting] = []

    mutating func add(_ term: UInt64, _ offset: UInt32) { postings.append(Posting(term: term, offset: offset)) }

    /// By the upper bits into buckets, then each bucket by itself.
    func each(_ body: (UInt64, UInt32) throws -> Void) throws {
        let bits = 16
        var ends = [Int](repeating: 0, count: 1 << bits)
        for posting in postings { ends[Int(posting.term >> (64 - UInt64(bits)))] += 1 }
        var sum = 0
        for place in ends.indices {
            let count = ends[place]
            ends[place] = sum
            sum += count
        }
        var sorted = postings
        for posting in postings {
            let bucket = Int(posting.term >> (64 - UInt64(bits)))
            sorted[ends[bucket]] = posting
            ends[bucket] += 1
        }
        var start = 0
        for end in ends where end > start {
            sorted[start..<end].sort { ($0.term, $0.offset) < ($1.term, $1.offset) }
            for posting in sorted[start..<end] { try body(posting.term, posting.offset) }
            start = end
        }
    }
}
