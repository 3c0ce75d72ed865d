// Positions as the fills say and as the exchange attests them: where they differ although the feed has looked again and
// again, that must be on record (`reducing`, cause `ledgers`). A look leaves a record only where it shows something new,
// so a feed that hears nothing of the exchange is never blamed.

internal import Events
internal import Records

struct LedgerAudit: Sendable {
    static let rule = "ledgers.agree"
    private static let looksWanted = 2

    private struct Difference {
        /// By the boot's clock: a jump of the wall clock is no time in which somebody could have looked. (After a start
        /// of the machine there is a new session, and with it everything is counted anew.)
        let at: BootInstant
        let ours: ExactSum
        let theirs: ExactSum
        let sequence: SequenceNumber
        var looks = 0
        var lookedAt: BootInstant

        init(_ record: borrowing RecordView, _ ours: ExactSum, _ theirs: ExactSum) {
            (at, lookedAt, sequence) = (record.monotonicAt, record.monotonicAt, record.sequence)
            (self.ours, self.theirs) = (ours, theirs)
        }
    }
    private var differing: [PositionKey: Difference] = [:]
    private var told: Set<PositionKey> = []

    /// After the record is folded. While nothing is running nothing can be noticed: a new session counts anew.
    mutating func look(_ record: borrowing RecordView, _ kind: EventKind, _ state: State, _ book: inout AuditBook) {
        if kind == .fill || kind == .positionAttested { compare(record, kind, state) }
        guard !differing.isEmpty else { return }
        if kind == .sessionStarted || state.trading.halt != nil
            || state.trading.reducingCauses.contains(where: { $0.cause == "ledgers" })
        {
            for (key, old) in differing { differing[key] = Difference(record, old.ours, old.theirs) }
            return
        }
        let now = record.monotonicAt
        for (key, difference) in differing.sorted(by: { $0.key < $1.key })
        where difference.looks >= LedgerAudit.looksWanted
            && isOver(now, difference.at, UInt64(Limits.auditGraceNanoseconds)) && told.insert(key).inserted
        {
            book.find(
                record.sequence, LedgerAudit.rule,
                expected: "equal ledgers, or reducing raised for them, since \(difference.sequence)",
                found:
                    "\(key.symbol) \(key.leg.event): fills say \(state.positions[key]?.quantity ?? .zero), the exchange \(state.attested[key]?.quantity ?? .zero)"
            )
        }
    }

    private mutating func compare(_ record: borrowing RecordView, _ kind: EventKind, _ state: State) {
        var next: [PositionKey: Difference] = [:]
        let at = record.monotonicAt
        for (key, attested) in state.attested.all {
            let ours = state.positions[key]?.quantity ?? .zero
            let theirs = ExactSum(attested.quantity)
            // A short leg is stored as what it holds; the exchange gives it the sign of what it owes.
            guard ours != (key.leg == .short ? theirs.magnitude : theirs) else { continue }
            // Another amount is another difference: something is still moving. Another symbol's fill changes nothing.
            guard var before = differing[key], before.ours == ours, before.theirs == theirs else {
                next[key] = Difference(record, ours, theirs)
                continue
            }
            // A fill may be told by the stream, or by whoever traded: only who attests has looked at positions.
            if kind == .positionAttested,
                isOver(at, before.lookedAt, UInt64(LedgerWatch.lastingMilliseconds) * 1_000_000)
            {
                (before.looks, before.lookedAt) = (before.looks + 1, at)
            }
            next[key] = before
        }
        differing = next
        told = told.filter { next[$0] != nil }
    }

    private func isOver(_ now: BootInstant, _ then: BootInstant, _ nanoseconds: UInt64) -> Bool {
        now > then && now.nanoseconds - then.nanoseconds > nanoseconds
    }
}
