// What a run holds: pairs of a hash and a record's sequence, in the order (hash, sequence). A hash may have any
// number of sequences.

package import Records

package struct RunPair: Hashable, Comparable, Sendable {
    package let high: UInt64
    package let low: UInt64
    package let sequence: UInt64

    package static let byteCount = 24

    package init(_ hash: KeyHash, _ sequence: SequenceNumber) {
        high = hash.high
        low = hash.low
        self.sequence = sequence.rawValue
    }

    @inline(__always)
    init(high: UInt64, low: UInt64, sequence: UInt64) {
        self.high = high
        self.low = low
        self.sequence = sequence
    }

    package var hash: KeyHash { KeyHash(high: high, low: low) }

    @inline(__always)
    package static func < (a: RunPair, b: RunPair) -> Bool {
        if a.high != b.high { return a.high < b.high }
        if a.low != b.low { return a.low < b.low }
        return a.sequence < b.sequence
    }
}

/// The runs cannot be believed: a page is not what was written, or a row is missing. What was derived from the log
/// is built again; it never means "not there".
package struct RunDamage: Error, Equatable, Sendable, CustomStringConvertible {
    package let problem: String
    init(_ problem: String) { self.problem = problem }
    package var description: String { "the sorted runs are damaged: \(problem)" }
}
