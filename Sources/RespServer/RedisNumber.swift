// Numbers and entry ids as Redis reads them. Pure.

package import Records

enum RedisNumber {
    /// A whole number of 64 bits in its only form: no plus, no leading zero, no space.
    static func integer(_ bytes: some Collection<UInt8>) -> Int64? {
        guard let first = bytes.first, bytes.count <= 20 else { return nil }
        let digits = first == 0x2d ? bytes.dropFirst() : bytes.dropFirst(0)
        guard let lead = digits.first, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        if lead == 0x30, bytes.count > 1 { return nil }
        return Int64(String(decoding: bytes, as: UTF8.self))
    }

    /// As Redis' `string2ull`: what is no number in its only form may still be one with spaces, a plus or zeros before.
    static func unsigned(_ bytes: some Collection<UInt8>) -> UInt64? {
        var digits = bytes.dropFirst(0)
        while let first = digits.first, first == 0x20 || (0x09...0x0d).contains(first) { digits = digits.dropFirst() }
        if digits.first == 0x2b { digits = digits.dropFirst() }
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return UInt64(String(decoding: digits, as: UTF8.self))
    }
}

extension EntryID {
    /// As a command's argument. `-` and `+` are ids where a range or a special case allows them.
    package init(reading bytes: [UInt8], missingCounter: UInt64 = 0, allowsEnds: Bool = false) throws(RespError) {
        guard let (id, isCounterGiven) = EntryID.read(bytes, missingCounter, allowsEnds), isCounterGiven else {
            throw .invalidID
        }
        self = id
    }

    /// - Returns: whether the counter is given; it is not in `5-*`.
    static func read(
        _ bytes: [UInt8], _ missingCounter: UInt64, _ allowsEnds: Bool
    ) -> (id: EntryID, isCounterGiven: Bool)? {
        guard bytes.count <= 127, !bytes.contains(0) else { return nil }
        if bytes == [0x2d] { return allowsEnds ? (.zero, true) : nil }
        if bytes == [0x2b] { return allowsEnds ? (.last, true) : nil }
        let parts = bytes.split(separator: 0x2d, maxSplits: 1, omittingEmptySubsequences: false)
        guard let milliseconds = RedisNumber.unsigned(parts[0]) else { return nil }
        guard parts.count == 2 else { return (EntryID(milliseconds, missingCounter), true) }
        if parts[1].elementsEqual([0x2a]) { return (EntryID(milliseconds, 0), false) }
        return RedisNumber.unsigned(parts[1]).map { (EntryID(milliseconds, $0), true) }
    }
}
