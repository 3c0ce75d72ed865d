// The two ledgers beside each other: positions as the fills say, and as the exchange attests them. Neither gives way.
// A difference that lasts is told; one that comes and goes with an order under way is not. Pure.

package import Events
internal import Records

/// Why risk may not be increased while the ledgers differ.
package struct LedgerDifference: Hashable, Sendable {
    package let key: PositionKey
    package let believed: ExactSum
    package let attested: ExactSum

    package var description: String {
        "\(key.symbol) \(key.leg.event): fills say \(believed), the exchange says \(attested)"
    }
}

package struct LedgerWatch: Sendable {
    /// A difference lasts when it stood longer, over two snapshots at least.
    package static let lastingMilliseconds: Int64 = 5_000

    private struct Seen: Sendable {
        let difference: LedgerDifference
        let since: Int64
        var snapshots: Int
    }
    private var seen: [PositionKey: Seen] = [:]

    package init() {}

    /// Compares one snapshot; `now` in milliseconds of any monotonic clock. A key that is missing is flat.
    /// - Returns: what has lasted, sorted by key.
    package mutating func compare(
        believed: [PositionKey: ExactSum], attested: [PositionKey: ExactSum], at now: Int64
    ) -> [LedgerDifference] {
        var next: [PositionKey: Seen] = [:]
        for key in Set(believed.keys).union(attested.keys) {
            let (ours, theirs) = (believed[key] ?? .zero, attested[key] ?? .zero)
            guard ours != theirs else { continue }
            let difference = LedgerDifference(key: key, believed: ours, attested: theirs)
            // Another amount is another difference: something is still moving.
            if let before = seen[key], before.difference == difference {
                next[key] = Seen(difference: difference, since: before.since, snapshots: before.snapshots + 1)
            } else {
                next[key] = Seen(difference: difference, since: now, snapshots: 1)
            }
        }
        seen = next
        return next.values.filter {
            $0.snapshots >= 2 && now - $0.since > LedgerWatch.lastingMilliseconds
        }.map(\.difference).sorted { $0.key < $1.key }
    }

    /// Whether the last snapshot showed no difference at all.
    package var agrees: Bool { seen.isEmpty }
}
