// Redis' patterns of keys: `*`, `?`, `[a-c]`, `[^a]`, `\x`. Pure. A star takes no more work than pattern × text.

package enum GlobPattern {
    package static func matches(_ pattern: [UInt8], _ text: [UInt8]) -> Bool {
        var (p, t) = (0, 0)
        var star: (pattern: Int, text: Int)?
        while t < text.count {
            if p < pattern.count, pattern[p] == 0x2a {
                star = (p, t)
                p += 1
            } else if p < pattern.count, let next = one(pattern, p, text[t]) {
                p = next
                t += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                (p, t) = (last.pattern + 1, last.text + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == 0x2a }
    }

    /// Where the pattern goes on when its part at `place` takes the byte.
    private static func one(_ pattern: [UInt8], _ place: Int, _ byte: UInt8) -> Int? {
        switch pattern[place] {
        case 0x3f: return place + 1
        case 0x5b: return set(pattern, place + 1, byte)
        case 0x5c where place + 1 < pattern.count: return pattern[place + 1] == byte ? place + 2 : nil
        default: return pattern[place] == byte ? place + 1 : nil
        }
    }

    private static func set(_ pattern: [UInt8], _ start: Int, _ byte: UInt8) -> Int? {
        var place = start
        let isNegated = place < pattern.count && pattern[place] == 0x5e
        if isNegated { place += 1 }
        var isIn = false
        while place < pattern.count, pattern[place] != 0x5d {
            if pattern[place] == 0x5c, place + 1 < pattern.count {
                place += 1
                isIn = isIn || pattern[place] == byte
            } else if place + 2 < pattern.count, pattern[place + 1] == 0x2d {
                let ends = [pattern[place], pattern[place + 2]].sorted()
                isIn = isIn || (ends[0]...ends[1]).contains(byte)
                place += 2
            } else {
                isIn = isIn || pattern[place] == byte
            }
            place += 1
        }
        return isIn != isNegated ? min(place + 1, pattern.count) : nil
    }
}
