// Builds the search index: runs from the log, in bounded steps, each a transaction. Blocks are written first; a run
// counts when its row and the checkpoint are there, in one transaction. A builder that is killed leaves blocks that
// belong to no run, and the next one clears them away. One builds at a time, in all processes; readers are never
// held up, and nobody waits for a builder.

internal import EventLog
internal import Events
internal import LMDB
package import Records

extension SearchIndex {
    /// Indexes what the log has and the index has not, where that is at least one run's worth.
    /// - Returns: false where another process builds it just now.
    @available(*, noasync)
    package func catchUp(progress: (SequenceNumber) -> Void = { _ in }) throws -> Bool {
        let lock = try views.lock(SearchIndex.lockName)
        guard lock.tryLock() else { return false }
        defer { lock.unlock() }
        let edition = try views.read { try views.editions(SearchIndex.line, $0).current }
        try SearchBuilder(self, edition: edition).build(progress)
        return true
    }
}

struct SearchBuilder {
    private let index: SearchIndex
    private let edition: UInt32
    private var views: Views { index.views }

    /// The caller holds the lock.
    init(_ index: SearchIndex, edition: UInt32) {
        self.index = index
        self.edition = edition
    }

    /// Until less than a run's worth is missing; then merges.
    @available(*, noasync)
    func build(_ progress: (SequenceNumber) -> Void) throws {
        try clearLeftovers()
        var reached = try views.read { try index.reached(edition, $0) }
        if reached.isNone { try forgetRuns() }
        while try index.log.head().sequence.rawValue - reached.rawValue >= index.sizes.recordsMin {
            reached = try addRun(after: reached)
            progress(reached)
        }
        while try merge() {}
    }

    // MARK: One run

    private func addRun(after reached: SequenceNumber) throws -> SequenceNumber {
        var postings = SearchSorting()
        var head = Head(sequence: reached, hash: .zero)
        try index.log.walk(
            from: reached.next, through: SequenceNumber(reached.rawValue + index.sizes.recordsMax)
        ) { record in
            let offset = UInt32(record.sequence.rawValue - reached.rawValue)
            SearchTerm.each(of: record) { postings.add($0.hash, offset) }
            head = Head(sequence: record.sequence, hash: record.hash)
            return true
        }
        let number = try nextNumber()
        var writer = SearchBlockWriter(run: number)
        try postings.each { term, offset in
            writer.add(term, reached.rawValue + UInt64(offset))
            try put(&writer, atLeast: Limits.searchStepBytesMax)
        }
        writer.finish()
        try put(&writer, atLeast: 1)
        let run = SearchRun(number: number, first: reached.next, last: head.sequence, content: writer.content)
        try views.write { transaction in
            try transaction.put(
                views.tables.runs, SearchRunKey(edition: edition, first: run.first).bytes, run.encoded())
            try views.put(
                SearchIndex.line.row(edition), head, version: SearchIndex.version, [], &transaction)
        }
        Failpoint.searchStep.hit()
        return head.sequence
    }

    private func put(_ writer: inout SearchBlockWriter, atLeast bytes: Int) throws {
        guard writer.bytes >= bytes else { return }
        let blocks = writer.take()
        try views.write { transaction in
            for block in blocks { try transaction.put(views.tables.blocks, block.key, block.bytes, .append) }
        }
        Failpoint.searchStep.hit()
    }

    private func nextNumber() throws -> UInt32 {
        try views.read { transaction in
            try transaction.withCursor(views.tables.blocks) { cursor in
                try cursor.last() ? SearchBlockKey.run(of: cursor.key) + 1 : 1
            }
        }
    }

    // MARK: Merging

