// Keys in memory: one flat array of pairs, open addressing. It is what stands between the log's head and the sorted runs.

internal import Records
internal import SortedRuns

/// One thread changes it; what is not changed any more may be read by any.
final class KeyTable: @unchecked Sendable {
    private var slots: UnsafeMutablePointer<RunPair>
    private var mask: Int
    private(set) var count = 0

    private static let empty = RunPair(KeyHash(high: 0, low: 0), .none)

    init(slots wanted: Int = 1_024) {
        precondition(wanted.nonzeroBitCount == 1, "a power of two")
        slots = .allocate(capacity: wanted)
        slots.initialize(repeating: KeyTable.empty, count: wanted)
        mask = wanted - 1
    }

    deinit { slots.deallocate() }

    /// The record that has the key; nil where it is not in here.
    @inline(__always)
    func find(_ key: KeyHash) -> SequenceNumber? {
        var place = Int(truncatingIfNeeded: key.low) & mask
        while slots[place].sequence != 0 {
            if slots[place].high == key.high, slots[place].low == key.low {
                return SequenceNumber(slots[place].sequence)
            }
            place = (place + 1) & mask
        }
        return nil
    }

    /// The first record of a key keeps it.
    func insert(_ key: KeyHash, _ sequence: SequenceNumber) {
        precondition(!sequence.isNone, "a record has a number")
        if (count + 1) * 2 > mask { grow() }
        put(RunPair(key, sequence))
    }

    private func put(_ pair: RunPair) {
        var place = Int(truncatingIfNeeded: pair.low) & mask
        while slots[place].sequence != 0 {
            if slots[place].high == pair.high, slots[place].low == pair.low { return }
            place = (place + 1) & mask
        }
        slots[place] = pair
        count += 1
    }

    private func grow() {
        let (before, places) = (slots, mask + 1)
        slots = .allocate(capacity: places * 2)
        slots.initialize(repeating: KeyTable.empty, count: places * 2)
        mask = places * 2 - 1
        count = 0
        for place in 0..<places where before[place].sequence != 0 { put(before[place]) }
        before.deallocate()
    }

    /// What a transaction that is gone has put.
    func remove(after last: SequenceNumber) {
        let kept = (0...mask).compactMap {
            slots[$0].sequence != 0 && slots[$0].sequence <= last.rawValue ? slots[$0] : nil
        }
        guard kept.count < count else { return }
        (slots).update(repeating: KeyTable.empty, count: mask + 1)
        count = 0
        for pair in kept { put(pair) }
    }

    /// In the order of runs.
    func sortedPairs() -> [RunPair] {
        var pairs: [RunPair] = []
        pairs.reserveCapacity(count)
        for place in 0...mask where slots[place].sequence != 0 { pairs.append(slots[place]) }
        pairs.sort()
        return pairs
    }
}
