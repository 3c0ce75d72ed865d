// The runs as one manifest lists them, inside one read transaction: nothing that it leads to can vanish meanwhile.

internal import LMDB
package import Records

/// Lent to the closure of `RunStore.read`; it cannot be stored.
package struct RunSnapshot: ~Copyable {
    let manifest: RunManifest
    let runs: [Run]

    /// What the owner of the runs has said of them.
    package var note: [UInt8] { manifest.note }
    package var generation: UInt64 { manifest.generation }
    package var runCount: Int { runs.count }
    package var pairCount: UInt64 { runs.reduce(0) { $0 + $1.pairs } }

    /// For each hash the first sequence that has it, oldest run first; 0: no pair has the hash. Run by run, so that the
    /// memory's latencies overlap. `found` has a place for each hash; those that are not 0 are left alone.
    package func firsts(_ hashes: borrowing [KeyHash], _ found: inout [UInt64]) throws {
        precondition(hashes.count == found.count, "a place for each hash")
        try hashes.withUnsafeBufferPointer { hashes in
            try found.withUnsafeMutableBufferPointer { found in
                for run in runs {
                    for place in 0..<hashes.count where try run.mayHold(hashes[place]) {
                        guard found[place] == 0 else { continue }
                        try run.each(hashes[place]) {
                            found[place] = $0
                            return false
                        }
                    }
                }
            }
        }
    }

    package func first(_ hash: KeyHash) throws -> SequenceNumber? {
        var first: UInt64?
        try each(hash) {
            first = $0.rawValue
            return false
        }
        return first.map { SequenceNumber($0) }
    }

    /// Calls `body` with the sequences of the hash, oldest run first, until it answers false. Inside a run they ascend.
    package func each(_ hash: KeyHash, _ body: (SequenceNumber) throws -> Bool) throws {
        var goOn = true
        for run in runs where try goOn && run.mayHold(hash) {
            try run.each(hash) {
                goOn = try body(SequenceNumber($0))
                return goOn
            }
        }
    }

    /// Calls `body` with every pair of all runs, in order.
    package func eachPair(_ body: (RunPair) throws -> Void) throws {
        let merged = try MergedRuns(runs)
        while let pair = try merged.next() { try body(pair) }
    }

    /// Reads everything and throws `RunDamage` unless each run has its pairs in order, and its filter admits each.
    package func check() throws {
        for run in runs {
            var (count, last) = (UInt64(0), RunPair?.none)
            for place in 0..<run.blockCount {
                let (block, pairs) = try run.block(place)
                for pair in (0..<pairs).lazy.map({ RunBlock.pair(block, $0) }) {
                    if let last, pair < last { throw RunDamage("run \(run.number) is not in order") }
                    guard try run.mayHold(pair.hash) else {
                        throw RunDamage("run \(run.number)'s filter misses a pair")
                    }
                    last = pair
                }
                count += UInt64(pairs)
            }
            guard count == run.pairs else { throw RunDamage("run \(run.number) does not have its \(run.pairs) pairs") }
        }
    }
}

/// The pairs of several runs, in order. Who uses it must keep the runs from being deleted.
final class MergedRuns {
    private let runs: [Run]
    private let heads: UnsafeMutablePointer<Head>
    /// Of those that are not at their end.
    private var count: Int

    private struct Head {
        var pair: RunPair
        var block: UnsafeRawPointer
        var place: Int
        var pairs: Int
        var run: Int
        var blockPlace: Int
    }

    init(_ runs: [Run]) throws {
        self.runs = runs
        heads = .allocate(capacity: max(1, runs.count))
        count = 0
        for (place, run) in runs.enumerated() {
            let (block, pairs) = try run.block(0)
            heads[place] = Head(
                pair: RunBlock.pair(block, 0), block: block, place: 0, pairs: pairs, run: place, blockPlace: 0)
            count += 1
        }
    }

    deinit { heads.deallocate() }

    func next() throws -> RunPair? {
        guard count > 0 else { return nil }
        var least = 0
        for place in 1..<max(count, 1) where heads[place].pair < heads[least].pair { least = place }
        let pair = heads[least].pair
        try advance(least)
        return pair
    }

    @inline(__always)
    private func advance(_ place: Int) throws {
        heads[place].place += 1
        if heads[place].place == heads[place].pairs {
            let run = runs[heads[place].run]
            heads[place].blockPlace += 1
            guard heads[place].blockPlace < run.blockCount else {
                count -= 1
                heads[place] = heads[count]
                return
            }
            (heads[place].block, heads[place].pairs) = try run.block(heads[place].blockPlace)
            heads[place].place = 0
        }
        heads[place].pair = RunBlock.pair(heads[place].block, heads[place].place)
    }
}
