// A block: up to 169 pairs of one run, in order, with a checksum. It fills one page of LMDB (an overflow page has 4,080
// bytes), so a run is written and read as whole pages.
//
// Layout, little-endian: u64 checksum of the rest · u16 count · 6 bytes of zero · count × (u64 high, u64 low, u64 sequence).

internal import Records

enum RunBlock {
    static let byteCount = 4_072
    static let headerBytes = 16
    static let pairsMax = (byteCount - headerBytes) / RunPair.byteCount

    /// Writes the checksum of a filled block.
    static func seal(_ block: UnsafeMutableRawPointer, count: Int, run: UInt32, place: Int) {
        block.storeBytes(of: UInt64(count).littleEndian, toByteOffset: 8, as: UInt64.self)
        let sum = checksum(block, run, place)
        block.storeBytes(of: sum.littleEndian, toByteOffset: 0, as: UInt64.self)
    }

    /// The number of its pairs. Throws unless the block is the one that was written there.
    @inline(__always)
    static func check(_ block: UnsafeRawPointer, run: UInt32, place: Int) throws -> Int {
        let count = RunChecksum.word(block, 1)
        guard RunChecksum.word(block, 0) == checksum(block, run, place), count > 0, count <= UInt64(pairsMax) else {
            throw RunDamage("block \(place) of run \(run) does not have its checksum")
        }
        return Int(count)
    }

    @inline(__always)
    static func pair(_ block: UnsafeRawPointer, _ place: Int) -> RunPair {
        let word = 2 + place * 3
        return RunPair(
            high: RunChecksum.word(block, word), low: RunChecksum.word(block, word + 1),
            sequence: RunChecksum.word(block, word + 2))
    }

    static func put(_ pair: RunPair, _ place: Int, in block: UnsafeMutableRawPointer) {
        let offset = headerBytes + place * RunPair.byteCount
        block.storeBytes(of: pair.high.littleEndian, toByteOffset: offset, as: UInt64.self)
        block.storeBytes(of: pair.low.littleEndian, toByteOffset: offset + 8, as: UInt64.self)
        block.storeBytes(of: pair.sequence.littleEndian, toByteOffset: offset + 16, as: UInt64.self)
    }

    /// The place of the first pair that is `hash` with any sequence, or larger.
    static func lowerBound(_ block: UnsafeRawPointer, count: Int, _ hash: KeyHash) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            let word = 2 + middle * 3
            let found = RunChecksum.word(block, word)
            let isBefore =
                found < hash.high || (found == hash.high && RunChecksum.word(block, word + 1) < hash.low)
            if isBefore { low = middle + 1 } else { high = middle }
        }
        return low
    }

    @inline(__always)
    private static func checksum(_ block: UnsafeRawPointer, _ run: UInt32, _ place: Int) -> UInt64 {
        RunChecksum.of(block + 8, words: byteCount / 8 - 1, seed: RunChecksum.seed(run: run, place: place))
    }
}
