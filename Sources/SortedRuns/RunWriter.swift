// Writes one run in one pass: its pairs come in order, full blocks and full pages of the filter leave at once. What it
// holds in memory is a block and a page, however large the run.

internal import LMDB
internal import Records

final class RunWriter {
    private let number: UInt32
    private let tables: RunTables
    private let cells: Int
    private let block: UnsafeMutableRawPointer
    private let page: UnsafeMutableRawPointer
    private var inBlock = 0
    private var blocks = 0
    private var pairs: UInt64 = 0
    private var last: RunPair?
    private var pagesDone = 0
    private var fences = Run.fenceSeed
    /// Rows put, of both tables.
    private(set) var rows = 0

    /// - Parameter expected: how many pairs will come; the filter is made for so many.
    init(number: UInt32, tables: RunTables, expected: Int) {
        self.number = number
        self.tables = tables
        cells = RunFilter.cells(forPairs: expected)
        block = .allocate(byteCount: RunBlock.byteCount, alignment: 64)
        page = .allocate(byteCount: RunFilter.pageBytes, alignment: 64)
        block.initializeMemory(as: UInt8.self, repeating: 0, count: RunBlock.byteCount)
        clearPage()
    }

    deinit {
        block.deallocate()
        page.deallocate()
    }

    func add(_ pair: RunPair, _ transaction: inout WriteTransaction) throws {
        if let last { precondition(last < pair || last == pair, "a run's pairs come in order") }
        let cell = RunFilter.cell(of: pair.high, cells: cells)
        while cell >= (pagesDone + 1) * RunFilter.cellsPerPage { try putPage(&transaction) }
        RunFilter.add(pair.low, to: words(of: cell - pagesDone * RunFilter.cellsPerPage))
        RunBlock.put(pair, inBlock, in: block)
        inBlock += 1
        pairs += 1
        last = pair
        if inBlock == RunBlock.pairsMax { try putBlock(&transaction) }
    }

    /// Writes what is left. Nil where no pair came.
    func finish(_ transaction: inout WriteTransaction) throws -> RunDescription? {
        guard pairs > 0 else { return nil }
        if inBlock > 0 { try putBlock(&transaction) }
        while pagesDone * RunFilter.cellsPerPage < cells { try putPage(&transaction) }
        return RunDescription(
            number: number, pairs: pairs, blocks: UInt32(blocks), cells: UInt32(cells), fences: fences)
    }

    private func putBlock(_ transaction: inout WriteTransaction) throws {
        let unused = RunBlock.headerBytes + inBlock * RunPair.byteCount
        (block + unused).initializeMemory(as: UInt8.self, repeating: 0, count: RunBlock.byteCount - unused)
        RunBlock.seal(block, count: inBlock, run: number, place: blocks)
        let first = RunBlock.pair(block, 0)
        fences = Run.fenceSum(fences, first.high, first.low, first.sequence)
        try put(tables.blocks, RunKey(number, first), block, RunBlock.byteCount, &transaction)
        blocks += 1
        inBlock = 0
    }

    private func putPage(_ transaction: inout WriteTransaction) throws {
        for cell in 0..<RunFilter.cellsPerPage {
            RunFilter.seal(words(of: cell), run: number, place: pagesDone * RunFilter.cellsPerPage + cell)
        }
        try put(tables.filters, RunKey(number, page: pagesDone), page, RunFilter.pageBytes, &transaction)
        pagesDone += 1
        clearPage()
    }

    private func put(
        _ table: TableHandle, _ key: RunKey, _ bytes: UnsafeMutableRawPointer, _ count: Int,
        _ transaction: inout WriteTransaction
    ) throws {
        rows += 1
        try transaction.reserve(table, key, count: count, .overwrite) { room in
            room.copyMemory(from: UnsafeRawBufferPointer(start: bytes, count: count))
        }
    }

    private func words(of cell: Int) -> UnsafeMutablePointer<UInt64> {
        (page + (RunFilter.pageHeaderBytes + cell * RunFilter.cellBytes)).assumingMemoryBound(to: UInt64.self)
    }

    private func clearPage() { page.initializeMemory(as: UInt8.self, repeating: 0, count: RunFilter.pageBytes) }
}
