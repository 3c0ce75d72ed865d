// Sorted runs beside a plain dictionary: through merges, deaths of the keeper, flipped bits.

import Foundation
import LMDB
import Records
import SortedRuns
import Testing

/// A store in a folder of its own, beside a plain dictionary that says what it must answer.
private final class Bench {
    let folder = NSTemporaryDirectory() + "runs-\(UUID().uuidString)"
    let tiers: RunTiers
    let rowsPerTransaction: Int
    private(set) var store: RunStore
    var model: [KeyHash: [UInt64]] = [:]
    var generator = SplitMix(state: 0)

    init(tiers: RunTiers = RunTiers(pairsMin: 100, fanOut: 4), rowsPerTransaction: Int = 3, seed: UInt64 = 1) throws {
        self.tiers = tiers
        self.rowsPerTransaction = rowsPerTransaction
        generator = SplitMix(state: seed)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        store = try Bench.open(folder)
    }

    deinit {
        store.close()
        // A folder that stays behind does no harm.
        try? FileManager.default.removeItem(atPath: folder)
    }

    static func open(_ folder: String) throws -> RunStore {
        try RunStore(at: folder, mapBytes: 1 << 30, readersMax: 64, readOnly: false)
    }

    func reopen() throws {
        store.close()
        store = try Bench.open(folder)
    }

    func keeper(_ stepped: @escaping (RunStep) throws -> Void = { _ in }) -> RunKeeper {
        RunKeeper(store, tiers: tiers, rowsPerTransaction: rowsPerTransaction, stepped: stepped)
    }

    /// Random pairs; one hash in ten is an old one again.
    func pairs(_ count: Int, from first: UInt64) -> [RunPair] {
        var found: [RunPair] = []
        let old = Array(model.keys.prefix(50))
        for place in 0..<count {
            let isOld = !old.isEmpty && generator.next() % 10 == 0
            let hash =
                isOld
                ? old[Int(generator.next() % UInt64(old.count))]
                : KeyHash(high: generator.next(), low: generator.next())
            found.append(RunPair(hash, SequenceNumber(first + UInt64(place))))
        }
        return found.sorted()
    }

    func know(_ pairs: [RunPair]) {
        for pair in pairs { model[pair.hash, default: []].append(pair.sequence) }
    }

    /// Every hash has exactly its sequences, and others have none.
    func judge() throws {
        let hashes = Array(model.keys)
        try store.read { runs in
            for hash in hashes {
                var found: [UInt64] = []
                try runs.each(hash) {
                    found.append($0.rawValue)
                    return true
                }
                #expect(found.sorted() == model[hash]?.sorted())
            }
            var firsts = [UInt64](repeating: 0, count: hashes.count)
            try runs.firsts(hashes, &firsts)
            for (hash, first) in zip(hashes, firsts) { #expect(model[hash]?.contains(first) == true) }
            for _ in 0..<1_000 {
                let absent = try runs.first(KeyHash(high: generator.next(), low: generator.next()))
                #expect(absent == nil)
            }
            var all: [RunPair] = []
            try runs.eachPair { all.append($0) }
            let count = model.values.reduce(0) { $0 + $1.count }
            #expect(all == all.sorted() && all.count == count && runs.pairCount == UInt64(count))
            try runs.check()
        }
    }
}

private struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
        return word ^ word >> 31
    }
}

private struct Stopped: Error {}

@Suite struct RunTests {
    @Test(arguments: [1, 2, 3] as [UInt64])
    func whatWasAddedIsFoundAndNothingElseThroughMergesOfAllTiers(seed: UInt64) throws {
        let bench = try Bench(seed: seed)
        var next: UInt64 = 1
        for round in 0..<40 {
            let pairs = bench.pairs(Int(bench.generator.next() % 400) + 1, from: next)
            next += UInt64(pairs.count)
            let keeper = bench.keeper()
            try keeper.add(pairs) { _ in (0, [UInt8(round)]) }
            bench.know(pairs)
            while try keeper.mergeOne(between: { _ in }) {}
            try keeper.sweep()
            if round % 8 == 0 { try bench.reopen() }
            if round % 5 == 0 { try bench.judge() }
        }
        try bench.judge()
        try bench.store.read { runs in
            #expect(runs.note == [39])
            #expect(runs.runCount < 20)
        }
    }

