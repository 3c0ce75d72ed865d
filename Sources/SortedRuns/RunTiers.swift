// When runs are merged: `fanOut` runs of one tier become one of the next, so that a pair is written once a tier and the
// number of runs stays small. Pure. Only neighbours are merged: the runs of a manifest stay in the order in which
// they were added.

package struct RunTiers: Sendable {
    /// A run of fewer pairs than this times the fan-out is of tier 0.
    let pairsMin: UInt64
    let fanOut: Int

    package init(pairsMin: Int, fanOut: Int) {
        precondition(pairsMin > 0 && fanOut > 1, "tiers grow")
        self.pairsMin = UInt64(pairsMin)
        self.fanOut = fanOut
    }

    func tier(_ pairs: UInt64) -> Int {
        var (tier, rest) = (0, pairs / pairsMin)
        while rest >= UInt64(fanOut) {
            rest /= UInt64(fanOut)
            tier += 1
        }
        return tier
    }

    /// The neighbours to be merged: runs of at most one tier, `fanOut` of which are of that tier. The smallest such tier.
    func fullTier(_ runs: [(pairs: UInt64, isBusy: Bool)]) -> Range<Int>? {
        let tiers = runs.map { $0.isBusy ? Int.max : tier($0.pairs) }
        for tier in Set(tiers).subtracting([Int.max]).sorted() {
            var first: Int?
            var count = 0
            for (place, found) in tiers.enumerated() {
                if found > tier { (first, count) = (nil, 0) }
                guard found == tier else { continue }
                if first == nil { first = place }
                count += 1
                if count == fanOut, let first { return first..<place + 1 }
            }
        }
        return nil
    }
}