    /// False where nothing is to be merged.
    private func merge() throws -> Bool {
        let runs = try views.read { try index.runs(edition, $0) }
        guard let range = SearchMerge.next(runs.map(\.records), least: index.sizes.recordsMin) else { return false }
        let parts = Array(runs[range])
        let number = try nextNumber()
        var writer = SearchBlockWriter(run: number)
        var streams = parts.map { SearchRunStream($0, views) }
        for place in streams.indices { try streams[place].fill() }
        while let term = streams.compactMap(\.term).min() {
            // Runs follow each other, so a term's postings do.
            for place in streams.indices {
                while streams[place].term == term {
                    for sequence in streams[place].postings { writer.add(term, sequence) }
                    try streams[place].advance()
                }
            }
            try put(&writer, atLeast: Limits.searchStepBytesMax)
        }
        writer.finish()
        try put(&writer, atLeast: 1)
        let merged = SearchRun(
            number: number, first: parts[0].first, last: parts[parts.count - 1].last, content: writer.content)
        try views.write { transaction in
            for part in parts {
                try transaction.delete(views.tables.runs, SearchRunKey(edition: edition, first: part.first).bytes)
            }
            try transaction.put(
                views.tables.runs, SearchRunKey(edition: edition, first: merged.first).bytes, merged.encoded())
        }
        try clearLeftovers()
        return true
    }

    // MARK: Clearing away

    /// Rows of runs that no checkpoint vouches for.
    private func forgetRuns() throws {
        try views.write { transaction in
            for run in try index.runs(edition, transaction) {
                try transaction.delete(views.tables.runs, SearchRunKey(edition: edition, first: run.first).bytes)
            }
        }
        try clearLeftovers()
    }

    /// Blocks of no run, whichever edition: of a builder that was killed, or merged since.
    func clearLeftovers() throws {
        let known = try views.read { transaction in
            try transaction.withCursor(views.tables.runs) { cursor in
                var numbers: Set<UInt32> = []
                var isThere = try cursor.first()
                while isThere {
                    numbers.insert(try SearchRun(first: .none, decoding: cursor.value.array()).number)
                    isThere = try cursor.next()
                }
                return numbers
            }
        }
        var from: UInt32? = 0
        while let next = from { from = try clearSome(from: next, known) }
    }

    /// Where to go on; nil: done.
    private func clearSome(from start: UInt32, _ known: Set<UInt32>) throws -> UInt32? {
        let (run, keys) = try views.read { transaction in
            try transaction.withCursor(views.tables.blocks) { cursor -> (UInt32?, [[UInt8]]) in
                guard try cursor.seek(SearchBlockKey(run: start, term: 0, sequence: 0)) else { return (nil, []) }
                let run = try SearchBlockKey.run(of: cursor.key)
                var keys: [[UInt8]] = []
                var isThere = !known.contains(run)
                while try isThere && keys.count * Limits.searchBlockBytesMax < Limits.searchStepBytesMax
                    && SearchBlockKey.run(of: cursor.key) == run
                {
                    keys.append(cursor.key.array())
                    isThere = try cursor.next()
                }
                return (run, keys)
            }
        }
        guard let run else { return nil }
        if keys.isEmpty { return run == .max ? nil : run + 1 }
        try views.write { transaction in
            for key in keys { try transaction.delete(views.tables.blocks, key) }
        }
        return run
    }
}

/// The entries of one run, in order, block by block: no read transaction is held between two.
private struct SearchRunStream {
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

/// Which runs become one: where eight of one size stand together, with smaller ones among them perhaps, all of that
/// stretch. So each record is written again once for each eightfold growth of the log.
enum SearchMerge {
    static func next(_ records: [UInt64], least: UInt64) -> Range<Int>? {
        let sizes = records.map { size($0, least: least) }
        for size in 0...(sizes.max() ?? 0) {
            if let range = stretch(sizes, size) { return range }
        }
        return records.count > Limits.searchRunsMax ? records.count / 2..<records.count : nil
    }

    /// How often the least size grew eightfold.
    private static func size(_ records: UInt64, least: UInt64) -> Int {
        var (size, bound) = (0, least * UInt64(Limits.searchRunsPerMerge))
        while records >= bound {
            size += 1
            let (next, isOver) = bound.multipliedReportingOverflow(by: UInt64(Limits.searchRunsPerMerge))
            if isOver { break }
            bound = next
        }
        return size
    }

    private static func stretch(_ sizes: [Int], _ size: Int) -> Range<Int>? {
        var start = 0
        var equal = 0
        for place in 0...sizes.count {
            if place < sizes.count, sizes[place] <= size {
                equal += sizes[place] == size ? 1 : 0
                if equal == Limits.searchRunsPerMerge { return start..<place + 1 }
            } else {
                (start, equal) = (place + 1, 0)
            }
        }
        return nil
    }
}

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