    @Test func aRunIsAddedAndSmallerOnesAreMergedWhileALargeMergeGoesOn() throws {
        let bench = try Bench(rowsPerTransaction: 1)
        let keeper = bench.keeper()
        var next: UInt64 = 1
        func add(_ count: Int) throws {
            let pairs = bench.pairs(count, from: next)
            next += UInt64(count)
            try keeper.add(pairs) { _ in (0, []) }
            bench.know(pairs)
        }
        for _ in 0..<4 { try add(1_000) }
        var (added, smaller) = (0, 0)
        let merged = try keeper.mergeOne { pairs in
            if added < 8 {
                try add(50)
                added += 1
            }
            if try keeper.mergeOne(below: pairs, between: { _ in }) { smaller += 1 }
            try bench.judge()
        }
        try keeper.sweep()
        #expect(merged && added == 8 && smaller >= 1)
        try bench.judge()
        try bench.reopen()
        try bench.judge()
    }

    @Test func aHashMayHaveMoreSequencesThanABlockHolds() throws {
        let bench = try Bench()
        let keeper = bench.keeper()
        let (hash, other) = (KeyHash(high: 7, low: 9), KeyHash(high: 7, low: 10))
        for run in 0..<3 {
            let first = UInt64(run * 2_000)
            let pairs =
                (1...1_000).map { RunPair(hash, SequenceNumber(first + $0)) }
                + (1_001...1_900).map { RunPair(other, SequenceNumber(first + $0)) }
            try keeper.add(pairs.sorted()) { _ in (0, []) }
            bench.know(pairs)
        }
        try bench.judge()
        try bench.store.read { runs in
            var found: [UInt64] = []
            try runs.each(hash) {
                found.append($0.rawValue)
                return found.count < 1_500
            }
            #expect(found == Array(1...1_000) + Array(2_001...2_500))
        }
    }

    @Test func aReplacedRunStaysForWhoReadsItUntilTheyEnd() throws {
        let bench = try Bench(tiers: RunTiers(pairsMin: 100, fanOut: 2))
        let keeper = bench.keeper()
        let pairs = (0..<2).map { _ in bench.pairs(3_000, from: 1) }
        for run in pairs { try keeper.add(run) { _ in (0, []) } }
        try bench.store.read { runs in
            _ = try keeper.mergeOne { _ in }
            try keeper.sweep()
            // Pages that were free would be written over now.
            for _ in 0..<20 { try keeper.add(bench.pairs(1_000, from: 1)) { _ in (0, []) } }
            try runs.check()
            for pair in pairs[0] {
                let found = try runs.first(pair.hash)
                #expect(found != nil)
            }
        }
    }

    @Test func spaceIsUsedAgain() throws {
        let bench = try Bench(tiers: RunTiers(pairsMin: 500, fanOut: 4), rowsPerTransaction: 50)
        let keeper = bench.keeper()
        for round in 0..<200 {
            try keeper.add(bench.pairs(1_000, from: UInt64(round * 1_000 + 1))) { _ in (0, []) }
            while try keeper.mergeOne(between: { _ in }) {}
            try keeper.sweep()
        }
        // 26 bytes a pair, half-full pages of the tree, and what the last merge replaced.
        #expect(bench.store.usedBytes < 200_000 * 26 * 3)
    }
}

