// What an audit has found so far: what differs (findings), what cannot be computed again and why (gaps), and how much
// was. Lists are bounded, counts are not: what is left out of a list is counted.

package import Records

package struct AuditFinding: Hashable, Sendable {
    package let sequence: SequenceNumber
    /// The decision rule as `router/1`, or the invariant.
    package let rule: String
    package let expected: String
    package let found: String
}

/// A decision that cannot be computed again from the log.
package struct AuditGap: Hashable, Sendable {
    package let sequence: SequenceNumber
    package let rule: String
    package let why: String
}

package struct AuditBook: Sendable {
    /// In the order of the log.
    package private(set) var findings: [AuditFinding] = []
    package private(set) var findingCount = 0
    package private(set) var gaps: [AuditGap] = []
    package private(set) var gapCount = 0
    /// Decisions that came out as recorded, by rule.
    package private(set) var replayed: [String: Int] = [:]
    /// Nothing before it is judged; it is only folded.
    private let since: SequenceNumber

    package init(since: SequenceNumber) { self.since = since }

    mutating func find(_ sequence: SequenceNumber, _ rule: String, expected: String, found: String) {
        guard sequence >= since else { return }
        findingCount += 1
        guard findings.count < Limits.auditFindingsKeptMax else { return }
        findings.append(AuditFinding(sequence: sequence, rule: rule, expected: expected, found: found))
    }

    /// What is known only at the end is put where it belongs.
    mutating func sort() {
        findings.sort { $0.sequence < $1.sequence }
        gaps.sort { $0.sequence < $1.sequence }
    }

    mutating func cannotReplay(_ sequence: SequenceNumber, _ rule: String, _ why: String) {
        guard sequence >= since else { return }
        gapCount += 1
        guard gaps.count < Limits.auditFindingsKeptMax else { return }
        gaps.append(AuditGap(sequence: sequence, rule: rule, why: why))
    }

    mutating func isAsRecorded(_ sequence: SequenceNumber, _ rule: String) {
        if sequence >= since { replayed[rule, default: 0] += 1 }
    }
}
