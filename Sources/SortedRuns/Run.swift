// One run, found in its environment: where each block and each page of the filter lies, and each block's first hash.
//
// Hazard: it holds addresses inside of LMDB's map. They stay right while the run's rows are there: LMDB never moves
// an overflow page, and never uses a page again that the snapshot of a reader can see. So they may be followed inside a
// read transaction whose manifest lists the run, and by the one who alone deletes runs; never otherwise.

internal import LMDB
internal import Records

final class Run: @unchecked Sendable {
    let number: UInt32
    let pairs: UInt64
    let blockCount: Int
    let cells: Int
    /// The upper half of each block's first hash.
    private let fences: UnsafeMutablePointer<UInt64>
    private let blocks: UnsafeMutablePointer<UnsafeRawPointer>
    private let filterPages: UnsafeMutablePointer<UnsafeRawPointer>

    /// Walks the run's rows, not its pages: nothing of them is read.
    init(
        _ description: RunDescription, _ tables: RunTables,
        _ transaction: borrowing some ReadableTransaction & ~Copyable
    ) throws {
        number = description.number
        pairs = description.pairs
        blockCount = Int(description.blocks)
        cells = Int(description.cells)
        guard blockCount > 0, cells > 0 else { throw RunDamage("run \(description.number) is empty") }
        fences = .allocate(capacity: blockCount)
        blocks = .allocate(capacity: blockCount)
        filterPages = .allocate(capacity: description.filterPages)
        try findBlocks(description, tables.blocks, transaction)
        try findFilter(description, tables.filters, transaction)
    }

    deinit {
        fences.deallocate()
        blocks.deallocate()
        filterPages.deallocate()
    }

    private func findBlocks(
        _ description: RunDescription, _ table: TableHandle,
        _ transaction: borrowing some ReadableTransaction & ~Copyable
    ) throws {
        var sum = Run.fenceSeed
        let count = try Run.each(table, number, transaction, bytes: RunBlock.byteCount, max: blockCount) {
            place, key, row in
            fences[place] = key.high
            blocks[place] = row
            sum = Run.fenceSum(sum, key.high, key.low, key.sequence)
        }
        guard count == blockCount, sum == description.fences else {
            throw RunDamage("run \(number) does not have its \(blockCount) blocks")
        }
    }

    private func findFilter(
        _ description: RunDescription, _ table: TableHandle,
        _ transaction: borrowing some ReadableTransaction & ~Copyable
    ) throws {
        let wanted = description.filterPages
        let count = try Run.each(table, number, transaction, bytes: RunFilter.pageBytes, max: wanted) {
            place, key, row in
            guard key.high == UInt64(place) else {
                throw RunDamage("page \(place) of run \(number)'s filter is missing")
            }
            filterPages[place] = row
        }
        guard count == wanted else { throw RunDamage("run \(number)'s filter does not have its \(wanted) pages") }
    }

    /// Calls `body` with every row of the run; answers how many there are.
    private static func each(
        _ table: TableHandle, _ number: UInt32, _ transaction: borrowing some ReadableTransaction & ~Copyable,
        bytes: Int, max: Int, _ body: (Int, RunKey, UnsafeRawPointer) throws -> Void
    ) throws -> Int {
        try transaction.withCursor(table) { cursor in
            var place = 0
            var isThere = try cursor.seek(RunKey(number, page: 0))
            while isThere {
                let key = try RunKey(reading: cursor.key)
                guard key.run == number else { break }
                let row = cursor.value.withUnsafeBytes { $0 }
                guard place < max, row.count == bytes, let start = row.baseAddress else {
                    throw RunDamage("run \(number) has rows that are not its own")
                }
                try body(place, key, start)
                place += 1
                isThere = try cursor.next()
            }
            return place
        }
    }

    static let fenceSeed: UInt64 = 0x9e37_79b9_7f4a_7c15
    static func fenceSum(_ sum: UInt64, _ high: UInt64, _ low: UInt64, _ sequence: UInt64) -> UInt64 {
        var sum = sum
        for word in (0..<3).lazy.map({ $0 == 0 ? high : $0 == 1 ? low : sequence }) {
            sum = (sum ^ word) &* 0xbf58_476d_1ce4_e5b9
            sum ^= sum >> 32
        }
        return sum
    }

    // MARK: Looking up

    /// False where no pair has the hash.
    @inline(__always)
    func mayHold(_ hash: KeyHash) throws -> Bool {
        let place = RunFilter.cell(of: hash.high, cells: cells)
        let (page, cell) = place.quotientAndRemainder(dividingBy: RunFilter.cellsPerPage)
        let address = filterPages[page] + (RunFilter.pageHeaderBytes + cell * RunFilter.cellBytes)
        return try RunFilter.mayHold(hash.low, address, run: number, place: place)
    }

    /// Calls `body` with the sequences of the hash, in order, until it answers false.
    func each(_ hash: KeyHash, _ body: (UInt64) throws -> Bool) throws {
        var place = firstBlock(for: hash.high)
        while place < blockCount, fences[place] <= hash.high {
            let (block, count) = try self.block(place)
            for pair in (RunBlock.lowerBound(block, count: count, hash)..<count).lazy.map({ RunBlock.pair(block, $0) })
            {
                guard pair.high == hash.high, pair.low == hash.low else { return }
                guard try body(pair.sequence) else { return }
            }
            place += 1
        }
    }

    /// The block of that place, checked, and the number of its pairs.
    func block(_ place: Int) throws -> (UnsafeRawPointer, Int) {
        precondition(place < blockCount, "a block that the run has")
        let block = blocks[place]
        let count = try RunBlock.check(block, run: number, place: place)
        guard RunChecksum.word(block, 2) == fences[place] else {
            throw RunDamage("block \(place) of run \(number) does not begin where its row says")
        }
        return (block, count)
    }

    /// The last block that begins before the hash, whose end may hold it.
    private func firstBlock(for high: UInt64) -> Int {
        var (low, end) = (0, blockCount)
        while low < end {
            let middle = (low + end) / 2
            if fences[middle] < high { low = middle + 1 } else { end = middle }
        }
        return max(0, low - 1)
    }
}
