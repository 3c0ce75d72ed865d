// The checksum of a page of a run, fast enough to be made at each read: four lanes of multiplication. Every change of
// one word is found, and every other one but for one in 2^64; a page of zeros has none, and neither has a page that
// stands in the place of another. It proves nothing against somebody who wants to deceive.

enum RunChecksum {
    private static let odd: UInt64 = 0x9e37_79b9_7f4a_7c15

    /// What a page's checksum begins with: whose page it is, and which.
    @inline(__always)
    static func seed(run: UInt32, place: Int) -> UInt64 {
        var seed = (UInt64(run) << 32 | UInt64(truncatingIfNeeded: place)) &* odd
        seed ^= seed >> 29
        return (seed &* 0xbf58_476d_1ce4_e5b9) | 1
    }

    /// Of `words` words of 64 bits.
    @inline(__always)
    static func of(_ start: UnsafeRawPointer, words: Int, seed: UInt64) -> UInt64 {
        var (a, b, c, d) = (seed, seed &+ 1, seed &+ 2, seed &+ 3)
        var place = 0
        while place + 4 <= words {
            a = (a ^ word(start, place)) &* 0x9e37_79b9_7f4a_7c15
            b = (b ^ word(start, place + 1)) &* 0xbf58_476d_1ce4_e5b9
            c = (c ^ word(start, place + 2)) &* 0x94d0_49bb_1331_11eb
            d = (d ^ word(start, place + 3)) &* 0xd6e8_feb8_6659_fd93
            // The high bits go down, so that a change there reaches all later ones.
            (a, b, c, d) = (a ^ a >> 32, b ^ b >> 32, c ^ c >> 32, d ^ d >> 32)
            place += 4
        }
        while place < words {
            a = (a ^ word(start, place)) &* odd
            a ^= a >> 32
            place += 1
        }
        return a ^ (b << 17 | b >> 47) ^ (c << 31 | c >> 33) ^ (d << 47 | d >> 17)
    }

    @inline(__always)
    static func word(_ start: UnsafeRawPointer, _ place: Int) -> UInt64 {
        UInt64(littleEndian: start.loadUnaligned(fromByteOffset: place * 8, as: UInt64.self))
    }
}