@Suite struct RunCrashTests {
    /// A keeper that dies anywhere leaves the runs that were listed, exactly; the next one goes on.
    @Test func aKeeperThatDiesAnywhereLeavesWhatWasListed() throws {
        let bench = try Bench(tiers: RunTiers(pairsMin: 100, fanOut: 3), rowsPerTransaction: 2)
        var next: UInt64 = 1
        for deathAt in 1..<40 {
            let pairs = bench.pairs(500, from: next)
            next += 500
            var steps = 0
            // A throw inside of a transaction aborts it, as a death does; between two, nothing more is written.
            let keeper = bench.keeper { _ in
                steps += 1
                if steps == deathAt { throw Stopped() }
            }
            do {
                try keeper.add(pairs) { _ in (0, [UInt8(deathAt)]) }
                while try keeper.mergeOne(between: { _ in }) {}
                try keeper.sweep()
            } catch is Stopped {}
            try bench.reopen()
            // The note tells which run was listed last, as it tells the owner.
            if try bench.store.read({ $0.note }) == [UInt8(deathAt)] { bench.know(pairs) }
            try bench.judge()
        }
        #expect(bench.model.count > 5_000)
    }
}

@Suite struct RunDamageTests {
    /// Bits of pages that hold pairs and filters flip: what is answered is right, or it is damage.
    @Test func aFlippedBitIsFoundOrDoesNotMatter() throws {
        let bench = try Bench(tiers: RunTiers(pairsMin: 100, fanOut: 4))
        let keeper = bench.keeper()
        for round in 0..<3 {
            let pairs = bench.pairs(3_000, from: UInt64(round * 3_000 + 1))
            try keeper.add(pairs) { _ in (0, []) }
            bench.know(pairs)
        }
        bench.store.close()
        let path = bench.folder + "/data.mdb"
        let sound = try Data(contentsOf: URL(fileURLWithPath: path))
        let pages = (2..<sound.count / 4_096).filter { sound[$0 * 4_096 + 10] & 4 != 0 }
        #expect(pages.count > 50)
        var found = 0
        for page in pages {
            var damaged = sound
            let place = page * 4_096 + 16 + Int(bench.generator.next() % 4_080)
            damaged[place] ^= UInt8(1 << (bench.generator.next() % 8))
            try damaged.write(to: URL(fileURLWithPath: path))
            if try isDamageSeen(bench) { found += 1 }
        }
        try sound.write(to: URL(fileURLWithPath: path))
        try bench.reopen()
        try bench.judge()
        // Some bits are of no use: the ends of pages, filters' headers.
        #expect(found > pages.count * 9 / 10)
    }

    private func isDamageSeen(_ bench: Bench) throws -> Bool {
        let store: RunStore
        do { store = try Bench.open(bench.folder) } catch is RunDamage { return true }
        defer { store.close() }
        var isSeen = false
        try store.read { runs in
            for (hash, sequences) in bench.model {
                do {
                    let first = try runs.first(hash)
                    #expect(sequences.contains(first?.rawValue ?? 0), "a wrong absence")
                } catch is RunDamage { isSeen = true }
            }
        }
        return isSeen
    }

    @Test func aMissingRowIsDamage() throws {
        let bench = try Bench()
        let pairs = bench.pairs(1_000, from: 1)
        try bench.keeper().add(pairs) { _ in (0, []) }
        bench.store.close()
        for table in ["blocks", "filters"] {
            let copy = bench.folder + "-\(table)"
            try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: bench.folder + "/data.mdb", toPath: copy + "/data.mdb")
            let options = EnvironmentOptions(mapBytes: 1 << 30, readersMax: 8, tablesMax: 8, readOnly: false)
            let environment = try Environment(at: copy, options: options)
            let handle = try #require(try environment.openTables([table])[0])
            try environment.write { transaction in
                _ = try transaction.delete(handle, from: [0] as [UInt8], rowsMax: 1) { _ in true }
            }
            environment.close()
            #expect(throws: RunDamage.self) { _ = try Bench.open(copy) }
            try FileManager.default.removeItem(atPath: copy)
        }
        try bench.reopen()
    }
}
