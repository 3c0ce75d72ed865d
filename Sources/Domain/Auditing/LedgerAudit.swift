// Positions as the fills say and as the exchange attests them: where they differ for longer than a feed needs to notice,
// that must be on record (`reducing`, cause `ledgers`).

internal import Events
internal import Records

struct LedgerAudit: Sendable {
    static let rule = "ledgers.agree"
    private var since: [PositionKey: (at: Timestamp, sequence: SequenceNumber)] = [:]
    private var told: Set<PositionKey> = []

    /// After the record is folded. While nothing is running nothing can be noticed: a new session counts anew.
    mutating func look(_ record: borrowing RecordView, _ kind: EventKind, _ state: State, _ book: inout AuditBook) {
        if kind == .sessionStarted { since = since.mapValues { _ in (record.recordedAt, record.sequence) } }
        if kind == .fill || kind == .positionAttested { compare(record, state) }
        guard !since.isEmpty else { return }
        if state.trading.reducingCauses.contains(where: { $0.cause == "ledgers" }) || state.trading.halt != nil {
            since = since.mapValues { _ in (record.recordedAt, record.sequence) }
            return
        }
        let now = record.recordedAt.nanoseconds
        for (key, start) in since.sorted(by: { $0.key < $1.key })
        where now - start.at.nanoseconds > Limits.auditGraceNanoseconds && told.insert(key).inserted {
            book.find(
                record.sequence, LedgerAudit.rule,
                expected: "equal ledgers, or reducing raised for them, since \(start.sequence)",
                found:
                    "\(key.symbol) \(key.leg.event): fills say \(state.positions[key]?.quantity ?? .zero), the exchange \(state.attested[key]?.quantity ?? .zero)"
            )
        }
    }

    private mutating func compare(_ record: borrowing RecordView, _ state: State) {
        var next: [PositionKey: (at: Timestamp, sequence: SequenceNumber)] = [:]
        for (key, attested) in state.attested.all {
            let ours = state.positions[key]?.quantity ?? .zero
            guard ours != ExactSum(attested.quantity) else { continue }
            // Another amount is another difference: something is still moving.
            next[key] = (record.recordedAt, record.sequence)
            if record.kind != EventKind.fill.kind, let before = since[key] { next[key] = before }
        }
        since = next
        told = told.filter { next[$0] != nil }
    }
}
