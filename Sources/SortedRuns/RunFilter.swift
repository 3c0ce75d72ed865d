// A run's filter: says "not there" for nearly every hash that is not, by one look at 64 bytes. A hash belongs to one
// cell of seven words with one bit in each; the eighth word is the cell's checksum, looked at with every probe: a bit that
// rots from 1 to 0 would be a wrong absence, so a cell that does not have its checksum is damage, never an answer.
//
// Cells follow the order of the hashes, so a run and its filter are written in one pass, and 63 cells make a page:
// 48 bytes of zero (LMDB's page header has 16, so that cells lie in cache lines of their own), then the cells.

internal import Records

enum RunFilter {
    static let cellBytes = 64
    static let cellsPerPage = 63
    static let pageHeaderBytes = 48
    static let pageBytes = pageHeaderBytes + cellsPerPage * cellBytes
    private static let words = 7
    /// Pairs to a cell: 13.8 bits each, one absent hash in 250 passes.
    private static let pairsPerCell = 37

    static func cells(forPairs count: Int) -> Int { max(1, (count + pairsPerCell - 1) / pairsPerCell) }
    static func pages(forPairs count: Int) -> Int { (cells(forPairs: count) + cellsPerPage - 1) / cellsPerPage }

    @inline(__always)
    static func cell(of high: UInt64, cells: Int) -> Int {
        Int(truncatingIfNeeded: high.multipliedFullWidth(by: UInt64(cells)).high)
    }

    static func add(_ low: UInt64, to cell: UnsafeMutablePointer<UInt64>) {
        for word in 0..<words { cell[word] |= UInt64(1) &<< (low &>> UInt64(word * 6) & 63) }
    }

    /// Of a cell that gets no more hashes.
    static func seal(_ cell: UnsafeMutablePointer<UInt64>, run: UInt32, place: Int) {
        cell[words] = checksum(cell, run, place)
    }

    /// Whether the hash may be there. Throws where the cell is not what was written.
    @inline(__always)
    static func mayHold(_ low: UInt64, _ cell: UnsafeRawPointer, run: UInt32, place: Int) throws -> Bool {
        let cell = cell.assumingMemoryBound(to: UInt64.self)
        guard cell[words] == checksum(cell, run, place) else {
            throw RunDamage("cell \(place) of run \(run)'s filter does not have its checksum")
        }
        var missing: UInt64 = 0
        missing |= ~cell[0] &>> (low & 63)
        missing |= ~cell[1] &>> (low &>> 6 & 63)
        missing |= ~cell[2] &>> (low &>> 12 & 63)
        missing |= ~cell[3] &>> (low &>> 18 & 63)
        missing |= ~cell[4] &>> (low &>> 24 & 63)
        missing |= ~cell[5] &>> (low &>> 30 & 63)
        missing |= ~cell[6] &>> (low &>> 36 & 63)
        return missing & 1 == 0
    }

    /// A sum of products with odd factors: a change of one word always shows.
    @inline(__always)
    private static func checksum(_ cell: UnsafePointer<UInt64>, _ run: UInt32, _ place: Int) -> UInt64 {
        var sum = RunChecksum.seed(run: run, place: place)
        sum &+= cell[0] &* 0x9e37_79b9_7f4a_7c15
        sum &+= cell[1] &* 0xbf58_476d_1ce4_e5b9
        sum &+= cell[2] &* 0x94d0_49bb_1331_11eb
        sum &+= cell[3] &* 0xd6e8_feb8_6659_fd93
        sum &+= cell[4] &* 0xff51_afd7_ed55_8ccd
        sum &+= cell[5] &* 0xc4ce_b9fe_1a85_ec53
        sum &+= cell[6] &* 0x8cb9_2ba7_2f3d_8dd7
        return sum
    }
}
