// The verification of keys: no two records have one key, and the index holds the key of every record that it says it
// covers, each once and with the right sequence, and no other. The sums of all (key, sequence) are compared, so a pass needs
// no list of them; the runs are read in one pass, in order, so that two equal keys are neighbours.

internal import LMDB
internal import Records
internal import SortedRuns

/// A set of (key, sequence), whatever the order, as its size and two sums. The factors are chance's, so that nothing that
/// went wrong can have been made to fit.
struct KeySums: Equatable {
    private var count: UInt64 = 0
    private var a: UInt64 = 0
    private var b: UInt64 = 0
    private static let seeds = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max))

    mutating func add(_ key: KeyHash, _ sequence: SequenceNumber) {
        count += 1
        a &+= KeySums.mixed(key, sequence, KeySums.seeds.0)
        b &+= KeySums.mixed(key, sequence, KeySums.seeds.1)
    }

    private static func mixed(_ key: KeyHash, _ sequence: SequenceNumber, _ seed: UInt64) -> UInt64 {
        var sum = seed
        for word in [key.high, key.low, sequence.rawValue] {
            sum = (sum ^ word) &* 0x9e37_79b9_7f4a_7c15
            sum ^= sum >> 29
        }
        return sum
    }
}

/// One check, in one snapshot of the log.
struct KeyCheck: ~Copyable {
    let runs: KeyRuns
    let tables: Tables
    let transaction: ReadTransaction
    /// The last record that was verified, the snapshot's head.
    let head: SequenceNumber

    private struct Problem: Error { let text: String }

    /// What is wrong, or nil.
    /// - Parameter expected: of all keys of all records.
    func problem(_ expected: KeySums) throws -> String? {
        do {
            var sums = KeySums()
            let covered = try addRuns(&sums)
            try addTail(after: covered, &sums)
            return sums == expected ? nil : "the key index does not hold the keys that the records have"
        } catch let problem as Problem { return problem.text }
    }

    /// Adds what the runs hold, and answers up to which record that is all.
    private func addRuns(_ sums: inout KeySums) throws -> SequenceNumber {
        do {
            return try runs.check { runs, upTo in
                try runs.check()
                var last: RunPair?
                try runs.eachPair { pair in
                    if let last, last.hash == pair.hash {
                        throw Problem(text: "records \(last.sequence) and \(pair.sequence) have one key")
                    }
                    last = pair
                    if pair.sequence <= head.rawValue { sums.add(pair.hash, SequenceNumber(pair.sequence)) }
                }
                return min(upTo, head)
            } ?? .none
        } catch let error where error is RunDamage || error is LMDBError {
            throw Problem(
                text: "keys/: \(error); it is derived: remove that folder, and the next process builds it again")
        }
    }

    /// The records that the runs do not cover: as many passes as keep the memory bounded.
    private func addTail(after covered: SequenceNumber, _ sums: inout KeySums) throws {
        let passes = (head.rawValue - covered.rawValue) / UInt64(Limits.keysPerVerifyPassMax) + 1
        for pass in 0..<passes {
            var pairs: [RunPair] = []
            var namespaces = KeyNamespaces()
            try RecordKeys.walk(transaction, tables, from: covered.next, &namespaces) { record, key in
                guard record.sequence <= head else { return false }
                guard let key else { return true }
                if pass == 0 { sums.add(key, record.sequence) }
                if key.high % passes == pass { pairs.append(RunPair(key, record.sequence)) }
                return true
            }
            try requireUnique(pairs.sorted())
        }
    }

    private func requireUnique(_ pairs: [RunPair]) throws {
        for (one, next) in zip(pairs, pairs.dropFirst()) where one.hash == next.hash {
            throw Problem(text: "records \(one.sequence) and \(next.sequence) have one key")
        }
        guard let (_, firsts) = runs.find(pairs.map(\.hash)) else { return }
        for (pair, first) in zip(pairs, firsts) where first != 0 && first != pair.sequence {
            throw Problem(text: "records \(first) and \(pair.sequence) have one key")
        }
    }
}
