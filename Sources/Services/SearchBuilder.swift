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
